package deploytest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate/policy"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// A binding is a role on a secret.
type binding struct{ project, location, secret, member, role string }

// A creation is a secret that was made.
type creation struct {
	project, location, secret string
	flags                     []string
}

// fakeGcloud is a program of the name gcloud that writes its arguments down, and
// knows the secrets that were there or that it has made. As programs may, it reads all
// of its input, which must not be the script.
const fakeGcloud = `#!/bin/sh
cat >/dev/null
for a; do printf '%s\037' "$a" >>"$RECORD"; done
printf '\n' >>"$RECORD"
case "$2" in
describe) grep -qx "$3" "$THERE" ;;
create) echo "$3" >>"$THERE" ;;
add-iam-policy-binding) grep -qx "$3" "$THERE" ;;
*) exit 64 ;;
esac
`

// apply runs a script with the fake gcloud, and returns what it made and bound.
func apply(t testing.TB, script []byte, there []string, env ...string) (made []creation, bound []binding) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("gcloud", fakeGcloud, 0o700)
	write("there", strings.Join(there, "\n")+"\n", 0o600)
	write("record", "", 0o600)
	cmd := exec.Command("sh")
	cmd.Stdin = strings.NewReader(string(script))
	cmd.Env = append([]string{"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH"), "RECORD=" + filepath.Join(dir, "record"), "THERE=" + filepath.Join(dir, "there")}, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, script)
	}
	record, err := os.ReadFile(filepath.Join(dir, "record"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(record)) {
		args := strings.Split(strings.TrimSuffix(line, "\x1f\n"), "\x1f")
		if len(args) < 4 || args[0] != "secrets" {
			t.Fatalf("gcloud was called with %q", args)
		}
		b := binding{secret: args[2]}
		var rest []string
		for _, flag := range args[3:] {
			switch name, value, _ := strings.Cut(flag, "="); name {
			case "--project":
				b.project = value
			case "--location":
				b.location = value
			case "--member":
				b.member = value
			case "--role":
				b.role = value
			case "--quiet", "--condition":
			default:
				rest = append(rest, flag)
			}
		}
		switch args[1] {
		case "create":
			made = append(made, creation{b.project, b.location, b.secret, rest})
		case "add-iam-policy-binding":
			if len(rest) > 0 {
				t.Errorf("a binding has the flags %q", rest)
			}
			bound = append(bound, b)
		}
	}
	return made, bound
}

const gcpMember = "serviceAccount:shop@my-project.iam.gserviceaccount.com"

func gcpScript(t testing.TB, p project, change func(*policy.Input)) []byte {
	t.Helper()
	in := policy.Input{Metas: p.metas, Environment: p.environment(t, "production")}
	if change != nil {
		change(&in)
	}
	script, err := policy.GCP(in)
	if err != nil {
		t.Fatal(err)
	}
	return script
}

func TestAProgramCanDoWithItsGoogleRolesAllThatItDoesAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, who := range []struct {
		name, query string
		change      func(*policy.Input)
		writes      []string
		looks       bool // at versions
		roles       []gcptest.Role
	}{
		{"a reader", "", nil, nil, false, []gcptest.Role{gcptest.Accessor}},
		{"a reader of versions", "", func(in *policy.Input) { in.Versions = true }, nil, true, []gcptest.Role{gcptest.Accessor, gcptest.Viewer}},
		{"a writer of one", "", func(in *policy.Input) { in.Write = []string{"DB"} }, []string{"DB"}, false, []gcptest.Role{gcptest.Accessor, gcptest.VersionAdder}},
		{"a writer of all", "", func(in *policy.Input) { in.ReadWrite = true }, []string{"DB", "STRIPE", "EXTRA"}, false, []gcptest.Role{gcptest.Accessor, gcptest.VersionAdder}},
		{"a writer that keeps two versions", "&keep_versions=2,destroy", func(in *policy.Input) { in.Write = []string{"DB"} }, []string{"DB"}, false, []gcptest.Role{gcptest.Accessor, gcptest.VersionManager}},
	} {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			p := load(t, `
environments: {production: 'gcp://my-project?prefix=shop_`+who.query+`'}
secrets:
  STRIPE: {schema: {type: object}}
  DB: {schema: {type: string}}
  EXTRA: {optional: true}
`)
			srv := gcptest.New(t, gcptest.WithProject("my-project", 42))
			for _, name := range []string{"shop_STRIPE", "shop_DB", "shop_STRIPE2", "STRIPE", "shop_"} {
				srv.Seed("projects/my-project/secrets/"+name, []byte("{}"))
			}
			made, bound := apply(t, gcpScript(t, p, who.change), []string{"shop_STRIPE", "shop_DB"}, "MEMBER="+gcpMember)
			if len(made) != 1 || made[0].secret != "shop_EXTRA" || made[0].project != "my-project" || !slices.Equal(made[0].flags, []string{"--replication-policy=automatic"}) {
				t.Fatalf("it makes %v", made)
			}
			admin := srv.Client(t)
			for _, m := range made {
				if _, err := admin.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{
					Parent: "projects/" + m.project, SecretId: m.secret,
					Secret: &secretmanagerpb.Secret{Replication: &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}}}},
				}); err != nil {
					t.Fatal(err)
				}
			}
			caller := srv.As()
			var roles []gcptest.Role
			for _, b := range bound {
				if b.project != "my-project" || b.member != gcpMember || b.location != "" {
					t.Fatalf("it binds %v", b)
				}
				caller = caller.AsOn(b.secret, gcptest.Role(b.role))
				if !slices.Contains(roles, gcptest.Role(b.role)) {
					roles = append(roles, gcptest.Role(b.role))
				}
			}
			slices.Sort(roles)
			if !slices.Equal(roles, who.roles) {
				t.Errorf("it binds the roles %q", roles)
			}
			opened, err := p.OpenWith(t.Context(), "production", core.Schemes{"gcp": gcp.Opener(gcp.Config{Endpoint: caller.Listen(), Lookup: func(string) (string, bool) { return "", false }})})
			if err != nil {
				t.Fatal(err)
			}
			store := providertest.Closed(t, opened).Store
			ctx := t.Context()

			may := reading(ctx, store, p.secrets())
			if who.looks {
				may = append(may, step{"Versions", versions(ctx, store, "STRIPE")}, newestEnabled(ctx, t, srv, store))
			}
			for _, id := range who.writes {
				for range 4 {
					may = append(may, step{"Set " + id, func() error { _, err := store.Set(ctx, id, core.String(`{"a":1}`)); return err }})
				}
				may = append(may, step{"Set " + id + " if changed", func() error { _, err := store.Set(ctx, id, core.String("{}"), core.IfChanged()); return err }})
			}
			for _, name := range denied(t, may) {
				t.Errorf("%s is denied", name)
			}
			if strings.Contains(who.query, "keep_versions") {
				full, err := gcp.New(gcp.Config{Project: "my-project", Endpoint: srv.Listen()})
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				for _, err := range providertest.Closed(t, full).Versions(ctx, "shop_DB") {
					if n++; err != nil {
						t.Fatal(err)
					}
				}
				if n != 2 {
					t.Errorf("it keeps %d versions, and not 2", n)
				}
			}

			mayNot := []step{{"List", listing(ctx, store)}, {"Delete", func() error { return store.Delete(ctx, "STRIPE") }}}
			if !who.looks && !slices.Contains(who.roles, gcptest.VersionManager) {
				mayNot = append(mayNot, step{"Versions", versions(ctx, store, "DB")})
			}
			for _, other := range []string{"STRIPE2", "NEW"} {
				mayNot = append(mayNot,
					step{"Get " + other, func() error { _, err := store.Get(ctx, other); return err }},
					step{"Stat " + other, func() error { _, err := store.Stat(ctx, other); return err }},
					step{"Set " + other, func() error { _, err := store.Set(ctx, other, core.String("x")); return err }},
				)
			}
			for _, id := range []string{"STRIPE", "DB", "EXTRA"} {
				if !slices.Contains(who.writes, id) {
					mayNot = append(mayNot, step{"Set " + id, func() error { _, err := store.Set(ctx, id, core.String("x")); return err }})
				}
			}
			got := denied(t, mayNot)
			for _, s := range mayNot {
				if !slices.Contains(got, s.name) {
					t.Errorf("%s is allowed", s.name)
				}
			}
		})
	}
}

// newestEnabled reads a secret whose newest version is disabled.
func newestEnabled(ctx context.Context, t testing.TB, srv *gcptest.Server, store *core.Store) step {
	t.Helper()
	return step{"Get of the newest that is enabled", func() error {
		srv.Seed("projects/my-project/secrets/shop_STRIPE", []byte("newer"))
		if _, err := srv.Client(t).DisableSecretVersion(ctx, &secretmanagerpb.DisableSecretVersionRequest{Name: "projects/my-project/secrets/shop_STRIPE/versions/2"}); err != nil {
			t.Fatal(err)
		}
		_, err := store.Get(ctx, "STRIPE")
		return err
	}}
}

func TestAGoogleScriptAsksWhomItIsFor(t *testing.T) {
	t.Parallel()
	p := load(t, "environments: {production: 'gcp://my-project'}\nsecrets: {STRIPE: {}}\n")
	cmd := exec.Command("sh")
	cmd.Stdin = strings.NewReader(string(gcpScript(t, p, nil)))
	cmd.Env = []string{"PATH=/nowhere"}
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "MEMBER=serviceAccount:") {
		t.Errorf("without MEMBER it ends with %v:\n%s", err, out)
	}
}

// A shell reads a script of some length in parts, and a program that reads its input
// would take the rest away.
func TestAGoogleScriptOfManySecretsIsAppliedToItsEnd(t *testing.T) {
	t.Parallel()
	const count = 120
	var yaml strings.Builder
	yaml.WriteString("environments: {production: 'gcp://my-project'}\nsecrets:\n")
	var there []string
	for i := range count {
		name := fmt.Sprintf("SECRET_NUMBER_%03d", i)
		yaml.WriteString("  " + name + ": {}\n")
		there = append(there, name)
	}
	p := load(t, yaml.String())
	script := gcpScript(t, p, nil)
	_, bound := apply(t, script, there, "MEMBER="+gcpMember)
	if len(bound) != count {
		t.Errorf("%d of %d secrets are bound by a script of %d bytes", len(bound), count, len(script))
	}
}

func TestAGoogleScriptKeepsToTheStoresPlaceAndKeys(t *testing.T) {
	t.Parallel()
	const key = "projects/p/locations/global/keyRings/r/cryptoKeys/k"
	for name, tt := range map[string]struct {
		url, id string
		in      policy.Input
		made    creation
	}{
		"global":                   {"gcp://my-project", "STRIPE", policy.Input{}, creation{"my-project", "", "STRIPE", []string{"--replication-policy=automatic"}}},
		"regional":                 {"gcp://my-project?location=europe-west3", "STRIPE", policy.Input{}, creation{"my-project", "europe-west3", "STRIPE", nil}},
		"replicated":               {"gcp://my-project?replication=europe-west3,europe-west4", "STRIPE", policy.Input{}, creation{"my-project", "", "STRIPE", []string{"--replication-policy=user-managed", "--locations=europe-west3,europe-west4"}}},
		"with a key":               {"gcp://my-project?kms_key=" + key, "STRIPE", policy.Input{}, creation{"my-project", "", "STRIPE", []string{"--replication-policy=automatic", "--kms-key-name=" + key}}},
		"in a project by flag":     {"gcp:", "STRIPE", policy.Input{Project: "my-project"}, creation{"my-project", "", "STRIPE", []string{"--replication-policy=automatic"}}},
		"in another project":       {"gcp://my-project", "projects/other/secrets/STRIPE", policy.Input{}, creation{"other", "", "STRIPE", []string{"--replication-policy=automatic"}}},
		"in another one by prefix": {"gcp://my-project?prefix=projects/other/secrets/", "STRIPE", policy.Input{}, creation{"other", "", "STRIPE", []string{"--replication-policy=automatic"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := load(t, "environments: {production: '"+tt.url+"'}\nsecrets: {'"+tt.id+"': {}}\n")
			tt.in.Member = gcpMember
			tt.in.Metas, tt.in.Environment = p.metas, p.environment(t, "production")
			script, err := policy.GCP(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			made, bound := apply(t, script, nil)
			if len(made) != 1 || made[0].project != tt.made.project || made[0].location != tt.made.location || made[0].secret != tt.made.secret || !slices.Equal(made[0].flags, tt.made.flags) {
				t.Errorf("it makes %v, want %v", made, tt.made)
			}
			want := binding{tt.made.project, tt.made.location, tt.made.secret, gcpMember, string(gcptest.Accessor)}
			if !slices.Equal(bound, []binding{want}) {
				t.Errorf("it binds %v, want %v", bound, want)
			}
			if made, _ := apply(t, script, []string{tt.made.secret}); len(made) > 0 {
				t.Errorf("it makes %v, which is there", made)
			}
		})
	}
}
