//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// accountProject is a project with an account that is declared and configured,
// and the server that it is an account of.
func accountProject(t *testing.T) (dir string, server *authServer) {
	t.Helper()
	server = newAuthServer()
	t.Cleanup(server.Close)
	dir = project(t)
	text := "environments: {development: file:secrets}\ncredentials:\n  github:\n    secretID: APP\n    tokenSecretID: TOKENS\n" +
		"    oauth2: {authURL: '" + server.URL + "/authorize', tokenURL: '" + server.URL + "/token', deviceURL: '" + server.URL + "/device', scopes: [repo]}\n"
	if err := os.WriteFile(filepath.Join(dir, "lukko.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set := command(t, dir, "set", "APP")
	set.Stdin = strings.NewReader(`{"clientId": "` + authClient + `", "clientSecret": "` + authSecret + `"}`)
	if out, err := set.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir, server
}

// shownAddress is the one that the user is to open.
func shownAddress(t *testing.T, stderr *output) string {
	t.Helper()
	address := ""
	until(t, "the address", func() bool {
		_, after, _ := strings.Cut(stderr.String(), "\n  http://")
		line, _, whole := strings.Cut(after, "\n")
		address = "http://" + line
		return whole
	})
	return address
}

// wantNoLeak looks at what a process shows, and at what others see of it.
func wantNoLeak(t *testing.T, server *authServer, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if kind := server.leaks(text); kind != "" {
			t.Errorf("a secret is shown: %s", kind)
		}
	}
}

// argumentsOf is what other users of the machine see of a process.
func argumentsOf(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/cmdline")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

func connected(t *testing.T, dir string) bool {
	t.Helper()
	return command(t, dir, "oauth", "status", "github").Run() == nil
}

func TestOAuthPastedAddressConnects(t *testing.T) {
	t.Parallel()
	dir, server := accountProject(t)
	cmd := command(t, dir, "oauth", "connect", "github", "--paste")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr, stdout output
	cmd.Stderr, cmd.Stdout = &stderr, &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answer, err := follow(shownAddress(t, &stderr), true)
	if err != nil || !strings.HasPrefix(answer, "http://127.0.0.1/callback?") {
		t.Fatalf("the browser does not end at the redirect address, %v", err)
	}
	seen := argumentsOf(t, cmd)
	// The input stays open: a line is enough.
	if _, err := io.WriteString(stdin, "\n "+answer+"\n"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	wantNoLeak(t, server, seen, stdout.String(), stderr.String())
	if !strings.Contains(stderr.String(), "connected github") || !connected(t, dir) {
		t.Errorf("not connected: %s", &stderr)
	}
}

func TestOAuthAnswerToAnotherRequestIsRefused(t *testing.T) {
	t.Parallel()
	dir, server := accountProject(t)
	cmd := command(t, dir, "oauth", "connect", "github", "--paste")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr output
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answer, err := follow(shownAddress(t, &stderr), true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(stdin, answer+"x\n"); err != nil { // another state
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitNo {
		t.Errorf("%v, want exit code %d: %s", err, exitNo, &stderr)
	}
	wantNoLeak(t, server, stderr.String())
	if server.count("authorization_code") != 0 || connected(t, dir) {
		t.Error("a forged answer was taken to the provider")
	}
}

func TestOAuthInterruptedConnectEndsAndStoresNothing(t *testing.T) {
	t.Parallel()
	for flag, says := range map[string]string{"--no-open": "\n  http://", "--paste": "\n  http://", "--device": "waiting until"} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			dir, server := accountProject(t)
			cmd := command(t, dir, "oauth", "connect", "github", flag)
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			stderr := waitFor(t, cmd, says)
			address := ""
			if flag == "--no-open" {
				address = shownAddress(t, stderr)
			}
			interrupt(t, cmd, stderr)
			if !strings.Contains(stderr.String(), "lukko: interrupted") {
				t.Errorf("stderr: %s", stderr)
			}
			if flag == "--no-open" {
				// The port is free again, so the answer reaches nobody.
				if _, err := follow(address, false); err == nil {
					t.Error("somebody still listens at the redirect address")
				}
			}
			if server.count("authorization_code") != 0 || connected(t, dir) {
				t.Error("an account is connected")
			}
		})
	}
}

func TestOAuthAddressThatIsOpenedByHandConnects(t *testing.T) {
	t.Parallel()
	dir, server := accountProject(t)
	cmd := command(t, dir, "oauth", "connect", "github", "--no-open")
	stderr := waitFor(t, cmd, "\n  http://")
	address := shownAddress(t, stderr)
	seen := argumentsOf(t, cmd)
	if page, err := follow(address, false); err != nil || !strings.Contains(page, "The account is connected") {
		t.Errorf("the page does not say that the account is connected, %v", err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	wantNoLeak(t, server, seen, stderr.String())
	if !connected(t, dir) {
		t.Error("not connected")
	}
}

// A browser that can't be started is no end: the address is there.
func TestOAuthBrowserThatDoesNotStartIsNoFailure(t *testing.T) {
	t.Parallel()
	dir, server := accountProject(t)
	cmd := command(t, dir, "oauth", "connect", "github")
	cmd.Env = append(cmd.Env, "BROWSER=/no/such/browser:/nor/this --with %s")
	stderr := waitFor(t, cmd, "no browser could be started")
	if _, err := follow(shownAddress(t, stderr), false); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	wantNoLeak(t, server, stderr.String())
}

func TestBrowserCommandsHoldTheAddressInOneArgument(t *testing.T) {
	t.Parallel()
	const address = "https://a.example/x?a=b&c=d;e $(f)"
	for browser, want := range map[string][]string{
		"firefox":                      {"firefox|" + address},
		"firefox --new-window":         {"firefox|--new-window|" + address},
		" a --url=%s -b : : c %s":      {"a|--url=" + address + "|-b", "c|" + address},
		"sh -c %s":                     {"sh|-c|" + address},
		strings.Repeat(":", 3) + "w3m": {"w3m|" + address},
	} {
		a := &app{lookup: func(name string) (string, bool) { return browser, name == "BROWSER" }}
		var got []string
		for _, words := range a.browsers(address) {
			got = append(got, strings.Join(words, "|"))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("BROWSER=%q: %q, want %q", browser, got, want)
		}
		if !a.hasDesktop() {
			t.Errorf("BROWSER=%q is no desktop", browser)
		}
	}
	a := &app{lookup: func(string) (string, bool) { return "", false }}
	if got := a.browsers(address); len(got) != 1 || got[0][len(got[0])-1] != address {
		t.Errorf("without BROWSER: %q", got)
	}
}
