package env_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/env"
)

// environment is a Lookup over a map.
func environment(vars map[string]string) env.Config {
	return env.Config{Lookup: func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}}
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const canary = "CANARY-5d1e"

func TestReadingTheEnvironment(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", core.MaxValueLen)
	dir := t.TempDir()
	for _, test := range []struct {
		name   string
		vars   map[string]string
		want   string
		source string
		kind   error
		hint   string
	}{
		{"a variable", map[string]string{"KEY": canary}, canary, "env:KEY", nil, ""},
		{"a variable with JSON", map[string]string{"KEY": `{"apiKey":"x"}`}, `{"apiKey":"x"}`, "env:KEY", nil, ""},
		{"a variable with a newline keeps it", map[string]string{"KEY": "x\n"}, "x\n", "env:KEY", nil, ""},
		{"a number stays text", map[string]string{"KEY": "05432"}, "05432", "env:KEY", nil, ""},
		{"a file of one line", map[string]string{"KEY_FILE": file(t, canary+"\n")}, canary, "env:KEY_FILE", nil, ""},
		{"a file of one line from Windows", map[string]string{"KEY_FILE": file(t, canary+"\r\n")}, canary, "env:KEY_FILE", nil, ""},
		{"a file without a newline", map[string]string{"KEY_FILE": file(t, canary)}, canary, "env:KEY_FILE", nil, ""},
		{"a file of several lines", map[string]string{"KEY_FILE": file(t, "a\nb\n")}, "a\nb\n", "env:KEY_FILE", nil, ""},
		{"a binary file", map[string]string{"KEY_FILE": file(t, "\xff\n")}, "\xff\n", "env:KEY_FILE", nil, ""},
		{"a file of 64 KiB", map[string]string{"KEY_FILE": file(t, long)}, long, "env:KEY_FILE", nil, ""},
		{"a file of 64 KiB and its newline", map[string]string{"KEY_FILE": file(t, long+"\r\n")}, long, "env:KEY_FILE", nil, ""},
		{"a variable and an empty file name", map[string]string{"KEY": "x", "KEY_FILE": ""}, "x", "env:KEY", nil, ""},
		{"an empty variable and a file", map[string]string{"KEY": "", "KEY_FILE": file(t, "x")}, "x", "env:KEY_FILE", nil, ""},

		{"nothing", nil, "", "", core.ErrNotFound, "set KEY, or KEY_FILE"},
		{"an empty variable", map[string]string{"KEY": ""}, "", "", core.ErrNotFound, "KEY is set, but empty"},
		{"an empty file name", map[string]string{"KEY_FILE": ""}, "", "", core.ErrNotFound, "KEY_FILE is set, but empty"},
		{"both", map[string]string{"KEY": canary, "KEY_FILE": canary}, "", "", core.ErrConflict, "both KEY and KEY_FILE are set"},
		{"a file that is not there", map[string]string{"KEY_FILE": canary}, "", "", core.ErrNotFound, "KEY_FILE names does not exist"},
		{"a path through a file", map[string]string{"KEY_FILE": file(t, "x") + "/" + canary}, "", "", core.ErrNotFound, "does not exist"},
		{"an empty file", map[string]string{"KEY_FILE": file(t, "")}, "", "", core.ErrNotFound, "is empty"},
		{"a file of a newline", map[string]string{"KEY_FILE": file(t, "\n")}, "", "", core.ErrNotFound, "is empty"},
		{"a file that is too large", map[string]string{"KEY_FILE": file(t, long+canary)}, "", "", core.ErrInvalidValue, "65536"},
		{"a file of two lines that is too large", map[string]string{"KEY_FILE": file(t, long+"\n\n")}, "", "", core.ErrInvalidValue, "65536"},
		{"a folder", map[string]string{"KEY_FILE": dir}, "", "", core.ErrInvalidValue, "no regular file"},
		{"a device", map[string]string{"KEY_FILE": os.DevNull}, "", "", core.ErrInvalidValue, "no regular file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			secret, err := env.New(environment(test.vars)).Get(t.Context(), "KEY")
			if !errors.Is(err, test.kind) {
				t.Fatalf("got %v, want %v", err, test.kind)
			}
			if err != nil {
				if !strings.Contains(err.Error(), test.hint) {
					t.Errorf("the error %q does not say %q", err, test.hint)
				}
				if strings.Contains(fmt.Sprintf("%+v", err), canary) {
					t.Error("the error shows what a variable holds")
				}
				return
			}
			if secret.Value.Reveal() != test.want {
				t.Errorf("got a value of %d bytes, want another of %d", secret.Value.Len(), len(test.want))
			}
			if want := (core.Info{ID: "KEY", Source: test.source}); secret.Info != want {
				t.Errorf("got %+v, want %+v", secret.Info, want)
			}
		})
	}
}

func TestNamesThatCanNotBeTold(t *testing.T) {
	t.Parallel()
	store := env.New(env.Config{Lookup: func(name string) (string, bool) {
		t.Errorf("%s was looked up", name)
		return "x", true
	}})
	for _, id := range []string{"KEY_FILE", "_FILE", "LUKKO_IDENTITY", "A=B"} {
		if _, err := store.Get(t.Context(), id); !errors.Is(err, core.ErrInvalidID) {
			t.Errorf("%s: got %v, want ErrInvalidID", id, err)
		}
	}
}

func TestAFileThatIsReplacedIsSeen(t *testing.T) {
	t.Parallel()
	path := file(t, "old")
	store := env.New(environment(map[string]string{"KEY_FILE": path}))
	for _, want := range []string{"old", "new"} {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		secret, err := store.Get(t.Context(), "KEY")
		if err != nil || secret.Value.Reveal() != want {
			t.Errorf("got a value of %d bytes, %v", secret.Value.Len(), err)
		}
	}
}

func TestTheEnvironmentClaimsNothing(t *testing.T) {
	t.Parallel()
	c, err := env.New(environment(nil)).Capabilities(t.Context())
	if err != nil || c != (core.Capabilities{}) {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestURLs(t *testing.T) {
	t.Setenv("LUKKOTEST_ENV_A", "a")
	t.Setenv("LUKKOTEST_B", "b")
	for _, test := range []struct{ url, id, want string }{
		{"env:", "LUKKOTEST_B", "b"},
		{"env:?prefix=LUKKOTEST_", "B", "b"},
		{"env:?prefix=LUKKOTEST_ENV_", "A", "a"},
	} {
		store, err := core.Open(t.Context(), test.url)
		if err != nil {
			t.Errorf("%s: %v", test.url, err)
			continue
		}
		secret, err := store.Get(t.Context(), test.id)
		if err != nil || secret.Value.Reveal() != test.want || secret.ID != test.id {
			t.Errorf("%s: %+v, %v", test.url, secret.Info, err)
		}
	}
	for _, url := range []string{"env:x", "env://host", "env:///path", "env:?x=y"} {
		if _, err := core.Open(t.Context(), url); !errors.Is(err, core.ErrInvalidOption) {
			t.Errorf("%s: got %v, want ErrInvalidOption", url, err)
		}
	}
}
