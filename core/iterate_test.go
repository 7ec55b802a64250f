package core_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/lukko-dev/lukko/core"
)

type seq = iter.Seq2[core.Info, error]

func listing(t *testing.T, s seq) *core.Store {
	return core.New("fake", &funcs{
		t:        t,
		list:     func(context.Context, string) seq { return s },
		versions: func(context.Context, string) seq { return s },
	})
}

func TestAListDropsWhatIsNoIDOrLacksThePrefix(t *testing.T) {
	t.Parallel()
	store := listing(t, pairs(nil, "shop/A", "shopping", "SHOP/B", "", "shop/B C", "shop/..", "shop/C"))
	ids, err := collect(t, store.List(t.Context(), "shop/"))
	if want := []string{"shop/A", "shop/C"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("got %q, %v, want %q", ids, err, want)
	}
}

func TestAPrefixIsBytes(t *testing.T) {
	t.Parallel()
	store := listing(t, pairs(nil, "shop", "shop/A", "shopping"))
	ids, err := collect(t, store.List(t.Context(), "shop"))
	if want := []string{"shop", "shop/A", "shopping"}; err != nil || !slices.Equal(ids, want) {
		t.Errorf("got %q, %v, want %q", ids, err, want)
	}
}

func TestAPrefixThatBeginsNoIDIsRefused(t *testing.T) {
	t.Parallel()
	store := core.New("fake", &funcs{t: t})
	for _, prefix := range []string{"a b", "\x00", string(make([]byte, 256))} {
		if _, err := collect(t, store.List(t.Context(), prefix)); matches(err) != "ErrInvalidID" {
			t.Errorf("List(%q): got %v, want ErrInvalidID", prefix, err)
		}
	}
}

func TestAnErrorIsTheLastPair(t *testing.T) {
	t.Parallel()
	goesOn := func(yield func(core.Info, error) bool) {
		for _, id := range []string{"A", "B"} {
			if !yield(core.Info{ID: id}, nil) {
				return
			}
		}
		if !yield(core.Info{}, core.ErrUnavailable) {
			return
		}
		yield(core.Info{ID: "C"}, nil)
	}
	store := listing(t, goesOn)
	for name, seq := range map[string]seq{
		"List": store.List(t.Context(), ""), "Versions": store.Versions(t.Context(), "ID"),
	} {
		ids, err := collect(t, seq)
		if matches(err) != "ErrUnavailable" || len(ids) != 2 {
			t.Errorf("%s: got %q, %v, want two and then ErrUnavailable", name, ids, err)
		}
	}
}

func TestItemsThatCouldNotBeReadComeLast(t *testing.T) {
	t.Parallel()
	store := listing(t, pairs(&core.BatchError{ByID: map[string]error{
		"C": core.ErrCorrupt, "D": nil, canary + " ": core.ErrCorrupt,
	}}, "A", "B"))
	ids, err := collect(t, store.List(t.Context(), ""))
	var batch *core.BatchError
	if !slices.Equal(ids, []string{"A", "B"}) || !errors.As(err, &batch) || len(batch.ByID) != 1 {
		t.Fatalf("got %q, %v, want two ids and one failure", ids, err)
	}
	var e *core.Error
	if !errors.As(batch.ByID["C"], &e) || e.ID != "C" || !errors.Is(e.Kind, core.ErrCorrupt) || e.Provider != "fake" {
		t.Errorf("the failure of C is %v", batch.ByID["C"])
	}
}

func TestARangeMayBeLeftAndStartsAnew(t *testing.T) {
	t.Parallel()
	store := listing(t, pairs(core.ErrUnavailable, "A", "B", "C"))
	seq := store.List(t.Context(), "")
	for info, err := range seq {
		if info.ID != "A" || err != nil {
			t.Errorf("got %v, %v", info, err)
		}
		break
	}
	if ids, err := collect(t, seq); len(ids) != 3 || err == nil {
		t.Errorf("the second range gives %q, %v", ids, err)
	}
	if err := store.Close(); err != nil { // which would hang if the first range were still inside
		t.Error(err)
	}
}

func TestTheContextEndsARange(t *testing.T) {
	t.Parallel()
	for name, backend := range map[string]seq{
		"of a backend that goes on":       pairs(nil, "A", "B", "C"),
		"of a backend that stops quietly": pairs(nil, "A"),
		"of a backend that fails":         pairs(vendorError{canary}, "A"),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		n := 0
		for _, err := range listing(t, backend).List(ctx, "") {
			n++
			last = err
			cancel()
		}
		if n != 2 || matches(last) != "Canceled" {
			t.Errorf("a range %s gives %d pairs and ends with %v, want the context's error", name, n, last)
		}
	}
}

func TestNoVersionsAreNotFound(t *testing.T) {
	t.Parallel()
	_, err := collect(t, listing(t, pairs(nil)).Versions(t.Context(), "ID"))
	var e *core.Error
	if matches(err) != "ErrNotFound" || !errors.As(err, &e) || e.ID != "ID" {
		t.Errorf("got %v, want ErrNotFound of ID", err)
	}
}

func TestVersionsCarryTheCallersID(t *testing.T) {
	t.Parallel()
	for info, err := range listing(t, pairs(nil, "", "NATIVE")).Versions(t.Context(), "ID") {
		if err != nil || info.ID != "ID" || info.Source != "fake" {
			t.Errorf("got %+v, %v", info, err)
		}
	}
}

func TestAStoreMayBeClosedInsideARange(t *testing.T) {
	t.Parallel()
	store := listing(t, pairs(nil, "A", "B"))
	var ids []string
	var last error
	for info, err := range store.List(t.Context(), "") {
		if last = err; err == nil {
			ids = append(ids, info.ID)
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if !slices.Equal(ids, []string{"A"}) || matches(last) != "ErrClosed" {
		t.Errorf("got %q, %v, want A and then ErrClosed", ids, last)
	}
}

func TestABatchHoldsEachIDInOnePlace(t *testing.T) {
	t.Parallel()
	secret := func(v string) core.Secret { return core.Secret{Value: core.String(v)} }
	asked := []string{"BOTH", "OK", "OK", "ABSENT", "DENIED", "NOTFOUND", "EMPTY", "NIL", "NILABSENT"}
	var got []string
	store := core.New("fake", &funcs{
		t: t,
		getMany: func(_ context.Context, ids []string, _ core.GetOptions) (map[string]core.Secret, error) {
			got = slices.Clone(ids)
			clear(ids) // it is the backend's own
			found := map[string]core.Secret{
				"BOTH": secret("x"), "OK": secret("x"), "UNASKED": secret("x"), "EMPTY": secret(""), "NIL": secret("x"),
			}
			return found, &core.BatchError{ByID: map[string]error{
				"BOTH": core.ErrCorrupt, "DENIED": vendorError{canary}, "NOTFOUND": core.ErrNotFound,
				"UNASKED2": core.ErrCorrupt, "NIL": nil, "NILABSENT": nil,
			}}
		},
	})
	found, err := store.GetMany(t.Context(), asked)
	if want := []string{"BOTH", "OK", "ABSENT", "DENIED", "NOTFOUND", "EMPTY", "NIL", "NILABSENT"}; !slices.Equal(got, want) {
		t.Errorf("the backend was asked for %q, want each id once: %q", got, want)
	}
	if asked[0] != "BOTH" {
		t.Error("the caller's slice was changed")
	}
	if keys := slices.Sorted(maps.Keys(found)); !slices.Equal(keys, []string{"NIL", "OK"}) {
		t.Errorf("found %q, want NIL and OK", keys)
	}
	if found["OK"].ID != "OK" || found["OK"].Source != "fake" {
		t.Errorf("the Info is %+v", found["OK"].Info)
	}
	var batch *core.BatchError
	if !errors.As(err, &batch) {
		t.Fatalf("got %v, want a BatchError", err)
	}
	if keys := slices.Sorted(maps.Keys(batch.ByID)); !slices.Equal(keys, []string{"BOTH", "DENIED"}) {
		t.Errorf("failed %q, want BOTH and DENIED", keys)
	}
	if matches(batch.ByID["DENIED"]) != "ErrUnavailable" || matches(batch.ByID["BOTH"]) != "ErrCorrupt" {
		t.Errorf("the kinds are %v", batch.ByID)
	}
	checkNoCanary(t, batch.ByID["DENIED"])
}

func TestABatchFailsAsAWhole(t *testing.T) {
	t.Parallel()
	partial := map[string]core.Secret{"A": {Value: core.String("x")}}
	store := core.New("fake", &funcs{
		t: t,
		getMany: func(context.Context, []string, core.GetOptions) (map[string]core.Secret, error) {
			return partial, core.ErrUnauthenticated
		},
	})
	found, err := store.GetMany(t.Context(), []string{"A"})
	var e *core.Error
	if found != nil || !errors.As(err, &e) || matches(err) != "ErrUnauthenticated" {
		t.Errorf("got %v, %v, want nil and an *Error", found, err)
	}
	found, err = store.GetMany(t.Context(), []string{"A", "B", canary + "?"})
	if found != nil || matches(err) != "ErrInvalidID" || !errors.As(err, &e) || e.Hint == "" || e.ID != "" {
		t.Errorf("an invalid id: got %v, %v", found, err)
	}
	checkNoCanary(t, err)
	if want := "fake get many: invalid id: at index 2: "; err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
		t.Errorf("got %v, want the index of the invalid id", err)
	}
}

func TestABatchOfNothingCallsNothing(t *testing.T) {
	t.Parallel()
	found, err := core.New("fake", &funcs{t: t}).GetMany(t.Context(), nil)
	if found == nil || len(found) != 0 || err != nil {
		t.Errorf("got %v, %v, want an empty map", found, err)
	}
}

func TestWithoutABatchSingleReadsAreMade(t *testing.T) {
	t.Parallel()
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = "ID" + string(rune('A'+i/26)) + string(rune('A'+i%26))
	}
	inside := make(chan struct{}, core.BatchConcurrency) // a further send would block
	full := make(chan struct{})
	allInside := sync.OnceFunc(func() { close(full) })
	store := core.New("fake", getFunc(func(ctx context.Context, id string, _ core.GetOptions) (core.Secret, error) {
		select {
		case inside <- struct{}{}:
			defer func() { <-inside }()
		default:
			t.Error("more reads at a time than BatchConcurrency")
		}
		if len(inside) == core.BatchConcurrency {
			allInside()
		}
		<-full // so that as many as may be are there at a time, or the test hangs
		switch id {
		case ids[7]:
			return core.Secret{}, core.ErrNotFound
		case ids[8]:
			return core.Secret{}, core.ErrPermissionDenied
		}
		return core.Secret{Value: core.String(id)}, nil
	}))
	found, err := store.GetMany(t.Context(), append(ids, ids...))
	var batch *core.BatchError
	if len(found) != 98 || !errors.As(err, &batch) || len(batch.ByID) != 1 || matches(batch.ByID[ids[8]]) != "ErrPermissionDenied" {
		t.Fatalf("found %d, %v", len(found), err)
	}
	for id, secret := range found {
		if secret.Value.Reveal() != id {
			t.Errorf("%s has another's value", id)
		}
	}
}

func TestSingleReadsEndWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ids := make([]string, 10_000)
		for i := range ids {
			ids[i] = "ID" + strconv.Itoa(i)
		}
		var calls atomic.Int64
		store := core.New("fake", getFunc(func(ctx context.Context, id string, _ core.GetOptions) (core.Secret, error) {
			calls.Add(1)
			<-ctx.Done()
			return core.Secret{}, ctx.Err()
		}))
		go func() {
			synctest.Wait() // until all reads wait for the context
			cancel()
		}()
		found, err := store.GetMany(ctx, ids)
		if found != nil || matches(err) != "Canceled" {
			t.Errorf("got %v, %v, want nil and the context's error", found, err)
		}
		if n := calls.Load(); n > core.BatchConcurrency {
			t.Errorf("%d reads began, want no more after the end of the context", n)
		}
	})
}

func TestABatchOfTenThousand(t *testing.T) {
	t.Parallel()
	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = "ID" + strconv.Itoa(i)
	}
	var calls atomic.Int64
	store := core.New("fake", getFunc(func(_ context.Context, id string, _ core.GetOptions) (core.Secret, error) {
		calls.Add(1)
		return core.Secret{Value: core.String(id)}, nil
	}))
	found, err := store.GetMany(t.Context(), append(ids, ids...))
	if err != nil || len(found) != len(ids) || calls.Load() != int64(len(ids)) {
		t.Errorf("found %d by %d calls, %v, want %d of each", len(found), calls.Load(), err, len(ids))
	}
	for id, secret := range found {
		if secret.ID != id || secret.Value.Reveal() != id {
			t.Errorf("%s has the answer of %s", id, secret.ID)
		}
	}
}

// Of a batch that stops when the context ends, what is absent is not "not
// found".
func TestABatchThatStopsQuietlyEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		got    map[string]core.Secret
		err    error
		kind   string
		failed int
	}{
		{"with a part", map[string]core.Secret{"A": {Value: core.String("x")}}, nil, "Canceled", 0},
		{"with nothing", nil, nil, "Canceled", 0},
		{"with all", map[string]core.Secret{"A": {Value: core.String("x")}, "B": {Value: core.String("x")}}, nil, "", 0},
		{
			"with each id in its place",
			map[string]core.Secret{"A": {Value: core.String("x")}},
			&core.BatchError{ByID: map[string]error{"B": vendorError{canary}}}, "", 1,
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		store := core.New("fake", &funcs{t: t, getMany: func(context.Context, []string, core.GetOptions) (map[string]core.Secret, error) {
			cancel()
			return test.got, test.err
		}})
		found, err := store.GetMany(ctx, []string{"A", "B"})
		var batch *core.BatchError
		if matches(err) != test.kind || (err == nil || errors.As(err, &batch)) != (found != nil) || batch != nil && len(batch.ByID) != test.failed {
			t.Errorf("%s: got %v, %v", test.name, found, err)
		}
	}
}

// An error of more than its ids beside a BatchError is of the whole call.
func TestABatchErrorAmongOthersIsAFailureOfTheWhole(t *testing.T) {
	t.Parallel()
	batch := &core.BatchError{ByID: map[string]error{"A": core.ErrCorrupt}}
	var none *core.BatchError
	for _, test := range []struct {
		name  string
		err   error
		whole string // its kind; empty where it is the BatchError
		list  string
	}{
		{"bare", batch, "", ""},
		{"wrapped", fmt.Errorf("%s %w", canary, batch), "", ""},
		{"joined with another", errors.Join(batch, core.ErrUnauthenticated), "ErrUnauthenticated", "ErrUnauthenticated"},
		{"joined with one of no kind", errors.Join(batch, vendorError{canary}), "ErrUnavailable", "ErrUnavailable"},
		{"in an Error", &core.Error{Kind: core.ErrExhausted, Err: batch}, "ErrExhausted", "ErrExhausted"},
		{"nil", none, "none", "none"},
	} {
		full := &funcs{
			t: t,
			getMany: func(context.Context, []string, core.GetOptions) (map[string]core.Secret, error) {
				return map[string]core.Secret{"B": {Value: core.String("x")}}, test.err
			},
			list: func(context.Context, string) seq { return pairs(test.err, "B") },
		}
		for name, store := range map[string]*core.Store{"fake": core.New("fake", full), "prefix": core.Prefix(core.Prefix(raw{full}, ""), "")} {
			found, err := store.GetMany(t.Context(), []string{"A", "B"})
			check(t, name+" GetMany "+test.name, err, test.whole)
			if whole := test.whole != "" && test.whole != "none"; (found == nil) != whole {
				t.Errorf("%s GetMany %s: found %v", name, test.name, found)
			}
			_, err = collect(t, store.List(t.Context(), ""))
			check(t, name+" List "+test.name, err, test.whole)
		}
	}
}

func check(t *testing.T, name string, err error, want string) {
	t.Helper()
	var batch *core.BatchError
	switch {
	case want == "none" && err == nil:
	case want == "" && errors.As(err, &batch) && len(batch.ByID) == 1:
		checkNoCanary(t, err)
	case want != "" && want != "none" && !errors.As(err, &batch) && matches(err) == want:
		checkNoCanary(t, err)
	default:
		t.Errorf("%s: got %v, want %q", name, err, want)
	}
}

func TestAFailureOfVersionsIsNeverNotFound(t *testing.T) {
	t.Parallel()
	denied := &core.Error{Kind: core.ErrPermissionDenied, Hint: "allow p_ID"}
	for name, byID := range map[string]map[string]error{
		"by the id":                 {"ID": denied},
		"by the id below":           {"p_ID": denied},
		"by a version":              {"v1": denied, "v2": nil},
		"by something that is none": {canary + "\n": denied},
	} {
		f := &funcs{t: t, versions: func(context.Context, string) seq { return pairs(&core.BatchError{ByID: byID}) }}
		for over, store := range map[string]*core.Store{
			"a backend": core.New("fake", f), "a service under a prefix": core.Prefix(raw{f}, "p_"),
		} {
			_, err := collect(t, store.Versions(t.Context(), "ID"))
			var batch *core.BatchError
			if !errors.As(err, &batch) || len(batch.ByID) != 1 || matches(batch.ByID["ID"]) != "ErrPermissionDenied" {
				t.Errorf("%s, of %s: got %v, want one failure of ID", name, over, err)
				continue
			}
			if over != "a backend" && strings.Contains(batch.ByID["ID"].Error(), "p_") {
				t.Errorf("%s, of %s: the error shows the id below: %v", name, over, batch.ByID["ID"])
			}
		}
	}
}

func TestAListDropsFailuresThatWereNotAskedFor(t *testing.T) {
	t.Parallel()
	store := listing(t, pairs(&core.BatchError{ByID: map[string]error{
		"shop/A": core.ErrCorrupt, "other": core.ErrCorrupt, "shop/ A": core.ErrCorrupt, "shop/B": nil,
	}}))
	_, err := collect(t, store.List(t.Context(), "shop/"))
	var batch *core.BatchError
	if !errors.As(err, &batch) || len(batch.ByID) != 1 || batch.ByID["shop/A"] == nil {
		t.Errorf("got %v, want the failure of shop/A alone", err)
	}
	if _, err := collect(t, store.List(t.Context(), "none/")); err != nil {
		t.Errorf("a failure of another prefix ends a list with %v", err)
	}
}

func TestAnErrorOfAnIteratorKeepsItsKindAfterTheContextEnded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want string
	}{
		{core.ErrPermissionDenied, "ErrPermissionDenied"},
		{vendorError{canary}, "Canceled"},
		{&core.BatchError{ByID: map[string]error{"B": core.ErrCorrupt}}, "Canceled"}, // more may be missing
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := collect(t, listing(t, func(yield func(core.Info, error) bool) {
			cancel()
			yield(core.Info{}, test.err)
		}).List(ctx, ""))
		if matches(err) != test.want {
			t.Errorf("%T: got %v, want %s", test.err, err, test.want)
		}
	}
}

func TestAPulledIteratorThatIsForgottenKeepsNothingOpen(t *testing.T) {
	t.Parallel()
	store := listing(t, pairs(nil, "A", "B"))
	next, stop := iter.Pull2(store.List(t.Context(), ""))
	defer stop()
	if info, err, ok := next(); info.ID != "A" || err != nil || !ok {
		t.Errorf("got %v, %v, %v", info, err, ok)
	}
	if err := store.Close(); err != nil { // which would hang if the range were a call in flight
		t.Error(err)
	}
	if _, err, ok := next(); matches(err) != "ErrClosed" || !ok {
		t.Errorf("after Close: got %v, %v", err, ok)
	}
	if _, _, ok := next(); ok {
		t.Error("a pair came after the error")
	}
}
