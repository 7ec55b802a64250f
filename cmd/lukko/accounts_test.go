package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// inProcess runs the command line in this process, over lukko.yaml in a folder
// and a store of plain files in it.
func inProcess(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	in, err := os.Open(os.DevNull)
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
}

func (c cliCase) run(t *testing.T, dir string) {
	t.Helper()
	args := strings.Fields(c.args)
	for i, arg := range args {
		if arg == "''" {
			args[i] = ""
		}
	}
	code, stdout, stderr := inProcess(t, dir, args...)
	all := stdout + stderr
	if code != c.code || !strings.Contains(all, c.out) {
		t.Errorf("%s: exit code %d, want %d and %q: %s", c.args, code, c.code, c.out, all)
	}
	if strings.Contains(all, "hunter2") || c.not != "" && strings.Contains(all, c.not) {
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
		{args: "oauth connect hunter2", code: 2, out: "there are github, service, mail, stripe, chat"},
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
