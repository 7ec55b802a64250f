package credentials_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// configurations are the names of those that are configured, and the reasons
// of the others.
func configurations(all []credentials.Configuration) (names []string, reasons map[string]error) {
	reasons = map[string]error{}
	for _, c := range all {
		name := c.Declared.Meta().Name
		if c.Configured {
			names = append(names, name)
		}
		if c.Configured == (c.Reason != nil) {
			names = append(names, name+" contradicts itself")
		}
		if c.Reason != nil {
			reasons[name] = c.Reason
		}
	}
	return names, reasons
}

func TestOneProviderThatIsNotConfiguredIsSkippedAndTheOthersWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("STRIPE", `{"apiKey":"sk_1"}`)
	w.put("GITHUB_APP", anApp) // and no BOT_APP
	w.put("GITHUB__bob", endedToken)
	all, err := w.store.Configured(t.Context())
	names, reasons := configurations(all)
	if err != nil || !slices.Equal(names, []string{"stripe", "notion", "shop", "github"}) {
		t.Errorf("configured are %q, %v", names, err)
	}
	reason := reasons["bot"]
	if len(reasons) != 1 || !errors.Is(reason, core.ErrNotFound) || !strings.Contains(reason.Error(), `store {"clientId": "…", "clientSecret": "…"}, as with: lukko set BOT_APP`) || !strings.Contains(reason.Error(), `"bot"`) {
		t.Errorf("the reasons are %v", reasons)
	}
	if calls := w.calls.take(); !slices.Equal(calls, []string{"get many BOT_APP,GITHUB_APP,STRIPE"}) {
		t.Errorf("the calls are %q", calls)
	}
	if err := w.store.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	if err := request(t.Context())(w.github.HTTP(w.store, "bob")); err != nil {
		t.Errorf("another provider: %v", err)
	}
	if err := request(t.Context())(w.stripe.HTTP(w.store)); err != nil {
		t.Errorf("a key: %v", err)
	}
}

func TestAMalformedApplicationSecretIsAnError(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{
		`{"clientId":"` + canary + `","clientSecret":1}`, `{"clientSecret":"` + canary + `"}`, canary, `{"clientId":" ` + canary + `"}`, `{"clientId":"id","keyId":"` + canary + `"}`, `[]`,
	} {
		w := newWorld(t)
		w.put("STRIPE", `{"apiKey":"sk_1"}`)
		w.put("BOT_APP", stored)
		w.put("GITHUB_APP", anApp)
		all, err := w.store.Configured(t.Context())
		names, reasons := configurations(all)
		for _, err := range []error{err, w.store.Check(t.Context()), reasons["bot"]} {
			if !errors.Is(err, core.ErrInvalidValue) || !strings.Contains(err.Error(), "BOT_APP") || strings.Contains(err.Error(), canary) {
				t.Errorf("got %v", err)
			}
		}
		if !slices.Equal(names, []string{"stripe", "notion", "shop", "github"}) {
			t.Errorf("configured are %q", names)
		}
	}
}

func TestWhatCouldNotBeToldIsNotUnconfigured(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("STRIPE", `{"apiKey":"sk_1"}`)
	w.put("GITHUB_APP", anApp)
	w.mem.Inject(memory.Fault{ID: "BOT_APP", Err: core.ErrPermissionDenied})
	all, err := w.store.Configured(t.Context())
	_, reasons := configurations(all)
	if !errors.Is(err, core.ErrPermissionDenied) || errors.Is(err, core.ErrNotFound) || !errors.Is(reasons["bot"], core.ErrPermissionDenied) || len(reasons) != 1 {
		t.Errorf("got %v, %v", reasons, err)
	}
	w.mem.Inject(memory.Fault{Err: core.ErrUnavailable})
	if err := w.store.Check(t.Context()); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}

func TestAWrongDeclarationIsToldByCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("STRIPE", `{"apiKey":"sk_1"}`)
	w.put("BOT_APP", anApp)
	w.put("GITHUB_APP", anApp)
	credentials.DeclareIn[oauth2.Token](w.set, credentials.Spec{Name: "wrong"})
	all, err := w.store.Configured(t.Context())
	names, reasons := configurations(all)
	if !errors.Is(err, credentials.ErrDeclaration) || !errors.Is(reasons["wrong"], credentials.ErrDeclaration) || len(names) != 5 {
		t.Errorf("got %q, %v, %v", names, reasons, err)
	}
}
