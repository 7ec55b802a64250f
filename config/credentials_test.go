package config_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
	"github.com/lukko-dev/lukko/schema/metadata"
)

const accounts = `environments: {e: "env:"}
credentials:
  github:
    displayName: GitHub
    description: Repositories
    docsURL: https://github.com/settings/developers
    perUser: true
    secretID: GITHUB_APP
    tokenSecretID: GITHUB
    optional: true
    oauth2:
      provider: github
      scopes: [repo]
      allowedHosts: ghe.example.com
  crm:
    secretID: CRM_APP
    tokenSecretID: CRM
    oauth2:
      issuer: https://crm.example.com
      grant: client_credentials
      resources: [https://api.crm.example.com/]
      tokenParams: {audience: crm}
      allowedHosts: ["*.crm.example.com"]
  mail:
    secretID: MAIL_APP
    tokenSecretID: MAIL
    oauth2: {provider: microsoft, tenant: shop.example.com, scopes: Mail.Read}
  bank:
    secretID: BANK
    hosts: [api.bank.example]
    auth: header:X-Api-Key
    requiredIn: e
    keyAt: /apiKey
    schema: {type: object, required: [apiKey], properties: {apiKey: {type: string}}}
  maps:
    secretID: MAPS_KEY
    perUser: true
    schema: {type: string, minLength: 4}
  blob: {secretID: BLOB}
`

func TestAFileDeclaresCredentials(t *testing.T) {
	t.Parallel()
	c, err := parse(t, accounts)
	if err != nil {
		t.Fatal(err)
	}
	github := oauth2.GitHub("repo")
	github.AllowedHosts = []string{"ghe.example.com"}
	microsoft := oauth2.Microsoft("shop.example.com", "Mail.Read")
	want := []credentials.Meta{
		{Spec: credentials.Spec{
			Name: "github", DisplayName: "GitHub", Description: "Repositories", DocsURL: "https://github.com/settings/developers",
			SecretID: "GITHUB_APP", TokenSecretID: "GITHUB", Optional: true, OAuth2: &github,
		}, PerUser: true, Type: "oauth2.Token", Place: "lukko.yaml:3"},
		{Spec: credentials.Spec{Name: "crm", SecretID: "CRM_APP", TokenSecretID: "CRM", OAuth2: &oauth2.Settings{
			Issuer: "https://crm.example.com", Grant: oauth2.GrantClientCredentials, Resources: []string{"https://api.crm.example.com/"},
			TokenParams: map[string]string{"audience": "crm"}, AllowedHosts: []string{"*.crm.example.com"},
		}}, Type: "oauth2.Token", Place: "lukko.yaml:15"},
		{Spec: credentials.Spec{Name: "mail", SecretID: "MAIL_APP", TokenSecretID: "MAIL", OAuth2: &microsoft}, Type: "oauth2.Token", Place: "lukko.yaml:24"},
		{Spec: credentials.Spec{
			Name: "bank", SecretID: "BANK", Hosts: []string{"api.bank.example"}, Auth: httpauth.Header("X-API-Key"), RequiredIn: []string{"e"}, KeyAt: "/apiKey",
			Schema: json.RawMessage(`{"properties":{"apiKey":{"type":"string"}},"required":["apiKey"],"type":"object"}`),
		}, Type: "core.Value", Place: "lukko.yaml:28"},
		{Spec: credentials.Spec{
			Name: "maps", SecretID: "MAPS_KEY", Schema: json.RawMessage(`{"minLength":4,"type":"string"}`),
		}, PerUser: true, Text: true, Type: "core.Value", Place: "lukko.yaml:35"},
		{Spec: credentials.Spec{Name: "blob", SecretID: "BLOB"}, Text: true, Type: "core.Value", Place: "lukko.yaml:39"},
	}
	i := 0
	for d := range c.Credentials.All() {
		if got := d.Meta(); i >= len(want) || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("credential %d is\n%+v, want\n%+v", i, got, want[min(i, len(want)-1)])
		}
		i++
	}
	if err := c.Credentials.Check(); i != len(want) || err != nil {
		t.Errorf("%d credentials, %v", i, err)
	}

	// What they are kept in is declared, but for what users have.
	var secrets []string
	for d := range c.Declarations.All() {
		m := d.Meta()
		secrets = append(secrets, fmt.Sprint(m.Name, " ", m.ID, " ", m.Place))
	}
	if got := strings.Join(secrets, ", "); got != "github.app GITHUB_APP lukko.yaml:3, crm.tokens CRM lukko.yaml:15, crm.app CRM_APP lukko.yaml:15, "+
		"mail.tokens MAIL lukko.yaml:24, mail.app MAIL_APP lukko.yaml:24, bank BANK lukko.yaml:28, blob BLOB lukko.yaml:39" {
		t.Errorf("the secrets are %s", got)
	}
	app, _ := c.Declarations.ByID("GITHUB_APP")
	if err := app.Validate(core.String(`{"clientId":"id","clientSecret":"s"}`)); err != nil || !app.Meta().Optional {
		t.Errorf("a right application's secret: %v", err)
	}
	if app.Validate(core.String(`{"clientSecret":"s"}`)) == nil {
		t.Error("a malformed application's secret passes")
	}
}

func TestWhatIsWrongWithCredentialsIsToldWhereItIs(t *testing.T) {
	t.Parallel()
	const env = "environments: {e: \"env:\"}\n"
	for name, test := range map[string]struct {
		text string
		want []string // beginnings of lines, behind "lukko.yaml"; "…" is anything
	}{
		"credentials as a list":             {env + "credentials: [A]\n", []string{":2:14: credentials is a mapping, and no list"}},
		"a key in the file":                 {env + "credentials: {a: sk_live_canary}\n", []string{":2:18: a credential is a mapping, and no single value"}},
		"a key in the file as value":        {env + "credentials: {a: {secretID: A, value: sk_live_canary}}\n", []string{":2:32:…a secret itself never belongs into this file"}},
		"a client secret":                   {env + "credentials: {a: {secretID: A, tokenSecretID: B, oauth2: {provider: github, client_secret: canary, clientId: canary}}}\n", []string{":2:77:…never belongs into this file: store it with lukko set under secretID", ":2:100:…never belongs into this file"}},
		"a key in another case":             {env + "credentials: {a: {secretId: A}}\n", []string{`:2:19: unknown key "secretId"; did you mean "secretID"?`}},
		"an unknown key":                    {env + "credentials: {a: {secretID: A, sk_live_canary: x}}\n", []string{":2:32: unknown key; known here are displayName"}},
		"an unknown setting":                {env + "credentials: {a: {secretID: A, tokenSecretID: B, oauth2: {tokenUrl: x, canarycanary: x}}}\n", []string{`:2:59: unknown key "tokenUrl"; did you mean "tokenURL"?`, ":2:72: unknown key; known here are issuer"}},
		"an unknown provider":               {env + "credentials: {a: {secretID: A, tokenSecretID: B, oauth2: {provider: githup}}, b: {secretID: C, tokenSecretID: D, oauth2: {provider: canary}}}\n", []string{`:2:69: provider is none…did you mean "github"?`, ":2:133: provider is none that is known: github, google, microsoft, slack"}},
		"a tenant of another":               {env + "credentials: {a: {secretID: A, tokenSecretID: B, oauth2: {provider: github, tenant: canary}}, b: {secretID: C, tokenSecretID: D, oauth2: {tenant: canary}}}\n", []string{":2:85: tenant is for provider: microsoft", ":2:147: tenant is for provider: microsoft"}},
		"no settings":                       {env + "credentials: {a: {secretID: A, tokenSecretID: B, oauth2: }}\n", []string{":2:…oauth2 is empty"}},
		"an empty list":                     {env + "credentials: {a: {secretID: A, hosts: []}}\n", []string{":2:39: hosts is an empty list"}},
		"a way to send it that is none":     {env + "credentials: {a: {secretID: A, hosts: a.example, auth: canary}}\n", []string{":2:56: auth is how the key is sent: bearer"}},
		"a key without a way to send it":    {env + "credentials: {a: {secretID: A, hosts: a.example}}\n", []string{":2:15: the declaration is wrong: Hosts and Auth: no scheme"}},
		"scopes that are no texts":          {env + "credentials: {a: {secretID: A, tokenSecretID: B, oauth2: {provider: github, scopes: [1, {a: b}]}}}\n", []string{":2:86: scopes is a text; this one needs quotes to be one", ":2:89: scopes is a text, and no mapping"}},
		"parameters that are no texts":      {env + "credentials: {a: {secretID: A, tokenSecretID: B, oauth2: {provider: github, authParams: {a: 1}}}}\n", []string{":2:93: a parameter is a text; this one needs quotes"}},
		"no id":                             {env + "credentials: {a: {displayName: A}}\n", []string{":2:15: the declaration is wrong: SecretID is no id"}},
		"an id that is none":                {env + "credentials: {a: {secretID: can ary}}\n", []string{":2:15: the declaration is wrong: SecretID is no id"}},
		"no id of tokens":                   {env + "credentials: {a: {secretID: A, oauth2: {provider: github}}}\n", []string{":2:15: the declaration is wrong: with OAuth2 it needs a TokenSecretID"}},
		"a name that is none":               {env + "credentials: {can ary: {secretID: A}}\n", []string{":2:15: the declaration is wrong: its name must be"}},
		"an endpoint that is open":          {env + "credentials: {a: {secretID: A, tokenSecretID: B, oauth2: {authURL: https://a.example, tokenURL: \"http://canary.example\"}}}\n", []string{":2:15: the declaration is wrong:…TokenURL"}},
		"an environment that is not there":  {env + "credentials: {a: {secretID: A, requiredIn: f}}\n", []string{":2:44: requiredIn names no environment"}},
		"a schema that is wrong":            {env + "credentials: {a: {secretID: A, schema: {type: strin}}}\n", []string{":2:15: the declaration is wrong: the schema is wrong at /type"}},
		"a key in a text":                   {env + "credentials: {a: {secretID: A, keyAt: /a, schema: {type: string}}}\n", []string{":2:15: the declaration is wrong: KeyAt is for a value that is a JSON document"}},
		"a secret with another schema":      {env + "credentials: {a: {secretID: A, schema: {type: string}}}\nsecrets: {A: {schema: {type: object}}}\n", []string{":2:15: the declaration is wrong: the id is declared with two schemas; the other is at lukko.yaml:3"}},
		"an id that begins as those users'": {env + "credentials: {a: {secretID: A, perUser: true}}\nsecrets: {A__bob: }\n", []string{":2:15: the declaration is wrong: the secret declared at lukko.yaml:3 has an id that begins as those of users do"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, test.text)
			if err == nil {
				t.Fatal("it is read")
			}
			if printed := fmt.Sprintf("%v %#v", err, err); strings.Contains(printed, "canary") || strings.Contains(printed, "can ary") {
				t.Errorf("a value shows: %v", err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("got %d lines, want %d:\n%v", len(lines), len(test.want), err)
			}
			for i, want := range test.want {
				start, part, _ := strings.Cut(want, "…")
				if !strings.HasPrefix(lines[i], "lukko.yaml"+start) || !strings.Contains(lines[i], part) {
					t.Errorf("line %d is %q, want %q", i, lines[i], want)
				}
			}
		})
	}
}

// writeMetadata writes a file of metadata of the credentials that a lukko.yaml
// declares, in a folder of its own below dir.
func writeMetadata(t *testing.T, dir string, change func(*metadata.Credential)) {
	t.Helper()
	settings, err := json.Marshal(oauth2.GitHub("repo"))
	if err != nil {
		t.Fatal(err)
	}
	file := metadata.New(nil)
	file.Credentials = []metadata.Credential{
		{Name: "github", SecretID: "GITHUB_APP", TokenSecretID: "GITHUB", OAuth2: settings, Type: "oauth2.Token", Place: "accounts/github.go:3"},
		{Name: "bank", SecretID: "BANK", PerUser: true, Schema: json.RawMessage(`{"type":"string"}`), Text: true, Place: "accounts/bank.go:3"},
	}
	change(&file.Credentials[0])
	data, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "app"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "app", "secrets_meta.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCredentialsOfMetadataAreMergedAsDeclarationsAre(t *testing.T) {
	t.Parallel()
	const file = "environments: {e: \"env:\"}\nmetadata: app/secrets_meta.json\n"
	const here = "credentials: {github: {secretID: GITHUB_APP, tokenSecretID: GITHUB, displayName: Here, oauth2: {provider: github, scopes: [repo]}}}\n"
	for name, test := range map[string]struct {
		text   string
		change func(*metadata.Credential)
		want   string // the credentials, or what the error says
	}{
		"in Go alone":                   {file, func(*metadata.Credential) {}, "bank app/accounts/bank.go:3, github app/accounts/github.go:3"},
		"in both":                       {file + here, func(*metadata.Credential) {}, "github lukko.yaml:3, bank app/accounts/bank.go:3"},
		"in both with another kind":     {file + here, func(c *metadata.Credential) { c.PerUser = true }, "as the application's own and as one for each user; the other is at app/accounts/github.go:3"},
		"in both with another id":       {file + here, func(c *metadata.Credential) { c.TokenSecretID = "OTHER" }, "with two ids; the other is at lukko.yaml:3"},
		"in both with other settings":   {file + here, func(c *metadata.Credential) { c.OAuth2 = json.RawMessage(`{"issuer":"https://x.example"}`) }, "two settings of OAuth2; the other is at app/accounts/github.go:3"},
		"with settings that are wrong":  {file, func(c *metadata.Credential) { c.OAuth2 = json.RawMessage(`{"tokenURL":"http://canary.example"}`) }, "lukko.yaml:2:11: the credential github at app/accounts/github.go:3: the declaration is wrong:"},
		"with settings that are unread": {file, func(c *metadata.Credential) { c.OAuth2 = json.RawMessage(`{"tokenURL":"https://a","canary":1}`) }, "lukko.yaml:2:11: metadata: the file is not as its schema says"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeMetadata(t, dir, test.change)
			c, err := config.Parse(filepath.Join(dir, "lukko.yaml"), []byte(test.text))
			if err != nil {
				if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
					t.Errorf("got %v, want %s", err, test.want)
				}
				return
			}
			var got, ids []string
			for d := range c.Credentials.All() {
				got = append(got, d.Meta().Name+" "+d.Meta().Place)
			}
			for d := range c.Declarations.All() {
				ids = append(ids, d.Meta().ID)
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("got %s, want %s", strings.Join(got, ", "), test.want)
			}
			if all := strings.Join(ids, " "); all != "GITHUB GITHUB_APP" {
				t.Errorf("the secrets are %s", all)
			}
		})
	}
}

// What a tool makes of the file's own secrets must not be made of those that
// credentials bring with them.
func TestDeclaredLeavesTheSecretsOfCredentialsOut(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lukko.yaml")
	if err := os.WriteFile(path, []byte(accounts+"secrets: {OTHER: }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := config.Declared(path)
	if err != nil {
		t.Fatal(err)
	}
	for d := range set.All() {
		if id := d.Meta().ID; id != "OTHER" {
			t.Errorf("it declares %s", id)
		}
	}
}
