package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The environment variables that go before the file.
const (
	envConfig = "LUKKO_CONFIG"
	envName   = "LUKKO_ENV"
)

// Locate returns the absolute path of the file: path if that is not empty,
// else the environment variable LUKKO_CONFIG, else the lukko.yaml of the
// working directory or the nearest one above, up to the first folder that
// holds ".git" and to the home folder. If there is none, the [*Error] matches
// [ErrNotFound]. Locate does not read the file.
func Locate(path string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", unreadable(path, err)
	}
	home, _ := os.UserHomeDir()
	return locate(path, dir, home, os.Getenv)
}

func locate(path, dir, home string, getenv func(string) string) (string, error) {
	for _, given := range []string{path, getenv(envConfig)} {
		switch {
		case given == "":
		case filepath.IsAbs(given):
			return filepath.Clean(given), nil
		default:
			return filepath.Join(dir, given), nil
		}
	}
	for at := dir; ; at = filepath.Dir(at) {
		file := filepath.Join(at, FileName)
		if _, err := os.Lstat(file); err == nil {
			if at != dir && everybodysFolder(at) {
				return "", &Error{Path: file, Faults: []Fault{{What: "it is in a folder above that everybody can write to, so it may be somebody else's; " +
					"name it by " + envConfig + " if it is yours"}}}
			}
			return file, nil
		}
		_, err := os.Lstat(filepath.Join(at, ".git"))
		if err == nil || at == home || at == filepath.Dir(at) {
			return "", &Error{Err: ErrNotFound, Faults: []Fault{{What: "there is none here or in a folder above; lukko init writes one, and " +
				envConfig + " names one elsewhere"}}}
		}
	}
}

// everybodysFolder reports whether anybody could have put a file there. Where
// the system has no such mode, nobody can.
func everybodysFolder(dir string) bool {
	info, err := os.Stat(dir)
	return err != nil || info.Mode().Perm()&0o002 != 0
}

func (c *Config) environment(name string, getenv func(string) string) (Environment, error) {
	unknown := func(what string) (Environment, error) {
		return Environment{}, &Error{
			Path: c.Path, Err: ErrUnknownEnvironment,
			Faults: []Fault{{What: what + "; there are " + strings.Join(c.Names(), ", ")}},
		}
	}
	asked := "the environment that was asked for"
	if name == "" {
		if name = getenv(envName); name != "" {
			asked = "the environment that " + envName + " names"
		}
	}
	if name == "" {
		name = c.Default
	}
	if name == "" {
		return unknown("several environments and no default: name one")
	}
	i := slices.IndexFunc(c.Environments, func(e Environment) bool { return e.Name == name })
	if i < 0 {
		what := asked + " is not there"
		if near := nearest(name, c.Names()); near != "" {
			what += `; did you mean "` + near + `"?`
		}
		return unknown(what)
	}
	return c.Environments[i], nil
}

// nearest returns which of known was probably meant; empty if none is near.
func nearest(word string, known []string) string {
	best, least := "", 1+min(max(1, len(word)/3), 3)
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is how many letters must be put in, left out, replaced, or swapped
// with their neighbour, to make b of a.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			if i == 0 || j == 0 {
				rows[i][j] = i + j
				continue
			}
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
