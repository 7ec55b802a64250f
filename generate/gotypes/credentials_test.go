package gotypes_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/gotypes"
	"github.com/lukko-dev/lukko/generate/gotypes/testdata/accounts"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

// What was written down by hand and what was made of it declare the same.
func TestCredentialsInGoAreThoseOfTheFile(t *testing.T) {
	t.Parallel()
	_, want, err := config.DeclaredWithCredentials("testdata/accounts/lukko.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]credentials.Declared{}
	for _, d := range []credentials.Declared{accounts.AnyBytes, accounts.Bank, accounts.Crm, accounts.Github, accounts.Google, accounts.Maps} {
		if err := d.Check(); err != nil {
			t.Error(err)
		}
		got[d.Meta().Name] = d
	}
	for d := range want.All() {
		w := d.Meta()
		if got[w.Name] == nil {
			t.Errorf("%s is not declared", w.Name)
			continue
		}
		g := got[w.Name].Meta()
		g.Place, g.Type = w.Place, w.Type
		if !reflect.DeepEqual(g, w) {
			t.Errorf("%s is\n%+v, want\n%+v", w.Name, g, w)
		}
		delete(got, w.Name)
	}
	if len(got) > 0 {
		t.Errorf("too many: %v", got)
	}
	_ = accounts.BankKey{Key: core.String("k"), Number: 1}
}

func TestSecretsThatCredentialsAreKeptInAreNotDeclaredAgain(t *testing.T) {
	t.Parallel()
	metas, err := gotypes.Read("../internal/goldens/accounts/secrets_meta.json")
	if err != nil || len(metas) != 1 || metas[0].Name != "session-key" {
		t.Errorf("%v, %v", metas, err)
	}
}

func TestCredentialsThatGoCanNotDeclareAreTold(t *testing.T) {
	t.Parallel()
	key := func(name string, change func(*credentials.Spec)) credentials.Meta {
		m := credentials.Meta{Spec: credentials.Spec{Name: name, SecretID: strings.ToUpper(strings.ReplaceAll(name, "-", "_"))}, Place: "x.yaml:3"}
		if change != nil {
			change(&m.Spec)
		}
		return m
	}
	for name, c := range map[string]struct {
		metas []credentials.Meta
		want  string
	}{
		"a wrong one":         {[]credentials.Meta{key("a", func(s *credentials.Spec) { s.TokenSecretID = "B" })}, "x.yaml:3: a: TokenSecretID is for OAuth2"},
		"one name in Go":      {[]credentials.Meta{key("a-b", nil), key("a.b", func(s *credentials.Spec) { s.SecretID = "C" })}, "both names are AB in Go"},
		"two of one name":     {[]credentials.Meta{key("a", nil), key("a", func(s *credentials.Spec) { s.SecretID = "C" })}, "the name is declared with two ids"},
		"hosts without a way": {[]credentials.Meta{key("a", func(s *credentials.Spec) { s.Hosts = []string{"a.example"} })}, "Hosts and Auth"},
		"settings that are no": {[]credentials.Meta{key("a", func(s *credentials.Spec) {
			s.TokenSecretID, s.OAuth2 = "T", &oauth2.Settings{TokenURL: "http://canary.example"}
		})}, "TokenURL: it is an https URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := gotypes.Source("x", nil, gotypes.WithCredentials(c.metas))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// Each way to send a key is written as the function that makes it.
func TestEachWayToSendAKeyIsWrittenInGo(t *testing.T) {
	t.Parallel()
	for want, scheme := range map[string]httpauth.Scheme{
		`httpauth.Bearer()`: httpauth.Bearer(), `httpauth.UserPassword()`: httpauth.UserPassword(), `httpauth.Basic("")`: httpauth.Basic(""),
		`httpauth.Basic("u")`: httpauth.Basic("u"), `httpauth.Header("X-Api-Key")`: httpauth.Header("X-Api-Key"),
		`httpauth.Query("a:b")`: httpauth.Query("a:b"), `httpauth.Authorization("SSWS")`: httpauth.Authorization("SSWS"),
	} {
		m := credentials.Meta{Spec: credentials.Spec{Name: "a", SecretID: "A", Hosts: []string{"a.example"}, Auth: scheme}}
		source, err := gotypes.Source("x", nil, gotypes.WithCredentials([]credentials.Meta{m}))
		if err != nil || !strings.Contains(string(source), "Auth: "+want) && !strings.Contains(strings.Join(strings.Fields(string(source)), " "), "Auth: "+want) {
			t.Errorf("%v: %v\n%s", scheme, err, source)
		}
	}
}
