package file

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"filippo.io/age"
	"filippo.io/age/plugin"

	"github.com/lukko-dev/lukko/core"
)

// Config says which store, and with what it is read. Its zero value but for
// Dir is right for most programs.
type Config struct {
	// Dir is the folder of the store. It is required; a relative one is taken
	// from the working directory at New.
	Dir string

	// Identities read the secrets. If it is nil, they are looked for at the
	// first read that needs one, and kept: the text in the environment
	// variable LUKKO_IDENTITY, else the file that LUKKO_IDENTITY_FILE names,
	// else identity.txt in UserDir. The first of these that is there is the
	// only one that is used. An identity file is an age identity file, an SSH
	// private key, or either under a passphrase, and nobody but its owner may
	// have a right to it (mode 0600).
	Identities []age.Identity

	// AskPassphrase asks a person for the passphrase of an identity; file is
	// its path, or "LUKKO_IDENTITY". It is called at most once at a time, and
	// once for each identity that it opened, however many stores a process
	// has. If it is nil an identity under a passphrase is
	// core.ErrUnauthenticated: a program has no prompt.
	AskPassphrase func(ctx context.Context, file string) (string, error)

	// PluginUI lets age plugins talk to a person. If it is nil, what they ask
	// fails.
	PluginUI *plugin.ClientUI

	// History is how many earlier versions of each secret are kept, deleted
	// ones included: 0 means 10, and it is at least 1.
	History int

	// UserDir is the folder of the user's own identity and of the recipients
	// that were accepted. If it is empty that is the folder lukko in the
	// user's configuration folder: $XDG_CONFIG_HOME or ~/.config,
	// ~/Library/Application Support on macOS, %AppData% on Windows.
	UserDir string

	// LookupEnv reads the environment. If it is nil that is os.LookupEnv.
	LookupEnv func(name string) (string, bool)

	// Clock tells the time for Info.Created. Nothing depends on it being
	// right. If it is nil that is time.Now.
	Clock func() time.Time

	// Notice gets what a person should know and no error says: that a set of
	// recipients was pinned for the first time, and that others can write to
	// the store. If it is nil that is a warning in the default slog logger.
	Notice func(message string)
}

// defaultHistory is how many earlier versions are kept.
const defaultHistory = 10

// The names of the environment variables.
const (
	envIdentity     = "LUKKO_IDENTITY"
	envIdentityFile = "LUKKO_IDENTITY_FILE"
)

// identityName is the user's own identity, in UserDir.
const identityName = "identity.txt"

// withDefaults checks the configuration and fills it in.
func (c Config) withDefaults() (Config, error) {
	invalid := func(hint string) (Config, error) {
		return c, &core.Error{Op: "open", Provider: provider, Kind: core.ErrInvalidOption, Hint: hint}
	}
	if c.Dir == "" {
		return invalid("no folder is named; a store is named like file:secrets or file:///srv/secrets")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return invalid("the working directory is gone, so a relative folder can't be found")
	}
	c.Dir = dir
	if c.History < 0 {
		return invalid("History is negative; at least 1 earlier version is kept, and 0 means 10")
	}
	if c.History == 0 {
		c.History = defaultHistory
	}
	if c.LookupEnv == nil {
		c.LookupEnv = os.LookupEnv
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Notice == nil {
		c.Notice = func(message string) { slog.Warn("lukko: " + message) }
	}
	return c, nil
}

// userDir returns the user's folder, or an error that says how to name one.
func (c Config) userDir() (string, error) {
	if c.UserDir != "" {
		return c.UserDir, nil
	}
	lookup := c.LookupEnv
	if lookup == nil {
		lookup = os.LookupEnv
	}
	get := func(name string) string { v, _ := lookup(name); return v }
	var base string
	switch runtime.GOOS {
	case "windows":
		base = get("AppData")
	case "darwin", "ios":
		if home := get("HOME"); home != "" {
			base = filepath.Join(home, "Library", "Application Support")
		}
	default:
		base = get("XDG_CONFIG_HOME")
		if home := get("HOME"); base == "" && home != "" {
			base = filepath.Join(home, ".config")
		}
	}
	if base == "" || !filepath.IsAbs(base) {
		return "", &core.Error{
			Kind: core.ErrUnavailable,
			Hint: "the user's configuration folder is not known; set HOME or XDG_CONFIG_HOME to an absolute path",
		}
	}
	return filepath.Join(base, "lukko"), nil
}
