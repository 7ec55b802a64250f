package credentials_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
	"github.com/lukko-dev/lukko/schema"
)

func TestADeclarationIsAtTheCallersPlace(t *testing.T) {
	t.Parallel()
	set := newSet()
	key := credentials.DeclareIn[string](set, credentials.Spec{Name: "a", SecretID: "A"})
	_, _, line, _ := runtime.Caller(0)
	user := credentials.DeclarePerUserIn[string](set, credentials.Spec{Name: "b", SecretID: "B"})
	hand := credentials.DeclareMeta(set, credentials.Meta{Spec: credentials.Spec{Name: "c", SecretID: "C"}, Place: "lukko.yaml:7"})
	for d, want := range map[credentials.Declared]string{
		key: "credentials/declare_test.go:" + strconv.Itoa(line-1), user: "credentials/declare_test.go:" + strconv.Itoa(line+1), hand: "lukko.yaml:7",
	} {
		if got := d.Meta().Place; got != want {
			t.Errorf("%s is at %q, want %q", d.Meta().Name, got, want)
		}
	}
	if secret, ok := set.Secrets.ByName("a"); !ok || secret.Meta().Place != key.Meta().Place {
		t.Error("the secret of the key is elsewhere than the key")
	}
}

func TestDeclareAndDeclarePerUserAreInDefault(t *testing.T) {
	t.Parallel()
	app := credentials.Declare[string](credentials.Spec{Name: "default-app", SecretID: "DEFAULT_APP"})
	user := credentials.DeclarePerUser[string](credentials.Spec{Name: "default-user", SecretID: "DEFAULT_USER"})
	for _, d := range []credentials.Declared{app, user} {
		if !slices.Contains(slices.Collect(credentials.Default.All()), d) {
			t.Errorf("%s is not in Default", d.Meta().Name)
		}
		if !strings.HasPrefix(d.Meta().Place, "credentials/declare_test.go:") {
			t.Errorf("%s is at %s", d.Meta().Name, d.Meta().Place)
		}
	}
	if _, ok := schema.Default.ByID("DEFAULT_APP"); !ok {
		t.Error("the secret of the key is not in schema.Default")
	}
	if !slices.Contains(slices.Collect(credentials.Default.All()), credentials.Declared(user)) {
		t.Error("All does not yield it")
	}
}

func TestTheSecretsAreDeclaredBeside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got []string
	for d := range w.set.Secrets.All() {
		m := d.Meta()
		if err := d.Check(); err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprintf("%s at %s, %s, optional %t", m.Name, m.ID, m.Type, m.Optional))
	}
	slices.Sort(got)
	want := []string{ // and none of those that users have
		"bot.app at BOT_APP, oauth2.App, optional false",
		"bot.tokens at BOT, oauth2.Token, optional true",
		"github.app at GITHUB_APP, oauth2.App, optional false",
		"stripe at STRIPE, credentials_test.stripeKeys, optional false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("declared are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheSecretsOfACredentialAreAsRequiredAsItIs(t *testing.T) {
	t.Parallel()
	set := newSet()
	credentials.DeclareIn[string](set, credentials.Spec{Name: "a", SecretID: "A", RequiredIn: []string{"production"}})
	credentials.DeclarePerUserIn[oauth2.Token](set, credentials.Spec{Name: "b", SecretID: "B", TokenSecretID: "BT", OAuth2: settings(), Optional: true})
	a, _ := set.Secrets.ByName("a")
	b, _ := set.Secrets.ByName("b.app")
	if !slices.Equal(a.Meta().RequiredIn, []string{"production"}) || !b.Meta().Optional {
		t.Errorf("they are %+v and %+v", a.Meta(), b.Meta())
	}
}

func TestMetaTellsWhatToolsNeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct {
		d             credentials.Declared
		perUser, text bool
		typ           string
		schema        bool
	}{
		{w.stripe, false, false, "credentials_test.stripeKeys", true},
		{w.bot, false, false, "oauth2.Token", false},
		{w.notion, true, true, "core.Value", false},
		{w.shop, true, false, "credentials_test.stripeKeys", true},
		{w.github, true, false, "oauth2.Token", false},
	} {
		m := test.d.Meta()
		if m.PerUser != test.perUser || m.Text != test.text || m.Type != test.typ || (len(m.Schema) > 0) != test.schema || len(m.Warnings) > 0 {
			t.Errorf("%s: %+v", m.Name, m)
		}
	}
}

func TestWhatIsDeclaredByHandIsWhatTheMetaSaid(t *testing.T) {
	t.Parallel()
	w, set := newWorld(t), newSet()
	for d := range w.set.All() {
		m := d.Meta()
		again := credentials.DeclareMeta(set, m)
		if err := again.Check(); err != nil {
			t.Error(err)
		}
		got := again.Meta()
		if m.OAuth2 == nil {
			m.Type = "core.Value"
		}
		if fmt.Sprintf("%+v", asJSON(t, got)) != fmt.Sprintf("%+v", asJSON(t, m)) {
			t.Errorf("%s: %+v, want %+v", m.Name, got, m)
		}
	}
	if got, want := len(slices.Collect(set.Secrets.All())), len(slices.Collect(w.set.Secrets.All())); got != want {
		t.Errorf("%d secrets are declared beside, want %d", got, want)
	}
	for name, want := range map[string]bool{"stripe": false, "bot": false, "notion": true, "github": true} {
		d, _ := set.ByName(name)
		var perUser bool
		switch d.(type) {
		case *credentials.Credential[core.Value], *credentials.Credential[oauth2.Token]:
		case *credentials.UserCredential[core.Value], *credentials.UserCredential[oauth2.Token]:
			perUser = true
		default:
			t.Errorf("%s is a %T", name, d)
		}
		if perUser != want {
			t.Errorf("%s is a %T", name, d)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestAWrongDeclarationIsAnErrorAndNoPanic(t *testing.T) {
	t.Parallel()
	oauth := func(change func(*credentials.Spec)) credentials.Spec {
		s := credentials.Spec{Name: "a", SecretID: "APP", TokenSecretID: "TOKENS", OAuth2: settings()}
		change(&s)
		return s
	}
	none := func(*credentials.Spec) {}
	machine := settings()
	machine.Grant = oauth2.GrantClientCredentials
	bad := settings()
	bad.TokenURL = "http://" + canary + ".example.com"
	for name, test := range map[string]struct {
		d    func(set *credentials.Set) credentials.Declared
		want string // empty: it is right
	}{
		"a right key":                       {key[string](credentials.Spec{Name: "a", SecretID: "A"}), ""},
		"a right account":                   {key[oauth2.Token](oauth(none)), ""},
		"no name":                           {key[string](credentials.Spec{SecretID: "A"}), "its name must be"},
		"a bad name":                        {key[string](credentials.Spec{Name: canary + "/x", SecretID: "A"}), "its name must be"},
		"no id":                             {key[string](credentials.Spec{Name: "a"}), "SecretID is no id"},
		"a bad id":                          {key[string](credentials.Spec{Name: "a", SecretID: canary + "?"}), "SecretID is no id"},
		"a type that can't be stored":       {key[chan int](credentials.Spec{Name: "a", SecretID: "A"}), "wrong declaration"},
		"a bad schema":                      {key[string](credentials.Spec{Name: "a", SecretID: "A", Schema: json.RawMessage(`{"type":`)}), "the schema is wrong"},
		"optional and required":             {key[string](credentials.Spec{Name: "a", SecretID: "A", Optional: true, RequiredIn: []string{"x"}}), "contradict"},
		"a pointer into a text":             {key[string](credentials.Spec{Name: "a", SecretID: "A", KeyAt: "/key"}), "this one is a text"},
		"hosts without a way":               {key[string](credentials.Spec{Name: "a", SecretID: "A", Hosts: []string{"x.example.com"}}), "no scheme is given"},
		"a way without hosts":               {key[string](credentials.Spec{Name: "a", SecretID: "A", Auth: httpauth.Bearer()}), "no hosts are given"},
		"bad hosts":                         {key[string](credentials.Spec{Name: "a", SecretID: "A", Hosts: []string{"*"}, Auth: httpauth.Bearer()}), "Hosts and Auth"},
		"a document without a part":         {key[stripeKeys](credentials.Spec{Name: "a", SecretID: "A", Hosts: []string{"x.example.com"}, Auth: httpauth.Bearer()}), "KeyAt does not say"},
		"no pointer":                        {key[stripeKeys](credentials.Spec{Name: "a", SecretID: "A", KeyAt: "key"}), "no JSON pointer"},
		"a key with a token's id":           {key[string](credentials.Spec{Name: "a", SecretID: "A", TokenSecretID: "B"}), "TokenSecretID is for OAuth2"},
		"a token without OAuth2":            {key[oauth2.Token](credentials.Spec{Name: "a", SecretID: "A"}), "OAuth2 is not set"},
		"OAuth2 of another type":            {key[string](oauth(none)), "must be oauth2.Token"},
		"OAuth2 without tokens":             {key[oauth2.Token](oauth(func(s *credentials.Spec) { s.TokenSecretID = "" })), "needs a TokenSecretID"},
		"OAuth2 with a bad id":              {key[oauth2.Token](oauth(func(s *credentials.Spec) { s.TokenSecretID = canary + "?" })), "TokenSecretID is no id"},
		"OAuth2 without an app":             {key[oauth2.Token](oauth(func(s *credentials.Spec) { s.SecretID = "" })), "SecretID is no id"},
		"OAuth2 of one id":                  {key[oauth2.Token](oauth(func(s *credentials.Spec) { s.TokenSecretID = "app" })), "are the same"},
		"OAuth2 with a schema":              {key[oauth2.Token](oauth(func(s *credentials.Spec) { s.Schema = json.RawMessage(`{}`) })), "has no Schema"},
		"OAuth2 with hosts":                 {key[oauth2.Token](oauth(func(s *credentials.Spec) { s.Hosts = []string{"x.example.com"} })), "are for keys"},
		"an application's account of users": {perUser[oauth2.Token](oauth(func(s *credentials.Spec) { s.OAuth2 = machine })), "no user has one"},
		"an application's account":          {key[oauth2.Token](oauth(func(s *credentials.Spec) { s.OAuth2 = machine })), ""},
		"OAuth2 with bad settings":          {key[oauth2.Token](oauth(func(s *credentials.Spec) { s.OAuth2 = bad })), "TokenURL: it is an https URL"},
		"a long base":                       {perUser[string](credentials.Spec{Name: "a", SecretID: strings.Repeat("A", 194)}), "more than 193 bytes"},
		"the longest base":                  {perUser[string](credentials.Spec{Name: "a", SecretID: strings.Repeat("A", 193)}), ""},
		"an app among its users":            {perUser[oauth2.Token](oauth(func(s *credentials.Spec) { s.SecretID = "tokens__APP" })), "begins as the ids of users' tokens do"},
		"a user's bad id":                   {perUser[string](credentials.Spec{Name: "a", SecretID: canary + "?"}), "SecretID is no id"},
		"a user's bad schema":               {perUser[string](credentials.Spec{Name: "a", SecretID: "A", Schema: json.RawMessage(`1`)}), "wrong declaration"},
		"no set": {func(*credentials.Set) credentials.Declared {
			return credentials.DeclareIn[string](nil, credentials.Spec{Name: "a", SecretID: "A"})
		}, "the set is nil"},
		"by hand, no id": {func(set *credentials.Set) credentials.Declared {
			return credentials.DeclareMeta(set, credentials.Meta{Spec: credentials.Spec{Name: "a"}, PerUser: true, Place: "x:1"})
		}, "SecretID is no id"},
		"by hand, a pointer into a text": {func(set *credentials.Set) credentials.Declared {
			return credentials.DeclareMeta(set, credentials.Meta{Spec: credentials.Spec{Name: "a", SecretID: "A", KeyAt: "/x"}, Place: "x:1"})
		}, "this one is a text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := newSet()
			d := test.d(set)
			err := d.Check()
			if test.want == "" {
				if err != nil || set.Check() != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			var e *schema.Error
			if !errors.Is(err, credentials.ErrDeclaration) || !errors.As(err, &e) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, set.Check()), canary) {
				t.Errorf("what lands there by mistake is shown: %v", err)
			}
			if name != "no set" && !errors.Is(set.Check(), credentials.ErrDeclaration) {
				t.Error("the set does not tell")
			}
			_ = d.Meta()
		})
	}
}

func key[T any](spec credentials.Spec) func(*credentials.Set) credentials.Declared {
	return func(set *credentials.Set) credentials.Declared { return credentials.DeclareIn[T](set, spec) }
}

func perUser[T any](spec credentials.Spec) func(*credentials.Set) credentials.Declared {
	return func(set *credentials.Set) credentials.Declared { return credentials.DeclarePerUserIn[T](set, spec) }
}

func TestTwoDeclarationsThatContradictAreToldWithBothPlaces(t *testing.T) {
	t.Parallel()
	with := func(change func(*oauth2.Settings)) *oauth2.Settings { s := settings(); change(s); return s }
	oauth := credentials.Spec{Name: "a", SecretID: "APP", TokenSecretID: "TOKENS", OAuth2: settings()}
	scopes, again, shared := oauth, oauth, oauth
	scopes.OAuth2 = with(func(s *oauth2.Settings) { s.Scopes = []string{"admin"} })
	again.Description, again.OAuth2 = "the same", settings()
	shared.Name, shared.TokenSecretID = "b", "OTHER"
	plain := func(name, id string) credentials.Spec { return credentials.Spec{Name: name, SecretID: id} }
	account := func(name, app, tokens string) credentials.Spec {
		return credentials.Spec{Name: name, SecretID: app, TokenSecretID: tokens, OAuth2: settings()}
	}
	const meet = "would meet at one id"
	for name, test := range map[string]struct {
		a, b func(*credentials.Set) credentials.Declared
		want string // empty: both are right
	}{
		"the same again":                {key[oauth2.Token](oauth), key[oauth2.Token](again), ""},
		"the same key again":            {perUser[string](plain("a", "A")), perUser[string](plain("a", "A")), ""},
		"two of one application":        {key[oauth2.Token](oauth), perUser[oauth2.Token](shared), ""},
		"another owner":                 {key[string](plain("a", "A")), perUser[string](plain("a", "A")), "as the application's own and as one for each user"},
		"another kind":                  {key[oauth2.Token](oauth), key[string](plain("a", "APP2")), "as OAuth2 and as a key"},
		"another id":                    {key[string](plain("a", "A")), key[string](plain("a", "B")), "two ids"},
		"another application":           {key[oauth2.Token](oauth), key[oauth2.Token](account("a", "APP2", "TOKENS")), "two ids"},
		"other settings":                {perUser[oauth2.Token](oauth), perUser[oauth2.Token](scopes), "two settings of OAuth2"},
		"another schema":                {perUser[stripeKeys](plain("a", "A")), perUser[map[string]int](plain("a", "A")), "two schemas"},
		"another schema, the app's":     {key[stripeKeys](plain("a", "A")), key[map[string]int](plain("a", "A")), "two schemas"},
		"text and document":             {perUser[string](plain("a", "A")), perUser[stripeKeys](plain("a", "A")), "two schemas"},
		"other hosts":                   {key[string](plain("a", "A")), key[string](credentials.Spec{Name: "a", SecretID: "A", Hosts: []string{"x.example.com"}, Auth: httpauth.Bearer()}), "two ways to send it"},
		"two names of one key":          {perUser[string](plain("a", "A")), perUser[string](plain("b", "A")), meet},
		"two names, in another case":    {key[string](plain("a", "KEY")), key[string](plain("b", "key")), meet},
		"an app's and each user's":      {key[string](plain("a", "A")), perUser[string](plain("b", "A")), meet},
		"tokens at an app's secret":     {key[oauth2.Token](oauth), key[oauth2.Token](account("b", "APP2", "APP")), meet},
		"a key at a claim":              {key[oauth2.Token](oauth), key[string](plain("b", "TOKENS_CLAIM")), meet},
		"a key at what is pending":      {key[oauth2.Token](oauth), key[string](plain("b", "tokens_pend")), meet},
		"the app's among users'":        {perUser[string](plain("a", "A")), key[string](plain("b", "A__bob")), meet},
		"an app's secret among users'":  {perUser[string](plain("a", "A")), key[oauth2.Token](account("b", "A__bob", "T")), meet},
		"users' among users'":           {perUser[string](plain("a", "A")), perUser[string](plain("b", "a__B")), meet},
		"users' one underscore further": {perUser[string](plain("a", "A")), perUser[string](plain("b", "A_")), meet},
		"a claim that is folded":        {perUser[string](plain("a", "A")), key[oauth2.Token](account("b", "APP2", "A_")), meet},
		"users' that only look alike":   {perUser[string](plain("a", "A")), perUser[string](plain("b", "A_B")), ""},
		"users' and an app's, alike":    {perUser[string](plain("a", "A")), key[string](plain("b", "A_B")), ""},
		"a secret among users'": {perUser[string](plain("a", "A")), func(set *credentials.Set) credentials.Declared {
			schema.DeclareIn[string](set.Secrets, schema.Spec{ID: "A__b"})
			return nil
		}, "has an id that begins as those of users do"},
		"a key that is a secret already": {key[stripeKeys](plain("a", "A")), func(set *credentials.Set) credentials.Declared {
			schema.DeclareIn[map[string]int](set.Secrets, schema.Spec{ID: "A"})
			return nil
		}, "two schemas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := newSet()
			bystander := credentials.DeclareIn[string](set, plain("bystander", "BYSTANDER"))
			a := test.a(set)
			if err := a.Check(); err != nil {
				t.Fatalf("alone: %v", err)
			}
			b := test.b(set)
			ofTwo := b != nil
			if !ofTwo { // a secret, which the cache of a has not seen
				b = credentials.DeclareIn[string](set, plain("later", "LATER"))
			}
			err := set.Check()
			if bystander.Check() != nil {
				t.Error("one that has no part in it is wrong, too")
			}
			if test.want == "" {
				if err != nil || a.Check() != nil || b.Check() != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if !errors.Is(err, credentials.ErrDeclaration) || !errors.Is(a.Check(), credentials.ErrDeclaration) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if ofTwo && !errors.Is(b.Check(), credentials.ErrDeclaration) {
				t.Error("one of them is right")
			}
			if places := strings.Count(a.Check().Error(), "declare_test.go:"); places < 2 {
				t.Errorf("it names %d places: %v", places, a.Check())
			}
		})
	}
}

func TestWhatIsChangedAfterDeclaringChangesNothing(t *testing.T) {
	t.Parallel()
	set := newSet()
	s := settings()
	s.AuthParams = map[string]string{"prompt": "consent"}
	spec := credentials.Spec{Name: "a", SecretID: "APP", TokenSecretID: "TOKENS", OAuth2: s, RequiredIn: []string{"production"}}
	d := credentials.DeclareIn[oauth2.Token](set, spec)
	s.TokenURL, s.AuthParams["prompt"], s.Scopes[0], s.AllowedHosts[0], spec.RequiredIn[0] = "https://evil.test", "none", "admin", "evil.test", "x"
	m := d.Meta()
	m.OAuth2.TokenURL, m.OAuth2.Scopes[0], m.OAuth2.AuthParams["prompt"] = "https://evil.test", "admin", "none"
	want := settings()
	want.AuthParams = map[string]string{"prompt": "consent"}
	if m = d.Meta(); !m.OAuth2.Equal(*want) || m.RequiredIn[0] != "production" {
		t.Errorf("it is %+v", m)
	}
}

func TestLongIdsAreWarnedOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		d    func(*credentials.Set) credentials.Declared
		want string
	}{
		{perUser[oauth2.Token](credentials.Spec{Name: "a", SecretID: "APP", TokenSecretID: strings.Repeat("A", 38), OAuth2: settings()}), ""},
		{perUser[oauth2.Token](credentials.Spec{Name: "a", SecretID: "APP", TokenSecretID: strings.Repeat("A", 39), OAuth2: settings()}), "at most 38 bytes"},
		{perUser[string](credentials.Spec{Name: "a", SecretID: strings.Repeat("A", 44)}), ""},
		{perUser[string](credentials.Spec{Name: "a", SecretID: strings.Repeat("A", 45)}), "at most 44 bytes"},
		{key[oauth2.Token](credentials.Spec{Name: "a", SecretID: "APP", TokenSecretID: strings.Repeat("A", 95), OAuth2: settings()}), "at most 94 bytes"},
		{key[string](credentials.Spec{Name: "a", SecretID: "A/B"}), "not portable"},
	} {
		m := test.d(newSet()).Meta()
		got := strings.Join(m.Warnings, "\n")
		if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s %s: got %q, want %q", m.SecretID, m.TokenSecretID, got, test.want)
		}
	}
}
