package gotypes_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"sync"
	"testing"
	"unicode"
)

// stubs stand for the packages that a file may import: what is checked is
// that the file uses each as it may, and each that it imports.
var stubs = map[string]string{
	"encoding/json": "package json\ntype RawMessage []byte\ntype Number string",
	"time": "package time\ntype Duration int64\nconst (\nNanosecond Duration = 1\nMillisecond = 1e6 * Nanosecond\n" +
		"Second = 1000 * Millisecond\nMinute = 60 * Second\nHour = 60 * Minute\n)",
	lukko + "core": "package core\ntype Value struct{ reveal func() string }",
	lukko + "schema": "package schema\nimport (\n\"encoding/json\"\n\"time\"\n)\ntype Spec struct {\n" +
		"Name, ID, DisplayName, Description, DocsURL, Default, AnyOf, OneOf, Generate string\n" +
		"Schema json.RawMessage\nOptional bool\nRotationPeriod time.Duration\nRequiredIn []string\n}\ntype Declaration[T any] struct{ v T }\n" +
		"func Declare[T any](Spec) *Declaration[T] { return nil }\nfunc DeclareVariable[T any](Spec) *Declaration[T] { return nil }",
	lukko + "oauth2": "package oauth2\ntype Token struct{ t int }\ntype Settings struct {\n" +
		"Issuer, AuthURL, TokenURL, RevokeURL, DeviceURL, Grant, Revocation, PKCE, ClientAuth string\n" +
		"Scopes, AllowedHosts []string\nAuthParams map[string]string\n}",
	lukko + "credentials": "package credentials\nimport (\n\"encoding/json\"\n\"github.com/lukko-dev/lukko/oauth2\"\n)\ntype Spec struct {\n" +
		"Name, DisplayName, Description, DocsURL, SecretID, TokenSecretID string\n" +
		"Schema json.RawMessage\nOptional bool\nOAuth2 *oauth2.Settings\n}\ntype Credential[T any] struct{ v T }\n" +
		"func Declare[T any](Spec) *Credential[T] { return nil }\nfunc DeclarePerUser[T any](Spec) *Credential[T] { return nil }",
}

const lukko = "github.com/lukko-dev/lukko/"

var stubPackages = sync.OnceValues(func() (map[string]*types.Package, error) {
	made := map[string]*types.Package{}
	for _, path := range []string{"encoding/json", "time", lukko + "core", lukko + "schema", lukko + "oauth2", lukko + "credentials"} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, path, stubs[path], 0)
		if err != nil {
			return nil, err
		}
		config := types.Config{Importer: importing(func(path string) (*types.Package, error) { return made[path], nil })}
		if made[path], err = config.Check(path, fset, []*ast.File{f}, nil); err != nil {
			return nil, err
		}
	}
	return made, nil
})

type importing func(path string) (*types.Package, error)

func (f importing) Import(path string) (*types.Package, error) { return f(path) }

var _ types.Importer = importing(nil)

// checkSource checks that a file is formatted Go that compiles.
func checkSource(t testing.TB, source []byte) {
	t.Helper()
	formatted, err := format.Source(source)
	if err != nil {
		t.Fatalf("it is no Go: %v\n%s", err, source)
	}
	if !bytes.Equal(formatted, source) {
		t.Errorf("it is not formatted:\n%s", source)
	}
	for _, r := range string(source) {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			t.Errorf("it holds %U, which does not show", r)
		}
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "declarations_gen.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	packages, err := stubPackages()
	if err != nil {
		t.Fatal(err)
	}
	config := types.Config{Importer: importing(func(path string) (*types.Package, error) {
		if p := packages[path]; p != nil {
			return p, nil
		}
		return nil, fmt.Errorf("%s is imported", path)
	})}
	if _, err := config.Check("x", fset, []*ast.File{f}, nil); err != nil {
		t.Fatalf("it does not compile: %v\n%s", err, source)
	}
	for _, group := range f.Comments {
		for _, c := range group.List {
			if c.Text != "//" && !bytes.HasPrefix([]byte(c.Text), []byte("// ")) && !bytes.HasPrefix([]byte(c.Text), []byte("//\t")) {
				t.Errorf("a comment is a directive, or none: %q", c.Text)
			}
		}
	}
}
