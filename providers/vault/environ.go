package vault

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// environment reads the variables of Vault and OpenBao. OpenBao's come first:
// who sets BAO_ADDR beside VAULT_ADDR means OpenBao.
type environment struct {
	lookup func(name string) (string, bool)
}

// named returns the first that is set, and which it was: each name with
// BAO_ before it, then each with VAULT_. So what belongs to one of the two is
// not sent to the other while that has something of its own.
func (e environment) named(names ...string) (value, variable string) {
	for _, prefix := range []string{"BAO_", "VAULT_"} {
		for _, name := range names {
			if value, _ := e.lookup(prefix + name); value != "" {
				return value, prefix + name
			}
		}
	}
	return "", ""
}

// get is named, without which it was.
func (e environment) get(names ...string) string {
	value, _ := e.named(names...)
	return value
}

// credential returns a variable, or the content of the file that its twin
// with _FILE names; empty where neither is set. Files are read at each login,
// so one that is replaced is a rotation.
func (e environment) credential(name string) (string, error) {
	value, variable := e.named(name, name+"_FILE")
	if strings.HasSuffix(variable, "_FILE") {
		return readCredential(value, variable)
	}
	return value, nil
}

// maxCredential bounds a file that holds a token or a password.
const maxCredential = 64 << 10

// readCredential reads one line from a file. what says in errors where the
// path came from, as the path itself is not ours to show.
func readCredential(file, what string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", unreadable(err, what)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCredential+1))
	if err != nil {
		return "", unreadable(err, what)
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" || len(data) > maxCredential {
		return "", unauthenticated("the file of " + what + " is empty or too large for a credential")
	}
	return text, nil
}

func unreadable(err error, what string) error {
	why := "can't be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		why = "is not there"
	case errors.Is(err, fs.ErrPermission):
		why = "may not be read by this user"
	}
	return unauthenticated("the file of " + what + " " + why)
}

// tokenFile is where the command lines of Vault and OpenBao leave the token of
// their last login; empty if there is no home.
func (e environment) tokenFile() string {
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if home, _ := e.lookup(name); home != "" {
			return filepath.Join(home, ".vault-token")
		}
	}
	return ""
}

func unauthenticated(hint string) error {
	return &core.Error{Provider: provider, Kind: core.ErrUnauthenticated, Hint: hint}
}
