package memory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
)

// everyOp calls each operation on an id once and returns the errors by name.
func everyOp(ctx context.Context, s core.SecretService, id string) map[string]error {
	errs := map[string]error{}
	_, errs["get"] = s.Get(ctx, id)
	_, errs["get many"] = s.GetMany(ctx, []string{id})
	var batch *core.BatchError
	if errors.As(errs["get many"], &batch) {
		errs["get many"] = batch.ByID[id]
	}
	_, errs["stat"] = s.Stat(ctx, id)
	for _, err := range s.List(ctx, "") {
		errs["list"] = err
	}
	if errors.As(errs["list"], &batch) {
		errs["list"] = batch.ByID[id]
	}
	for _, err := range s.Versions(ctx, id) {
		errs["versions"] = err
	}
	_, errs["set"] = s.Set(ctx, id, core.String("new"))
	errs["delete"] = s.Delete(ctx, id)
	return errs
}

func TestAnErrorIsTheAnswerOfEveryCallThatItHits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault memory.Fault
		hits  []string // operations on A
	}{
		{
			"a denied id",
			memory.Fault{ID: "A", Err: core.ErrPermissionDenied},
			[]string{"get", "get many", "stat", "list", "versions", "set", "delete"},
		},
		{"another denied id", memory.Fault{ID: "B", Err: core.ErrPermissionDenied}, nil},
		{
			"an outage",
			memory.Fault{Err: core.ErrUnavailable},
			[]string{"get", "get many", "stat", "list", "versions", "set", "delete"},
		},
		{"reads alone", memory.Fault{Op: "get", Err: core.ErrExhausted}, []string{"get", "get many"}},
		{"one id's listing", memory.Fault{ID: "A", Op: "list", Err: core.ErrCorrupt}, []string{"list"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := memory.With(map[string]string{"A": "1", "B": "2"})
			remove := s.Inject(test.fault)
			for op, err := range everyOp(t.Context(), s, "A") {
				if want := slices.Contains(test.hits, op); errors.Is(err, test.fault.Err) != want || !want && err != nil {
					t.Errorf("%s: %v; hit: %v", op, err, want)
				}
			}
			remove()
			remove() // a second time does no harm
			if slices.Contains(test.hits, "delete") {
				reads(t, s, "A", "1") // what failed has changed nothing
			}
			set(t, s, "A", "1")
			for op, err := range everyOp(t.Context(), s, "A") {
				if err != nil {
					t.Errorf("%s after the fault was removed: %v", op, err)
				}
			}
		})
	}
}

func TestADeniedIDFailsAloneInBatchAndList(t *testing.T) {
	t.Parallel()
	s := memory.With(map[string]string{"A": "1", "B": "2", "C": "3"})
	s.Inject(memory.Fault{ID: "B", Err: core.ErrPermissionDenied})
	var batch *core.BatchError

	got, err := s.GetMany(t.Context(), []string{"A", "B", "D"})
	if !errors.As(err, &batch) || len(batch.ByID) != 1 || !errors.Is(batch.ByID["B"], core.ErrPermissionDenied) {
		t.Errorf("GetMany: %v, want B denied", err)
	}
	if len(got) != 1 || got["A"].Value.Reveal() != "1" {
		t.Errorf("GetMany: %d answers, want A alone", len(got))
	}

	infos, err := collect(t, s.List(t.Context(), ""))
	if !errors.As(err, &batch) || len(batch.ByID) != 1 || !errors.Is(batch.ByID["B"], core.ErrPermissionDenied) {
		t.Errorf("List: %v, want B denied", err)
	}
	if !slices.Equal(ids(infos), []string{"A", "C"}) {
		t.Errorf("List: %v, want A and C", ids(infos))
	}
}

func TestAFaultRemovesItselfAfterItsTimes(t *testing.T) {
	t.Parallel()
	s := memory.With(map[string]string{"A": "1"})
	s.Inject(memory.Fault{Times: 2, Err: core.ErrUnavailable})
	for i := range 3 {
		_, err := s.Get(t.Context(), "A")
		if failed := err != nil; failed != (i < 2) {
			t.Errorf("call %d: %v", i+1, err)
		}
	}
}

func TestASlowCallObeysItsContext(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"get", "set"} {
		for _, limit := range []time.Duration{time.Second, time.Minute} {
			t.Run(fmt.Sprintf("%s within %s", op, limit), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := memory.With(map[string]string{"A": "1"})
					s.Inject(memory.Fault{Delay: 10 * time.Second})
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					start := time.Now()
					var err error
					if op == "get" {
						_, err = s.Get(ctx, "A")
					} else {
						_, err = s.Set(ctx, "A", core.String("2"))
					}
					if took, want := time.Since(start), min(limit, 10*time.Second); took != want {
						t.Errorf("the call took %s, want %s", took, want)
					}
					ended := limit < 10*time.Second
					if errors.Is(err, context.DeadlineExceeded) != ended || (err == nil) == ended {
						t.Errorf("the call ends with %v", err)
					}
					if op == "set" && errors.Is(err, core.ErrIndeterminate) != ended {
						t.Errorf("the write ends with %v; its caller can't know whether it happened", err)
					}
				})
			})
		}
	}
}

func TestAHeldCallGoesOnWhenItIsReleasedOrItsContextEnds(t *testing.T) {
	t.Parallel()
	for _, release := range []bool{true, false} {
		reached, hold := make(chan struct{}), make(chan struct{})
		s := memory.New(memory.Config{OnCall: func(c memory.Call) {
			if c.Op == "set" {
				close(reached)
			}
		}})
		s.Inject(memory.Fault{Op: "set", Hold: hold})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := s.Set(ctx, "A", core.String("1"))
			done <- err
		}()
		<-reached
		reads(t, s, "A", "", core.Fresh())
		if release {
			close(hold)
		} else {
			cancel()
		}
		err := <-done
		cancel()
		if release && err != nil || !release && !(errors.Is(err, context.Canceled) && errors.Is(err, core.ErrIndeterminate)) {
			t.Errorf("Set: %v; released: %v", err, release)
		}
		reads(t, s, "A", map[bool]string{true: "1"}[release])
	}
}

func TestABatchIsSlowOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := memory.With(map[string]string{"A": "1", "B": "2", "C": "3"})
		s.Inject(memory.Fault{Delay: time.Second})
		s.Inject(memory.Fault{ID: "B", Delay: time.Minute})
		start := time.Now()
		if got, err := s.GetMany(t.Context(), []string{"A", "B", "C"}); err != nil || len(got) != 3 {
			t.Errorf("GetMany: %d answers, %v", len(got), err)
		}
		if took := time.Since(start); took != time.Minute+time.Second {
			t.Errorf("GetMany took %s, want a second for the call and a minute for B", took)
		}
	})
}

func TestACutWriteIsIndeterminateWhetherItHappenedOrNot(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		cut  memory.Cut
		// cancel ends the context while the answer is on its way.
		cancel bool
		want   string
	}{
		{"on the way in", memory.CutBefore, false, "old"},
		{"on the way back", memory.CutAfter, false, "new"},
		{"on the way in, and the caller left", memory.CutBefore, true, "old"},
		{"on the way back, and the caller left", memory.CutAfter, true, "new"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := memory.With(map[string]string{"A": "old"})
				fault := memory.Fault{Cut: test.cut, Times: 1}
				if test.cancel {
					fault.Delay = time.Hour
				}
				s.Inject(fault)
				reads(t, s, "A", "old") // a read is not cut, and does not use the fault up
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := s.Set(ctx, "A", core.String("new"))
				if core.KindOf(err) != core.ErrIndeterminate {
					t.Errorf("Set: %v, want indeterminate", err)
				}
				if errors.Is(err, context.DeadlineExceeded) != test.cancel {
					t.Errorf("Set: %v; the context ended: %v", err, test.cancel)
				}
				reads(t, s, "A", test.want)
				set(t, s, "A", "later") // once only
			})
		})
	}
}

func TestACutDeleteIsIndeterminate(t *testing.T) {
	t.Parallel()
	s := memory.With(map[string]string{"A": "1"})
	s.Inject(memory.Fault{Op: "delete", Cut: memory.CutAfter})
	if err := s.Delete(t.Context(), "A"); core.KindOf(err) != core.ErrIndeterminate {
		t.Errorf("Delete: %v, want indeterminate", err)
	}
	reads(t, s, "A", "")
}

func TestACorruptSecretIsSoUntilItIsWritten(t *testing.T) {
	t.Parallel()
	s := memory.With(map[string]string{"A": "1", "B": "2"})
	if s.Corrupt("C") {
		t.Error("Corrupt says that C was there")
	}
	if !s.Corrupt("A") {
		t.Fatal("Corrupt says that A was not there")
	}
	if _, err := s.Get(t.Context(), "A"); !errors.Is(err, core.ErrCorrupt) {
		t.Errorf("Get: %v, want corrupt", err)
	}
	got, err := s.GetMany(t.Context(), []string{"A", "B"})
	var batch *core.BatchError
	if !errors.As(err, &batch) || !errors.Is(batch.ByID["A"], core.ErrCorrupt) || got["B"].Value.Reveal() != "2" {
		t.Errorf("GetMany: %v, want A corrupt and B read", err)
	}
	set(t, s, "A", "1", core.IfChanged()) // what is there is not this value
	reads(t, s, "A", "1")
}

func TestSeedStoresBehindTheFront(t *testing.T) {
	t.Parallel()
	calls := 0
	s := memory.New(memory.Config{OnCall: func(memory.Call) { calls++ }})
	remove := s.Inject(memory.Fault{Err: core.ErrUnavailable})
	info := s.Seed("A", core.String("1"))
	s.Seed("EMPTY", core.String(""))
	s.Seed("LARGE", core.Bytes(make([]byte, core.MaxValueLen+1)))
	if calls != 0 {
		t.Errorf("%d calls were seen, want none", calls)
	}
	remove()
	if got, err := s.Stat(t.Context(), "A"); err != nil || got != info {
		t.Errorf("Stat: %+v, %v; want what Seed returned, %+v", got, err, info)
	}
	reads(t, s, "A", "1")
	reads(t, s, "EMPTY", "")
	if _, err := s.Get(t.Context(), "LARGE"); !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("Get of a value that is too large: %v, want invalid", err)
	}
}

func TestOnCallSeesWhatArrives(t *testing.T) {
	t.Parallel()
	var calls []string
	s := memory.New(memory.Config{OnCall: func(c memory.Call) { calls = append(calls, fmt.Sprint(c.Op, c.IDs)) }})
	set(t, s, "A", "1")
	everyOp(t.Context(), s, "A")
	_, _ = s.GetMany(t.Context(), []string{"A", "B", "A"})
	_, _ = s.Get(t.Context(), "no id")
	want := []string{
		"set[A]", "get[A]", "get many[A]", "stat[A]", "list[]", "versions[A]", "set[A]", "delete[A]", "get many[A B]",
	}
	if !slices.Equal(calls, want) {
		t.Errorf("calls: %v\nwant:  %v", calls, want)
	}
}

func TestAContextCancelledInFlight(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := memory.New(memory.Config{OnCall: func(memory.Call) { cancel() }})
	s.Inject(memory.Fault{Cut: memory.CutAfter, Delay: time.Hour})
	_, err := s.Set(ctx, "A", core.String("1"))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, core.ErrIndeterminate) {
		t.Errorf("Set: %v, want cancelled and indeterminate", err)
	}
}
