package core_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// below is a service under a prefix, whose calls are looked at.
func below(t *testing.T, f *funcs) core.SecretService {
	f.t = t
	return core.New("below", f)
}

func TestAPrefixIsPutBeforeEveryID(t *testing.T) {
	t.Parallel()
	ctx, value := t.Context(), core.String("x")
	info := core.Info{Version: "v1", Source: "below the prefix"}
	check := func(id string) {
		t.Helper()
		if id != "shop/ID" {
			t.Errorf("the service was asked for %q", id)
		}
	}
	store := core.Prefix(below(t, &funcs{
		get: func(_ context.Context, id string, o core.GetOptions) (core.Secret, error) {
			check(id)
			if o.Version != "v1" {
				t.Errorf("Get got %+v", o)
			}
			return core.Secret{Info: info, Value: value}, nil
		},
		stat: func(_ context.Context, id string, o core.GetOptions) (core.Info, error) {
			check(id)
			if !o.Fresh {
				t.Errorf("Stat got %+v", o)
			}
			return info, nil
		},
		set: func(_ context.Context, id string, _ core.Value, o core.SetOptions) (core.Info, error) {
			check(id)
			if !o.IfAbsent {
				t.Errorf("Set got %+v", o)
			}
			return info, nil
		},
		delete: func(_ context.Context, id string, o core.DeleteOptions) error {
			check(id)
			if !o.Purge {
				t.Errorf("Delete got %+v", o)
			}
			return nil
		},
		getMany: func(_ context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
			check(strings.Join(ids, " "))
			if o != (core.GetOptions{Version: "v1", Fresh: true}) {
				t.Errorf("GetMany got %+v", o)
			}
			return map[string]core.Secret{"shop/ID": {Info: info, Value: value}}, nil
		},
		versions: func(_ context.Context, id string) iter.Seq2[core.Info, error] {
			check(id)
			return pairs(nil, id)
		},
	}), "shop/")
	secret, err := store.Get(ctx, "ID", core.AtVersion("v1"))
	want := core.Info{ID: "ID", Version: "v1", Source: "below the prefix"}
	if err != nil || secret.Info != want {
		t.Errorf("Get: %+v, %v", secret.Info, err)
	}
	if got, err := store.GetMany(ctx, []string{"ID", "ID"}, core.Fresh(), core.AtVersion("v1")); err != nil || len(got) != 1 || got["ID"].Info != want {
		t.Errorf("GetMany: %+v, %v", got, err)
	}
	if got, err := store.Stat(ctx, "ID", core.Fresh()); err != nil || got != want {
		t.Errorf("Stat: %+v, %v", got, err)
	}
	if got, err := store.Set(ctx, "ID", value, core.IfAbsent()); err != nil || got != want {
		t.Errorf("Set: %+v, %v", got, err)
	}
	if err := store.Delete(ctx, "ID", core.Purge()); err != nil {
		t.Error(err)
	}
	if ids, err := collect(t, store.Versions(ctx, "ID")); err != nil || !slices.Equal(ids, []string{"ID"}) {
		t.Errorf("Versions: %q, %v", ids, err)
	}
	if store.Provider() != "below" {
		t.Errorf("the provider is %q, want that of the service below", store.Provider())
	}
}

// optionCounter is a service that was not made by New: it sees the options
// as they are handed on.
type optionCounter struct {
	core.SecretService // only what the test calls
	t                  *testing.T
	calls              int
}

func (c *optionCounter) Get(_ context.Context, _ string, opts ...core.GetOption) (core.Secret, error) {
	c.calls++
	if len(opts) != 0 {
		c.t.Errorf("Get got %v", opts)
	}
	return core.Secret{Value: core.String("x")}, nil
}

func (c *optionCounter) Set(_ context.Context, _ string, _ core.Value, opts ...core.SetOption) (core.Info, error) {
	c.calls++
	if len(opts) != 0 {
		c.t.Errorf("Set got %v", opts)
	}
	return core.Info{}, nil
}

func (c *optionCounter) Delete(_ context.Context, _ string, opts ...core.DeleteOption) error {
	c.calls++
	if len(opts) != 0 {
		c.t.Errorf("Delete got %v", opts)
	}
	return nil
}

func TestWithoutOptionsAServiceIsCalledWithoutOptions(t *testing.T) {
	t.Parallel()
	counter := &optionCounter{t: t}
	store := core.Prefix(counter, "p_")
	_, getErr := store.Get(t.Context(), "ID")
	_, setErr := store.Set(t.Context(), "ID", core.String("x"))
	if err := errors.Join(getErr, setErr, store.Delete(t.Context(), "ID")); err != nil || counter.calls != 3 {
		t.Errorf("%d calls, %v", counter.calls, err)
	}
	if store.Provider() != "prefix" {
		t.Errorf("over a service without a name the provider is %q", store.Provider())
	}
}

func TestAnErrorFromBelowAPrefixCarriesTheCallersIDAndNoHint(t *testing.T) {
	t.Parallel()
	lower := &core.Error{Kind: core.ErrPermissionDenied, Code: "403", Hint: "allow shop/ID"}
	store := core.Prefix(below(t, &funcs{
		get: failing(lower),
		getMany: func(_ context.Context, ids []string, _ core.GetOptions) (map[string]core.Secret, error) {
			return map[string]core.Secret{"shop/OK": {Value: core.String("x")}},
				&core.BatchError{ByID: map[string]error{"shop/ID": lower}}
		},
		list: func(context.Context, string) iter.Seq2[core.Info, error] {
			return pairs(&core.BatchError{ByID: map[string]error{"shop/ID": lower, "other": lower}}, "shop/A", "other")
		},
		versions: func(context.Context, string) iter.Seq2[core.Info, error] { return pairs(lower) },
	}), "shop/")

	const want = `below get "ID": permission denied (code 403)`
	_, err := store.Get(t.Context(), "ID")
	if err == nil || err.Error() != want {
		t.Errorf("Get: got %v, want %s", err, want)
	}
	found, err := store.GetMany(t.Context(), []string{"ID", "OK", "ABSENT"})
	var batch *core.BatchError
	if !errors.As(err, &batch) || len(batch.ByID) != 1 || batch.ByID["ID"].Error() != want {
		t.Errorf("GetMany: got %v", err)
	}
	if keys := slices.Collect(maps.Keys(found)); !slices.Equal(keys, []string{"OK"}) || found["OK"].ID != "OK" {
		t.Errorf("GetMany found %v", keys)
	}
	ids, err := collect(t, store.List(t.Context(), ""))
	if !slices.Equal(ids, []string{"A"}) || !errors.As(err, &batch) || len(batch.ByID) != 1 || strings.Contains(batch.ByID["ID"].Error(), "shop") {
		t.Errorf("List: got %q, %v", ids, err)
	}
	_, err = collect(t, store.Versions(t.Context(), "ID"))
	if err == nil || strings.Contains(err.Error(), "shop") || matches(err) != "ErrPermissionDenied" {
		t.Errorf("Versions: got %v", err)
	}
	if lower.Hint == "" || lower.ID != "" {
		t.Error("the error from below was changed")
	}
}

func TestAHintFromBelowAPrefixIsShownUnlessItNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lower error
		want  string // the hint above
	}{
		{&core.Error{Kind: core.ErrPermissionDenied, Hint: "allow shop/ID"}, ""},
		{fmt.Errorf("shop/ID: %w", &core.Error{Kind: core.ErrPermissionDenied, Hint: "allow shop/ID"}), ""},
		{&core.Error{Kind: core.ErrInvalidID, Hint: "shop/ID has a slash"}, "can't hold the name"},
		{&core.Error{Kind: core.ErrInvalidID, Hint: "the name has a slash"}, "can't hold the name"},
		{&core.Error{Kind: core.ErrUnavailable, Hint: "the server is sealed; unseal it"}, "the server is sealed; unseal it"},
		{fmt.Errorf("wrapped: %w", &core.Error{Kind: core.ErrPermissionDenied, Hint: "ask for the reader role"}), "ask for the reader role"},
	} {
		f := &funcs{
			t: t, get: failing(test.lower),
			getMany: func(context.Context, []string, core.GetOptions) (map[string]core.Secret, error) {
				return nil, test.lower
			},
			stat: func(context.Context, string, core.GetOptions) (core.Info, error) { return core.Info{}, test.lower },
			set: func(context.Context, string, core.Value, core.SetOptions) (core.Info, error) {
				return core.Info{}, test.lower
			},
			delete:   func(context.Context, string, core.DeleteOptions) error { return test.lower },
			list:     func(context.Context, string) iter.Seq2[core.Info, error] { return pairs(test.lower) },
			versions: func(context.Context, string) iter.Seq2[core.Info, error] { return pairs(test.lower) },
			claims:   func(context.Context) (core.Capabilities, error) { return core.Capabilities{}, test.lower },
		}
		for over, svc := range map[string]core.SecretService{"a Store": core.New("below", f), "a service of one's own": raw{f}} {
			store := core.Prefix(svc, "shop/")
			all := calls(t, store, "ID")
			all["Capabilities"] = func(ctx context.Context) error { _, err := store.Capabilities(ctx); return err }
			for name, call := range all {
				err := call(t.Context())
				var e *core.Error
				if !errors.As(err, &e) || core.KindOf(err) != core.KindOf(test.lower) || strings.Contains(err.Error(), "shop/") ||
					(e.Hint == "") != (test.want == "") || !strings.Contains(e.Hint, test.want) {
					t.Errorf("%s over %s: got %v", name, over, err)
				}
			}
		}
	}
}

func TestAWriteThatFailsBelowAPrefixKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want string
	}{
		{vendorError{canary}, "ErrIndeterminate"},
		{core.NotWritten(vendorError{canary}), "ErrUnavailable"},
		{core.ErrConflict, "ErrConflict"},
	} {
		store := core.Prefix(below(t, &funcs{set: func(context.Context, string, core.Value, core.SetOptions) (core.Info, error) {
			return core.Info{}, test.err
		}}), "p_")
		if _, err := store.Set(t.Context(), "ID", core.String("x")); matches(err) != test.want {
			t.Errorf("%T: got %v, want %s", test.err, err, test.want)
		}
	}
}

func TestAPrefixListsOnlyWhatIsUnderIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ prefix, list, asked, want string }{
		{"shop/", "", "shop/", "A,B/C"},
		{"shop/", "B/", "shop/B/", "B/C"},
		{"shop", "", "shop", "ping"}, // "shop/A" would be "/A" here, which is no id
		{"sh", "op/", "shop/", "op/A,op/B/C"},
		{"", "", "", "shop/A,shop/B/C,shopping,x"},
	} {
		f := &funcs{list: func(_ context.Context, prefix string) iter.Seq2[core.Info, error] {
			if prefix != test.asked {
				t.Errorf("the service was asked for %q, want %q", prefix, test.asked)
			}
			return pairs(nil, "shop/A", "shop/B/C", "shopping", "x")
		}}
		for over, svc := range map[string]core.SecretService{"a Store": below(t, f), "a service of one's own": raw{f}} {
			ids, err := collect(t, core.Prefix(svc, test.prefix).List(t.Context(), test.list))
			if got := strings.Join(ids, ","); err != nil || got != test.want {
				t.Errorf("over %s: Prefix(%q).List(%q) = %q, %v, want %q", over, test.prefix, test.list, got, err, test.want)
			}
		}
	}
}

func TestAnIDThatDoesNotFitUnderAPrefixIsRefusedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{strings.Repeat("p", 250), "a b", "../", "/", "x//", strings.Repeat("p", 300)} {
		store := core.Prefix(raw{&funcs{t: t}}, prefix)
		for name, call := range calls(t, store, "LONG_ID") {
			if name == "List" && strings.Contains("../x//", prefix) {
				continue // which may begin an id as far as List need know
			}
			err := call(t.Context())
			var batch *core.BatchError
			if errors.As(err, &batch) {
				err = batch.ByID["LONG_ID"]
			}
			if matches(err) != "ErrInvalidID" {
				t.Errorf("%s under a prefix of %d bytes: got %v, want ErrInvalidID", name, len(prefix), err)
			}
		}
	}
}

func TestAPrefixDoesNotCloseWhatItWasGiven(t *testing.T) {
	t.Parallel()
	closed := false
	svc := below(t, &funcs{get: valued("x"), close: func() error { closed = true; return nil }})
	store := core.Prefix(svc, "p_")
	if err := store.Close(); err != nil || closed {
		t.Errorf("Close = %v, and the service below is closed: %v", err, closed)
	}
	if _, err := store.Get(t.Context(), "ID"); matches(err) != "ErrClosed" {
		t.Errorf("after Close: got %v, want ErrClosed", err)
	}
	if _, err := svc.Get(t.Context(), "ID"); err != nil {
		t.Errorf("the service below: %v", err)
	}
}

func TestAPrefixOffersJustWhatIsBelow(t *testing.T) {
	t.Parallel()
	readOnly := core.Prefix(core.New("below", valued("x")), "p_")
	if c, err := readOnly.Capabilities(t.Context()); err != nil || c != (core.Capabilities{}) {
		t.Errorf("the capabilities are %+v, %v", c, err)
	}
	for name, call := range calls(t, readOnly, "ID") {
		want := "ErrUnsupported"
		if name == "Get" || name == "GetMany" || name == "Stat" {
			want = ""
		}
		if err := call(t.Context()); matches(err) != want {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	full := core.Prefix(below(t, &funcs{}), "p_")
	if c, err := full.Capabilities(t.Context()); err != nil || c != everything {
		t.Errorf("the capabilities are %+v, %v, want everything", c, err)
	}
}
