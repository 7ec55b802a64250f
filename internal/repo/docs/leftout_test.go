package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// leftOut ends a test that can't run for want of something, and says how to
// get it.
func leftOut(t testing.TB, install string) {
	t.Helper()
	if os.Getenv("LUKKO_REQUIRE") == "all" {
		t.Fatalf("LUKKO_REQUIRE=all, and this is left out: %s", install)
	}
	if f, err := os.OpenFile(os.Getenv("LUKKO_LEFT_OUT"), os.O_APPEND|os.O_WRONLY, 0); err == nil {
		defer f.Close()
		fmt.Fprintf(f, "%s: %s\n", t.Name(), install)
	}
	t.Skip(install)
}

// The helper above is what CONTRIBUTING.md shows. It runs here as a process of
// its own, since it ends its test.
func TestLeftOut(t *testing.T) {
	if os.Getenv("LUKKO_TEST_LEFT_OUT") == "1" {
		leftOut(t, "Debian: apt-get install age")
		t.Fatal("went on")
	}
	t.Parallel()
	for _, tt := range []struct {
		name, require string
		passes        bool
		listed        string
	}{
		{"is skipped and listed", "", true, "TestLeftOut: Debian: apt-get install age\n"},
		{"fails where all is required", "all", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			list := filepath.Join(t.TempDir(), "left-out")
			if err := os.WriteFile(list, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestLeftOut$", "-test.v")
			cmd.Env = append(os.Environ(), "LUKKO_TEST_LEFT_OUT=1", "LUKKO_LEFT_OUT="+list, "LUKKO_REQUIRE="+tt.require)
			out, err := cmd.CombinedOutput()
			if (err == nil) != tt.passes || !strings.Contains(string(out), "apt-get install age") || strings.Contains(string(out), "went on") {
				t.Errorf("ended with %v:\n%s", err, out)
			}
			listed, err := os.ReadFile(list)
			if err != nil || string(listed) != tt.listed {
				t.Errorf("listed %q, %v", listed, err)
			}
		})
	}
}
