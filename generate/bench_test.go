package generate_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/generate"
)

// What it costs to generate for 50 declarations, beside a build of the same module's
// program. Both follow an edit of the package that declares, with all else in the
// compiler's cache.
//
//bench:ratio BenchmarkGenerateFifty BenchmarkBuildFifty 2

// fifty is a module of 50 declarations, whose program uses what is generated.
func fifty(b *testing.B) (dir string, edit func()) {
	b.Helper()
	var declare strings.Builder
	use := strings.Builder{}
	declare.WriteString("package secrets\n\nimport (\n\"github.com/lukko-dev/lukko/core\"\n\"github.com/lukko-dev/lukko/schema\"\n)\n")
	use.WriteString("package server\n\nimport (\n\"context\"\n\n\"example.com/shop/internal/secrets\"\n)\n\nfunc Serve(ctx context.Context, s *secrets.TypedSecretService) error {\nloaded, err := s.Load(ctx)\nif err != nil {\nreturn err\n}\n")
	for i := range 50 {
		fmt.Fprintf(&declare, `
// Credentials%[1]d is of service %[1]d.
type Credentials%[1]d struct {
	Key     core.Value `+"`json:\"key\" jsonschema:\"pattern=^sk_\"`"+`
	Account string     `+"`json:\"account\"`"+`
	Retries int        `+"`json:\"retries,omitempty\" jsonschema:\"minimum=0,default=3\"`"+`
}

var Service%[1]d = schema.Declare[Credentials%[1]d](schema.Spec{Name: "service%[1]d", ID: "SERVICE_%[1]d", Description: "EDIT"})
`, i)
		fmt.Fprintf(&use, "_ = loaded.Service%d().Key\n", i)
	}
	use.WriteString("return loaded.Close()\n}\n")
	dir = module(b, fmt.Sprintf(`
-- internal/secrets/declare.go --
%s
-- server/server.go --
%s
-- main.go --
package main

import (
	"context"
	"net/http"

	"example.com/shop/internal/secrets"
	"example.com/shop/server"

	"github.com/lukko-dev/lukko/core/memory"
)

func main() {
	if err := server.Serve(context.Background(), secrets.NewTypedSecretService(memory.With(nil))); err != nil {
		panic(err)
	}
	_ = http.ListenAndServe("localhost:0", nil)
}
`, declare.String(), use.String()))
	file := filepath.Join(dir, "internal", "secrets", "declare.go")
	text, n := read(b, file), 0
	return dir, func() {
		b.StopTimer()
		n++
		write(b, file, strings.ReplaceAll(text, "EDIT", fmt.Sprint(dir, n)))
		b.StartTimer()
	}
}

func BenchmarkGenerateFifty(b *testing.B) {
	dir, edit := fifty(b)
	cfg := generate.Config{Dir: dir, Out: "internal/secrets"}
	mustRun(b, cfg)
	for b.Loop() {
		edit()
		if result := mustRun(b, cfg); result.Secrets != 50 || !result.Changed() {
			b.Fatalf("%d secrets, changed is %v", result.Secrets, result.Changed())
		}
	}
}

func BenchmarkBuildFifty(b *testing.B) {
	dir, edit := fifty(b)
	mustRun(b, generate.Config{Dir: dir, Out: "internal/secrets"})
	program := filepath.Join(dir, "program")
	golang(b, dir, "build", "-o", program, ".")
	for b.Loop() {
		edit()
		golang(b, dir, "build", "-o", program, ".")
	}
}
