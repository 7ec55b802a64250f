package generate_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/generate"
)

var update = flag.Bool("update", false, "write the goldens")

// The goldens are packages of this module, so that every build compiles what was
// generated, and their own tests run it.
func TestTheGoldensAreWhatIsGenerated(t *testing.T) {
	for _, c := range []struct {
		name string
		generate.Config
		secrets, variables, credentials int
	}{
		{"beside the declarations", generate.Config{Dir: "internal/goldens/shop", Patterns: []string{"."}}, 6, 3, 0},
		{"of several packages", generate.Config{Dir: "internal/goldens/reach", Out: "typed"}, 8, 2, 0},
		{"of accounts", generate.Config{Dir: "internal/goldens/accounts", Patterns: []string{"."}}, 1, 0, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.Check = !*update
			result, err := generate.Run(t.Context(), c.Config)
			if err != nil {
				t.Fatal(err)
			}
			if !*update && result.Changed() {
				t.Errorf("%v differ: %q; see go test -update", result.Files, result.Differences)
			}
			if result.Secrets != c.secrets || result.Variables != c.variables || result.Credentials != c.credentials {
				t.Errorf("%d secrets, %d variables and %d credentials, want %d, %d and %d",
					result.Secrets, result.Variables, result.Credentials, c.secrets, c.variables, c.credentials)
			}
			if len(result.Notes) > 0 {
				t.Errorf("notes: %q", result.Notes)
			}
		})
	}
}

func TestAWrongNameOrTypeDoesNotCompile(t *testing.T) {
	t.Parallel()
	const program = `package program

import (
	"context"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate/internal/goldens/accounts"
	"github.com/lukko-dev/lukko/generate/internal/goldens/shop"
	"github.com/lukko-dev/lukko/oauth2"
)

func use() {
	var ctx context.Context
	var s *shop.TypedSecretService
	var l *shop.LoadedSecrets
	var v *shop.TypedVariables
	var c *accounts.TypedCredentials
	_, _, _, _, _, _, _ = ctx, s, l, v, c, core.String, oauth2.Token{}
	STATEMENT
}
`
	programs := []struct{ name, statement, wrong string }{
		{"right", `stripe, err := s.Stripe(ctx); var key core.Value = stripe.APIKey; _, _ = key, err`, ""},
		{"name", `_, _ = s.Strype(ctx)`, "s.Strype undefined"},
		{"field", `stripe := l.Stripe(); _ = stripe.ApiKey`, "stripe.ApiKey undefined"},
		{"plain", `stripe, _ := s.Stripe(ctx); var key string = stripe.APIKey; _ = key`, "cannot use stripe.APIKey"},
		{"optional", `dsn, err := s.SentryDSN(ctx); _, _ = dsn, err`, "assignment mismatch"},
		{"set", `_ = s.SetStripe(ctx, "sk_live_1")`, "cannot use \"sk_live_1\""},
		{"kind", `_, _ = s.LogLevel(ctx)`, "s.LogLevel undefined"},
		{"variable", `_, _ = v.Stripe(ctx)`, "v.Stripe undefined"},
		{"loaded", `_ = l.HasStripe`, "l.HasStripe undefined"},
		{"account", `token, err := c.Github(ctx, "ann"); var access core.Value = token.AccessToken; _, _ = access, err; _ = c.SetCrm(ctx, oauth2.Token{})`, ""},
		{"credential", `_, _ = c.Githup(ctx, "ann")`, "c.Githup undefined"},
		{"user", `_, _ = c.Github(ctx)`, "not enough arguments in call to c.Github"},
		{"application", `_, _ = c.Bank(ctx, "ann")`, "too many arguments in call to c.Bank"},
		{"token", `_ = c.SetGithub(ctx, "ann", "token")`, "cannot use \"token\""},
		{"client", `_, _ = c.BankClient()`, "c.BankClient undefined"},
		{"unsent", `_, _ = c.MapsKeyHTTP("ann")`, "c.MapsKeyHTTP undefined"},
		{"constant", `_ = shop.StrypeID`, "undefined: shop.StrypeID"},
	}
	dir := t.TempDir()
	folder, err := filepath.Abs("internal/goldens")
	if err != nil {
		t.Fatal(err)
	}
	overlay := map[string]string{}
	args := []string{"build", "-overlay=" + filepath.Join(dir, "overlay.json")}
	for _, p := range programs {
		file := filepath.Join(dir, p.name+".go")
		write(t, file, strings.ReplaceAll(program, "STATEMENT", p.statement))
		overlay[filepath.Join(folder, "programs", p.name, "program.go")] = file
		args = append(args, "./internal/goldens/programs/"+p.name)
	}
	write(t, filepath.Join(dir, "overlay.json"), jsonText(t, map[string]any{"Replace": overlay}))
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("all programs compile")
	}
	for _, p := range programs {
		_, told, failed := strings.Cut(string(out), "goldens/programs/"+p.name+"\n")
		told, _, _ = strings.Cut(told, "\n#")
		switch {
		case failed != (p.wrong != ""):
			t.Errorf("%s: failed is %v\n%s", p.name, failed, told)
		case !strings.Contains(told, p.wrong):
			t.Errorf("%s: it fails, but not with %q: %s", p.name, p.wrong, told)
		}
	}
}
