package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/repo/docs"
)

const fence = "```"

func goBlock(mark, text string) string {
	if mark != "" {
		mark = "<!-- " + mark + " -->\n"
	}
	return "Look:\n\n" + mark + fence + "go\n" + text + "\n" + fence + "\n"
}

func tree(t *testing.T, readme string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range map[string]string{
		"go.work":                 "go 1.26.0\n\nuse ./core\n\nreplace github.com/lukko-dev/lukko/core v0.1.0 => ./core\n",
		"core/go.mod":             "module github.com/lukko-dev/lukko/core\n\ngo 1.26.0\n",
		"core/core.go":            "package core\n\n// Answer is it.\nconst Answer = 42\n\n// A Lock locks.\ntype Lock struct {\n\tkey string\n}\n\nfunc Open() error { return nil }\n",
		"core/x_test.go":          "package core_test\n\nfunc ExampleOpen() {\n\tif true {\n\t\tprintln()\n\t}\n\t// Output:\n\t// x\n}\n",
		"core/testdata/broken.md": goBlock("", "a fixture"),
		"README.md":               readme,
		"docs/guide.md":           "A guide.\n",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestCheck(t *testing.T) {
	t.Parallel()
	const program = "package main\n\nimport \"github.com/lukko-dev/lukko/core\"\n\nfunc main() { println(core.%s) }"
	for _, tt := range []struct{ name, readme, problem string }{
		{"a program that compiles is right", goBlock("", strings.Replace(program, "%s", "Answer", 1)), ""},
		{"a program that doesn't is named by its line", goBlock("", strings.Replace(program, "%s", "Question", 1)), "README.md:8:"},
		{"a test that doesn't compile is seen", goBlock("", "package x\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) { t.Nothing() }"), "README.md:8:"},
		{"a fragment is refused", goBlock("", "x := 1"), "README.md:4: a Go block must be"},
		{"a fragment with a reason is right", goBlock("not compiled: a sketch", "x := 1"), ""},
		{"a reason must be given", goBlock("not compiled:", "x := 1"), "README.md:5: a Go block must be"},
		{"a declaration is compared", goBlock("from: core/core.go#Lock", "type Lock struct {\n\tkey string\n}"), ""},
		{"a changed declaration is seen", goBlock("from: core/core.go#Lock", "type Lock struct {\n\tKey string\n}"), "no longer what core/core.go#Lock has"},
		{"a constant is compared", goBlock("from: core/core.go#Answer", "const Answer = 42"), ""},
		{"a function is compared", goBlock("from: core/core.go#Open", "func Open() error { return nil }"), ""},
		{"an Example's body is compared", goBlock("from: core/x_test.go#ExampleOpen", "if true {\n\tprintln()\n}"), ""},
		{"a name that is gone is seen", goBlock("from: core/core.go#Gone", "x"), "core/core.go declares no Gone"},
		{"a file that is gone is seen", goBlock("from: core/gone.go", "x"), "there is no file core/gone.go"},
		{"a link to a file is right", "[core](core/core.go#L3) [web](https://example.com/x) [here](#top)", ""},
		{"a dead link is seen", "\n[core](core/gone.go)", "README.md:2: the link leads to core/gone.go"},
		{"a page of docs that nobody links to is seen", "Nothing.", "docs/guide.md: no page links to it"},
		{"a link in a block is no link", fence + "\n[core](core/gone.go)\n" + fence, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(tt.problem, "no page links") {
				tt.readme += "\n[guide](docs/guide.md)\n"
			}
			problems, err := docs.Check(tree(t, tt.readme))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(problems, "\n")
			if tt.problem == "" && got != "" || !strings.Contains(got, tt.problem) {
				t.Errorf("problems are %q, want %q", got, tt.problem)
			}
		})
	}
}

func TestWriteBringsBlocksUpToDate(t *testing.T) {
	t.Parallel()
	stale := goBlock("from: core/core.go#Lock", "type Lock int") + goBlock("from: core/x_test.go#ExampleOpen", "") + goBlock("", "x := 1")
	root := tree(t, stale)
	if err := docs.Write(root); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	want := goBlock("from: core/core.go#Lock", "type Lock struct {\n\tkey string\n}") +
		goBlock("from: core/x_test.go#ExampleOpen", "if true {\n\tprintln()\n}") + goBlock("", "x := 1")
	if string(got) != want {
		t.Errorf("README.md is now:\n%s", got)
	}
}
