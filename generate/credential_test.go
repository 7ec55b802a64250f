package generate_test

import (
	"encoding/json"
	"go/constant"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/lukko-dev/lukko/generate"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema/metadata"
)

const wrongCredentials = `
-- a/a.go --
package a

import (
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

var settings = oauth2.Settings{AuthURL: "https://a.example/authorize", TokenURL: "https://a.example/token"}

var (
	Key     = credentials.Declare[string](credentials.Spec{Name: "crm-key", SecretID: "ONE"})
	Other   = credentials.DeclarePerUser[string](credentials.Spec{Name: "crm_key", SecretID: "TWO"})
	Method  = credentials.Declare[string](credentials.Spec{Name: "crm-key-status", SecretID: "THREE"})
	Missing = credentials.Declare[string](credentials.Spec{Name: "missing", SecretID: "FOUR"})
	Users   = credentials.DeclarePerUser[string](credentials.Spec{Name: "users", SecretID: "FIVE"}) // Users of users is UsersUsers
	Nil     *credentials.UserCredential[string]
	Type    = credentials.Declare[string](credentials.Spec{Name: "type", SecretID: "APP", TokenSecretID: "TOKENS", OAuth2: &settings})
	Open    = credentials.Declare[oauth2.Token](credentials.Spec{Name: "open", SecretID: "OPEN_APP", TokenSecretID: "OPEN", OAuth2: &oauth2.Settings{TokenURL: "http://sk_live.example/"}})
	Invalid = credentials.Declare[string](credentials.Spec{Name: "invalid", SecretID: "sk_live_not an id"})
	Shared  = credentials.Declare[oauth2.Token](credentials.Spec{Name: "shared", SecretID: "SHARED_APP", TokenSecretID: "SHARED", OAuth2: &settings})
	Fine    = credentials.Declare[string](credentials.Spec{Name: "fine", SecretID: "FINE"})
	Secret  = schema.Declare[string](schema.Spec{Name: "fine", ID: "FINE"})
)
-- b/b.go --
package b

import (
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

var (
	Shared = credentials.DeclarePerUser[oauth2.Token](credentials.Spec{Name: "shared", SecretID: "SHARED_APP", TokenSecretID: "SHARED", OAuth2: &oauth2.Settings{AuthURL: "https://a.example/authorize", TokenURL: "https://a.example/token"}})
	Fine   = credentials.Declare[core.Value](credentials.Spec{Name: "fine", SecretID: "FINE"})
	Same   = credentials.Declare[string](credentials.Spec{Name: "same", SecretID: "SAME"})
	App    = schema.Declare[string](schema.Spec{Name: "app", ID: "SHARED_APP"})

	slice = []credentials.Declared{credentials.Declare[string](credentials.Spec{Name: "in-slice", SecretID: "IN_SLICE"})}
	_     = credentials.Declare[string](credentials.Spec{Name: "in-blank", SecretID: "IN_BLANK"})
)

func inFunction() {
	credentials.DeclarePerUser[string](credentials.Spec{Name: "in-function", SecretID: "IN_FUNCTION"})
}

func init() { inFunction() }
-- c/c.go --
package c

import "github.com/lukko-dev/lukko/credentials"

var (
	Same = credentials.Declare[string](credentials.Spec{Name: "same", SecretID: "SAME", Optional: true})
)
-- main.go --
package main

import "github.com/lukko-dev/lukko/credentials"

func main() { credentials.Declare[string](credentials.Spec{Name: "main", SecretID: "IN_MAIN"}) }
-- out/out.go --
package out

type TypedCredentials struct{}
`

func TestAllThatIsWrongWithCredentialsIsToldAtOnce(t *testing.T) {
	t.Parallel()
	dir := module(t, wrongCredentials)
	_, err := run(t, generate.Config{Dir: dir, Out: "out"})
	if err == nil {
		t.Fatal("there is no error")
	}
	sameLines(t, err.Error(), `
main.go:5: a declaration in package main, which no other package can import; move it to a package of its own, such as internal/secrets
`)
	if err := os.Remove(filepath.Join(dir, "main.go")); err != nil {
		t.Fatal(err)
	}
	_, err = run(t, generate.Config{Dir: dir, Out: "out"})
	if err == nil {
		t.Fatal("there is no error")
	}
	sameLines(t, err.Error(), `
a/a.go:13: the credential crm_key and the credential crm-key at a/a.go:12 both become the method CrmKey; give one of them another Name
a/a.go:14: the credential crm-key-status and the credential crm-key at a/a.go:12 both become the method CrmKeyStatus; give one of them another Name
a/a.go:15: the credential missing becomes the method Missing, which the service has for itself; give it another Name
a/a.go:17: the variable Nil is nil once its package is initialized; declare it where it is
a/a.go:18: Type is declared wrongly: with OAuth2 its Go type must be oauth2.Token
a/a.go:19: Open is declared wrongly: TokenURL: it is an https URL without fragment, or http on a loopback address; AuthURL: it is missing, and there is neither an Issuer to discover it from nor a DeviceURL
a/a.go:20: Invalid is declared wrongly: SecretID is no id
a/a.go:21: Shared is declared wrongly: the id is declared with two schemas; the other is at b/b.go:14
a/a.go:21: Shared is declared wrongly: the name is declared as the application's own and as one for each user; the other is at b/b.go:11
b/b.go:11: Shared is declared wrongly: the id is declared with two schemas; the other is at b/b.go:14
b/b.go:11: Shared is declared wrongly: the name is declared as the application's own and as one for each user; the other is at a/a.go:21
b/b.go:12: the credential fine is declared with the Go type core.Value, and at a/a.go:22 with string; use the one variable in both places, or give one of them another Name
b/b.go:14: App is declared wrongly: the id is declared with two schemas; the other is at a/a.go:21
b/b.go:14: App is declared wrongly: the id is declared with two schemas; the other is at b/b.go:11
b/b.go:16: in-slice is declared, but no variable of its package holds the declaration; declare it as a package's variable of its own: var X = credentials.Declare[T](…)
b/b.go:17: in-blank is declared, but no variable of its package holds the declaration; declare it as a package's variable of its own: var X = credentials.Declare[T](…)
b/b.go:21: in-function is declared, but no variable of its package holds the declaration; declare it as a package's variable of its own: var X = credentials.Declare[T](…)
c/c.go:6: the credential same is declared otherwise than at b/b.go:13; use the one variable in both places
out/out.go:3: TypedCredentials is what the output declares in this package; rename it, or write the output into another folder, see --out
`)
	if strings.Contains(err.Error(), "sk_live") {
		t.Error("what stands where an id or an address belongs is repeated")
	}
	empty(t, filepath.Join(dir, "out"), "out.go")
}

// What is declared with a credential is none of a variable's, and no stray.
func TestACredentialThatAnImportedPackageDeclaresIsNotedOnce(t *testing.T) {
	t.Parallel()
	const lib = `
-- lib/lib.go --
package lib

import (
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

var settings = oauth2.GitHub("repo")

var GitHub = credentials.Declare[oauth2.Token](credentials.Spec{Name: "github", SecretID: "GITHUB_APP", TokenSecretID: "GITHUB", OAuth2: &settings})
-- app/app.go --
package app

import (
	"example.com/shop/lib"

	"github.com/lukko-dev/lukko/credentials"
)

var Key = credentials.DeclarePerUser[string](credentials.Spec{Name: "key", SecretID: "KEY", Description: lib.GitHub.Meta().Name})
`
	dir := module(t, lib)
	result := mustRun(t, generate.Config{Dir: dir, Patterns: []string{"./app"}, Out: "app"})
	if len(result.Notes) != 1 || result.Notes[0] != "github is declared at lib/lib.go:10, in a package that was not named: name it too if the program needs it" || result.Credentials != 1 {
		t.Errorf("%q, %d credentials", result.Notes, result.Credentials)
	}
	golang(t, dir, "vet", "./app")

	// A check says by name what the metadata has otherwise.
	meta := filepath.Join(dir, "app", metadata.FileName)
	write(t, meta, strings.Replace(read(t, meta), `"secretID": "KEY"`, `"secretID": "OTHER"`, 1))
	result = mustRun(t, generate.Config{Dir: dir, Patterns: []string{"./app"}, Out: "app", Check: true})
	if got := strings.Join(result.Differences, "; "); !result.Changed() || got != "the credential key (app.go:9) has another secretID" {
		t.Errorf("differences: %s", got)
	}
	if text := read(t, filepath.Join(dir, "app", generate.GoFile)); strings.Contains(text, "TypedSecretService") {
		t.Error("without secrets there is a service of secrets")
	}
}

// A module need not have what it does not use.
func TestAProgramWithoutCredentialsNeedsNoModuleOfThem(t *testing.T) {
	t.Parallel()
	dir := module(t, plain)
	mod := filepath.Join(dir, "go.mod")
	var kept []string
	for line := range strings.Lines(read(t, mod)) {
		if !strings.Contains(line, "lukko-dev/lukko/") || strings.Contains(line, "lukko/core ") || strings.Contains(line, "lukko/schema ") {
			kept = append(kept, line)
		}
	}
	write(t, mod, strings.Join(kept, ""))
	cfg := generate.Config{Dir: dir, Patterns: []string{"./declare"}, Out: "declare"}
	if result := mustRun(t, cfg); result.Secrets != 1 {
		t.Errorf("%d secrets", result.Secrets)
	}
	golang(t, dir, "build", "./declare")
}

// The published schema of the metadata knows each field of the settings, and
// each of its values, and nothing else.
func TestThePublishedSchemaKnowsTheSettingsOfOAuth2(t *testing.T) {
	t.Parallel()
	type property struct {
		Type, Ref string
		Enum      []string
	}
	var published struct {
		Defs map[string]struct {
			Properties map[string]struct {
				Type string
				Ref  string `json:"$ref"`
				Enum []string
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(metadata.Schema(), &published); err != nil {
		t.Fatal(err)
	}
	known := map[string]property{}
	for name, p := range published.Defs["oauth2"].Properties {
		known[name] = property{p.Type, p.Ref, p.Enum}
	}
	values := constants(t)
	typ := reflect.TypeFor[oauth2.Settings]()
	settings := reflect.New(typ).Elem()
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p, ok := known[name]
		if !ok || options != "omitempty" {
			t.Errorf("%s: the schema knows %q: %v; options %q", f.Name, name, ok, options)
			continue
		}
		delete(known, name)
		switch {
		case f.Type == reflect.TypeFor[string]():
			if p.Type != "string" && p.Ref != "#/$defs/url" {
				t.Errorf("%s is a text, and in the schema %+v", name, p)
			}
			settings.Field(i).SetString("https://example.com")
		case f.Type == reflect.TypeFor[[]string]():
			if p.Ref != "#/$defs/texts" {
				t.Errorf("%s is a list of texts, and in the schema %+v", name, p)
			}
			settings.Field(i).Set(reflect.ValueOf([]string{"a"}))
		case f.Type == reflect.TypeFor[map[string]string]():
			if p.Ref != "#/$defs/parameters" {
				t.Errorf("%s is texts by name, and in the schema %+v", name, p)
			}
			settings.Field(i).Set(reflect.ValueOf(map[string]string{"a": ""}))
		case f.Type.Kind() == reflect.String:
			slices.Sort(p.Enum)
			if !slices.Equal(p.Enum, values[f.Type.Name()]) || len(p.Enum) == 0 {
				t.Errorf("%s is one of %q, and in the schema %q", name, values[f.Type.Name()], p.Enum)
				continue
			}
			settings.Field(i).SetString(p.Enum[0])
		default:
			t.Errorf("%s is a %s, which this test does not know", name, f.Type)
		}
	}
	for name := range known {
		t.Errorf("the schema knows %s, which there is not", name)
	}

	// And so it takes settings with all of them.
	text, err := json.Marshal(settings.Interface())
	if err != nil {
		t.Fatal(err)
	}
	file := metadata.New(nil)
	file.Credentials = []metadata.Credential{{Name: "a", SecretID: "A", TokenSecretID: "B", OAuth2: text}}
	data, err := file.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := metadata.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	var again oauth2.Settings
	if err := json.Unmarshal(back.Credentials[0].OAuth2, &again); err != nil || !reflect.DeepEqual(again, settings.Interface()) {
		t.Errorf("it is read back as %+v, %v", again, err)
	}
}

// constants are the texts of package oauth2 by their types, but the empty ones.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	pkgs, err := packages.Load(&packages.Config{Context: t.Context(), Mode: packages.NeedName | packages.NeedTypes | packages.NeedImports}, "github.com/lukko-dev/lukko/oauth2")
	if err != nil || len(pkgs) != 1 || pkgs[0].Types == nil {
		t.Fatalf("the package can't be loaded: %v", err)
	}
	all := map[string]map[string]bool{}
	scope := pkgs[0].Types.Scope()
	for _, name := range scope.Names() {
		c, ok := scope.Lookup(name).(*types.Const)
		if !ok || c.Val().Kind() != constant.String {
			continue
		}
		named, ok := c.Type().(*types.Named)
		text := constant.StringVal(c.Val())
		if !ok || text == "" {
			continue
		}
		if all[named.Obj().Name()] == nil {
			all[named.Obj().Name()] = map[string]bool{}
		}
		all[named.Obj().Name()][text] = true
	}
	sorted := map[string][]string{}
	for name, texts := range all {
		sorted[name] = slices.Sorted(maps.Keys(texts))
	}
	return sorted
}
