package config

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/schema"
)

// FileName is the name of the file.
const FileName = "lukko.yaml"

// MaxLen is how large the file may be, in bytes.
const MaxLen = 1 << 20

// Config is what a lukko.yaml says.
type Config struct {
	// Path is where the file is, absolute. Relative URLs of it are from its
	// folder.
	Path string

	// Default is the name of the default environment: the one that the file
	// says, or the only one. Empty if there are several and it says none.
	Default string

	// Environments are the file's, in its order.
	Environments []Environment

	// Declarations holds the secrets and variables that the file declares, in
	// its order. Their values are handed out as they are stored.
	Declarations *schema.Set

	// OnFallThrough is told what the chains of environments do beyond
	// answering from the first layer that has an id, such as passing over one
	// that failed. A program may set it before Open; nil is a warning to
	// slog's default logger.
	OnFallThrough func(chain.Event)
}

// Environment is one of the places where the same secrets have other values.
type Environment struct {
	Name  string
	Place string // "lukko.yaml:3"

	// Stores are asked in this order; there is at least one.
	Stores []Store

	// WriteTo is the name of the store that is written to; empty is the only
	// one that can be.
	WriteTo string

	// FallThrough are the kinds of core's errors that a read passes over,
	// beside "not found".
	FallThrough []error
}

// Store is one layer of an environment.
type Store struct {
	Name string // unique in the environment; the scheme, if the file says none

	// URL is what core.Open takes: a relative one of a scheme of files has
	// been made absolute. It holds no credential.
	URL string
}

// Load reads the file at path. What is wrong with it is an [*Error] that
// lists all of it; a file that can't be read is one, too, and matches
// fs.ErrNotExist or fs.ErrPermission where that is why.
//
// A declaration that is wrong in itself, such as one with a schema that does
// not compile, is among that.
func Load(path string) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	data, err := readFile(abs)
	if err != nil {
		return nil, err
	}
	return Parse(abs, data)
}

// Parse is Load for content that is there already. path is what is named in
// errors, and its folder is where relative URLs start.
func Parse(path string, data []byte) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	r := reader{path: abs, config: &Config{Path: abs, Declarations: new(schema.Set)}}
	r.read(data)
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, Fault.compare)
		return nil, &Error{Path: abs, Faults: r.faults}
	}
	return r.config, nil
}

// readFile reads no more than a file of this kind can hold.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{Path: path, Faults: []Fault{{What: "it is no regular file"}}}
	}
	if info.Size() > MaxLen {
		return nil, &Error{Path: path, Faults: []Fault{{What: "it is larger than 1 MiB"}}}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return data, nil
}

// Environment returns the environment of that name. The empty name is the
// environment variable LUKKO_ENV, else the file's default. An unknown name is
// an [*Error] that lists those that there are.
func (c *Config) Environment(name string) (Environment, error) {
	return c.environment(name, os.Getenv)
}

// Names returns the names of the environments, in the file's order.
func (c *Config) Names() []string {
	names := make([]string, len(c.Environments))
	for i, e := range c.Environments {
		names[i] = e.Name
	}
	return names
}
