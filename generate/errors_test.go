package generate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/generate"
)

// All that can be seen without building anything is told at once.
const unreachable = `
-- main.go --
package main

import "github.com/lukko-dev/lukko/schema"

func main() { schema.Declare[string](schema.Spec{ID: "IN_MAIN"}) }
-- cmd/tool/main.go --
package main

import "github.com/lukko-dev/lukko/schema"

var Token = schema.Declare[string](schema.Spec{ID: "TOOL_TOKEN"})

func main() {}
-- a/internal/deep/deep.go --
package deep

import "github.com/lukko-dev/lukko/schema"

var Deep = schema.Declare[string](schema.Spec{ID: "DEEP"})
-- out/out.go --
package out

type Helper struct{}
-- user/user.go --
package user

import (
	"example.com/shop/between"

	"github.com/lukko-dev/lukko/schema"
)

var User = schema.Declare[string](schema.Spec{ID: "USER"})
var _ = between.Helper
-- between/between.go --
package between

import "example.com/shop/out"

var Helper out.Helper
-- types/types.go --
package types

import (
	"example.com/shop/types/internal/hidden"

	"github.com/lukko-dev/lukko/schema"
)

type secret struct{ A string }
type Pair[T any] struct{ A, B T }

var small = schema.Declare[string](schema.Spec{ID: "SMALL"})
var (
	Secret = schema.Declare[secret](schema.Spec{ID: "SECRET"})
	Nested = schema.Declare[map[string][]*Pair[secret]](schema.Spec{ID: "NESTED"})
	Hidden = schema.Declare[hidden.T](schema.Spec{ID: "HIDDEN"})
	Field  = schema.Declare[struct{ a int }](schema.Spec{ID: "FIELD"})
	Fine   = schema.Declare[Pair[string]](schema.Spec{ID: "FINE"})
)
-- types/internal/hidden/hidden.go --
package hidden

type T struct{ A string }
`

func TestAllThatTheOutputCannotReachIsToldAtOnce(t *testing.T) {
	t.Parallel()
	dir := module(t, unreachable)
	_, err := run(t, generate.Config{Dir: dir, Out: "out"})
	if err == nil {
		t.Fatal("there is no error")
	}
	sameLines(t, err.Error(), `
a/internal/deep/deep.go:5: the package of the output, example.com/shop/out, can't import example.com/shop/a/internal/deep, which is internal; write the output into a folder that can, see --out
cmd/tool/main.go:5: a declaration in package main, which no other package can import; move it to a package of its own, such as internal/secrets
main.go:5: a declaration in package main, which no other package can import; move it to a package of its own, such as internal/secrets
types/types.go:12: the package of the output, example.com/shop/out, can't use the variable small, which is not exported; give it a capital letter, or write the output into its folder, see --out
types/types.go:14: the package of the output, example.com/shop/out, can't name the type of Secret: example.com/shop/types.secret is not exported; export the type, or write the output into its folder, see --out
types/types.go:15: the package of the output, example.com/shop/out, can't name the type of Nested: example.com/shop/types.secret is not exported; export the type, or write the output into its folder, see --out
types/types.go:16: the package of the output, example.com/shop/out, can't name the type of Hidden: example.com/shop/types/internal/hidden.T is internal; export the type, or write the output into its folder, see --out
types/types.go:17: the package of the output, example.com/shop/out, can't name the type of Field: a struct without a name has the field a, which is not exported; export the type, or write the output into its folder, see --out
user/user.go:9: the package example.com/shop/user imports that of the output, example.com/shop/out, which would have to import it; write the output into another folder, see --out, or move the declarations to a package of their own
`)
	empty(t, filepath.Join(dir, "out"), "out.go")
}

// empty wants nothing else in a folder.
func empty(t *testing.T, dir string, but ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.Contains(" "+strings.Join(but, " ")+" ", " "+e.Name()+" ") {
			t.Errorf("%s is there", e.Name())
		}
	}
}

// And all that the declarations say, though they come from several packages.
const wrong = `
-- a/a.go --
package a

import "github.com/lukko-dev/lukko/schema"

var (
	One     = schema.Declare[string](schema.Spec{Name: "stripe-key", ID: "ONE"})
	Two     = schema.Declare[string](schema.Spec{Name: "StripeKey", ID: "TWO"})
	Setter  = schema.Declare[string](schema.Spec{Name: "set_stripe_key", ID: "SETTER"})
	Get     = schema.Declare[string](schema.Spec{Name: "get", ID: "GET"})
	List    = schema.Declare[string](schema.Spec{Name: "list", ID: "LIST"})
	Load    = schema.Declare[string](schema.Spec{Name: "load", ID: "LOAD"})
	Status  = schema.DeclareVariable[string](schema.Spec{Name: "status", ID: "STATUS"})
	Many    = schema.DeclareVariable[string](schema.Spec{Name: "many", ID: "MANY"}) // HasMany and SetMany are nobody's
	GetMany = schema.Declare[string](schema.Spec{Name: "get.many", ID: "GET_MANY"})
	Nil     *schema.Declaration[string]
	Invalid = schema.Declare[chan int](schema.Spec{Name: "invalid", ID: "sk_live_not an id"})
	Pattern = schema.Declare[string](schema.Spec{ID: "PATTERN", Schema: []byte("{")})
	Level   = schema.DeclareVariable[string](schema.Spec{Name: "log-level", ID: "LEVEL"})
)
-- b/b.go --
package b

import (
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

var (
	Level  = schema.Declare[string](schema.Spec{Name: "logLevel", ID: "LEVEL_SECRET"})
	Type   = schema.Declare[core.Value](schema.Spec{Name: "typed", ID: "TYPED"})
	Shared = schema.Declare[struct{ A string }](schema.Spec{Name: "shared", ID: "SHARED"})
	Within = func() *schema.Declaration[string] { inFunction(); return schema.Declare[string](schema.Spec{ID: "WITHIN"}) }()

	slice = []*schema.Declaration[string]{schema.Declare[string](schema.Spec{ID: "IN_SLICE"})}
	_     = schema.Declare[string](schema.Spec{ID: "IN_BLANK"})
)

func inFunction() {
	schema.Declare[string](schema.Spec{ID: "IN_FUNCTION"})
}
-- c/c.go --
package c

import "github.com/lukko-dev/lukko/schema"

var (
	Type   = schema.Declare[string](schema.Spec{Name: "typed", ID: "TYPED"})
	Other  = schema.Declare[struct{ B string }](schema.Spec{Name: "other", ID: "SHARED"})
	Shared = schema.Declare[struct{ A string }](schema.Spec{Name: "shared", ID: "SHARED", Optional: true})
)
-- out/out.go --
package out

const TypedID = 5

type LoadedSecrets struct{}
`

func TestAllThatIsDeclaredWronglyIsToldAtOnce(t *testing.T) {
	t.Parallel()
	dir := module(t, wrong)
	_, err := run(t, generate.Config{Dir: dir, Out: "out"})
	if err == nil {
		t.Fatal("there is no error")
	}
	sameLines(t, err.Error(), `
a/a.go:6: the secret stripe-key and the secret StripeKey at a/a.go:7 both become the method StripeKey; give one of them another Name
a/a.go:8: the secret set_stripe_key and the secret StripeKey at a/a.go:7 both become the method SetStripeKey; give one of them another Name
a/a.go:9: the secret get becomes the method Get, which the service has for itself; give it another Name
a/a.go:10: the secret list becomes the method List, which the service has for itself; give it another Name
a/a.go:11: the secret load becomes the method Load, which the service has for itself; give it another Name
a/a.go:12: the variable status becomes the method Status, which the service has for itself; give it another Name
a/a.go:14: the secret get.many becomes the method GetMany, which the service has for itself; give it another Name
a/a.go:15: the variable Nil is nil once its package is initialized; declare it where it is
a/a.go:16: Invalid is declared wrongly: byte 11 of the id is none of letters, digits and "_-./+=@:"
a/a.go:16: Invalid is declared wrongly: JSON can't be decoded into a chan
a/a.go:17: Pattern is declared wrongly: the schema is wrong: it is no JSON document: it breaks off or goes wrong at byte 1
b/b.go:9: the secret logLevel and the variable log-level at a/a.go:18 both become the constant LogLevelID; give one of them another Name
b/b.go:11: Shared is declared wrongly: the id is declared with two schemas; the other is at c/c.go:7
b/b.go:14: IN_SLICE is declared, but no variable of its package holds the declaration; declare it as a package's variable of its own: var X = schema.Declare[T](…)
b/b.go:15: IN_BLANK is declared, but no variable of its package holds the declaration; declare it as a package's variable of its own: var X = schema.Declare[T](…)
b/b.go:19: IN_FUNCTION is declared, but no variable of its package holds the declaration; declare it as a package's variable of its own: var X = schema.Declare[T](…)
c/c.go:6: the secret typed is declared with the Go type string, and at b/b.go:10 with core.Value; use the one variable in both places, or give one of them another Name
c/c.go:7: Other is declared wrongly: the id is declared with two schemas; the other is at b/b.go:11
c/c.go:7: Other is declared wrongly: the id is declared with two schemas; the other is at c/c.go:8
c/c.go:8: Shared is declared wrongly: the id is declared with two schemas; the other is at c/c.go:7
out/out.go:3: TypedID is the constant that the secret typed at b/b.go:10 has here; rename one of them
out/out.go:5: LoadedSecrets is what the output declares in this package; rename it, or write the output into another folder, see --out
`)
	if strings.Contains(err.Error(), "sk_live") {
		t.Error("what stands where an id belongs is repeated")
	}
	empty(t, filepath.Join(dir, "out"), "out.go")
}

func TestAProgramThatFailsShowsNothingButThePlace(t *testing.T) {
	t.Parallel()
	dir := module(t, `
-- panics/panics.go --
package panics

import (
	"fmt"
	"os"

	"github.com/lukko-dev/lukko/schema"
)

var Token = schema.Declare[string](schema.Spec{ID: "TOKEN"})

func init() {
	fmt.Println("sk_live_stdout")
	fmt.Fprintln(os.Stderr, "sk_live_stderr")
	open("sk_live_argument")
}

func open(s string) {
	panic("sk_live_panic " + s)
}
-- exits/exits.go --
package exits

import (
	"os"

	"github.com/lukko-dev/lukko/schema"
)

var Token = schema.Declare[string](schema.Spec{ID: "TOKEN"})

func init() {
	if os.Getenv("EXIT") == "3" {
		println("sk_live_stderr")
		os.Exit(3)
	}
	os.Exit(0)
}
-- hangs/hangs.go --
package hangs

import "github.com/lukko-dev/lukko/schema"

var Token = schema.Declare[string](schema.Spec{ID: "TOKEN"})

var wait = make(chan int)

func init() {
	<-wait
}
`)
	for _, c := range []struct{ name, pkg, exit, want string }{
		{"a panic", "panics", "", "panics/panics.go:19: the packages that declare panic while they are initialized; what was printed is not shown, as it may hold values: run a program of yours that imports them to see it"},
		{"an exit that fails", "exits", "3", "the packages that declare fail while they are initialized: exit status 3; what was printed is not shown, as it may hold values: run a program of yours that imports them to see it"},
		{"an exit", "exits", "0", "the packages that declare end the program while they are initialized; an init function, or the value of a variable, calls os.Exit: move that to main"},
		{"a wait", "hangs", "", "hangs/hangs.go:10: the packages that declare are not initialized within 1s; an init function, or the value of a variable, waits for something: move that to main"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := generate.Config{Dir: dir, Patterns: []string{"./" + c.pkg}, Out: c.pkg, Env: env("EXIT=" + c.exit)}
			if c.pkg == "hangs" {
				cfg.Limit = time.Second
			}
			_, err := run(t, cfg)
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			empty(t, filepath.Join(dir, c.pkg), c.pkg+".go")
		})
	}
}
