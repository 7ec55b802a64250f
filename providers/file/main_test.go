package file_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// The test binary plays several parts: started as age-plugin-lukkotest it is
// an age plugin, and with LUKKO_TEST_PART set one of the processes of a crash
// test.
func TestMain(m *testing.M) {
	if strings.HasPrefix(filepath.Base(os.Args[0]), "age-plugin-") {
		os.Exit(playPlugin())
	}
	if part := os.Getenv("LUKKO_TEST_PART"); part != "" {
		os.Exit(play(part))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lukko-plugin-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(dir, "age-plugin-lukkotest"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return m.Run()
}

// playPlugin is a plugin whose "wrapping" writes the file's key down as it is.
// An identity with the byte 1 fails with a text that nobody may see.
func playPlugin() int {
	p, err := plugin.New("lukkotest")
	if err != nil {
		return 2
	}
	p.HandleRecipient(func(data []byte) (age.Recipient, error) { return openBox{}, nil })
	p.HandleIdentity(func(data []byte) (age.Identity, error) {
		if len(data) > 0 && data[0] == 1 {
			return nil, errors.New("canary of the plugin")
		}
		return openBox{}, nil
	})
	return p.Main()
}

type openBox struct{}

func (openBox) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	return []*age.Stanza{{Type: "lukkotest", Body: fileKey}}, nil
}

func (openBox) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type == "lukkotest" {
			return s.Body, nil
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// leftOut says at the end of the test run what was not tested, and how to
// have it.
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

func needs(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		leftOut(t, "it needs "+program+"; Debian: apt-get install "+program)
	}
}
