package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// stubs makes a folder of programs for the front of PATH. go is the one that
// each case is about; the others are there, so that nothing is installed.
func stubs(t *testing.T, goScript string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range map[string]string{"age": "", "git": "", "gcc": "", "apt-get": "exit 1", "go": `case "$1 $2" in
"env CGO_ENABLED") echo 1 ;;
"env CC") echo gcc ;;
esac
` + goScript} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestMakeTest(t *testing.T) {
	t.Parallel()
	// Only the first of the two test runs speaks: the second is for packages
	// that scripts/repo names.
	const ran = `[ "$1 $2" = "test -race" ] && `
	for _, tt := range []struct {
		name, goScript string
		env            []string
		passes         bool
		says, saysNot  string
	}{
		{"passes when all passes", "exit 0", nil, true, "all tests passed", "left out"},
		{"passes and lists what a test left out", ran + `echo "TestTeam: install age" >>"$LUKKO_LEFT_OUT"; exit 0`, nil, true, "left out:\n  TestTeam: install age", ""},
		{"fails for what was left out where all is required", ran + `echo "TestTeam: install age" >>"$LUKKO_LEFT_OUT"; exit 0`, []string{"LUKKO_REQUIRE=all"}, false, "nothing may be left out", "all tests passed"},
		{"fails with a test and still runs the rest", ran + "exit 1; exit 0", nil, false, "== fuzz targets, 3s each: done", "all tests passed"},
		{"fails when the fuzzing fails", `case "$*" in *" fuzz "*) exit 1 ;; esac; exit 0`, nil, false, "fuzz targets, 3s each: FAILED", "all tests passed"},
		{"tests without the race detector what it is told", `case "$*" in *" without-race") printf '/some/package\t^(TestA)$\n/other\t\n' ;; "test -count=1"*-run=*TestA*/some/package) echo again without ;; "test -count=1 -timeout=8m /other") echo and the other ;; esac; exit 0`, nil, true, "again without\nand the other", ""},
		{"fails with a test that only the race detector keeps out", `case "$*" in *" without-race") printf '/some/package\t\n/other\t\n' ;; "test -count=1"*/some/package) exit 1 ;; esac; exit 0`, nil, false, "tests without the race detector: FAILED", ""},
		{"fails when a test writes the user's settings", ran + `mkdir "$XDG_CONFIG_HOME/lukko"; exit 0`, nil, false, "a test wrote to the user's config folder", "all tests passed"},
		{"leaves the race detector out without a C compiler", `[ "$1 $2" = "env CC" ] && echo no-such-compiler; exit 0`, nil, true, "left out:\n  the race detector", "with the race detector"},
		{"fails when the Vault server does not build", `case "$*" in *vaultserver*build*) exit 1 ;; esac; exit 0`, nil, false, "the Vault server for the tests: FAILED", "all tests passed"},
		{"fails when the Vault server is not vetted", `case "$*" in *vaultserver*vet*) exit 1 ;; esac; exit 0`, nil, false, "vet of the Vault server: FAILED", "all tests passed"},
		{"tells the tests where the Vault server is", `[ "$1" = test ] && [ ! -d "${LUKKO_VAULTSERVER%/.bin/vaultserver}/internal/vaulttest" ] && exit 1; exit 0`, []string{"LUKKO_VAULTSERVER="}, true, "all tests passed", ""},
		{"hands no identity to the tests", `[ -n "$LUKKO_IDENTITY$LUKKO_IDENTITY_FILE" ] && [ "$1" = test ] && exit 1; exit 0`, []string{"LUKKO_IDENTITY=x", "LUKKO_IDENTITY_FILE=y"}, true, "all tests passed", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("bash", "../../scripts/test")
			cmd.Env = append(os.Environ(), "PATH="+stubs(t, tt.goScript)+":"+os.Getenv("PATH"), "LUKKO_REQUIRE=")
			cmd.Env = append(cmd.Env, tt.env...)
			out, err := cmd.CombinedOutput()
			if (err == nil) != tt.passes {
				t.Errorf("ended with %v", err)
			}
			if !strings.Contains(string(out), tt.says) || tt.saysNot != "" && strings.Contains(string(out), tt.saysNot) {
				t.Errorf("want %q, not %q, in:\n%s", tt.says, tt.saysNot, out)
			}
		})
	}
}
