package generate_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/generate"
)

// The package uses what is generated beside its declarations: in a function, for a
// variable, and in a file that is needed by another one that is left out.
const chicken = `
-- secrets/declare.go --
package secrets

import "github.com/lukko-dev/lukko/schema"

var Stripe = schema.Declare[Credentials](schema.Spec{Name: "stripe", ID: "STRIPE"})
-- secrets/types.go --
package secrets

type Credentials struct {
	Key string
}
-- secrets/use.go --
package secrets

import (
	"context"

	"github.com/lukko-dev/lukko/core"
)

var service = NewTypedSecretService(nil)

func Key(ctx context.Context, svc core.SecretService) (string, error) {
	c, err := NewTypedSecretService(svc).Stripe(ctx)
	return c.Key, err
}
-- secrets/more.go --
package secrets

func more() *TypedSecretService { return service }
-- main.go --
package main

import (
	"context"
	"fmt"

	"example.com/shop/secrets"

	"github.com/lukko-dev/lukko/core/memory"
)

func main() {
	key, err := secrets.Key(context.Background(), memory.With(map[string]string{secrets.StripeID: ` + "`" + `{"Key":"k"}` + "`" + `}))
	fmt.Println(key, err)
}
`

func TestCodeThatNeedsWhatIsGeneratedDoesNotStandInItsWay(t *testing.T) {
	t.Parallel()
	dir := module(t, chicken)
	cfg := generate.Config{Dir: dir, Out: "secrets"}
	result := mustRun(t, cfg)
	if got := states(result); got != "secrets/secrets_gen.go missing, secrets/secrets_meta.json missing" {
		t.Errorf("the first time: %s", got)
	}
	first := read(t, filepath.Join(dir, "secrets", generate.GoFile))
	if out := golang(t, dir, "run", "."); strings.TrimSpace(out) != "k <nil>" {
		t.Errorf("the program printed %q", out)
	}

	// The old result does not know what the code needs now, nor does it compile.
	declare := filepath.Join(dir, "secrets", "declare.go")
	write(t, declare, strings.ReplaceAll(read(t, declare), "Stripe = ", "Payments = "))
	result = mustRun(t, cfg)
	if got := states(result); got != "secrets/secrets_gen.go different, secrets/secrets_meta.json same" {
		t.Errorf("after a variable was renamed: %s", got)
	}
	if second := read(t, filepath.Join(dir, "secrets", generate.GoFile)); strings.ReplaceAll(second, "Payments.", "Stripe.") != strings.ReplaceAll(first, "		Stripe,", "		Payments,") {
		t.Error("more has changed than the name of the variable")
	}
	golang(t, dir, "build", "./...")

	// What declares and does not compile is told.
	write(t, declare, strings.ReplaceAll(read(t, declare), "[Credentials]", "[Credential]"))
	_, err := run(t, cfg)
	if err == nil || !strings.HasPrefix(err.Error(), "secrets/declare.go:5:31: undefined: Credential\n") {
		t.Errorf("got %v", err)
	}
	if got := read(t, filepath.Join(dir, "secrets", generate.GoFile)); !strings.Contains(got, "Payments.Get(") {
		t.Error("a run that failed has changed the result")
	}
}

func states(r generate.Result) string {
	var all []string
	for _, f := range r.Files {
		all = append(all, f.Name+" "+string(f.State))
	}
	return strings.Join(all, ", ")
}

const plain = `
-- declare/declare.go --
package declare

import "github.com/lukko-dev/lukko/schema"

var Token = schema.Declare[string](schema.Spec{Name: "token", ID: "TOKEN"})
-- declare/licensed.go --
//go:build licensed

package declare

import "github.com/lukko-dev/lukko/schema"

var License = schema.Declare[string](schema.Spec{Name: "license", ID: "LICENSE"})
-- lib/lib.go --
package lib

import "github.com/lukko-dev/lukko/schema"

var Lib = schema.Declare[string](schema.Spec{ID: "LIB"})
-- importer/importer.go --
package importer

import (
	"example.com/shop/lib"

	"github.com/lukko-dev/lukko/schema"
)

var Own = schema.Declare[string](schema.Spec{ID: "OWN", Description: lib.Lib.Meta().ID})
-- absent/absent.go --
package absent

import (
	"example.com/nowhere"

	"github.com/lukko-dev/lukko/schema"
)

var Absent = schema.Declare[string](schema.Spec{ID: nowhere.ID})
-- mixed/one.go --
package mixed

import "github.com/lukko-dev/lukko/schema"

var Mixed = schema.Declare[string](schema.Spec{ID: "MIXED"})
-- mixed/two.go --
package other
-- empty/empty.go --
package empty
-- broken/broken.go --
package broken

var x int = "not a number"
`

func TestTheFilesAreWrittenOnceAndOnlyOverOurs(t *testing.T) {
	t.Parallel()
	dir := module(t, plain)
	out := filepath.Join(dir, "new", "go-secrets.d")
	cfg := generate.Config{Dir: dir, Patterns: []string{"./declare", "./broken"}, Out: "new/go-secrets.d"}

	cfg.Check = true
	if result := mustRun(t, cfg); states(result) != "new/go-secrets.d/secrets_gen.go missing, new/go-secrets.d/secrets_meta.json missing" || !result.Changed() {
		t.Errorf("a check of nothing: %s", states(result))
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a check has made the folder")
	}
	cfg.Check = false
	mustRun(t, cfg)
	source, meta := filepath.Join(out, generate.GoFile), filepath.Join(out, "secrets_meta.json")
	if text := read(t, source); !strings.Contains(text, "\npackage gosecretsd\n") || !strings.Contains(text, `"example.com/shop/declare"`) {
		t.Errorf("the file begins with %.200s", text)
	}
	if text := read(t, meta); !strings.Contains(text, `"place": "../../declare/declare.go:5"`) {
		t.Errorf("the metadata is %s", text)
	}
	empty(t, out, "secrets_gen.go", "secrets_meta.json")

	// What is up to date is left alone, also with the line ends of Windows; only
	// what differs is written.
	write(t, source, strings.ReplaceAll(read(t, source), "\n", "\r\n"))
	before, err := os.Stat(source)
	if err != nil {
		t.Fatal(err)
	}
	write(t, meta, strings.ReplaceAll(read(t, meta), `"token"`, `"tokens"`))
	cfg.Check = true
	result := mustRun(t, cfg)
	if states(result) != "new/go-secrets.d/secrets_gen.go same, new/go-secrets.d/secrets_meta.json different" {
		t.Errorf("found %s", states(result))
	}
	if got := strings.Join(result.Differences, "; "); got != "the secret token (../../declare/declare.go:5) is missing; the secret tokens is no longer declared" {
		t.Errorf("differences: %s", got)
	}
	if !strings.Contains(read(t, meta), `"tokens"`) {
		t.Error("a check has written")
	}
	cfg.Check = false
	mustRun(t, cfg)
	after, err := os.Stat(source)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Error("a file that was up to date was written")
	}
	if strings.Contains(read(t, meta), `"tokens"`) {
		t.Error("a file that was not up to date was not written")
	}

	// Somebody else's files stay as they are, both of them.
	write(t, source, "package gosecretsd\n")
	write(t, meta, `{"mine": true}`)
	_, err = run(t, cfg)
	if err == nil {
		t.Fatal("there is no error")
	}
	sameLines(t, err.Error(), `
new/go-secrets.d/secrets_gen.go: lukko generate did not write it, and does not overwrite it; move it, or write the output into another folder, see --out
new/go-secrets.d/secrets_meta.json: lukko generate did not write it, and does not overwrite it; move it, or write the output into another folder, see --out
`)
	if read(t, source) != "package gosecretsd\n" || read(t, meta) != `{"mine": true}` {
		t.Error("they were overwritten")
	}
}

func TestBuildTagsSayWhatIsDeclared(t *testing.T) {
	t.Parallel()
	dir := module(t, plain)
	for _, cfg := range []generate.Config{{Tags: "licensed,other"}, {Env: env("GOFLAGS=-trimpath -tags=licensed")}} {
		cfg.Dir, cfg.Patterns, cfg.Out = dir, []string{"./declare"}, "declare"
		if result := mustRun(t, cfg); result.Secrets != 2 {
			t.Errorf("%d secrets with %q and GOFLAGS", result.Secrets, cfg.Tags)
		}
	}
	golang(t, dir, "vet", "-tags=licensed", "./declare")
}

func TestWhatAnImportedPackageDeclaresIsNoted(t *testing.T) {
	t.Parallel()
	dir := module(t, plain)
	result := mustRun(t, generate.Config{Dir: dir, Patterns: []string{"./importer"}, Out: "importer"})
	if len(result.Notes) != 1 || result.Notes[0] != "LIB is declared at lib/lib.go:5, in a package that was not named: name it too if the program needs it" || result.Secrets != 1 {
		t.Errorf("%q, %d secrets", result.Notes, result.Secrets)
	}
	if result := mustRun(t, generate.Config{Dir: filepath.Join(dir, "importer"), Patterns: []string{"example.com/shop/importer", "../lib"}}); len(result.Notes) != 0 || result.Secrets != 2 {
		t.Errorf("%q, %d secrets", result.Notes, result.Secrets)
	}
}

func TestAVendorFolderIsEnough(t *testing.T) {
	t.Parallel()
	dir := module(t, plain)
	for _, folder := range []string{"absent", "mixed"} { // which don't even list
		if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
			t.Fatal(err)
		}
	}
	golang(t, dir, "mod", "tidy")
	golang(t, dir, "mod", "vendor")
	cfg := generate.Config{Dir: dir, Patterns: []string{"./declare"}, Out: "internal/secrets", Env: env("GOMODCACHE="+filepath.Join(t.TempDir(), "none"), "GOFLAGS=-trimpath -mod=vendor")}
	if result := mustRun(t, cfg); result.Secrets != 1 {
		t.Errorf("%d secrets", result.Secrets)
	}
	golang(t, dir, "build", "./internal/secrets")
}

func TestAWorkspaceIsOneProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, two := module(t, plain), module(t, `
-- two.go --
package two

import (
	"example.com/shop/declare"

	"github.com/lukko-dev/lukko/schema"
)

var Two = schema.Declare[string](schema.Spec{Name: "two", ID: "TWO", Description: declare.Token.Meta().Name})
`)
	mod := filepath.Join(two, "go.mod")
	write(t, mod, strings.Replace(read(t, mod), "module example.com/shop", "module example.com/two", 1))
	write(t, filepath.Join(dir, "go.work"), "go 1.26.0\n\nuse "+one+"\nuse "+two+"\n")
	cfg := generate.Config{Dir: dir, Patterns: []string{"example.com/two/...", "example.com/shop/declare"}, Out: filepath.Join(two, "typed"), Env: env("GOWORK=")}
	if result := mustRun(t, cfg); result.Secrets != 2 {
		t.Errorf("%d secrets", result.Secrets)
	}
	if text := read(t, filepath.Join(two, "typed", generate.GoFile)); !strings.Contains(text, `"example.com/shop/declare"`) || !strings.Contains(text, `"example.com/two"`) {
		t.Error("the output does not import both modules")
	}
}

func TestWhatIsWrongOutsideTheDeclarationsIsTold(t *testing.T) {
	t.Parallel()
	dir := module(t, plain)
	write(t, filepath.Join(dir, "foreign", "go.mod"), "not a module\n")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		generate.Config
		want string
	}{
		{"no declarations", generate.Config{Patterns: []string{"./empty"}}, "nothing is declared in ./empty; declare a secret"},
		{"none that could be found", generate.Config{Patterns: []string{"./broken"}}, "broken/broken.go:3:13: cannot use"},
		{"an import that is not there", generate.Config{Patterns: []string{"./absent"}}, "absent/absent.go:4:2: no required module provides package example.com/nowhere"},
		{"two packages in a folder", generate.Config{Patterns: []string{"./mixed"}}, "mixed/"},
		{"a flag that is none", generate.Config{Env: env("GOFLAGS=-mod=nonsense")}, "-mod=nonsense not supported"},
		{"no packages", generate.Config{Patterns: []string{"./nowhere"}}, "nowhere"},
		{"a flag for a package", generate.Config{Patterns: []string{"-o"}}, "a pattern of packages begins with a dash; flags go before the packages"},
		{"an output that is in no module", generate.Config{Out: t.TempDir()}, "the folder of the results is in no Go module; run it within one, or make one with go mod init"},
		{"a module without a name", generate.Config{Out: "foreign"}, "foreign/go.mod names no module; write one with go mod init"},
		{"a folder that is none", generate.Config{Out: "declare/declare.go", Patterns: []string{"./lib"}}, "the folder declare/declare.go can't be read; see its permissions"},
		{"another machine's program", generate.Config{Patterns: []string{"./lib"}, Env: env("GOOS=windows", "GOARCH=arm64")}, "the program that asks the declarations can't be run on this machine; GOOS, GOARCH and GOFLAGS must be those of this machine while lukko generate runs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(c.name, "machine") && os.Getenv("LUKKO_TRIAL") != "1" {
				t.Skip("it compiles the standard library for another machine: see LUKKO_TRIAL=1")
			}
			c.Dir = dir
			_, err := run(t, c.Config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
	if _, err := generate.Run(cancelled, generate.Config{Dir: dir, Env: env()}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context ended: %v", err)
	}
}
