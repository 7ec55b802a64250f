package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("environments: {a: env:x, b: env:y}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLocateLooksInTheOrderOfFlagEnvironmentFolder(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	project := filepath.Join(top, "home", "project")
	deep := filepath.Join(project, "a", "b")
	touch(t, filepath.Join(project, FileName))
	touch(t, filepath.Join(deep, "keep"))
	touch(t, filepath.Join(top, "home", "repo", "x", "keep"))
	touch(t, filepath.Join(top, "home", FileName))
	touch(t, filepath.Join(top, FileName))
	if err := os.Mkdir(filepath.Join(top, "home", "repo", ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(top, "home")
	env := func(value string) func(string) string {
		return func(name string) string {
			if name == "LUKKO_CONFIG" {
				return value
			}
			return ""
		}
	}
	for name, test := range map[string]struct {
		path, dir, home, env string
		want                 string // empty: ErrNotFound
	}{
		"a flag goes first":                  {"x.yaml", deep, home, "y.yaml", filepath.Join(deep, "x.yaml")},
		"an absolute flag":                   {filepath.Join(top, "x.yaml"), deep, home, "", filepath.Join(top, "x.yaml")},
		"the environment goes next":          {"", deep, home, "../y.yaml", filepath.Join(project, "a", "y.yaml")},
		"the folder itself":                  {"", project, home, "", filepath.Join(project, FileName)},
		"a folder above":                     {"", deep, home, "", filepath.Join(project, FileName)},
		"the home folder":                    {"", filepath.Join(home, "other"), home, "", filepath.Join(home, FileName)},
		"not above the repository":           {"", filepath.Join(home, "repo", "x"), home, "", ""},
		"not above the home folder":          {"", filepath.Join(top, "nobody", "x"), filepath.Join(top, "nobody"), "", ""},
		"above, where the home is elsewhere": {"", filepath.Join(top, "etc"), home, "", filepath.Join(top, FileName)},
	} {
		got, err := locate(test.path, test.dir, test.home, env(test.env))
		if test.want == "" {
			if !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "lukko init") {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, test.want)
		}
	}
}

func TestAFileThatAnybodyCouldHavePutThereIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such mode")
	}
	shared := filepath.Join(t.TempDir(), "shared")
	touch(t, filepath.Join(shared, FileName))
	if err := os.Chmod(shared, 0o1777); err != nil { //nolint:gosec // what is tested
		t.Fatal(err)
	}
	none := func(string) string { return "" }
	_, err := locate("", filepath.Join(shared, "mine"), "", none)
	if err == nil || !strings.Contains(err.Error(), "LUKKO_CONFIG") {
		t.Errorf("from a folder below: %v", err)
	}
	if got, err := locate("", shared, "", none); err != nil || got != filepath.Join(shared, FileName) {
		t.Errorf("from the folder itself: %q, %v", got, err)
	}
}

func TestTheEnvironmentGoesBeforeTheFilesDefault(t *testing.T) {
	t.Parallel()
	c, err := Parse("lukko.yaml", []byte("default: a\nenvironments: {a: env:x, b: env:y}\n"))
	if err != nil {
		t.Fatal(err)
	}
	env := func(value string) func(string) string {
		return func(name string) string {
			if name == "LUKKO_ENV" {
				return value
			}
			return ""
		}
	}
	for name, test := range map[string]struct{ name, env, want string }{
		"the default":            {"", "", "a"},
		"LUKKO_ENV":              {"", "b", "b"},
		"a name goes before all": {"a", "b", "a"},
	} {
		if e, err := c.environment(test.name, env(test.env)); err != nil || e.Name != test.want {
			t.Errorf("%s: got %q, %v", name, e.Name, err)
		}
	}
	if _, err := c.environment("", env("canary")); !errors.Is(err, ErrUnknownEnvironment) || !strings.Contains(err.Error(), "LUKKO_ENV") {
		t.Errorf("got %v", err)
	}
}

// It changes the working directory, so it is not parallel.
func TestOpenFindsLoadsAndOpens(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("LUKKO_CONFIG", "")
	t.Setenv("LUKKO_ENV", "")
	t.Setenv("HOME", dir)
	if _, err := Open(context.Background(), ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("without a file: %v", err)
	}
	touch(t, filepath.Join(dir, FileName))
	if _, err := Open(context.Background(), ""); !errors.Is(err, ErrUnknownEnvironment) {
		t.Errorf("without a default: %v", err)
	}
	// This test links no provider, so the error is that of the missing import.
	if _, err := Open(context.Background(), "a"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "providers/env") {
		t.Errorf("without the provider: %v", err)
	}
}
