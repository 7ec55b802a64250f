package gotypes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/names"
	"github.com/lukko-dev/lukko/schema"
	"github.com/lukko-dev/lukko/schema/metadata"
)

// The files that [Generate] writes.
const (
	FromFile  = "declarations_gen.go" // with From, again and again
	PikkuFile = "declarations.go"     // with FromPikku, once
)

// ErrOutdated is matched by the error of [Generate] with Check, where the
// file is not what it would write.
var ErrOutdated = errors.New("the file is not what would be generated")

// Options says what [Generate] does. One of From and FromPikku is given.
type Options struct {
	// From is a lukko.yaml or a secrets_meta.json. Of a lukko.yaml only what
	// is declared in the file itself counts.
	From string

	// FromPikku is a metadata file that Pikku generated, or the folder (.pikku)
	// with those of secrets, variables and credentials.
	FromPikku string

	// Out is the folder of the Go package. It is made if it isn't there; empty
	// is the working directory.
	Out string

	// Package is the name of the package. Empty, it is that of the Go files in
	// Out, else one after the folder.
	Package string

	// Check writes nothing: what differs is an error that matches ErrOutdated.
	// It is for From.
	Check bool

	// Warn is called for each thing that FromPikku can't bring over. Nil drops
	// them.
	Warn func(Warning)
}

// Generate writes the Go file of declarations that are not in Go, and returns
// the paths of the files that it wrote: none if they are up to date already.
// A file is written whole or not at all. It refuses to write over a file that
// somebody wrote or may have changed.
func Generate(ctx context.Context, o Options) (written []string, err error) {
	if (o.From == "") == (o.FromPikku == "") {
		return nil, errors.New("one of --from and --from-pikku is given")
	}
	if o.FromPikku != "" && o.Check {
		return nil, errors.New("--check is not for --from-pikku, which is a move that is made once")
	}
	out, err := filepath.Abs(o.Out)
	if err != nil {
		return nil, fmt.Errorf("the folder of the results can't be found (%T): see --out", err)
	}
	if o.Package == "" {
		o.Package = packageName(out)
	}
	path := filepath.Join(out, FromFile)
	if o.FromPikku != "" {
		path = filepath.Join(out, PikkuFile)
	}
	there, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, unreadable(path, err)
	}
	exists := err == nil
	switch {
	case !exists:
	case o.FromPikku != "":
		return nil, fmt.Errorf("%s is there already, and may have been changed since: move it away to bring the declarations over again", shown(path))
	case !bytes.HasPrefix(there, []byte(headerStart)):
		return nil, fmt.Errorf("%s is there and was not generated: move it away, or choose another folder with --out", shown(path))
	}
	source, err := o.source(out)
	if err != nil {
		return nil, err
	}
	if exists && bytes.Equal(there, source) {
		return nil, nil
	}
	if o.Check {
		return nil, fmt.Errorf("%s: %w; run lukko generate --from %s", shown(path), ErrOutdated, shown(o.From))
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := write(path, source); err != nil {
		return nil, fmt.Errorf("%s can't be written (%s)", shown(path), reason(err))
	}
	return []string{path}, nil
}

// source makes the file.
func (o Options) source(out string) ([]byte, error) {
	if o.FromPikku != "" {
		moved, err := readPikku(o.FromPikku)
		if err != nil {
			return nil, err
		}
		if o.Warn != nil {
			for _, w := range moved.Warnings {
				o.Warn(w)
			}
		}
		if len(moved.Secrets)+len(moved.Credentials) == 0 {
			return nil, errors.New(shown(o.FromPikku) + ": there is nothing that can be declared")
		}
		return Source(o.Package, moved.Secrets, WithCredentials(moved.Credentials))
	}
	metas, accounts, err := read(o.From)
	if err != nil {
		return nil, err
	}
	if len(metas)+len(accounts) == 0 {
		return nil, errors.New(shown(o.From) + ": it declares nothing")
	}
	from, err := filepath.Abs(o.From)
	if err != nil {
		return nil, err
	}
	if rel, err := filepath.Rel(out, from); err == nil {
		from = filepath.ToSlash(rel) // the same on every machine
	} else {
		from = filepath.Base(from)
	}
	return Source(o.Package, metas, GeneratedFrom(from), WithCredentials(accounts))
}

// Read returns the secrets and variables of a lukko.yaml, without those of the
// files of metadata that it names, or of a secrets_meta.json, which is told by
// the end of its name, without those that credentials are kept in. The error
// lists all that is wrong and holds no value.
func Read(path string) ([]schema.Meta, error) {
	metas, _, err := read(path)
	return metas, err
}

// read is Read, with the credentials.
func read(path string) (metas []schema.Meta, accounts []credentials.Meta, err error) {
	if filepath.Ext(path) == ".json" {
		data, err := readFile(path)
		if err != nil {
			return nil, nil, err
		}
		f, err := metadata.Decode(data)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", shown(path), err)
		}
		if accounts, err = credentialsOf(f); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", shown(path), err)
		}
		metas, err = fromMetadata(f, accounts)
		return metas, accounts, err
	}
	set, own, err := config.DeclaredWithCredentials(path)
	if err != nil {
		return nil, nil, err
	}
	for d := range set.All() {
		metas = append(metas, d.Meta())
	}
	for d := range own.All() {
		accounts = append(accounts, d.Meta())
	}
	return metas, accounts, nil
}

func fromMetadata(f *metadata.File, accounts []credentials.Meta) (metas []schema.Meta, err error) {
	for i, entries := range [][]metadata.Entry{f.Secrets, f.Variables} {
		for _, e := range entries {
			if keptBy(accounts, e) {
				continue
			}
			spec, err := e.Spec()
			if err != nil {
				return nil, err
			}
			metas = append(metas, schema.Meta{Spec: spec, Variable: i == 1, Text: e.Text, Type: e.Type, Place: e.Place})
		}
	}
	return metas, nil
}

// readPikku reads one of Pikku's files, or all of its folder.
func readPikku(path string) (Moved, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Moved{}, unreadable(path, err)
	}
	files := []string{path}
	if info.IsDir() {
		files = nil
		for _, what := range []string{"secrets", "variables", "credentials"} {
			file := filepath.Join(path, what, "pikku-"+what+"-meta.gen.json")
			if _, err := os.Stat(file); err == nil {
				files = append(files, file)
			}
		}
		if len(files) == 0 {
			return Moved{}, errors.New(shown(path) + ": there is no secrets/pikku-secrets-meta.gen.json in it, nor one of variables or credentials: run Pikku's generator first")
		}
	}
	var r pikkuReader
	for _, file := range files {
		data, err := readFile(file)
		if err != nil {
			return Moved{}, err
		}
		if err := r.file(data, pikkuSchemas(filepath.Dir(file))); err != nil {
			return Moved{}, fmt.Errorf("%s: %w", shown(file), err)
		}
	}
	return r.finish(), nil
}

// pikkuSchemas is where the schemas are of a file in that folder.
func pikkuSchemas(dir string) fs.FS {
	for _, at := range []string{filepath.Join(dir, "..", "schemas", "schemas"), filepath.Join(dir, "schemas", "schemas"), filepath.Join(dir, "schemas")} {
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			return os.DirFS(at)
		}
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, unreadable(path, err)
	case !info.Mode().IsRegular():
		return nil, errors.New(shown(path) + " is no regular file")
	case info.Size() > maxFile:
		return nil, errors.New(shown(path) + " is larger than 16 MiB")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return data, nil
}

func unreadable(path string, err error) error {
	return fmt.Errorf("%s can't be read (%s)", shown(path), reason(err))
}

// reason is what the system says, without the path that was said already.
func reason(err error) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return fmt.Sprintf("%T", err)
}

func shown(path string) string { return core.Printable(path) }

// packageName is that of the Go files in a folder, else one after the folder.
func packageName(dir string) string {
	files, _ := os.ReadDir(dir) // of a folder that isn't there it has none
	for _, file := range files {
		name := file.Name()
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.PackageClauseOnly)
		if err == nil {
			return f.Name.Name
		}
	}
	return strings.ToLower(names.Unexported(filepath.Base(dir)))
}

// write writes a file whole or not at all.
func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".declarations-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
