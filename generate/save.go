package generate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
	"github.com/lukko-dev/lukko/schema/metadata"
)

// describe makes the metadata. A place is relative to the folder of the file.
func (r *run) describe(all declarations) ([]byte, error) {
	var metas []schema.Meta
	for _, d := range all.values {
		m := d.meta
		m.Place = r.placeInOutput(d)
		metas = append(metas, m)
	}
	var entries []metadata.Credential
	for _, d := range all.credentials {
		entry := entryOf(d.credential)
		entry.Place = r.placeInOutput(d)
		entries = append(entries, entry)
		for _, m := range d.secrets {
			m.Place = entry.Place
			if !slices.ContainsFunc(metas, func(other schema.Meta) bool { return other.Name == m.Name && other.ID == m.ID }) {
				metas = append(metas, m)
			}
		}
	}
	file := metadata.New(metas)
	file.Credentials = entries
	text, err := file.Encode()
	if err != nil {
		return nil, problem("the metadata can't be written", "this is a mistake of lukko generate: please report it")
	}
	return text, nil
}

func (r *run) placeInOutput(d *declared) string {
	return relative(r.out.dir, d.pos.Filename) + ":" + strconv.Itoa(d.pos.Line)
}

// output is what is to be in a file.
type output struct {
	name string
	text []byte
}

// save compares the files with what is there and, unless that is all, writes
// those that differ.
func (r *run) save(outputs []output, result *Result) error {
	var write []output
	var wrong []Problem
	for _, o := range outputs {
		file := filepath.Join(r.out.dir, o.name)
		there, err := os.ReadFile(file)
		state := Same
		switch {
		case errors.Is(err, fs.ErrNotExist):
			state = Missing
		case err != nil:
			wrong = append(wrong, Problem{File: r.rel(file), What: "it is there and can't be read", Do: "see its permissions"})
		case !bytes.Equal(unixLines(there), o.text):
			state = Different
			if !ours(o.name, there) {
				wrong = append(wrong, Problem{File: r.rel(file), What: "lukko generate did not write it, and does not overwrite it", Do: "move it, or write the output into another folder, see --out"})
			}
		}
		if o.name == metadata.FileName && state != Same {
			result.Differences = differences(there, o.text)
		}
		if state != Same {
			write = append(write, o)
		}
		result.Files = append(result.Files, File{Name: r.rel(file), State: state})
	}
	if len(wrong) > 0 || r.Check || len(write) == 0 {
		return problems(wrong)
	}
	return r.replace(write)
}

// unixLines is a text as it was written, before version control on Windows
// gave its lines other ends.
func unixLines(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

// ours reports whether a file is one that was written here. An empty one is
// nobody's loss.
func ours(name string, text []byte) bool {
	mark := header
	if name == metadata.FileName {
		mark = metadata.SchemaID
	}
	return len(bytes.TrimSpace(text)) == 0 || bytes.Contains(text, []byte(mark))
}

// replace writes files next to where they belong, and only when all are there
// puts them in their places.
func (r *run) replace(outputs []output) (err error) {
	if err := os.MkdirAll(r.out.dir, 0o777); err != nil {
		return problem("the folder "+r.rel(r.out.dir)+" can't be made", "see its permissions")
	}
	var ready []string
	defer func() {
		for _, name := range ready {
			_ = os.Remove(name) // those that have not been put in their places
		}
	}()
	suffix := strconv.FormatUint(rand.Uint64(), 36)
	for _, o := range outputs {
		name := filepath.Join(r.out.dir, "."+o.name+"."+suffix)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			ready = append(ready, name)
			_, err = f.Write(o.text)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			return problem("the folder "+r.rel(r.out.dir)+" can't be written to", "see its permissions, and whether the disk is full")
		}
	}
	for i, o := range outputs {
		file := filepath.Join(r.out.dir, o.name)
		if err := os.Rename(ready[i], file); err != nil {
			return Problem{File: r.rel(file), What: "it can't be replaced", Do: "see its permissions, and whether another program has it open"}.alone()
		}
	}
	return nil
}

// differences tells by name how metadata differs from what it must be.
func differences(there, must []byte) (all []string) {
	old, err := metadata.Decode(unixLines(there))
	if err != nil {
		return nil // there is none, or it can't be compared
	}
	now, err := metadata.Decode(must)
	if err != nil {
		return nil
	}
	name := func(e metadata.Entry) (string, string) { return e.Name, e.Place }
	all = slices.Concat(
		differ("secret", old.Secrets, now.Secrets, name),
		differ("variable", old.Variables, now.Variables, name),
		differ("credential", old.Credentials, now.Credentials, func(c metadata.Credential) (string, string) { return c.Name, c.Place }),
	)
	slices.Sort(all)
	return all
}

// differ tells how entries of one kind differ.
func differ[E any](kind string, old, now []E, nameOf func(E) (name, place string)) (all []string) {
	seen := map[string]E{}
	for _, e := range old {
		name, _ := nameOf(e)
		seen[name] = e
	}
	for _, e := range now {
		name, place := nameOf(e)
		was, there := seen[name]
		delete(seen, name)
		if !there {
			all = append(all, fmt.Sprintf("the %s %s (%s) is missing", kind, core.Printable(name), place))
		} else if what := changed(was, e); what != "" {
			all = append(all, fmt.Sprintf("the %s %s (%s) has another %s", kind, core.Printable(name), place, what))
		}
	}
	for name := range seen {
		all = append(all, fmt.Sprintf("the %s %s is no longer declared", kind, core.Printable(name)))
	}
	return all
}

// changed lists the fields in which two entries differ, as the file calls
// them.
func changed[E any](a, b E) string {
	var names []string
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			name, _, _ := strings.Cut(x.Type().Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
