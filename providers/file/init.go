package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// The lines that a store needs of git: the lock and the temporary file are
// not committed, ciphertext is never converted, and recipients.txt merges as
// the union of both sides' lines.
var (
	ignoreLines    = []string{"/" + lockName, "/" + tempName}
	attributeLines = []string{"*" + ext + " -text", recipientsName + " text eol=lf merge=union"}
)

// Init makes a store in cfg.Dir, which may be there, that is read by the
// given recipients; there must be at least one. It writes recipients.txt, the
// folders secrets and history, and the lines that git needs into .gitignore
// and .gitattributes in the folder. The recipients count as accepted by the
// user.
//
// It never overwrites: a folder that has a recipients.txt is
// core.ErrConflict, and existing lines of .gitignore and .gitattributes stay.
// What it made is removed again if it fails.
func Init(ctx context.Context, cfg Config, recipients ...Recipient) error {
	const op = "init"
	cfg, err := cfg.withDefaults()
	if err != nil {
		return named(op, err)
	}
	if err := ctx.Err(); err != nil {
		return named(op, err)
	}
	data := []byte(recipientsIntro)
	for _, r := range recipients {
		parsed, err := ParseRecipient(r.Key)
		if err != nil {
			return named(op, err)
		}
		parsed.Name = printable(r.Name)
		data = addLine(data, parsed)
	}
	if len(recipients) == 0 {
		return named(op, &core.Error{Kind: core.ErrInvalidOption, Hint: "a store needs a recipient, else nobody could read it"})
	}
	set, err := parseRecipients(data, cfg.PluginUI)
	if err != nil {
		return named(op, err)
	}
	// A set that age refuses, as a post-quantum one with another, is found
	// before anything is made.
	if _, err := seal([]byte("x"), &meta{id: "x", version: newVersion(1), recipients: set.digest}, set.to); err != nil {
		return named(op, err)
	}
	i := &initializer{cfg: cfg}
	if err := i.run(data, set); err != nil {
		i.undo()
		return named(op, err)
	}
	return nil
}

// initializer remembers what it made, to undo it.
type initializer struct {
	cfg  Config
	made []string // paths, in the order of their making
	old  []savedFile
}

type savedFile struct {
	path string
	data []byte
}

func (i *initializer) run(data []byte, set *recipientSet) error {
	path := func(name string) string { return filepath.Join(i.cfg.Dir, name) }
	if err := i.mkdirAll(i.cfg.Dir); err != nil {
		return err
	}
	exists := &core.Error{Kind: core.ErrConflict, Hint: "there is a store or a " + recipientsName + " in " + i.cfg.Dir + " already; nothing was changed"}
	if _, err := os.Lstat(path(recipientsName)); err == nil {
		return exists
	}
	for _, dir := range []string{secretsDir, historyDir} {
		if err := i.mkdirAll(path(dir)); err != nil {
			return err
		}
	}
	if err := i.addLines(path(".gitignore"), ignoreLines); err != nil {
		return err
	}
	if err := i.addLines(path(".gitattributes"), attributeLines); err != nil {
		return err
	}
	if err := (&userPins{i.cfg}).save(set.list); err != nil {
		return err
	}
	// Last, as it is what makes the folder a store.
	err := writeNew(path(recipientsName), data, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return exists
	}
	if err != nil {
		return fileFault(path(recipientsName), err)
	}
	return nil
}

func (i *initializer) mkdirAll(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if up := filepath.Dir(dir); up != dir {
		if err := i.mkdirAll(up); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fileFault(dir, err)
	}
	i.made = append(i.made, dir)
	if err := syncDir(filepath.Dir(dir)); err != nil {
		return fileFault(dir, err)
	}
	return nil
}

// addLines appends the lines that a file lacks.
func (i *initializer) addLines(path string, lines []string) error {
	f, err := os.Open(path)
	var data []byte
	there := err == nil
	if there {
		data, err = io.ReadAll(io.LimitReader(f, 1<<20))
		f.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fileFault(path, err)
	}
	have := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	text := bytes.Clone(data)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	for _, line := range lines {
		if !slices.Contains(have, line) {
			text = append(text, line+"\n"...)
		}
	}
	if bytes.Equal(text, data) {
		return nil
	}
	if there {
		i.old = append(i.old, savedFile{path, data})
		err = writeOver(path, text, 0o644)
	} else if err = writeNew(path, text, 0o644); err == nil {
		i.made = append(i.made, path)
	}
	if err != nil {
		return fileFault(path, err)
	}
	return nil
}

func (i *initializer) undo() {
	for _, f := range i.old {
		_ = writeOver(f.path, f.data, 0o644)
	}
	for _, path := range slices.Backward(i.made) {
		_ = os.Remove(path)
	}
}
