package core_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// schemes has one scheme, "test", whose stores answer with the id that they
// were asked for, and remember the URL they were opened by.
func schemes(opened *url.URL, closed *bool) core.Schemes {
	var s core.Schemes
	s.Register("test", func(_ context.Context, u *url.URL) (*core.Store, error) {
		*opened = *u
		if _, err := core.Query(u, "region", "tag.*"); err != nil {
			return nil, err
		}
		return core.New("test", &closing{
			getFunc: func(_ context.Context, id string, _ core.GetOptions) (core.Secret, error) {
				return core.Secret{Value: core.String(id)}, nil
			},
			closed: closed,
		}), nil
	})
	return s
}

type closing struct {
	getFunc
	closed *bool
}

func (c *closing) Close() error { *c.closed = true; return nil }

func TestAURLNamesTheStore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		url   string
		below string // the id that the backend is asked for
		rest  string // the query that the opener gets
	}{
		{"test:", "ID", ""},
		{"test:relative/dir", "ID", ""},
		{"test:///abs/dir", "ID", ""},
		{"TEST:", "ID", ""},
		{"test:?region=x", "ID", "region=x"},
		{"test:?tag.team=payments&region=x", "ID", "tag.team=payments&region=x"},
		{"test:?prefix=shop/", "shop/ID", ""},
		{"test:?prefix=shop", "shopID", ""},
		{"test:?prefix=shop%2F", "shop/ID", ""},
		{"test:?prefix=a+b/", "a+b/ID", ""},
		{"test:?prefix=a%2Bb/", "a+b/ID", ""},
		{"test://host/path?region=x&prefix=p_&tag.a=b", "p_ID", "region=x&tag.a=b"},
		{"test:?%70refix=p_", "p_ID", ""},
		{"test:?prefix=a=b_", "a=b_ID", ""},
	} {
		t.Run(test.url, func(t *testing.T) {
			t.Parallel()
			var opened url.URL
			closed := false
			all := schemes(&opened, &closed)
			if err := all.CheckURL(test.url); err != nil || opened != (url.URL{}) {
				t.Errorf("CheckURL: %v, and it opened %v", err, opened.Scheme)
			}
			store, err := all.Open(t.Context(), test.url)
			if err != nil {
				t.Fatal(err)
			}
			secret, err := store.Get(t.Context(), "ID")
			if err != nil || secret.Value.Reveal() != test.below || secret.ID != "ID" {
				t.Errorf("the backend was asked for %q, and the answer is of %q (%v); want %q", secret.Value.Reveal(), secret.ID, err, test.below)
			}
			if store.Provider() != "test" || secret.Source != "test" {
				t.Errorf("the provider is %q and the source %q", store.Provider(), secret.Source)
			}
			if opened.RawQuery != test.rest {
				t.Errorf("the opener got the query %q, want %q", opened.RawQuery, test.rest)
			}
			if err := store.Close(); err != nil || !closed {
				t.Errorf("Close = %v, and the backend is closed: %v", err, closed)
			}
		})
	}
}

func TestAURLThatCannotBeMeantIsRefusedAndNotQuoted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ url, kind, hint string }{
		"no scheme":                {canary + "/dir", "ErrInvalidOption", "no scheme"},
		"no URL":                   {canary + ":\x7f", "ErrInvalidOption", "does not parse"},
		"a bad escape in the host": {"test://" + canary + "%zz/", "ErrInvalidOption", "does not parse"},
		"an unknown scheme":        {"nosuch:" + canary, "ErrUnsupported", "this program has test"},
		"a scheme of a provider that is not linked": {
			"vault://" + canary, "ErrUnsupported", `import _ "github.com/lukko-dev/lukko/providers/vault"`,
		},
		"a password":                 {"test://user:" + canary + "@host", "ErrInvalidOption", "no user or password"},
		"a token as the user":        {"test://" + canary + "@host", "ErrInvalidOption", "no user or password"},
		"a fragment":                 {"test:dir#" + canary, "ErrInvalidOption", "%23"},
		"an empty fragment":          {"test:" + canary + "#", "ErrInvalidOption", "%23"},
		"an unknown key":             {"test:?" + canary + "=x", "ErrInvalidOption", "it knows prefix, region, tag.*"},
		"a repeated key":             {"test:?region=a&region=" + canary, "ErrInvalidOption", "repeats"},
		"a repeated prefix":          {"test:?prefix=a&prefix=" + canary, "ErrInvalidOption", "repeats"},
		"a prefix repeated, escaped": {"test:?prefix=a&%70refix=" + canary, "ErrInvalidOption", "repeats"},
		"a semicolon":                {"test:?region=a;prefix=" + canary, "ErrInvalidOption", "semicolon"},
		"a bad escape in the query":  {"test:?region=" + canary + "%zz", "ErrInvalidOption", "escape"},
		"a key without a value":      {"test:?" + canary, "ErrInvalidOption", "key=value"},
		"an empty pair":              {"test:?region=" + canary + "&", "ErrInvalidOption", "key=value"},
		"an empty prefix":            {"test:?prefix=&region=" + canary, "ErrInvalidOption", "empty"},
		"a prefix with a space":      {"test:?prefix=" + canary + "%20", "ErrInvalidOption", "byte"},
		"a prefix with a zero byte":  {"test:?prefix=" + canary + "%00", "ErrInvalidOption", "byte"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opened url.URL
			closed := false
			all := schemes(&opened, &closed)
			if name != "an unknown key" && matches(all.CheckURL(test.url)) != test.kind {
				t.Errorf("CheckURL: %v, want %s", all.CheckURL(test.url), test.kind)
			}
			if opened != (url.URL{}) {
				t.Error("CheckURL opened the store")
			}
			store, err := all.Open(t.Context(), test.url)
			if store != nil || matches(err) != test.kind || !strings.Contains(err.Error(), test.hint) {
				t.Fatalf("got %v, %v, want %s that says %q", store, err, test.kind, test.hint)
			}
			if strings.Contains(strings.ToLower(fmt.Sprintf("%v %+v %#v", err, err, err)), strings.ToLower(canary)) {
				t.Error("the error quotes the URL")
			}
		})
	}
}

func TestAnOpenersErrorShowsNothingOfOthers(t *testing.T) {
	t.Parallel()
	var s core.Schemes
	s.Register("bad", func(context.Context, *url.URL) (*core.Store, error) { return nil, vendorError{canary} })
	s.Register("none", func(context.Context, *url.URL) (*core.Store, error) { return nil, nil })
	s.Register("late", func(ctx context.Context, _ *url.URL) (*core.Store, error) { return nil, context.DeadlineExceeded })
	for _, scheme := range []string{"bad", "none", "late"} {
		store, err := s.Open(t.Context(), scheme+":")
		var e *core.Error
		if store != nil || matches(err) != "ErrUnavailable" || !errors.As(err, &e) || e.Op != "open" || e.Provider != scheme {
			t.Errorf("%s: got %v, %v", scheme, store, err)
			continue
		}
		checkNoCanary(t, err)
		checkOnlyOurs(t, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Open(ctx, "bad:"); matches(err) != "Canceled" {
		t.Errorf("with a context that has ended: got %v", err)
	}
}

var schemesMade atomic.Int64

// newScheme is a scheme that the default Schemes don't have yet, also when
// the tests run more than once.
func newScheme() string { return "open-test-" + strconv.FormatInt(schemesMade.Add(1), 10) }

func TestTheDefaultSchemesAreOpenToAll(t *testing.T) {
	t.Parallel()
	scheme := newScheme()
	core.Register(scheme, func(context.Context, *url.URL) (*core.Store, error) {
		return core.New("open-test", valued("x")), nil
	})
	store, err := core.Open(t.Context(), scheme+":")
	if err != nil {
		t.Fatal(err)
	}
	if err := core.CheckURL(scheme + ":"); err != nil {
		t.Error(err)
	}
	if err := core.CheckURL("no-such-scheme:"); matches(err) != "ErrUnsupported" {
		t.Errorf("CheckURL: %v", err)
	}
	if store.Provider() != "open-test" {
		t.Errorf("the provider is %q", store.Provider())
	}
}

func TestRegisterRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	open := func(context.Context, *url.URL) (*core.Store, error) { return nil, nil }
	s := core.Schemes{"twice": open}
	for name, register := range map[string]func(){
		"a scheme twice":         func() { s.Register("twice", open) },
		"an empty scheme":        func() { s.Register("", open) },
		"a scheme in upper case": func() { s.Register("UPPER", open) },
		"no opener":              func() { s.Register("none", nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Register took %s", name)
				}
			}()
			register()
		}()
	}
}

// A map literal is a Schemes as good as one that was filled by Register.
func TestSchemesMayBeAMapLiteralOrNothing(t *testing.T) {
	t.Parallel()
	literal := core.Schemes{
		"some": func(context.Context, *url.URL) (*core.Store, error) { return core.New("some", valued("x")), nil },
		"none": nil,
	}
	if store, err := literal.Open(t.Context(), "some:"); err != nil || store.Provider() != "some" {
		t.Errorf("got %v, %v", store, err)
	}
	for name, open := range map[string]func() (*core.Store, error){
		"a scheme without an opener": func() (*core.Store, error) { return literal.Open(t.Context(), "none:") },
		"the zero Schemes":           func() (*core.Store, error) { return core.Schemes(nil).Open(t.Context(), "some:") },
	} {
		if store, err := open(); store != nil || matches(err) != "ErrUnsupported" || strings.Contains(err.Error(), "none,") {
			t.Errorf("%s: got %v, %v, want errors.ErrUnsupported", name, store, err)
		}
	}
}

func TestAnOpenerMayRegisterAndOpen(t *testing.T) {
	t.Parallel()
	outer, inner := newScheme(), newScheme()
	core.Register(outer, func(ctx context.Context, _ *url.URL) (*core.Store, error) {
		core.Register(inner, func(context.Context, *url.URL) (*core.Store, error) {
			return core.New("inner", valued("x")), nil
		})
		return core.Open(ctx, inner+":")
	})
	if store, err := core.Open(t.Context(), outer+":"); err != nil || store.Provider() != "inner" {
		t.Errorf("got %v, %v", store, err)
	}
}

func TestQueryDecodesAsAPathIs(t *testing.T) {
	t.Parallel()
	got, err := core.Query(&url.URL{RawQuery: "a=1+1&b=%26%3D&tag.x=y%20z"}, "a", "b", "tag.*")
	if want := map[string]string{"a": "1+1", "b": "&=", "tag.x": "y z"}; err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
