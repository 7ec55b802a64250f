package metadata_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
	"github.com/lukko-dev/lukko/schema/metadata"
)

type credentials struct {
	Key core.Value `json:"key" jsonschema:"pattern=^sk_"`
}

// node holds itself, so that its schema begins with a $ref.
type node struct {
	Value core.Value `json:"value"`
	Next  *node      `json:"next,omitempty"`
}

// all declares one of everything.
func all() *schema.Set {
	set := new(schema.Set)
	schema.DeclareIn[credentials](set, schema.Spec{
		Name: "stripe", ID: "STRIPE", DisplayName: "Stripe <API>", Description: "Keys & more", DocsURL: "https://docs.stripe.com/keys",
		RotationPeriod: 90 * 24 * time.Hour,
	})
	schema.DeclareIn[core.Value](set, schema.Spec{Name: "session", ID: "SESSION_KEY", Generate: "random:64", RequiredIn: []string{"production", "staging"}})
	schema.DeclareIn[string](set, schema.Spec{Name: "smtp", ID: "SMTP", AnyOf: "mail"})
	schema.DeclareIn[string](set, schema.Spec{Name: "mailgun", ID: "MAILGUN", AnyOf: "mail"})
	schema.DeclareIn[string](set, schema.Spec{Name: "card", ID: "CARD", OneOf: "pay"})
	schema.DeclareIn[[]byte](set, schema.Spec{Name: "blob", ID: "a/b-c", Optional: true, RotationPeriod: 90 * time.Minute})
	schema.DeclareIn[node](set, schema.Spec{Name: "chain", ID: "CHAIN"})
	schema.DeclareIn[any](set, schema.Spec{Name: "anything", ID: "ANYTHING"})
	schema.DeclareIn[time.Time](set, schema.Spec{Name: "since", ID: "SINCE"})
	schema.DeclareIn[json.Number](set, schema.Spec{Name: "number", ID: "NUMBER"})
	schema.DeclareIn[*string](set, schema.Spec{Name: "quoted", ID: "QUOTED"})
	schema.DeclareVariableIn[int](set, schema.Spec{Name: "port", ID: "PORT", Default: "8080"})
	schema.DeclareVariableIn[string](set, schema.Spec{Name: "level", ID: "LOG_LEVEL", Schema: json.RawMessage(`{"type":"string","enum":["info","debug"],"default":"info"}`)})
	return set
}

func metas(set *schema.Set) []schema.Meta {
	var all []schema.Meta
	for d := range set.All() {
		all = append(all, d.Meta())
	}
	return all
}

func TestWhatIsReadBackDeclaresTheSame(t *testing.T) {
	t.Parallel()
	set := all()
	if err := set.Check(); err != nil {
		t.Fatal(err)
	}
	want := metas(set)
	data, err := metadata.New(want).Encode()
	if err != nil {
		t.Fatal(err)
	}
	f, err := metadata.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	back := new(schema.Set)
	if err := f.Declare(back, nil); err != nil {
		t.Fatal(err)
	}
	if err := back.Check(); err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		d, ok := back.ByID(w.ID)
		if !ok {
			t.Errorf("%s is not declared", w.ID)
			continue
		}
		got := d.Meta()
		got.Type = w.Type // one that is handed out as it is stored
		if !reflect.DeepEqual(got, w) {
			t.Errorf("%s is\n%+v, want\n%+v", w.ID, got, w)
		}
		original, _ := set.ByID(w.ID)
		for _, value := range []string{`text`, `"text"`, `5`, `{}`, `{"value":"x","next":{"value":"y"}}`, `"2026-01-02T03:04:05Z"`, `2026-01-02T03:04:05Z`} {
			if got, want := d.Validate(core.String(value)) == nil, original.Validate(core.String(value)) == nil; got != want {
				t.Errorf("%s: %s is valid: %v, want %v", w.ID, value, got, want)
			}
		}
	}
}

func TestTheSameDeclarationsGiveTheSameBytesInAnyOrder(t *testing.T) {
	t.Parallel()
	want := metas(all())
	first, err := metadata.New(want).Encode()
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(want)
	second, err := metadata.New(want).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("got\n%s\nand\n%s", first, second)
	}
	if !bytes.HasSuffix(first, []byte("}\n")) || !bytes.Contains(first, []byte(`"Stripe <API>"`)) {
		t.Errorf("it does not read well:\n%s", first)
	}
	if f, err := metadata.Decode(first); err != nil || len(f.Secrets) != 11 || f.Secrets[0].Name != "anything" || f.Variables[1].Name != "port" {
		t.Errorf("it is not sorted by name: %v\n%s", err, first)
	}
}

func TestAFileThatIsNotAsItMustBeIsRefusedAndNotQuoted(t *testing.T) {
	t.Parallel()
	const canary = "sk_live_canary"
	for name, test := range map[string]struct{ text, want string }{
		"no JSON":                       {`{"version": canary`, "json"},
		"nothing":                       {``, "no metadata|json|minLength"},
		"another version":               {`{"version":2,"secrets":[],"variables":[],"sk_live_canary":1}`, "another version than 1"},
		"no version":                    {`{"secrets":[],"variables":[]}`, "required"},
		"a value of a secret":           {`{"version":1,"secrets":[{"name":"a","id":"A","value":"sk_live_canary"}],"variables":[]}`, "/secrets/0"},
		"a default of a secret":         {`{"version":1,"secrets":[{"name":"a","id":"A","default":"sk_live_canary"}],"variables":[]}`, "/secrets/0"},
		"a name twice":                  {`{"version":1,"secrets":[],"secrets":[],"variables":[]}`, "duplicate"},
		"a name in another case":        {`{"version":1,"Secrets":[],"secrets":[],"variables":[]}`, "additionalProperties"},
		"an id that is none":            {`{"version":1,"secrets":[{"name":"a","id":"sk live canary"}],"variables":[]}`, "/secrets/0/id: pattern"},
		"a period that is none":         {`{"version":1,"secrets":[{"name":"a","id":"A","rotationPeriod":"sk_live_canary"}],"variables":[]}`, "/secrets/0/rotationPeriod: pattern"},
		"a schema that is none":         {`{"version":1,"secrets":[{"name":"a","id":"A","schema":"sk_live_canary"}],"variables":[]}`, "/secrets/0/schema: type"},
		"a list in place of the object": {`[]`, "type"},

		"an account without an id":          {with(`{"name":"a"}`), "/credentials/0/secretID: required"},
		"a token among what is declared":    {with(`{"name":"a","secretID":"A","token":"sk_live_canary"}`), "/credentials/0"},
		"an id of tokens that is none":      {with(`{"name":"a","secretID":"A","tokenSecretID":"sk live canary","oauth2":{"tokenURL":"https://a"}}`), "/credentials/0/tokenSecretID: pattern"},
		"settings without an id of tokens":  {with(`{"name":"a","secretID":"A","oauth2":{"tokenURL":"https://a"}}`), "/credentials/0: dependentRequired"},
		"an id of tokens without settings":  {with(`{"name":"a","secretID":"A","tokenSecretID":"B"}`), "/credentials/0: dependentRequired"},
		"settings that lead nowhere":        {with(`{"name":"a","secretID":"A","tokenSecretID":"B","oauth2":{"scopes":["a"]}}`), "/credentials/0/oauth2"},
		"a client secret among settings":    {with(`{"name":"a","secretID":"A","tokenSecretID":"B","oauth2":{"tokenURL":"https://a","clientSecret":"sk_live_canary"}}`), "/credentials/0/oauth2"},
		"a setting in another case":         {with(`{"name":"a","secretID":"A","tokenSecretID":"B","oauth2":{"tokenURL":"https://a","TokenURL":"https://canary"}}`), "/credentials/0/oauth2"},
		"an address that is none":           {with(`{"name":"a","secretID":"A","tokenSecretID":"B","oauth2":{"tokenURL":"canary:"}}`), "/credentials/0/oauth2/tokenURL: pattern"},
		"a challenge that protects nothing": {with(`{"name":"a","secretID":"A","tokenSecretID":"B","oauth2":{"tokenURL":"https://a","pkce":"plain"}}`), "/credentials/0/oauth2/pkce: enum"},
		"a way to send a key that is none":  {with(`{"name":"a","secretID":"A","auth":"canary"}`), "/credentials/0/auth: pattern"},
		"a place in a key that is none":     {with(`{"name":"a","secretID":"A","keyAt":"canary"}`), "/credentials/0/keyAt: pattern"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := metadata.Decode([]byte(test.text))
			if err == nil {
				t.Fatal("it was read")
			}
			if !slices.ContainsFunc(strings.Split(test.want, "|"), func(w string) bool { return strings.Contains(err.Error(), w) }) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
			if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the file: %v", err)
			}
		})
	}
}

// with is a file of one credential.
func with(credential string) string {
	return `{"version":1,"secrets":[],"variables":[],"credentials":[` + credential + `]}`
}

// allCredentials are one of everything that a credential may say.
func allCredentials() []metadata.Credential {
	return []metadata.Credential{
		{
			Name: "github", DisplayName: "GitHub", Description: "The <user's> repositories", DocsURL: "https://github.com/settings/developers", PerUser: true,
			SecretID: "GITHUB_APP", TokenSecretID: "GITHUB", Optional: true, Type: "oauth2.Token", Place: "accounts/github.go:12",
			OAuth2: json.RawMessage(`{"issuer":"https://issuer.example.com","authURL":"https://a.example.com/authorize","tokenURL":"http://127.0.0.1:8080/token",` +
				`"revokeURL":"https://a.example.com/revoke","deviceURL":"https://a.example.com/device","grant":"client_credentials","scopes":["repo","read:user"],` +
				`"revocation":"github","scopeSeparator":",","scopeParam":"user_scope","resources":["https://api.example.com/"],"pkce":"none","clientAuth":"client_secret_post","assertionAudience":"https://a.example.com",` +
				`"authParams":{"access_type":"offline"},"tokenParams":{"a":""},"tokenPath":"authed_user","allowedHosts":["api.github.com","*.example.com"]}`),
		},
		{
			Name: "bank", SecretID: "BANK", RequiredIn: []string{"production"}, Type: "accounts.Bank", Place: "accounts/bank.go:3",
			Schema: json.RawMessage(`{"type":"object","properties":{"apiKey":{"type":"string"}}}`), KeyAt: "/apiKey", Hosts: []string{"bank.example.com"}, Auth: "header:X-Api-Key",
		},
		{Name: "any", SecretID: "ANY_KEY", Text: true, Schema: json.RawMessage(`{"type":"string"}`), PerUser: true},
	}
}

func TestCredentialsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	file := metadata.New(metas(all()))
	file.Credentials = allCredentials()
	first, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if file.Credentials[0].Name != "github" {
		t.Error("Encode has sorted what it was given")
	}
	slices.Reverse(file.Credentials)
	second, err := file.Encode()
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("in another order it is another file, or %v", err)
	}
	back, err := metadata.Decode(first)
	if err != nil {
		t.Fatal(err)
	}
	want := allCredentials()
	slices.SortFunc(want, func(a, b metadata.Credential) int { return strings.Compare(a.Name, b.Name) })
	for i, w := range want {
		got := back.Credentials[i]
		for _, text := range []*json.RawMessage{&got.OAuth2, &got.Schema} {
			var b bytes.Buffer
			if *text != nil && json.Compact(&b, *text) == nil {
				*text = b.Bytes() // it was indented
			}
		}
		if !reflect.DeepEqual(got, w) {
			t.Errorf("%s is\n%+v, want\n%+v", w.Name, got, w)
		}
	}

	// What declares no credential says nothing of them: a tool that knows none reads it.
	without, err := metadata.New(metas(all())).Encode()
	if err != nil || bytes.Contains(without, []byte(`"credentials":`)) {
		t.Errorf("a file without credentials speaks of them, or %v", err)
	}
}

func TestAPeriodIsWrittenAndReadInTheLargestUnit(t *testing.T) {
	t.Parallel()
	for text, d := range map[string]time.Duration{
		"90d": 90 * 24 * time.Hour, "36h": 36 * time.Hour, "90m": 90 * time.Minute, "45s": 45 * time.Second, "1500ns": 1500, "": 0,
	} {
		if got := metadata.FormatPeriod(d); got != text {
			t.Errorf("%v is written %q, want %q", d, got, text)
		}
		if got, ok := metadata.ParsePeriod(text); got != d || ok != (text != "") {
			t.Errorf("%q is read %v, %v; want %v", text, got, ok, d)
		}
	}
	if got, ok := metadata.ParsePeriod("12w"); got != 12*7*24*time.Hour || !ok {
		t.Errorf("12w is read %v, %v", got, ok)
	}
	for _, text := range []string{"d", "0d", "-1d", "+1d", "01d", "1.5h", "1y", "1d ", "200000000w", "9223372036854775808ns", "5n"} {
		if got, ok := metadata.ParsePeriod(text); ok {
			t.Errorf("%q is read %v", text, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := metadata.New(metas(all())).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"version":1,"secrets":[{"name":"a","id":"A"}],"variables":[]}`))
	file := metadata.New(nil)
	file.Credentials = allCredentials()
	if data, err = file.Encode(); err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(with(`{"name":"a","secretID":"A","tokenSecretID":"B","oauth2":{"tokenURL":"https://a"}}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := metadata.Decode(data)
		if err != nil {
			return
		}
		first, err := file.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := metadata.Decode(first)
		if err != nil {
			t.Fatalf("what was written is refused: %v", err)
		}
		second, err := again.Encode()
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("what was read and written again is another: %v", err)
		}
		set := new(schema.Set)
		if err := file.Declare(set, nil); err != nil {
			t.Fatalf("it was read and does not declare: %v", err)
		}
		_ = set.Check()
	})
}
