package main

import (
	"bytes"
	"cmp"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
)

// inProcess runs the command line in this process, over lukko.yaml in a folder
// and a store of plain files in it.
func inProcess(t *testing.T, dir, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	in, err := os.CreateTemp(dir, "stdin")
	if err == nil {
		_, err = in.WriteString(stdin)
	}
	if err == nil {
		_, err = in.Seek(0, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out, errs bytes.Buffer
	a := &app{in: in, out: &out, err: &errs, more: testSchemes(), lookup: func(string) (string, bool) { return "", false }}
	// These go before what the case has, which may not parse.
	global := []string{"--config", filepath.Join(dir, "lukko.yaml")}
	if !slices.Contains(args, "--url") {
		global = append(global, "--env", "development") // whatever LUKKO_ENV says
	}
	code = a.run(t.Context(), append(global, args...))
	return code, out.String(), errs.String()
}

// accountsYAML declares one of each kind, over a store of plain files.
const accountsYAML = `
environments: {development: 'loose:DIR'}
credentials:
  github:
    secretID: GITHUB_APP
    tokenSecretID: GITHUB_TOKENS
    oauth2: {provider: github}
  service:
    secretID: GITHUB_APP
    tokenSecretID: SERVICE_TOKENS
    optional: true
    oauth2: {provider: github, grant: client_credentials}
  mail:
    perUser: true
    secretID: GITHUB_APP
    tokenSecretID: MAIL
    oauth2: {provider: github}
  stripe: {secretID: STRIPE_KEY}
  chat: {secretID: CHAT, perUser: true}
`

func accountsFolder(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	text = strings.ReplaceAll(text, "DIR", dir)
	if err := os.WriteFile(filepath.Join(dir, "lukko.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

type cliCase struct {
	args string // separated by blanks; '' is an empty one
	code int
	out  string // on both streams
	not  string
	in   string // on standard input
}

func (c cliCase) run(t *testing.T, dir string) {
	t.Helper()
	args := strings.Fields(c.args)
	for i, arg := range args {
		if arg == "''" {
			args[i] = ""
		}
	}
	code, stdout, stderr := inProcess(t, dir, c.in, args...)
	all := stdout + stderr
	if code != c.code || !strings.Contains(all, c.out) {
		t.Errorf("%s: exit code %d, want %d and %q: %s", c.args, code, c.code, c.out, all)
	}
	if strings.Contains(all, "hunter2") && !strings.Contains(c.out, "hunter2") || c.not != "" && strings.Contains(all, c.not) {
		t.Errorf("%s: it repeats what was given, or says %q: %s", c.args, c.not, all)
	}
	if code != exitYes && strings.Count(stderr, "\n") > 3 {
		t.Errorf("%s: more than three lines: %s", c.args, stderr)
	}
}

func TestAccountsWhatIsGivenInTheWrongPlaceIsNotRepeated(t *testing.T) {
	t.Parallel()
	dir := accountsFolder(t, accountsYAML)
	for _, c := range []cliCase{
		{args: "oauth connect githb", code: 2, out: "did you mean github?", not: "githb"},
		{args: "oauth connect hunter2", code: 2, out: "declared are github, service, mail, stripe, chat"},
		{args: "oauth connect GITHUB_TOKENS", code: 2, out: "kept there is github"},
		{args: "oauth connect stripe", code: 2, out: "lukko credentials set stripe"},
		{args: "oauth refresh chat", code: 2, out: "lukko credentials set chat --user USER"},
		{args: "oauth connect github hunter2", code: 2, out: "too many arguments"},
		{args: "oauth connect github --hunter2", code: 2, out: "no such flag"},
		{args: "oauth connect github --port hunter2", code: 2, out: "--port"},
		{args: "oauth connect github --port 70000", code: 2, out: "--port is no port"},
		{args: "oauth conect", code: 2, out: "did you mean lukko oauth connect?"},
		{args: "oauth hunter2", code: 2, out: "no such command"},
		{args: "oauth connect", code: 2, out: "an argument is missing"},
		{args: "oauth connect github --device --paste", code: 2, out: "choose one"},
		{args: "oauth connect github --browser --device", code: 2, out: "choose one"},
		{args: "oauth connect github --browser --paste", code: 2, out: "choose one"},
		{args: "oauth connect github --redirect http://hunter2.example/x", code: 2, out: "--redirect is no redirect address"},
		{args: "oauth connect github --redirect https://hunter2@a.example/x", code: 2, out: "--redirect is no redirect address"},
		{args: "oauth connect github --redirect hunter2", code: 2, out: "--redirect is no redirect address"},
		{args: "oauth connect github --redirect https://a.example/x --browser", code: 2, out: "use --paste"},
		{args: "oauth connect github --redirect http://127.0.0.1:1/x --port 1", code: 2, out: "leave --port out"},
		{args: "oauth connect github --device --redirect http://127.0.0.1:1/x", code: 2, out: "no redirect address"},
		{args: "oauth connect github --device --port 1", code: 2, out: "no redirect address"},
		{args: "oauth connect github --device --no-open", code: 2, out: "--no-open"},
		{args: "oauth connect service --device", code: 2, out: "nobody is asked"},
		{args: "oauth connect mail", code: 2, out: "say whose, with --user USER"},
		{args: "oauth connect mail --user ''", code: 2, out: "--user is empty"},
		{args: "oauth connect github --user alice", code: 2, out: "leave --user out"},
		{args: "oauth status mail", code: 2, out: "say whose"},
		{args: "oauth status github --user alice", code: 2, out: "leave --user out"},
		{args: "oauth status --user ''", code: 2, out: "--user is empty"},
		{args: "oauth revoke mail", code: 2, out: "say whose"},
		{args: "oauth refresh mail", code: 2, out: "say whose"},
		{args: "credentials set stripe hunter2", code: 2, out: "never taken from the command line"},
		{args: "credentials set hunter2", code: 2, out: "no credential of this name"},
		{args: "credentials set stripe --hunter2", code: 2, out: "a value goes to standard input"},
		{args: "credentials set github", code: 2, out: "lukko oauth connect github"},
		{args: "credentials set chat", code: 2, out: "say whose"},
		{args: "credentials get strip", code: 2, out: "did you mean stripe?"},
		{args: "credentials get hunter2", code: 2, out: "no credential of this name"},
		{args: "credentials get chat", code: 2, out: "say whose"},
		{args: "credentials get stripe --user bob", code: 2, out: "leave --user out"},
		{args: "credentials get stripe --field hunter2", code: 2, out: "JSON pointer"},
		{args: "credentials get mail --user bob", code: 2, out: "never printed"},
		{args: "credentials set stripe hunter2", code: 2, out: "lukko credentials set NAME < FILE"},
		{args: "credentials list --user ''", code: 2, out: "--user is empty"},
		{args: "credentials list stripe --user bob", code: 2, out: "leave --user out"},
		{args: "credentials rm", code: 2, out: "an argument is missing"},
		{args: "credentials rm hunter2", code: 2, out: "no credential of this name"},
		{args: "credentials rm chat", code: 2, out: "say whose"},
		{args: "credentials rm --all-of-user '' --yes", code: 2, out: "--all-of-user is empty"},
		{args: "credentials rm chat --all-of-user bob --yes", code: 2, out: "every credential of a user"},
		{args: "credentials rm --user bob --all-of-user bob --yes", code: 2, out: "every credential of a user"},
	} {
		c.run(t, dir)
	}

	none := accountsFolder(t, "environments: {development: 'loose:DIR'}\n")
	for _, c := range []cliCase{
		{args: "oauth connect hunter2", code: 2, out: "no credential is declared"},
		{args: "oauth status", code: 0, out: "no account is declared"},
		{args: "credentials list", code: 0, out: "no such credential is declared"},
	} {
		c.run(t, none)
	}
}

func TestAccountsInAStoreThatFailsAreNotMissing(t *testing.T) {
	t.Parallel()
	dir := accountsFolder(t, accountsYAML)
	for _, c := range []cliCase{
		{args: "oauth status github --url down:", code: 2, out: "github: unknown", not: "not connected"},
		{args: "oauth status --url denied:", code: 2, out: "permission denied", not: "not connected"},
		{args: "oauth status --url down: --json", code: 2, out: `"state": "unknown"`, not: "missing"},
		{args: "oauth status mail --user bob --url down:", code: 2, out: `mail of the user "bob": unknown`, not: "not connected"},
		{args: "oauth connect github --paste --one-process --url down:", code: 2, out: "can't be written to"},
		{args: "oauth connect github --url env:", code: 2, out: "can't be written to"},
		{args: "oauth refresh github --url env:", code: 2, out: "can't be written to"},
		{args: "oauth connect github", code: 2, out: "--one-process"},
		{args: "oauth refresh github", code: 2, out: "--one-process"},
		{args: "oauth revoke github --yes --url down:", code: 2, out: "unavailable", not: "not connected"},
		{args: "credentials list --url down:", code: 2, out: "unknown", not: "missing"},
		{args: "credentials list --url denied: --json", code: 2, out: `"state": "unknown"`, not: "missing"},
		{args: "credentials list chat --url plain:", code: 2, out: "can't be listed"},
		{args: "credentials get stripe --url denied:", code: 2, out: "permission denied", not: "not stored"},
		{args: "credentials get chat --user bob --url down:", code: 2, out: "unavailable", not: "not stored"},
		{args: "credentials rm --all-of-user bob --yes --url down:", code: 2},
		{args: "credentials rm stripe --url env:", code: 2, out: "does not delete"},
	} {
		c.run(t, dir)
	}
}

func TestAccountsStatusIsForPrograms(t *testing.T) {
	t.Parallel()
	dir := accountsFolder(t, accountsYAML)
	for _, c := range []cliCase{
		{args: "oauth status github --json", code: 1, out: `"state": "missing"`},
		{args: "oauth status github --json", code: 1, out: `"configured": false`},
		{args: "oauth status service", code: 1, out: "service: not connected, and not configured"},
		{args: "oauth status --user bob", code: 1, out: `mail of the user "bob": not connected, and not configured`, not: "github"},
		{args: "credentials list stripe --json", code: 0, out: `"state": "missing"`},
		{args: "credentials list", code: 0, out: "one for each user"},
		{args: "credentials list stripe", code: 0, out: "store it with lukko credentials set stripe"},
		{args: "credentials list chat --user bob", code: 0, out: "store it with lukko credentials set chat --user USER"},
		{args: "credentials rm stripe", code: 1, out: "stripe is not stored"},
		{args: "credentials rm github --yes", code: 1, out: "github is not connected"},
		{args: "credentials rm mail --user bob --yes", code: 1, out: "lukko oauth connect mail --user USER"},
		{args: "oauth revoke mail --user bob", code: 1, out: `mail of the user "bob" is not connected`},
	} {
		c.run(t, dir)
	}
	if err := os.WriteFile(filepath.Join(dir, "GITHUB_APP"), []byte(`{"clientId": "a", "clientSecret": "hunter2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []cliCase{
		{args: "oauth status github --json", code: 1, out: `"configured": true`},
		{args: "oauth status github", code: 1, out: "lukko oauth connect github"},
	} {
		c.run(t, dir)
	}
	token := `{"accessToken": "hunter2", "refreshToken": "hunter2", "expiresAt": "2040-01-02T03:04:05Z", "scope": "repo"}`
	if err := os.WriteFile(filepath.Join(dir, "GITHUB_TOKENS"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []cliCase{
		{args: "oauth status", code: 0, out: "expires  2040-01-02T03:04:05Z"},
		{args: "oauth status github --json", code: 0, out: `"refreshable": true`},
		{args: "oauth status github --json", code: 0, out: `"expires": "2040-01-02T03:04:05Z"`},
		{args: "check --json", code: 1, out: `"id": "STRIPE_KEY"`, not: "not connected: lukko oauth connect github"},
	} {
		c.run(t, dir)
	}
	if err := os.WriteFile(filepath.Join(dir, "GITHUB_TOKENS"), []byte(`{"access_token": "hunter2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []cliCase{
		{args: "oauth status github", code: 1, out: "github: damaged"},
		{args: "check", code: 1, out: "to replace it: lukko oauth connect github"},
	} {
		c.run(t, dir)
	}
}

// lastingStores are stores in memory by their folders: they stay when a command
// closes them.
var lastingStores sync.Map

type lasting struct{ *memory.Store }

func openLasting(_ context.Context, u *url.URL) (*core.Store, error) {
	s, _ := lastingStores.LoadOrStore(cmp.Or(u.Opaque, u.Path), memory.New(memory.Config{}))
	return core.New("lasting", lasting{s.(*memory.Store)}), nil
}

func (l lasting) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return l.Store.Get(ctx, id, o.Options()...)
}

func (l lasting) Set(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
	return l.Store.Set(ctx, id, v, o.Options()...)
}

func (l lasting) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	return l.Store.Delete(ctx, id, o.Options()...)
}

func (lasting) Close() error { return nil }

func TestCredentialsAreStoredPrintedAndRemovedByName(t *testing.T) {
	t.Parallel()
	dir := accountsFolder(t, strings.Replace(accountsYAML, "loose:DIR", "lasting:DIR", 1)+`  spare:
    secretID: SPARE
    docsURL: https://spare.example.com
    schema: {type: object, required: [apiKey], properties: {apiKey: {type: string}}}
`)
	const token = `{"accessToken": "hunter2", "refreshToken": "hunter2"}`
	for _, c := range []cliCase{
		// Keys, as lukko set and lukko get do it.
		{args: "credentials get spare", code: 1, out: "store it with lukko credentials set spare; how to get one: https://spare.example.com"},
		{args: "credentials set spare", in: `{"apikey": "hunter2"}`, code: 1, out: "apiKey: required"},
		{args: "credentials set spare", in: "", code: 1, out: "the value is empty"},
		{args: "credentials set spare", in: `{"apiKey": "a"}`, code: 0, out: "stored spare"},
		{args: "credentials get spare --field /apiKey", code: 0, out: "a"},
		{args: "credentials get spare --field /other", code: 1, out: "no such field"},
		{args: "credentials set spare --if-absent", in: `{"apiKey": "hunter2"}`, code: 1, out: "conflict"},
		{args: "credentials list", code: 0, out: "spare    key     ok"},
		{args: "credentials set stripe --exact", in: "two\n", code: 0, out: "stored stripe"},
		{args: "credentials get stripe", code: 0, out: "two\n"},

		// Of users: each their own, and never the application's.
		{args: "credentials set chat --user alice", in: "alices", code: 0, out: `stored chat of the user "alice"`},
		{args: "credentials set chat --user bob", in: "bobs", code: 0},
		{args: "credentials get chat --user alice", code: 0, out: "alices", not: "bobs"},
		{args: "credentials get chat --user bob", code: 0, out: "bobs"},
		{args: "credentials get chat --user eve", code: 1, out: `chat of the user "eve" is not stored`, not: "bobs"},
		{args: "credentials get chat --user *", code: 1, out: "lukko credentials set chat --user USER", not: "bobs"},
		{args: "credentials list chat", code: 0, out: "\"alice\"\n\"bob\"\n"},
		{args: "credentials list chat --json", code: 0, out: `"user": "bob"`},
		{args: "credentials set chat --user " + strings.Repeat("long", 20), in: "x", code: 0, out: `…`},
		{args: "credentials list chat --json", code: 0, out: `"digest": "`, not: "longlong"},
		{args: "credentials list --user bob", code: 0, out: "chat  key     ok", not: "stripe"},
		{args: "credentials list chat --user eve", code: 0, out: "missing"},

		// The tokens of an account.
		{args: "set GITHUB_APP", in: `{"clientId": "a", "clientSecret": "hunter2"}`, code: 0},
		{args: "set GITHUB_TOKENS", in: token, code: 0},
		{args: "set MAIL__bob", in: token, code: 0},
		{args: "credentials get github", code: 2, out: "never printed"},
		{args: "credentials set github", in: token, code: 2, out: "lukko oauth connect github"},
		{args: "credentials list github", code: 0, out: "github  oauth2  ok"},
		{args: "credentials rm github", code: 1, out: "lukko oauth revoke github"},
		{args: "credentials list github", code: 0, out: "ok"},
		{args: "credentials rm github --yes", code: 0, out: "was not revoked"},
		{args: "credentials rm github --yes", code: 1, out: "github is not connected"},

		// Removed.
		{args: "credentials rm stripe", code: 0, out: "removed stripe"},
		{args: "credentials get stripe", code: 1, out: "stripe is not stored"},
		{args: "credentials rm chat --user alice --purge", code: 0, out: `purged chat of the user "alice"`},
		{args: "credentials get chat --user alice", code: 1, out: "is not stored"},
		{args: "credentials rm --all-of-user bob", code: 1, out: "nothing was removed"},
		{args: "credentials get chat --user bob", code: 0, out: "bobs"},
		{args: "credentials rm --all-of-user bob --yes", code: 0, out: "was not revoked"},
		{args: "credentials get chat --user bob", code: 1},
		{args: "oauth status mail --user bob", code: 1, out: "not connected"},
		{args: "credentials rm --all-of-user bob --yes --purge", code: 0, out: "purged all credentials"},
		{args: "credentials get spare --field /apiKey", code: 0, out: "a"},
	} {
		c.run(t, dir)
	}
}

// What a program declares in Go comes to the command by its metadata.
func TestAccountsOfMetadataAreKnown(t *testing.T) {
	t.Parallel()
	dir := accountsFolder(t, "environments: {development: 'loose:DIR'}\n")
	for name, text := range map[string]string{
		"secrets_meta.json": `{
			"$schema": "https://github.com/lukko-dev/lukko/schema/metadata/v1", "version": 1, "secrets": [], "variables": [],
			"credentials": [
				{"name": "bank", "secretID": "BANK", "type": "accounts.BankKey", "place": "accounts.go:33", "schema":
					{"type": "object", "required": ["key", "number"], "properties": {"key": {"type": "string"}, "number": {"type": "integer"}}}},
				{"name": "github", "perUser": true, "secretID": "GITHUB_APP", "tokenSecretID": "GITHUB", "type": "oauth2.Token", "place": "accounts.go:22",
					"oauth2": {"authURL": "https://a.example/authorize", "tokenURL": "https://a.example/token"}}
			]}`,
		"right.json": "{ \"number\": 1, \"key\": \"k\", \"more\": true }\n",
		"wrong.json": `{"key": "hunter2", "number": "hunter2"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []cliCase{
		{args: "credentials list", code: 0, out: "bank    key     missing"},
		{args: "oauth status github --user alice", code: 1, out: "not configured"},
		{args: "credentials set bank --file " + dir + "/wrong.json", code: 1, out: "it is not what accounts.go:33 declares"},
		{args: "credentials set bank --file " + dir + "/right.json", code: 0, out: "stored bank"},
		{args: "credentials get bank", code: 0, out: `{ "number": 1, "key": "k", "more": true }`},
		{args: "credentials get bank --field /key", code: 0, out: "k"},
		{args: "credentials set bank --file " + dir + "/right.json", code: 0, out: "stored bank"},
		{args: "__complete oauth connect ''", code: 0, out: "github\n"},
	} {
		c.run(t, dir)
	}
}
