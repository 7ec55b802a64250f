package lint_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shop is the path of the module that the tests look at.
const shop = "example.com/shop"

// standIns are the modules of which testdata/vendors has the names.
var standIns = []string{"go.uber.org/zap", "github.com/nats-io/nats.go", "github.com/gin-gonic/gin"}

// program copies testdata/shop, or a part of it, to a folder, as a module that
// requires the real core and schema of this checkout.
func program(t testing.TB, parts ...string) string {
	t.Helper()
	return programOf(t, os.DirFS(filepath.Join("testdata", "shop")), parts...)
}

func programOf(t testing.TB, files fs.FS, parts ...string) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// What the program may import is what package credentials does.
	programMod, err := os.ReadFile(filepath.Join(root, "credentials", "go.mod"))
	if err != nil {
		t.Skip("this is no checkout of the repository, but the module by itself")
	}
	dir := t.TempDir()
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		t.Fatal(err)
	}
	if len(parts) == 0 {
		parts = []string{"."}
	}
	for _, part := range parts {
		sub, err := fs.Sub(files, part)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(filepath.Join(dir, part), sub); err != nil {
			t.Fatal(err)
		}
	}
	version := regexp.MustCompile(`lukko/core (\S+)`).FindStringSubmatch(string(programMod))[1]
	mod := "module " + shop + "\n" + strings.TrimPrefix(string(programMod), "module github.com/lukko-dev/lukko/credentials\n")
	mod += "\nrequire github.com/lukko-dev/lukko/credentials " + version + "\n"
	for _, name := range []string{"core", "schema", "oauth2", "credentials"} {
		mod += "replace github.com/lukko-dev/lukko/" + name + " => " + filepath.Join(root, name) + "\n"
	}
	for _, path := range standIns {
		stand := filepath.Join(dir, "vendors", filepath.FromSlash(path))
		if err := os.CopyFS(stand, os.DirFS(filepath.Join("testdata", "vendors", filepath.FromSlash(path)))); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(stand, "go.mod"), "module "+path+"\n\ngo 1.26.0\n")
		mod += "require " + path + " v1.0.0\nreplace " + path + " => " + stand + "\n"
	}
	write(t, filepath.Join(dir, "go.mod"), mod)
	sum, err := os.ReadFile(filepath.Join(root, "credentials", "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go.sum"), string(sum))
	return dir
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
