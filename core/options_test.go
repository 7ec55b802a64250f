package core_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// foreignOption embeds one of ours, the only way to make another.
type foreignOption struct{ core.GetOptions }

func TestOptionsThatMakeNoSenseAreRefusedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	store := core.New("fake", &funcs{t: t, claims: func(context.Context) (core.Capabilities, error) {
		t.Error("the capabilities were asked for")
		return everything, nil
	}})
	ctx, value := t.Context(), core.String("x")
	set := func(opts ...core.SetOption) func() error {
		return func() error { _, err := store.Set(ctx, "ID", value, opts...); return err }
	}
	get := func(opts ...core.GetOption) func() error {
		return func() error { _, err := store.Get(ctx, "ID", opts...); return err }
	}
	for name, call := range map[string]func() error{
		"an empty AtVersion":              get(core.AtVersion("")),
		"two versions":                    get(core.AtVersion("1"), core.AtVersion("2")),
		"two versions, one as a struct":   get(core.AtVersion("1"), core.GetOptions{Version: "2"}),
		"no option at all":                get(nil),
		"a foreign option":                get(foreignOption{}),
		"an empty AtVersion of Stat":      func() error { _, err := store.Stat(ctx, "ID", core.AtVersion("")); return err },
		"an empty AtVersion of GetMany":   func() error { _, err := store.GetMany(ctx, []string{"ID"}, core.AtVersion("")); return err },
		"an empty IfVersion":              set(core.IfVersion("")),
		"two conditions on a version":     set(core.IfVersion("1"), core.IfVersion("2")),
		"two, one as a struct":            set(core.IfVersion("1"), core.SetOptions{IfVersion: "2"}),
		"IfAbsent with IfVersion":         set(core.IfAbsent(), core.IfVersion("1")),
		"IfAbsent with IfVersion, struct": set(core.SetOptions{IfAbsent: true, IfVersion: "1"}),
		"no option of Set":                set(nil),
		"no option of Delete":             func() error { return store.Delete(ctx, "ID", nil) },
	} {
		if err := call(); matches(err) != "ErrInvalidOption" {
			t.Errorf("%s: got %v, want ErrInvalidOption", name, err)
		}
	}
}

func TestTheSameOptionTwiceIsOne(t *testing.T) {
	t.Parallel()
	store := core.New("fake", &funcs{
		t: t,
		get: func(_ context.Context, _ string, o core.GetOptions) (core.Secret, error) {
			if o != (core.GetOptions{Version: "1", Fresh: true}) {
				t.Errorf("the backend got %+v", o)
			}
			return core.Secret{Value: core.String("x")}, nil
		},
		set: func(_ context.Context, _ string, _ core.Value, o core.SetOptions) (core.Info, error) {
			if o != (core.SetOptions{IfVersion: "1"}) {
				t.Errorf("the backend got %+v", o)
			}
			return core.Info{}, nil
		},
		delete: func(_ context.Context, _ string, o core.DeleteOptions) error {
			if o != (core.DeleteOptions{Purge: true}) {
				t.Errorf("the backend got %+v", o)
			}
			return nil
		},
	})
	if err := store.Delete(t.Context(), "ID", core.Purge(), core.Purge(), core.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := store.Get(t.Context(), "ID", core.AtVersion("1"), core.Fresh(), core.GetOptions{Version: "1"}, core.GetOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := store.Set(t.Context(), "ID", core.String("x"), core.IfVersion("1"), core.SetOptions{IfVersion: "1"}, core.SetOptions{}); err != nil {
		t.Error(err)
	}
}

// A struct that asks for nothing takes nothing back, wherever it stands.
func TestAnEmptyStructOfOptionsChangesNothing(t *testing.T) {
	t.Parallel()
	var got []core.SetOptions
	store := core.New("fake", &funcs{
		t: t, get: valued("old"),
		set: func(_ context.Context, _ string, _ core.Value, o core.SetOptions) (core.Info, error) {
			got = append(got, o)
			return core.Info{}, nil
		},
	})
	if _, err := store.Set(t.Context(), "ID", core.String("x"), core.IfAbsent(), core.SetOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := store.Set(t.Context(), "ID", core.String("old"), core.IfChanged(), core.SetOptions{}); err != nil {
		t.Error(err)
	}
	if len(got) != 1 || got[0] != (core.SetOptions{IfAbsent: true}) {
		t.Errorf("the backend got the writes %+v, want one with IfAbsent", got)
	}
}

func TestAStructOfOptionsPassesOnWhatItHolds(t *testing.T) {
	t.Parallel()
	if got := (core.GetOptions{}).Options(); got != nil {
		t.Errorf("no options of a read became %v", got)
	}
	if got := (core.SetOptions{}).Options(); got != nil {
		t.Errorf("no options of a write became %v", got)
	}
	if got := (core.DeleteOptions{}).Options(); got != nil {
		t.Errorf("no options of a delete became %v", got)
	}
	if got := (core.GetOptions{Fresh: true}).Options(); len(got) != 1 || got[0] != core.Fresh() {
		t.Errorf("got %v", got)
	}
	if got := (core.SetOptions{IfAbsent: true}).Options(); len(got) != 1 || got[0] != core.IfAbsent() {
		t.Errorf("got %v", got)
	}
	if got := (core.DeleteOptions{Purge: true}).Options(); len(got) != 1 || got[0] != core.Purge() {
		t.Errorf("got %v", got)
	}
}

func TestAnOptionThatIsNotClaimedChangesNothing(t *testing.T) {
	t.Parallel()
	// Everything is implemented and nothing of the options claimed, so a call
	// that got through would fail the test.
	store := core.New("fake", &funcs{t: t, claims: func(context.Context) (core.Capabilities, error) {
		return core.Capabilities{Set: true, Delete: true, List: true, Versions: true}, nil
	}})
	ctx, value := t.Context(), core.String("x")
	for name, call := range map[string]func() error{
		"Get AtVersion":     func() error { _, err := store.Get(ctx, "ID", core.AtVersion("1")); return err },
		"Stat AtVersion":    func() error { _, err := store.Stat(ctx, "ID", core.AtVersion("1")); return err },
		"GetMany AtVersion": func() error { _, err := store.GetMany(ctx, []string{"ID"}, core.AtVersion("1")); return err },
		"Set IfAbsent":      func() error { _, err := store.Set(ctx, "ID", value, core.IfAbsent()); return err },
		"Set IfVersion":     func() error { _, err := store.Set(ctx, "ID", value, core.IfVersion("1")); return err },
		"IfVersion with IfChanged": func() error {
			_, err := store.Set(ctx, "ID", value, core.IfVersion("1"), core.IfChanged())
			return err
		},
		"Delete Purge": func() error { return store.Delete(ctx, "ID", core.Purge()) },
	} {
		if err := call(); matches(err) != "ErrUnsupported" {
			t.Errorf("%s: got %v, want errors.ErrUnsupported", name, err)
		}
	}
}

func TestWithoutAnInterfaceTheMethodIsUnsupported(t *testing.T) {
	t.Parallel()
	store := core.New("fake", valued("x"))
	ctx := t.Context()
	_, setErr := store.Set(ctx, "ID", core.String("x"))
	_, ifErr := store.Set(ctx, "ID", core.String("x"), core.IfChanged())
	_, listErr := collect(t, store.List(ctx, ""))
	_, versionsErr := collect(t, store.Versions(ctx, "ID"))
	for name, err := range map[string]error{
		"Set": setErr, "Set IfChanged": ifErr, "Delete": store.Delete(ctx, "ID"),
		"List": listErr, "Versions": versionsErr,
	} {
		if matches(err) != "ErrUnsupported" {
			t.Errorf("%s: got %v, want errors.ErrUnsupported", name, err)
		}
	}
	if c, err := store.Capabilities(ctx); err != nil || c != (core.Capabilities{}) {
		t.Errorf("the capabilities are %+v, %v, want none", c, err)
	}
	if err := store.Close(); err != nil { // which would hang if a refused call were still inside
		t.Error(err)
	}
}

func TestCapabilitiesFollowFromTheInterfaces(t *testing.T) {
	t.Parallel()
	// The embedded interfaces hide Capable.
	type all struct {
		core.Backend
		core.Setter
		core.Deleter
		core.Lister
		core.Versioner
	}
	f := &funcs{t: t}
	c, err := core.New("fake", all{f, f, f, f, f}).Capabilities(t.Context())
	want := core.Capabilities{Set: true, Delete: true, List: true, Versions: true}
	if err != nil || c != want {
		t.Errorf("got %+v, %v, want %+v", c, err, want)
	}
}

// boaster claims what it has no interface for.
type boaster struct{ getFunc }

func (boaster) Capabilities(context.Context) (core.Capabilities, error) {
	c := everything
	c.Settle = -1
	return c, nil
}

func TestWhatTheInterfacesCannotDoIsNeverClaimed(t *testing.T) {
	t.Parallel()
	c, err := core.New("fake", boaster{valued("x")}).Capabilities(t.Context())
	if want := (core.Capabilities{AtVersion: true}); err != nil || c != want {
		t.Errorf("got %+v, %v, want %+v", c, err, want)
	}
}

func TestCapabilitiesAreAskedOnlyWhereAnOptionNeedsThem(t *testing.T) {
	t.Parallel()
	asked := 0
	store := core.New("fake", &funcs{
		t: t, get: valued("x"),
		stat:     func(context.Context, string, core.GetOptions) (core.Info, error) { return core.Info{}, nil },
		set:      func(context.Context, string, core.Value, core.SetOptions) (core.Info, error) { return core.Info{}, nil },
		delete:   func(context.Context, string, core.DeleteOptions) error { return nil },
		claims:   func(context.Context) (core.Capabilities, error) { asked++; return everything, nil },
		list:     nil,
		versions: nil,
	})
	ctx := t.Context()
	_, _ = store.Get(ctx, "ID", core.Fresh())
	_, _ = store.Stat(ctx, "ID")
	_, _ = store.Set(ctx, "ID", core.String("y"), core.IfChanged())
	_ = store.Delete(ctx, "ID")
	if asked != 0 {
		t.Errorf("calls that need no capability asked %d times", asked)
	}
	_, _ = store.Get(ctx, "ID", core.AtVersion("1"))
	if asked != 1 {
		t.Errorf("a call that needs a capability asked %d times, want once", asked)
	}
}

func TestAFailureToLearnTheCapabilitiesWritesNothing(t *testing.T) {
	t.Parallel()
	store := core.New("fake", &funcs{t: t, claims: func(context.Context) (core.Capabilities, error) {
		return core.Capabilities{}, vendorError{canary}
	}})
	_, err := store.Set(t.Context(), "ID", core.String("x"), core.IfAbsent())
	if !errors.Is(err, core.ErrUnavailable) || errors.Is(err, core.ErrIndeterminate) {
		t.Errorf("got %v, want ErrUnavailable: nothing was written", err)
	}
	checkNoCanary(t, err)
}

func TestIfChanged(t *testing.T) {
	t.Parallel()
	current := func(value string) getFunc {
		return func(_ context.Context, _ string, o core.GetOptions) (core.Secret, error) {
			if !o.Fresh {
				t.Error("the current value was read from a cache")
			}
			return core.Secret{Info: core.Info{Version: "v1"}, Value: core.String(value)}, nil
		}
	}
	for _, test := range []struct {
		name    string
		get     getFunc
		opts    []core.SetOption
		written *core.SetOptions // nil: nothing is written
		kind    string
	}{
		{"an equal value makes no new version", current("new"), nil, nil, ""},
		{"another value is written", current("old"), nil, &core.SetOptions{}, ""},
		{"an absent one is written", failing(core.ErrNotFound), nil, &core.SetOptions{}, ""},
		{"an empty one is replaced", current(""), nil, &core.SetOptions{}, ""},
		{"one over the limit is replaced", current(strings.Repeat("x", core.MaxValueLen+1)), nil, &core.SetOptions{}, ""},
		{"a corrupt one is replaced", failing(core.ErrCorrupt), nil, &core.SetOptions{}, ""},
		{"a denied read writes nothing", failing(core.ErrPermissionDenied), nil, nil, "ErrPermissionDenied"},
		{"an outage of the read writes nothing and says so", failing(vendorError{canary}), nil, nil, "ErrUnavailable"},
		{
			"the version is checked before equality", current("new"),
			[]core.SetOption{core.IfVersion("v0")},
			nil, "ErrConflict",
		},
		{"an equal value at its version", current("new"), []core.SetOption{core.IfVersion("v1")}, nil, ""},
		{
			"another value carries its condition on", current("old"),
			[]core.SetOption{core.IfVersion("v1")},
			&core.SetOptions{IfVersion: "v1"}, "",
		},
		{"an equal value is not absent", current("new"), []core.SetOption{core.IfAbsent()}, nil, "ErrConflict"},
		{
			"an absent one carries IfAbsent on", failing(core.ErrNotFound),
			[]core.SetOption{core.IfAbsent()},
			&core.SetOptions{IfAbsent: true}, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var written *core.SetOptions
			store := core.New("fake", &funcs{
				t: t, get: test.get,
				set: func(_ context.Context, _ string, _ core.Value, o core.SetOptions) (core.Info, error) {
					written = &o
					return core.Info{Version: "v2"}, nil
				},
			})
			info, err := store.Set(t.Context(), "ID", core.String("new"), append(test.opts, core.IfChanged())...)
			if got := matches(err); got != test.kind {
				t.Fatalf("the error matches %q, want %q", got, test.kind)
			}
			if (written == nil) != (test.written == nil) || written != nil && *written != *test.written {
				t.Errorf("the backend got a write %+v, want %+v", written, test.written)
			}
			if err != nil {
				return
			}
			version := "v1"
			if written != nil {
				version = "v2"
			}
			if info.Version != version || info.ID != "ID" || info.Source != "fake" {
				t.Errorf("got %+v, want version %s of ID", info, version)
			}
		})
	}
}
