package providertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modules = "github.com/lukko-dev/lukko/"

// LittleLarger fails the test if a program is more than a tenth larger than
// another, both without their symbols. They are the texts of two main packages, and are
// built with the dependencies of the module under test: as other tests build, so that the
// cache has most of it.
func LittleLarger(t testing.TB, bare, ours string) {
	t.Helper()
	theirs, own := size(t, bare), size(t, ours)
	t.Logf("%d bytes, and %d with the vendor's client alone: %.3f times", own, theirs, float64(own)/float64(theirs))
	if own*100 > theirs*110 {
		t.Errorf("a program has %d bytes with this provider, and %d with the vendor's client alone: more than 10 %% above", own, theirs)
	}
}

// Reader returns a program that reads one secret through a provider, whose module
// is named by its folder, from a store at a URL.
func Reader(module, url string) string { return fmt.Sprintf(reader, modules+module, url) }

const reader = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lukko-dev/lukko/core"
	_ %q
)

func main() {
	ctx := context.Background()
	store, err := core.Open(ctx, %q)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer store.Close()
	secret, err := store.Get(ctx, "app/password")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(secret.Value.Reveal()))
}
`

// LinksOnly fails the test if the package under test links anything of this
// repository but core and its own module, which is named by its folder, such as
// providers/vault.
func LinksOnly(t testing.TB, module string) {
	t.Helper()
	var own []string
	for pkg := range strings.FieldsSeq(golang(t, "list", "-deps", ".")) {
		if name, ok := strings.CutPrefix(pkg, modules); ok {
			own = append(own, name)
		}
	}
	for _, pkg := range own {
		if !within(pkg, "core") && !within(pkg, module) {
			t.Errorf("the provider links %s", pkg)
		}
	}
	if !slices.Contains(own, "core") || !slices.Contains(own, module) {
		t.Errorf("the list lacks what must be in it: %q", own)
	}
}

func within(pkg, folder string) bool {
	return pkg == folder || strings.HasPrefix(pkg, folder+"/")
}

func size(t testing.TB, program string) int64 {
	t.Helper()
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	golang(t, "build", "-ldflags=-s -w", "-o", binary, source)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// golang runs the go command in the folder of the test, and so with the
// dependencies of its module.
func golang(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}
