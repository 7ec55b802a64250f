package generate

import (
	"context"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/tools/go/packages"

	"github.com/lukko-dev/lukko/schema/metadata"
)

// GoFile is the name of the Go file that is written.
const GoFile = "secrets_gen.go"

// DefaultLimit is how long the initialization of the packages may take.
const DefaultLimit = time.Minute

// Config says what to generate from what. The zero Config is the packages in
// and below the current folder, and results in the current folder.
type Config struct {
	// Dir is where the go command is run; empty is the current folder.
	Dir string

	// Patterns name the packages that declare, as for go build; empty is "./...".
	Patterns []string

	// Out is the folder of the results, relative to Dir; empty is Dir. It is
	// made if it isn't there. The Go file belongs to the package that is there,
	// and else to one that is called as the folder.
	Out string

	// Tags are build tags, as of go build's -tags.
	Tags string

	// Check compares the results with the files that are there, and writes
	// nothing.
	Check bool

	// Limit is how long the initialization of the packages may take; zero is
	// [DefaultLimit].
	Limit time.Duration

	// Env is the environment of the go command and of the program; nil is that
	// of the process.
	Env []string
}

// Result tells what was generated.
type Result struct {
	Secrets, Variables, Credentials int // how many are declared

	Files []File

	// Differences names the declarations by which the metadata that was there
	// differs, in words, by name.
	Differences []string

	// Notes are what is not wrong and may be a mistake, in words.
	Notes []string

	watch watchList
}

// Changed reports whether a file was written, or with Check would have been.
func (r Result) Changed() bool {
	for _, f := range r.Files {
		if f.State != Same {
			return true
		}
	}
	return false
}

// File is one of the results.
type File struct {
	Name  string // relative to Config.Dir, with slashes
	State State  // what was found before anything was written
}

// State is what was found where a result belongs.
type State string

// The states of a file.
const (
	Same      State = "same"      // it is as it must be, and was left alone
	Missing   State = "missing"   // there was none
	Different State = "different" // it was another
)

// Run generates. With Check a result that is not as it must be is no error: see
// [Result.Changed]. Otherwise the files are written, each whole or not at all,
// and only where they change.
//
// The error is an [*Error], and nothing was written; only the context's own
// error is returned as it is. The Result is then not empty: [Watch] needs to
// know what was looked at.
func Run(ctx context.Context, cfg Config) (Result, error) {
	var result Result
	r, err := newRun(cfg)
	if err != nil {
		return result, err
	}
	defer r.clean()
	found, err := r.discover(ctx)
	result.watch = r.watched
	if err == nil {
		err = r.finish(ctx, found, &result)
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return result, err
}

func (r *run) finish(ctx context.Context, found []*variable, result *Result) error {
	told, err := r.ask(ctx, found)
	if err != nil {
		return err
	}
	decls, notes, err := r.judge(found, told)
	if err != nil {
		return err
	}
	result.Notes = notes
	result.Credentials = len(decls.credentials)
	for _, d := range decls.values {
		if d.meta.Variable {
			result.Variables++
		} else {
			result.Secrets++
		}
	}
	source, err := r.render(decls)
	if err != nil {
		return err
	}
	meta, err := r.describe(decls)
	if err != nil {
		return err
	}
	return r.save([]output{{GoFile, source}, {metadata.FileName, meta}}, result)
}

// run is one call of Run.
type run struct {
	Config
	dir  string // absolute, without links
	out  target
	temp string // a folder of ours; empty until there is one

	leftOut []string            // files without which the packages compile, and that declare nothing
	asking  []*packages.Package // those that declare, which the program imports

	credentials bool // the program has the package of that name

	fset    *token.FileSet
	watched watchList
}

// target is the package that the Go file belongs to.
type target struct {
	dir   string
	path  string // its import path
	name  string
	there bool // it has Go files other than ours

	names map[string]token.Position // what is declared in it, but for our file
}

func newRun(cfg Config) (*run, error) {
	r := &run{Config: cfg, fset: token.NewFileSet()}
	dir, err := resolve(cfg.Dir)
	if err != nil {
		return nil, problem("the folder can't be found", "run it in a folder of a Go module")
	}
	r.dir = dir
	if len(r.Patterns) == 0 {
		r.Patterns = []string{"./..."}
	}
	if r.Limit == 0 {
		r.Limit = DefaultLimit
	}
	if r.Env == nil {
		r.Env = os.Environ()
	}
	r.Env = append(r.Env[:len(r.Env):len(r.Env)], "PWD="+r.dir)
	for _, p := range r.Patterns {
		if strings.HasPrefix(p, "-") {
			return nil, problem("a pattern of packages begins with a dash", "flags go before the packages")
		}
	}
	return r, r.findOutput()
}

// resolve makes a folder absolute and takes links out of it, so far as it is
// there.
func resolve(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	rest := ""
	for at := dir; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest), nil
		}
		if filepath.Dir(at) == at {
			return dir, nil
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

// rel is a file as people are told of it.
func (r *run) rel(file string) string { return relative(r.dir, file) }

// relative is a file as seen from a folder, with slashes.
func relative(dir, file string) string {
	if file == "" {
		return ""
	}
	if rel, err := filepath.Rel(dir, file); err == nil {
		file = rel
	}
	return filepath.ToSlash(file)
}

// at makes a problem of a place.
func (r *run) at(p token.Position, what, do string) Problem {
	return Problem{File: r.rel(p.Filename), Line: p.Line, What: what, Do: do}
}

// scratch is a folder that only we can read, until the end of the run.
func (r *run) scratch() (string, error) {
	if r.temp == "" {
		dir, err := os.MkdirTemp("", "lukko-generate-")
		if err != nil {
			return "", problem("no temporary folder could be made", "see whether TMPDIR is a folder that you can write to")
		}
		r.temp = dir
	}
	return r.temp, nil
}

func (r *run) clean() {
	if r.temp != "" {
		_ = os.RemoveAll(r.temp)
	}
}
