package config

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/schema"
	"go.yaml.in/yaml/v4"
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
	// its order, then those that its credentials are kept in, and then those of
	// the files of metadata. Each id is there once. Their values are handed out
	// as they are stored.
	Declarations *schema.Set

	// Credentials holds the credentials that the file declares, in its order, and
	// then those of the files of metadata. Each name is there once. It is what
	// [credentials.Config] takes as its Set.
	Credentials *credentials.Set

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

	// Variables are the values that the file gives variables here, in its
	// order. The process environment goes before them; see
	// [Config.OpenVariables].
	Variables []Variable
}

// Variable is the value of a variable in one environment: configuration that
// is no secret, and stands in the file in clear.
type Variable struct {
	ID    string
	Place string // "lukko.yaml:7"

	// Value is a scalar as it is written in the file, without its quotes: 8080
	// and 0x1F are those texts. A mapping or a list is JSON. It is never empty.
	Value string
}

// Variable returns the value of an id. It is false where the file gives none
// here.
func (e Environment) Variable(id string) (Variable, bool) {
	i := slices.IndexFunc(e.Variables, func(v Variable) bool { return v.ID == id })
	if i < 0 {
		return Variable{}, false
	}
	return e.Variables[i], true
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
// not compile, is among that, and so are a file of metadata that can't be read
// and a variable whose value is not what is declared.
func Load(path string) (*Config, error) {
	abs, data, err := readConfig(path)
	if err != nil {
		return nil, err
	}
	return Parse(abs, data)
}

// readConfig reads the file at path, and returns the absolute path with it.
func readConfig(path string) (abs string, data []byte, err error) {
	if abs, err = filepath.Abs(path); err != nil {
		return "", nil, unreadable(path, err)
	}
	data, err = readFile(abs, MaxLen)
	return abs, data, err
}

// Parse is Load for content that is there already. path is what is named in
// errors, and its folder is where relative URLs and files of metadata start.
func Parse(path string, data []byte) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	c, _, err := parse(abs, data, unchecked{})
	return c, err
}

// unchecked is a variable whose value need not be what is declared, since it
// is about to be replaced.
type unchecked struct {
	environment, id string
	anywhere        bool // in every environment
}

func (u unchecked) is(environment, id string) bool {
	return id == u.id && (u.anywhere || environment == u.environment)
}

// parse returns the root node of the file, too.
func parse(path string, data []byte, except unchecked) (*Config, *yaml.Node, error) {
	r := newReader(path)
	r.except = except
	root := r.document(data)
	if root != nil {
		r.read(root)
	}
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, Fault.compare)
		return nil, nil, &Error{Path: path, Faults: r.faults}
	}
	return r.config, root, nil
}

// readFile reads a regular file of at most so many bytes.
func readFile(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{Path: path, Faults: []Fault{{What: "it is no regular file"}}}
	}
	if info.Size() > most {
		return nil, &Error{Path: path, Faults: []Fault{{What: "it is larger than " + strconv.FormatInt(most>>20, 10) + " MiB"}}}
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
