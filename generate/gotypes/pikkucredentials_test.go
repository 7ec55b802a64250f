package gotypes_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/gotypes"
	frompikku "github.com/lukko-dev/lukko/generate/gotypes/testdata/pikku"
	"github.com/lukko-dev/lukko/oauth2"
)

func fromPikku(t *testing.T, text string) (gotypes.Moved, string) {
	t.Helper()
	moved, err := gotypes.FromPikku([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	var warnings strings.Builder
	for _, w := range moved.Warnings {
		warnings.WriteString(w.String() + "\n")
	}
	return moved, warnings.String()
}

// settings are what a credential of Pikku's OAuth2 settings has.
func settings(t *testing.T, oauth string) (oauth2.Settings, string) {
	t.Helper()
	moved, warnings := fromPikku(t, `{"a":{"type":"wire","oauth2":{"appCredentialSecretId":"APP","tokenSecretId":"TOKENS",`+oauth+`}}}`)
	if len(moved.Credentials) != 1 || moved.Credentials[0].OAuth2 == nil {
		t.Fatalf("%+v\n%s", moved, warnings)
	}
	return *moved.Credentials[0].OAuth2, warnings
}

const endpoints = `"authorizationUrl":"https://a.example/auth","tokenUrl":"https://a.example/token"`

func TestOAuth2SettingsOfPikkuAreWhatPikkuDoesWithThem(t *testing.T) {
	t.Parallel()
	base := oauth2.Settings{AuthURL: "https://a.example/auth", TokenURL: "https://a.example/token", ClientAuth: oauth2.ClientSecretPost, Scopes: []string{"read"}}
	const pkce = endpoints + `,"pkce":true,"scopes":["read"]`
	for name, c := range map[string]struct {
		oauth   string
		want    func(*oauth2.Settings)
		warning string
	}{
		"with pkce there is the challenge":  {pkce, nil, ""},
		"without pkce there is none":        {endpoints + `,"scopes":["read"]`, func(s *oauth2.Settings) { s.PKCE = oauth2.PKCENone }, "it has no PKCE, as in Pikku"},
		"two scopes in one text are two":    {endpoints + `,"pkce":true,"scopes":["read write","all"]`, func(s *oauth2.Settings) { s.Scopes = []string{"read", "write", "all"} }, ""},
		"parameters are those of a request": {pkce + `,"additionalParams":{"access_type":"offline"}`, func(s *oauth2.Settings) { s.AuthParams = map[string]string{"access_type": "offline"} }, ""},
		"a parameter of the protocol is left out": {
			pkce + `,"additionalParams":{"redirect_uri":"https://evil.example","x":"y"}`,
			func(s *oauth2.Settings) { s.AuthParams = map[string]string{"x": "y"} }, "one of its additionalParams is left out",
		},
		"without an issuer there is no openid": {endpoints + `,"pkce":true,"scopes":["openid","read"]`, nil, "openid is left out of its scopes"},
		"a known provider has all that is known of it": {
			`"authorizationUrl":"https://accounts.google.com/o/oauth2/auth","tokenUrl":"https://oauth2.googleapis.com/token","pkce":true,"scopes":["openid"]`,
			func(s *oauth2.Settings) {
				*s = oauth2.Google("openid")
				s.AuthURL, s.AuthParams = "https://accounts.google.com/o/oauth2/auth", nil // which Pikku says
			}, "it is at google, by its tokenUrl",
		},
		"of a known provider nothing is asked otherwise": {
			`"authorizationUrl":"https://slack.com/oauth/v2/authorize","tokenUrl":"https://slack.com/api/oauth.v2.access","scopes":["chat:write"]`,
			func(s *oauth2.Settings) {
				*s = oauth2.Slack("chat:write")
				s.ClientAuth, s.ScopeSeparator = oauth2.ClientSecretPost, "" // as Pikku asks
			}, "it is at slack, by its tokenUrl",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, warnings := settings(t, c.oauth)
			want := base
			if c.want != nil {
				c.want(&want)
			}
			if !got.Equal(want) {
				t.Errorf("they are %+v and not %+v", got, want)
			}
			if !strings.Contains(warnings, c.warning) || strings.Contains(warnings, "evil") {
				t.Errorf("%q is not among the warnings:\n%s", c.warning, warnings)
			}
			if c.warning == "" && (strings.Contains(warnings, "PKCE") || strings.Contains(warnings, "left out")) {
				t.Errorf("there are warnings of what was brought over:\n%s", warnings)
			}
		})
	}
}

func TestWhoseACredentialIsComesFromItsType(t *testing.T) {
	t.Parallel()
	for typ, perUser := range map[string]bool{"wire": true, "singleton": false} {
		for _, more := range []string{``, `,"oauth2":{"appCredentialSecretId":"APP","tokenSecretId":"TOKENS",` + endpoints + `,"scopes":[]}`} {
			moved, _ := fromPikku(t, `{"a":{"type":"`+typ+`"`+more+`}}`)
			if len(moved.Credentials) != 1 || moved.Credentials[0].PerUser != perUser || (moved.Credentials[0].OAuth2 != nil) != (more != "") {
				t.Errorf("%s%s: %+v", typ, more, moved)
			}
		}
	}
	if moved, warnings := fromPikku(t, `{"a":{"type":"both"}}`); len(moved.Credentials) > 0 || !strings.Contains(warnings, "neither singleton nor wire") {
		t.Errorf("a type that is neither was guessed: %+v, %s", moved, warnings)
	}
	moved, _ := fromPikku(t, `{"old":{"secretId":"APP","optional":true,"oauth2":{"tokenSecretId":"TOKENS",`+endpoints+`,"scopes":[]}}}`)
	if len(moved.Secrets) > 0 || len(moved.Credentials) != 1 || moved.Credentials[0].PerUser || moved.Credentials[0].SecretID != "APP" || !moved.Credentials[0].Optional {
		t.Errorf("of a secret with OAuth2 settings: %+v", moved)
	}
}

// Credentials have ids and names beside secrets, and go before the secrets that
// they are kept in.
func TestIDsAndNamesOfCredentialsFitBesideTheSecrets(t *testing.T) {
	t.Parallel()
	oauth := func(app, token string) string {
		return `"oauth2":{"appCredentialSecretId":"` + app + `","tokenSecretId":"` + token + `",` + endpoints + `,"scopes":[],"pkce":true}`
	}
	for name, c := range map[string]struct {
		text     string
		secrets  string // their names
		accounts string // name:id[:token id]
		warnings []string
	}{
		"an id is made of a key's name": {
			`{"hmac-key":{"type":"wire"},"googleMaps":{"type":"singleton"},"2fa":{"type":"wire"}}`, "", "x2fa:CREDENTIAL_2FA googleMaps:GOOGLE_MAPS hmac-key:HMAC_KEY",
			[]string{"hmac-key: its id HMAC_KEY is made of its name", "2fa: it is called x2fa", "googleMaps: its values are in Pikku's credential store and stay there"},
		},
		"an id that is taken is not made": {
			`{"maps":{"type":"wire"},"s":{"secretId":"Maps"},"t":{"variableId":"MAPS_CREDENTIAL"}}`, "s t", "maps:MAPS_CREDENTIAL2", []string{"its id MAPS_CREDENTIAL2 is made"},
		},
		"a name that is taken is another one": {
			`{"a":{"type":"wire"},"A":{"secretId":"B"}}`, "A", "a-credential:A", []string{"a: it is called a-credential: A is another name in Go already"},
		},
		"an id is made where tokens have none": {
			`{"chat":{"type":"singleton",` + oauth("APP", "") + `}}`, "", "chat:APP:CHAT_TOKENS", []string{"its id CHAT_TOKENS is made", "it is connected anew"},
		},
		"the secrets that it is kept in are declared with it": {
			`{"a":{"type":"singleton",` + oauth("APP", "TOKENS") + `},"app":{"secretId":"APP","optional":true,"rotationPeriod":"1y","allowedHosts":["a.example"]},"t":{"secretId":"TOKENS","allowedHosts":["api.a.example"]}}`,
			"", "a:APP:TOKENS",
			[]string{
				"app: it is declared with the credential a, as the application's secret of OAuth2, without a rotationPeriod",
				"app: its allowedHosts are left out: an application's secret goes to the endpoints of its credential", "t: it is declared with the credential a, as the tokens",
			},
		},
		"tokens that may be in a secret": {
			`{"a":{"type":"singleton",` + oauth("APP", "T") + `}}`, "", "a:APP:T", []string{"a: its tokens are read where an older Pikku has them, from the secret T"},
		},
		"two share an application": {
			`{"a":{"type":"singleton",` + oauth("APP", "T1") + `},"b":{"type":"wire",` + oauth("APP", "T2") + `}}`, "", "a:APP:T1 b:APP:T2", nil,
		},
		"two do not share tokens": {
			`{"a":{"type":"singleton",` + oauth("APP", "T") + `},"b":{"type":"singleton",` + oauth("APP2", "T") + `},"app":{"secretId":"APP2"}}`,
			"app", "a:APP:T",
			[]string{"b: it is left out: two credentials would meet at one id; the other is at a"},
		},
		"an id in the midst of users' is none": {
			`{"a":{"type":"wire",` + oauth("APP", "T") + `},"s":{"secretId":"T__x"}}`, "s", "", []string{"a: it is left out: "},
		},
		"tokens at a variable's id are none": {
			`{"a":{"type":"singleton",` + oauth("APP", "T") + `},"v":{"variableId":"T"}}`, "v", "", []string{"a: it is left out: "},
		},
		"without an application it is left out": {
			`{"a":{"type":"wire",` + oauth("", "T") + `}}`, "", "", []string{"a: it is left out: it names no secret for its application"},
		},
		"an application's id that is none": {
			`{"a":{"type":"wire",` + oauth("no id", "T") + `}}`, "", "", []string{"a: it is left out: SecretID is no id"},
		},
		"an id that some stores can't hold": {
			`{"a":{"type":"wire",` + oauth("my.app", "T") + `}}`, "", "a:my.app:T", []string{"a: some stores can't hold it: the id my.app"},
		},
		"a schema that is none": {
			`{"a":{"type":"wire","schema":{"type":"no such type"}}}`, "", "a:A", []string{"a: the credential has no schema now, so any bytes are valid: "},
		},
		"members beside the tokens": {
			`{"a":{"type":"wire","schema":{"type":"object","properties":{"accessToken":{},"team":{}}},` + oauth("APP", "T") + `}}`, "", "a:APP:T",
			[]string{"a: its schema is left out, and with it team"},
		},
		"hosts that say not enough": {
			`{"s":{"secretId":"S","allowedHosts":["api.example.com"]},"k":{"type":"wire","allowedHosts":["api.example.com"]}}`, "s", "k:K",
			[]string{"s: its allowedHosts are left out: declare it by package credentials with them as Hosts, and with Auth and KeyAt", "k: its allowedHosts are left out: "},
		},
		"a rotation that nothing asks for": {
			`{"a":{"secretId":"APP","rotationPeriod":"1y",` + oauth("", "T") + `}}`, "", "a:APP:T", []string{"a: its rotationPeriod is left out: a credential has none"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			moved, warnings := fromPikku(t, c.text)
			var secrets, accounts []string
			for _, s := range moved.Secrets {
				secrets = append(secrets, s.Name)
			}
			for _, a := range moved.Credentials {
				text := a.Name + ":" + a.SecretID
				if a.TokenSecretID != "" {
					text += ":" + a.TokenSecretID
				}
				accounts = append(accounts, text)
			}
			if got := strings.Join(secrets, " "); got != c.secrets {
				t.Errorf("the secrets are %q and not %q", got, c.secrets)
			}
			slices.Sort(accounts)
			want := strings.Fields(c.accounts)
			slices.Sort(want)
			if !slices.Equal(accounts, want) {
				t.Errorf("the credentials are %q and not %q", accounts, want)
			}
			for _, want := range c.warnings {
				if !strings.Contains(warnings, want) {
					t.Errorf("%q is not among the warnings:\n%s", want, warnings)
				}
			}
			source, err := gotypes.Source("x", moved.Secrets, gotypes.WithCredentials(moved.Credentials))
			if err != nil {
				t.Fatalf("what was brought over can't be declared together: %v", err)
			}
			checkSource(t, source)
		})
	}
}

func TestHostsOfPikkusTokensAreThoseThatTheyMayBeSentTo(t *testing.T) {
	t.Parallel()
	const one = `{"a":{"type":"wire","oauth2":{"appCredentialSecretId":"APP","tokenSecretId":"T",` + endpoints + `,"scopes":[]}},"t":{"secretId":"T","allowedHosts":`
	moved, warnings := fromPikku(t, one+`["api.a.example","*.files.a.example"]}}`)
	if got := moved.Credentials[0].OAuth2.AllowedHosts; !slices.Equal(got, []string{"api.a.example", "*.files.a.example"}) || strings.Contains(warnings, "allowedHosts") || strings.Contains(warnings, "AllowedHosts") {
		t.Errorf("%v\n%s", got, warnings)
	}
	moved, warnings = fromPikku(t, `{"a":{"type":"wire","allowedHosts":["api.a.example"],"oauth2":{"appCredentialSecretId":"APP","tokenSecretId":"T",`+endpoints+`,"scopes":[]}}}`)
	if got := moved.Credentials[0].OAuth2.AllowedHosts; !slices.Equal(got, []string{"api.a.example"}) {
		t.Errorf("of a credential's own they are %v\n%s", got, warnings)
	}
	moved, warnings = fromPikku(t, one+`["*.com"]}}`)
	if got := moved.Credentials[0].OAuth2.AllowedHosts; len(got) > 0 || !strings.Contains(warnings, "t: its allowedHosts are left out: ") || !strings.Contains(warnings, "a: it has no AllowedHosts") {
		t.Errorf("%v\n%s", got, warnings)
	}
}

// The golden's secrets stand in another file than its credentials.
func TestSecretsOfAnotherFileAreDeclaredWithTheirCredential(t *testing.T) {
	t.Parallel()
	m := frompikku.Calendar.Meta()
	if !m.PerUser || !m.Optional || len(m.OAuth2.AllowedHosts) != 2 {
		t.Errorf("what the secrets PIKKU_CALENDAR_APP and PIKKU_CALENDAR_TOKENS say is not in %+v", m)
	}
}

// What Pikku has stored is read as it is, by what was generated.
func TestTheGoldenOfPikkuReadsWhatPikkuStored(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if err := credentials.Default.Check(); err != nil {
		t.Fatal(err)
	}
	svc := memory.With(map[string]string{
		"PIKKU_CALENDAR_APP": `{"clientId":"calendar-id","clientSecret":"s"}`,
		"PIKKU_DESK_APP":     `{"clientId":"desk-id"}`,
		"PIKKU_DESK_TOKENS":  `{"accessToken":"at","refreshToken":"rt","expiresAt":4102444800000,"tokenType":"Bearer","scope":"read"}`,
		"SIGNER":             `{"secretKey":"0123456789abcdef"}`,
	})
	store, err := credentials.New(credentials.Config{Secrets: svc})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	token, err := frompikku.Desk.Get(ctx, store)
	if err != nil || token.AccessToken.Reveal() != "at" || token.RefreshToken.Reveal() != "rt" || token.Scope != "read" || !token.ExpiresAt.Equal(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the tokens were read as %v, %v", token, err)
	}
	if key, err := frompikku.Signer.Get(ctx, store); err != nil || key.SecretKey.Reveal() != "0123456789abcdef" || key.Rounds != 2 {
		t.Errorf("the key was read as %v, %v", key, err)
	}
	if err := frompikku.Signer.Set(ctx, store, frompikku.SignerKey{SecretKey: core.String("short")}); !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("a key that its schema refuses was stored: %v", err)
	}

	// A user's are theirs alone, and none yet.
	var missing *credentials.MissingError
	if _, err := frompikku.Calendar.Get(ctx, store, "ada"); !errors.As(err, &missing) {
		t.Errorf("a user who has not connected has %v", err)
	}
	if err := frompikku.MailerCredential.Set(ctx, store, "ada", frompikku.MailerCredentialKey{User: core.String("ada"), Password: core.String("p")}); err != nil {
		t.Error(err)
	}
	if key, err := frompikku.MailerCredential.Get(ctx, store, "ada"); err != nil || key.Password.Reveal() != "p" {
		t.Errorf("a user's key was read as %v, %v", key, err)
	}

	// What is asked of the provider is what Pikku's settings say.
	user, err := frompikku.Calendar.Client(store, "ada")
	if err != nil {
		t.Fatal(err)
	}
	asked := begin(t, user)
	if asked.Get("client_id") != "calendar-id" || asked.Get("scope") != "calendar.read calendar.write" || asked.Get("access_type") != "offline" ||
		asked.Get("code_challenge_method") != "S256" || asked.Get("state") == "fixed" {
		t.Errorf("with pkce it asks %v", asked)
	}
	own, err := frompikku.Desk.Client(store)
	if err != nil {
		t.Fatal(err)
	}
	if asked := begin(t, own); asked.Get("client_id") != "desk-id" || asked.Has("code_challenge") {
		t.Errorf("without pkce it asks %v", asked)
	}
}

func begin(t *testing.T, c *oauth2.Client) url.Values {
	t.Helper()
	pending, err := c.Begin(t.Context(), oauth2.BeginOptions{RedirectURL: "https://shop.example/back"})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(pending.URL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// A schema is read from beside the file, as a secret's is.
func TestSchemasOfCredentialsAreThoseOfTheirFiles(t *testing.T) {
	t.Parallel()
	folder := fstest.MapFS{
		"K.schema.json": {Data: []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","description":"Signs","type":"object","properties":{"key":{"type":"string"}}}`)},
		"T.schema.json": {Data: []byte(`{"type":"string","minLength":3}`)},
	}
	moved, err := gotypes.FromPikku([]byte(`{"k":{"type":"wire","schema":"K"},"t":{"type":"wire","schema":"T"},"u":{"type":"wire","schema":"U"}}`), folder)
	if err != nil || len(moved.Credentials) != 3 {
		t.Fatalf("%+v, %v", moved, err)
	}
	k, text, without := moved.Credentials[0], moved.Credentials[1], moved.Credentials[2]
	if k.Text || k.Description != "Signs" || !json.Valid(k.Schema) || strings.Contains(string(k.Schema), "$schema") {
		t.Errorf("%+v", k)
	}
	if !text.Text || len(text.Schema) == 0 {
		t.Errorf("%+v", text)
	}
	if len(without.Schema) > 0 || !strings.Contains(moved.Warnings[0].String(), "u: the schema U of it is not there") {
		t.Errorf("%+v, %v", without, moved.Warnings)
	}
}
