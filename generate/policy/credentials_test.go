package policy_test

import (
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/policy"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

func accounts() []credentials.Meta {
	settings := oauth2.GitHub()
	return []credentials.Meta{
		{Spec: credentials.Spec{Name: "bank", SecretID: "BANK"}},
		{Spec: credentials.Spec{Name: "crm", SecretID: "CRM_APP", TokenSecretID: "CRM", OAuth2: &settings}},
		{Spec: credentials.Spec{Name: "github", SecretID: "GITHUB_APP", TokenSecretID: "GITHUB", OAuth2: &settings}, PerUser: true},
		{Spec: credentials.Spec{Name: "maps", SecretID: "users/MAPS"}, PerUser: true},
	}
}

func TestWhatCredentialsAreKeptInIsWrittenAndDeletedByTheProgram(t *testing.T) {
	t.Parallel()
	input := in(secrets("BANK", "CRM", "CRM_APP", "GITHUB_APP"), "env:", "vault:///near?kv=2", "vault:///far?kv=2&prefix=p/")
	input.Credentials, input.Environment.WriteTo = accounts(), "vault-3"
	data, err := policy.Vault(input)
	if err != nil {
		t.Fatal(err)
	}
	const all = `{ capabilities = ["create", "read", "update", "delete"] }`
	sections := strings.Split(string(data), "\n# the store ")
	for i, want := range []string{
		"", // what stands above the stores
		`vault-2
path "near/data/BANK" { capabilities = ["read"] }
path "near/data/CRM_APP" { capabilities = ["read"] }
path "near/data/GITHUB_APP" { capabilities = ["read"] }
path "near/data/CRM" { capabilities = ["read"] }
path "near/data/CRM_CLAIM" { capabilities = ["read"] }
path "near/data/CRM_PEND" { capabilities = ["read"] }
path "near/data/GITHUB__*" { capabilities = ["read"] }
path "near/data/users/MAPS__*" { capabilities = ["read"] }
`,
		`vault-3
path "far/data/p/BANK" { capabilities = ["read"] }
path "far/data/p/CRM_APP" { capabilities = ["read"] }
path "far/data/p/GITHUB_APP" { capabilities = ["read"] }
path "far/data/p/CRM" ` + all + `
path "far/data/p/CRM_CLAIM" ` + all + `
path "far/data/p/CRM_PEND" ` + all + `
path "far/data/p/GITHUB__*" ` + all + `
path "far/data/p/users/MAPS__*" ` + all + `
`,
	} {
		if i > 0 && (i >= len(sections) || strings.TrimSpace(sections[i]) != strings.TrimSpace(want)) {
			t.Errorf("got\n%s\nwant\n%s", data, want)
		}
	}

	input.Store, input.Users = "vault-3", true
	if data, err = policy.Vault(input); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`path "far/metadata/p/" { capabilities = ["list"] }`, `path "far/metadata/p/users/" { capabilities = ["list"] }`,
		`path "far/metadata/p/GITHUB__*" { capabilities = ["read"] }`,
	} {
		if !strings.Contains(string(data), line+"\n") {
			t.Errorf("it has no line %s:\n%s", line, data)
		}
	}
}

func TestCredentialsThatAPolicyCanNotBeAboutAreToldOrNoted(t *testing.T) {
	t.Parallel()
	alone := func(c credentials.Spec) []credentials.Meta { return []credentials.Meta{{Spec: c, PerUser: true}} }
	for name, tt := range map[string]struct {
		kind string
		in   policy.Input
		want string
	}{
		"an id that is none":      {"vault", policy.Input{Credentials: alone(credentials.Spec{Name: "a", SecretID: "no id " + canary})}, "an id of a credential is none"},
		"an ARN of users":         {"aws", policy.Input{Credentials: alone(credentials.Spec{Name: "a", SecretID: "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x"})}, "is a name there, and no ARN"},
		"an id that AWS has not":  {"aws", policy.Input{Credentials: alone(credentials.Spec{Name: "a", SecretID: "a:b"})}, "can't be in a store of the kind aws"},
		"an id that is a pattern": {"vault", policy.Input{Credentials: alone(credentials.Spec{Name: "a", SecretID: "a/+/b"})}, "a + between slashes"},
	} {
		tt.in.Environment = in(nil, tt.kind+"://eu-west-1").Environment
		for _, k := range kinds {
			if k.name != tt.kind {
				continue
			}
			if data, err := k.write(tt.in); err == nil || data != nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
		}
	}

	input := in(secrets("BANK", "CRM", "CRM_APP", "GITHUB_APP"), "gcp://my-project")
	var notes []string
	input.Credentials, input.Note = accounts()[:3], func(text string) { notes = append(notes, text) }
	script, err := policy.GCP(input)
	if err != nil || !strings.Contains(string(script), "\nthere CRM_CLAIM ") || !strings.Contains(string(script), "grant CRM --project=my-project roles/secretmanager.secretVersionAdder") {
		t.Errorf("%v\n%s", err, script)
	}
	if len(notes) != 2 || !strings.HasPrefix(notes[0], "what users have of github is made by the program itself") || !strings.HasPrefix(notes[1], "to disconnect crm deletes a secret") {
		t.Errorf("notes: %q", notes)
	}
}

// What this package knows of the ids is what package credentials does.
func TestTheIDsOfAPolicyAreThoseOfCredentials(t *testing.T) {
	t.Parallel()
	settings := oauth2.GitHub()
	for _, id := range []string{"CRM" + oauth2.ClaimSuffix, "CRM_PEND", "GITHUB__ann"} {
		set := &credentials.Set{Secrets: new(schema.Set)}
		credentials.DeclareIn[oauth2.Token](set, credentials.Spec{Name: "crm", SecretID: "CRM_APP", TokenSecretID: "CRM", OAuth2: &settings})
		credentials.DeclarePerUserIn[oauth2.Token](set, credentials.Spec{Name: "github", SecretID: "GITHUB_APP", TokenSecretID: "GITHUB", OAuth2: &settings})
		credentials.DeclareIn[string](set, credentials.Spec{Name: "key", SecretID: id})
		if err := set.Check(); err == nil || !strings.Contains(err.Error(), "two credentials would meet at one id") {
			t.Errorf("%s is nobody's: %v", id, err)
		}
	}
}
