package conformance

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// left counts what a model holds, deleted secrets too.
func (m *model) left() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.secrets)
}

func TestALiveCheckStaysWithinItsEstimate(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]CheckOption{"cheap": nil, "full": {FullCheck()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newModel()
			var announced Estimate
			seen := 0
			opts := append(opts, WithEstimate(func(e Estimate) error {
				announced = e
				if m.left() > 0 {
					t.Error("something was stored before the estimate was announced")
				}
				return nil
			}), WithProgress(func(Result) { seen++ }))
			report, err := Check(t.Context(), core.New("model", m), opts...)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range report.Results {
				cost := r.Case.Cost
				if name == "full" {
					cost = r.Case.FullCost
				}
				if r.Outcome == Failed {
					t.Errorf("%s failed: %q", r.Case.Name, r.Failures)
				}
				if testing.Verbose() && r.Calls > 0 {
					t.Logf("%3d of %3d calls: %s", r.Calls, cost.Calls, r.Case.Name)
				}
				if r.Calls > cost.Calls {
					t.Errorf("%s took %d calls, and says that it takes at most %d", r.Case.Name, r.Calls, cost.Calls)
				}
			}
			if report.Calls > announced.Calls || report.Secrets > announced.Secrets {
				t.Errorf("it took %d calls and %d secrets; announced were %s", report.Calls, report.Secrets, announced)
			}
			if name == "cheap" && (announced.Calls > 300 || announced.Secrets > 10) {
				t.Errorf("a cheap check announces %s; it may take 10 secrets and 300 calls", announced)
			}
			if !report.OK() || seen != len(Cases()) || len(report.Results) != seen {
				t.Errorf("%d of %d cases were reported, with these failed: %d", seen, len(Cases()), report.Count(Failed))
			}
			if n := m.left(); n > 0 {
				t.Errorf("%d secrets were left behind", n)
			}
			t.Logf("announced %s; it took %d secrets and %d calls", announced, report.Secrets, report.Calls)
		})
	}
}

// Some vendors bound how many versions a secret may get in a day: AWS keeps about a
// hundred.
func TestAFullCheckWritesNoSecretTooOften(t *testing.T) {
	t.Parallel()
	m := newModel()
	p := &patched{model: m}
	var mu sync.Mutex
	writes := map[string]int{}
	p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
		info, err := m.Set(ctx, id, v, o)
		if err == nil {
			mu.Lock()
			writes[id]++
			mu.Unlock()
		}
		return info, err
	}
	report, err := Check(t.Context(), core.New("model", p), FullCheck())
	if err != nil || report.Secrets > report.Estimate.Secrets {
		t.Errorf("%d secrets where %d were announced, %v", report.Secrets, report.Estimate.Secrets, err)
	}
	for id, n := range writes {
		if n > 80 && strings.HasPrefix(id, report.Prefix+"S") { // of those that cases share
			t.Errorf("%q was written %d times", id, n)
		}
	}
}

func TestEveryRaceOfACheapCheckIsOneOfFourWriters(t *testing.T) {
	t.Parallel()
	var inside, most atomic.Int64
	m := newModel()
	p := &patched{model: m}
	p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
		n := inside.Add(1)
		defer inside.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		turns()
		return m.Set(ctx, id, v, o)
	}
	if _, err := Check(t.Context(), core.New("model", p)); err != nil {
		t.Fatal(err)
	}
	if n := most.Load(); n > 4 {
		t.Errorf("%d writes were in flight at once; want at most 4", n)
	}
}

func TestALiveCheckFindsFaultsAndPrintsNoValue(t *testing.T) {
	t.Parallel()
	m := newModel()
	p := &patched{model: m}
	var last atomic.Pointer[string]
	p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
		s := v.Reveal()
		last.Store(&s)
		info, err := m.Set(ctx, id, v, o)
		if errors.Is(err, core.ErrConflict) {
			err = &core.Error{Kind: core.ErrNotFound, Hint: "refused " + s}
		}
		return info, err
	}
	report, err := Check(t.Context(), core.New("model", p))
	if err != nil {
		t.Fatal(err)
	}
	if report.OK() {
		t.Error("a service that calls a conflict not found passed")
	}
	var text strings.Builder
	if _, err := report.WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	// Values begin with a mark of 12 letters.
	if s := *last.Load(); strings.Contains(text.String(), s) {
		t.Error("the report shows a value")
	}
	for _, want := range []string{
		"FAIL   " + ruleErrorLeak, "FAIL   MUST/IfAbsent/creates-once", "rule: ", "look at: ", "skip ", report.Prefix, "[LEAKED VALUE]",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

func TestAnInterruptedCheckCleansUp(t *testing.T) {
	t.Parallel()
	for _, after := range []int64{1, 7, 40} {
		m := newModel()
		p := &patched{model: m}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var n atomic.Int64
		p.set = func(call context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := m.Set(call, id, v, o)
			if n.Add(1) == after {
				cancel()
			}
			return info, err
		}
		report, err := Check(ctx, core.New("model", p))
		if !errors.Is(err, context.Canceled) || !report.Interrupted || report.OK() {
			t.Errorf("interrupted after %d writes, the check returned the error %v", after, err)
		}
		if n := m.left(); n > 0 || len(report.Left) > 0 {
			t.Errorf("interrupted after %d writes, the check left %d secrets behind", after, n)
		}
		if len(report.Results) != len(Cases()) {
			t.Errorf("interrupted after %d writes, the report has %d of %d cases", after, len(report.Results), len(Cases()))
		}
	}
}

func TestWhatCannotBeRemovedIsNamed(t *testing.T) {
	t.Parallel()
	t.Run("no right to", func(t *testing.T) {
		t.Parallel()
		m := newModel()
		p := &patched{model: m}
		p.del = func(context.Context, string, core.DeleteOptions) error { return core.ErrPermissionDenied }
		report, err := Check(t.Context(), core.New("model", p))
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Left) < m.left() || m.left() == 0 || report.OK() {
			t.Errorf("%d secrets are left, and the report names %d", m.left(), len(report.Left))
		}
	})
	// Without Purge a delete may be recoverable, or final, as Google's are: the
	// report must not say of either that it is the other.
	for name, purge := range map[string]bool{"perhaps only recoverably": false, "for good": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newModel()
			m.claims.Purge = purge
			report, err := Check(t.Context(), core.New("model", m))
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			if _, err := report.WriteTo(&text); err != nil {
				t.Fatal(err)
			}
			const open = "either its deletes are final, or what the check deleted can still be recovered"
			if report.Recoverable == purge || strings.Contains(text.String(), open) == purge || len(report.Left) > 0 {
				t.Errorf("a service that claims Purge: %t. The report has Recoverable: %t, leaves that open: %t, and names %d secrets left", purge, report.Recoverable, strings.Contains(text.String(), open), len(report.Left))
			}
		})
	}
}

func TestALiveCheckOfAReadOnlyServiceStoresNothing(t *testing.T) {
	t.Parallel()
	m := newModel()
	s := whole(m)
	readOnly(s)
	report, err := Check(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Outcome == Failed {
			t.Errorf("%s failed: %q", r.Case.Name, r.Failures)
		}
	}
	if !report.OK() || report.Secrets != 0 || report.Estimate.Secrets != 0 || m.left() > 0 {
		t.Errorf("the report of a read-only service: %d failed, %d secrets", report.Count(Failed), report.Secrets)
	}
}

func TestACheckThatCannotBeDone(t *testing.T) {
	t.Parallel()
	refusal := errors.New("no, thanks")
	for name, test := range map[string]struct {
		opts []CheckOption
		want error
	}{
		"a waiver of a MUST":             {[]CheckOption{WithWaivers(map[string]string{"MUST/Get/missing-is-not-found": "x"})}, core.ErrInvalidOption},
		"a waiver of nothing":            {[]CheckOption{WithWaivers(map[string]string{"SHOULD/Get/nothing": "x"})}, core.ErrInvalidOption},
		"a waiver without reason":        {[]CheckOption{WithWaivers(map[string]string{"SHOULD/AtVersion/the-previous-one-is-kept": " "})}, core.ErrInvalidOption},
		"a prefix that is too long":      {[]CheckOption{WithPrefix(strings.Repeat("x", 45))}, core.ErrInvalidOption},
		"a prefix that begins no id":     {[]CheckOption{WithPrefix("no id")}, core.ErrInvalidOption},
		"an estimate that was turned on": {[]CheckOption{WithEstimate(func(Estimate) error { return refusal })}, refusal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newModel()
			if _, err := Check(t.Context(), core.New("model", m), test.opts...); !errors.Is(err, test.want) {
				t.Errorf("got the error %v; want one that matches %v", err, test.want)
			}
			if m.left() > 0 || m.seq > 0 {
				t.Error("something was stored")
			}
		})
	}
	t.Run("no capabilities", func(t *testing.T) {
		t.Parallel()
		p := &patched{model: newModel()}
		p.caps = func(context.Context) (core.Capabilities, error) { return core.Capabilities{}, core.ErrUnauthenticated }
		if _, err := Check(t.Context(), core.New("model", p)); !errors.Is(err, core.ErrUnauthenticated) {
			t.Errorf("got the error %v; want the one of Capabilities", err)
		}
	})
}

func TestEveryIDOfALiveCheckIsUnderItsPrefix(t *testing.T) {
	t.Parallel()
	m := newModel()
	p := &patched{model: m}
	var outside atomic.Int64
	const prefix = "app/check-"
	look := func(id string) {
		if !strings.HasPrefix(id, prefix) {
			outside.Add(1)
		}
	}
	p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
		look(id)
		return m.Get(ctx, id, o)
	}
	p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
		look(id)
		return m.Set(ctx, id, v, o)
	}
	p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
		look(id)
		return m.Delete(ctx, id, o)
	}
	p.list = func(ctx context.Context, under string) iter.Seq2[core.Info, error] {
		look(under)
		return m.List(ctx, under)
	}
	report, err := Check(t.Context(), core.New("model", p), WithPrefix(prefix), FullCheck())
	if err != nil {
		t.Fatal(err)
	}
	if outside.Load() > 0 {
		t.Errorf("%d calls were outside of the prefix", outside.Load())
	}
	if !strings.HasPrefix(report.Prefix, prefix) || len(report.Prefix) < len(prefix)+8 || report.Count(Failed) > 0 {
		t.Errorf("under a prefix of one's own %d cases failed", report.Count(Failed))
	}
}
