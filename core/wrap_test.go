package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

var allKinds = map[string]error{
	"ErrNotFound": core.ErrNotFound, "ErrPermissionDenied": core.ErrPermissionDenied,
	"ErrUnauthenticated": core.ErrUnauthenticated, "ErrUnavailable": core.ErrUnavailable,
	"ErrExhausted": core.ErrExhausted, "ErrConflict": core.ErrConflict,
	"ErrIndeterminate": core.ErrIndeterminate, "ErrInvalidID": core.ErrInvalidID,
	"ErrInvalidValue": core.ErrInvalidValue, "ErrInvalidOption": core.ErrInvalidOption,
	"ErrCorrupt": core.ErrCorrupt, "ErrClosed": core.ErrClosed,
	"ErrUnsupported":   errors.ErrUnsupported,
	"Canceled":         context.Canceled,
	"DeadlineExceeded": context.DeadlineExceeded,
}

// matches names everything that err matches.
func matches(err error) string {
	var names []string
	for name, kind := range allKinds {
		if errors.Is(err, kind) {
			names = append(names, name)
		}
	}
	if len(names) == 2 && names[0] > names[1] {
		names[0], names[1] = names[1], names[0]
	}
	return strings.Join(names, "+")
}

// vendorError is what an SDK returns: its text quotes what it choked on.
type vendorError struct{ Body string }

func (e vendorError) Error() string { return "vendor: " + e.Body }

// claimsToBeUnsupported says so by an Is method, as errors of the system do.
type claimsToBeUnsupported struct{}

func (claimsToBeUnsupported) Error() string        { return canary }
func (claimsToBeUnsupported) Is(target error) bool { return target == errors.ErrUnsupported }

// belowEnded is what a front says of a call whose context had ended.
func belowEnded(t *testing.T, op string) error {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	store := core.New("below", &funcs{t: t})
	if op == "get" {
		_, err := store.Get(ctx, "ID")
		return err
	}
	_, err := store.Set(ctx, "ID", core.String("x"))
	return err
}

// belowCutRead is what a front says of a read whose context ended in flight.
func belowCutRead(t *testing.T) error {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := core.New("below", getFunc(func(context.Context, string, core.GetOptions) (core.Secret, error) {
		cancel()
		return core.Secret{}, vendorError{canary}
	})).Get(ctx, "ID")
	return err
}

// belowNotWritten is what a front says of a write that was cut, as its backend
// knows, before anything was written.
func belowNotWritten(t *testing.T) error {
	ctx, cancel := context.WithCancel(t.Context())
	store := core.New("below", &funcs{t: t, delete: func(context.Context, string, core.DeleteOptions) error {
		cancel()
		return core.NotWritten(vendorError{canary})
	}})
	return store.Delete(ctx, "ID")
}

func TestAnErrorGetsTheKindThatItsBackendKnows(t *testing.T) {
	t.Parallel()
	live := func(t *testing.T) context.Context { return t.Context() }
	// The call is let in, and the context ends while the backend has it.
	endings := map[string]func(t *testing.T) (context.Context, func()){
		"": func(t *testing.T) (context.Context, func()) { return live(t), func() {} },
		"canceled": func(t *testing.T) (context.Context, func()) {
			return context.WithCancel(t.Context())
		},
	}
	for _, test := range []struct {
		name        string
		err         error
		ending      string
		read, write string
	}{
		{"a bare sentinel", core.ErrPermissionDenied, "", "ErrPermissionDenied", "ErrPermissionDenied"},
		{"a wrapped sentinel", fmt.Errorf("%s: %w", canary, core.ErrExhausted), "", "ErrExhausted", "ErrExhausted"},
		{"a sentinel after the context ended", core.ErrUnavailable, "canceled", "ErrUnavailable", "ErrUnavailable"},
		{"errors.ErrUnsupported", errors.ErrUnsupported, "", "ErrUnsupported", "ErrUnsupported"},
		{"an error that claims by a method to be unsupported", claimsToBeUnsupported{}, "", "ErrUnavailable", "ErrIndeterminate"},
		{"ENOTSUP of the system", fmt.Errorf("%w", syscall.ENOTSUP), "", "ErrUnavailable", "ErrIndeterminate"},
		{"an error of no kind", vendorError{canary}, "", "ErrUnavailable", "ErrIndeterminate"},
		{"an error of no kind after the context ended", vendorError{canary}, "canceled", "Canceled", "Canceled+ErrIndeterminate"},
		{"the client's own time limit", context.DeadlineExceeded, "", "ErrUnavailable", "ErrIndeterminate"},
		{"the context's error after it ended", context.Canceled, "canceled", "Canceled", "Canceled+ErrIndeterminate"},
		{"another context error than the caller's", context.DeadlineExceeded, "canceled", "Canceled", "Canceled+ErrIndeterminate"},
		{"not written, of no kind", core.NotWritten(vendorError{canary}), "", "ErrUnavailable", "ErrUnavailable"},
		{"not written, of a kind", core.NotWritten(core.ErrExhausted), "", "ErrExhausted", "ErrExhausted"},
		{"not written, after the context ended", core.NotWritten(vendorError{canary}), "canceled", "Canceled", "Canceled"},
		{"an Error", &core.Error{Kind: core.ErrConflict}, "", "ErrConflict", "ErrConflict"},
		{"an Error without a kind", &core.Error{Code: "503"}, "", "ErrUnavailable", "ErrIndeterminate"},
		{"an Error whose chain holds another kind", &core.Error{Kind: core.ErrIndeterminate, Err: core.ErrUnavailable}, "", "ErrIndeterminate", "ErrIndeterminate"},
		{"an indeterminate Error after the context ended", &core.Error{Kind: core.ErrIndeterminate}, "canceled", "Canceled+ErrIndeterminate", "Canceled+ErrIndeterminate"},
		{"two kinds, denied and not found", errors.Join(core.ErrNotFound, core.ErrPermissionDenied), "", "ErrPermissionDenied", "ErrPermissionDenied"},
		{"two kinds, one of them indeterminate", errors.Join(core.ErrUnavailable, core.ErrIndeterminate), "", "ErrIndeterminate", "ErrIndeterminate"},
		{"an Error with a context's error and no kind", &core.Error{Code: "503", Err: context.Canceled}, "", "ErrUnavailable", "ErrIndeterminate"},
		{"an Error with a context's error and no kind after it ended", &core.Error{Err: context.Canceled}, "canceled", "Canceled", "Canceled+ErrIndeterminate"},
		{"an *Error that is nil", (*core.Error)(nil), "", "ErrUnavailable", "ErrIndeterminate"},
		{"a *BatchError that is nil", (*core.BatchError)(nil), "", "ErrUnavailable", "ErrIndeterminate"},
		{"an Error that carries a vendor's", &core.Error{Kind: core.ErrCorrupt, Err: vendorError{canary}}, "", "ErrCorrupt", "ErrCorrupt"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, op := range []string{"get", "stat", "set", "delete"} {
				ctx, end := endings[test.ending](t)
				fail := func() error { end(); return test.err }
				store := core.New("fake", &funcs{
					t:    t,
					get:  func(context.Context, string, core.GetOptions) (core.Secret, error) { return core.Secret{}, fail() },
					stat: func(context.Context, string, core.GetOptions) (core.Info, error) { return core.Info{}, fail() },
					set: func(context.Context, string, core.Value, core.SetOptions) (core.Info, error) {
						return core.Info{}, fail()
					},
					delete: func(context.Context, string, core.DeleteOptions) error { return fail() },
				})
				var err error
				want := test.read
				switch op {
				case "get":
					_, err = store.Get(ctx, "ID")
				case "stat":
					_, err = store.Stat(ctx, "ID")
				case "set":
					_, err = store.Set(ctx, "ID", core.String(canary))
					want = test.write
				case "delete":
					err = store.Delete(ctx, "ID")
					want = test.write
				}
				if got := matches(err); got != want {
					t.Errorf("%s: the error matches %q, want %q", op, got, want)
				}
				var e *core.Error
				if !errors.As(err, &e) || e.Op != op || e.Provider != "fake" || e.ID != "ID" {
					t.Errorf("%s: got %#v, want an *Error with this op, provider and id", op, err)
				}
				checkNoCanary(t, err)
				checkOnlyOurs(t, err)
			}
		})
	}
}

// A decorator passes on what a front below it said of a write.
func TestAWriteThatAFrontBelowNeverMadeIsNotIndeterminate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		err    error
		ending bool
		want   string
	}{
		{"of another context than the caller's", belowEnded(t, "set"), false, "ErrUnavailable"},
		{"of the caller's context", belowEnded(t, "set"), true, "Canceled"},
		{"that was cut before anything was written", belowNotWritten(t), true, "Canceled"},
		{"a read below that was cut, which says nothing of a write", belowCutRead(t), true, "Canceled+ErrIndeterminate"},
		{"an error of a read below, which says nothing of a write", belowEnded(t, "get"), true, "Canceled+ErrIndeterminate"},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		fail := func() error {
			if test.ending {
				cancel()
			}
			return test.err
		}
		store := core.New("above", &funcs{
			t: t,
			set: func(context.Context, string, core.Value, core.SetOptions) (core.Info, error) {
				return core.Info{}, fail()
			},
		})
		if _, err := store.Set(ctx, "ID", core.String("x")); matches(err) != test.want {
			t.Errorf("%s: the error matches %q, want %q", test.name, matches(err), test.want)
		}
	}
}

// checkNoCanary looks for the canary in every way that an error can print.
func checkNoCanary(t *testing.T, err error) {
	t.Helper()
	texts := []string{err.Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		texts = append(texts, fmt.Sprintf(verb, err))
	}
	if _, ok := err.(*core.Error); ok && fmt.Sprintf("%#v", err) != err.Error() {
		t.Errorf("a verb prints the fields of %v", err)
	}
	if data, jsonErr := json.Marshal(err); jsonErr == nil {
		texts = append(texts, string(data))
	}
	for _, text := range texts {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("the error shows what it must not: %d bytes of text", len(text))
		}
	}
}

// checkOnlyOurs walks the chain: nothing in it may have been made by others.
func checkOnlyOurs(t *testing.T, err error) {
	t.Helper()
	switch err.(type) {
	case vendorError, *net.OpError, claimsToBeUnsupported, syscall.Errno:
		t.Errorf("the chain holds a %T", err)
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if next := e.Unwrap(); next != nil {
			checkNoCanary(t, next)
			checkOnlyOurs(t, next)
		}
	case interface{ Unwrap() []error }:
		for _, next := range e.Unwrap() {
			checkNoCanary(t, next)
			checkOnlyOurs(t, next)
		}
	}
}

func TestAnErrorKeepsWhatTheBackendSaysOfIt(t *testing.T) {
	t.Parallel()
	given := &core.Error{
		Op: "login", Provider: "below", ID: "LOWER", Kind: core.ErrPermissionDenied,
		Code: "AccessDenied", RequestID: "req-1", Hint: "ask for the reader role",
	}
	store := core.New("above", failing(fmt.Errorf("%s: %w", canary, given)))
	_, err := store.Get(t.Context(), "UPPER")
	want := `below login "UPPER": permission denied (code AccessDenied, request req-1): ask for the reader role`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if given.ID != "LOWER" {
		t.Error("the backend's own error was changed")
	}
}

func TestAnErrorFillsInWhatTheBackendLeftOut(t *testing.T) {
	t.Parallel()
	_, err := core.New("fake", failing(&core.Error{Kind: core.ErrNotFound})).Get(t.Context(), "ID")
	if want := `fake get "ID": not found`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestOfADroppedErrorOnlyTheTypeIsShown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"bare", vendorError{canary}, "core_test.vendorError"},
		{"wrapped", fmt.Errorf("%s %w", canary, vendorError{canary}), "core_test.vendorError"},
		{"joined", errors.Join(vendorError{canary}), "core_test.vendorError"},
		{"in an Error", &core.Error{Kind: core.ErrCorrupt, Err: vendorError{canary}}, "core_test.vendorError"},
		{"not written", core.NotWritten(vendorError{canary}), "core_test.vendorError"},
		{"a plain text", errors.New(canary), "*errors.errorString"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := core.New("fake", failing(test.err)).Get(t.Context(), "ID")
			if err == nil || !strings.Contains(err.Error(), "an error of type "+test.want) {
				t.Errorf("got %v, want it to name the type %s", err, test.want)
			}
			checkNoCanary(t, err)
		})
	}
}

func TestAnErrorShowsNoControlCharacters(t *testing.T) {
	t.Parallel()
	_, err := core.New("fake", failing(&core.Error{
		Kind: core.ErrNotFound, Code: "a\x1b[2Jb", RequestID: "c\r\nd", Hint: "e\u202ef",
	})).Get(t.Context(), "ID")
	if want := `fake get "ID": not found (code a[2Jb, request cd): ef`; err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestABatchErrorPrintsACountAndKinds(t *testing.T) {
	t.Parallel()
	err := &core.BatchError{ByID: map[string]error{
		"A": &core.Error{Kind: core.ErrPermissionDenied, Hint: canary},
		"B": &core.Error{Kind: core.ErrPermissionDenied},
		"C": core.ErrUnavailable,
		"D": context.Canceled,
		"E": vendorError{canary},
	}}
	want := "5 ids failed: 2 permission denied, 1 context canceled, 1 unavailable, 1 unknown"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if got := matches(err); got != "" {
		t.Errorf("a BatchError matches %s by itself", got)
	}
	if text := fmt.Sprintf("%+v %#v", err, err); text != want+" "+want {
		t.Error("the error shows more than a count and kinds")
	}
}

func TestNotWrittenOfNothingIsNothing(t *testing.T) {
	t.Parallel()
	if err := core.NotWritten(nil); err != nil {
		t.Errorf("got %v", err)
	}
}

// An author may print an error of their own before the front has seen it.
func TestAnAuthorsOwnErrorShowsNoTextOfOthers(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&core.Error{Err: vendorError{canary}},
		&core.Error{Kind: vendorError{canary}},
		&core.Error{Kind: core.ErrCorrupt, Err: fmt.Errorf("%s: %w", canary, core.ErrNotFound)},
		core.NotWritten(vendorError{canary}),
		core.NotWritten(&core.Error{Err: vendorError{canary}}),
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if text := fmt.Sprintf(verb, err); strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of a %T shows what it must not", verb, err)
			}
		}
	}
	for _, err := range []error{(*core.Error)(nil), (*core.BatchError)(nil), &core.Error{}, &core.BatchError{}} {
		if text := err.Error() + fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "PANIC") || core.KindOf(err) != nil {
			t.Errorf("of nothing: %s", text)
		}
	}
}
