package file_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

func TestInitMakesAStoreThatGitCanKeep(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "owner")
	dir := filepath.Join(t.TempDir(), "deep", "store")
	p.init(dir, newPerson(t, "recovery"))
	recipients := readFile(t, dir, "recipients.txt")
	if first, _, _ := strings.Cut(recipients, "\n"); first != file.FormatLine {
		t.Errorf("the first line of recipients.txt is %q", first)
	}
	if !strings.Contains(recipients, "\n# owner\n"+p.recipient().Key+"\n") || !strings.Contains(recipients, "\n# recovery\n") {
		t.Errorf("recipients.txt is\n%s", recipients)
	}
	if got := readFile(t, dir, ".gitignore"); got != "/.lock\n/.tmp\n" {
		t.Errorf(".gitignore is %q", got)
	}
	if got := readFile(t, dir, ".gitattributes"); got != "*.age -text\nrecipients.txt text eol=lf merge=union\n" {
		t.Errorf(".gitattributes is %q", got)
	}
	for _, sub := range []string{"secrets", "history"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); err != nil || !info.IsDir() {
			t.Errorf("there is no folder %s", sub)
		}
	}
}

func TestInitNeverOverwrites(t *testing.T) {
	t.Parallel()
	p, s := newStore(t)
	set(t, s, "A", "one")
	before := readFile(t, s.Dir(), "recipients.txt")
	err := file.Init(t.Context(), p.config(s.Dir()), newPerson(t, "x").recipient())
	wantKind(t, err, core.ErrConflict, s.Dir())
	if readFile(t, s.Dir(), "recipients.txt") != before {
		t.Error("recipients.txt was overwritten")
	}
	wantValue(t, s, "A", "one")

	dir := t.TempDir()
	writeFile(t, "*.log\n/.lock", dir, ".gitignore")
	writeFile(t, "*.png binary\n", dir, ".gitattributes")
	p.init(dir)
	if got := readFile(t, dir, ".gitignore"); got != "*.log\n/.lock\n/.tmp\n" {
		t.Errorf(".gitignore is %q", got)
	}
	if got := readFile(t, dir, ".gitattributes"); !strings.HasPrefix(got, "*.png binary\n*.age -text\n") {
		t.Errorf(".gitattributes is %q", got)
	}
}

func TestAFailedInitLeavesNothing(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "owner")
	for name, run := range map[string]func(dir string) (error, error){
		"no recipient": func(dir string) (error, error) {
			return file.Init(t.Context(), p.config(dir)), core.ErrInvalidOption
		},
		"a wrong one": func(dir string) (error, error) {
			return file.Init(t.Context(), p.config(dir), file.Recipient{Key: "age1x"}), core.ErrInvalidValue
		},
		"nowhere to pin": func(dir string) (error, error) {
			cfg := p.config(dir)
			cfg.UserDir = ""
			return file.Init(t.Context(), cfg, p.recipient()), core.ErrUnavailable
		},
	} {
		parent := t.TempDir()
		writeFile(t, "keep\n", parent, "store", ".gitignore")
		err, kind := run(filepath.Join(parent, "store"))
		wantKind(t, err, kind)
		var left []string
		_ = filepath.WalkDir(parent, func(path string, d fs.DirEntry, _ error) error {
			if !d.IsDir() {
				left = append(left, path)
			}
			return nil
		})
		if len(left) != 1 || readFile(t, left[0]) != "keep\n" {
			t.Errorf("%s: a failed Init left %q", name, left)
		}
	}
}

func TestAFolderThatIsSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "owner")
	for text, kind := range map[string]error{
		p.recipient().Key + "\n":           core.ErrCorrupt,
		"":                                 core.ErrCorrupt,
		"# lukko.dev/file-store/v2\nage1x": errors.ErrUnsupported,
	} {
		dir := t.TempDir()
		writeFile(t, text, dir, "recipients.txt")
		_, err := file.New(p.config(dir))
		wantKind(t, err, kind)
	}
	// CRLF, as an editor may leave it, is the same format.
	_, s := newStore(t)
	path := filepath.Join(s.Dir(), "recipients.txt")
	writeFile(t, strings.ReplaceAll(readFile(t, path), "\n", "\r\n"), path)
	set(t, s, "A", "one")
}

func TestCallsAfterCloseSaySo(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	set(t, s, "A", "one")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"Rollback":         func() error { _, err := s.Rollback(t.Context(), "A", "1-x"); return err },
		"Recipients":       func() error { _, err := s.Recipients(t.Context()); return err },
		"AddRecipient":     func() error { _, err := s.AddRecipient(t.Context(), newPerson(t, "x").recipient()); return err },
		"RemoveRecipient":  func() error { _, err := s.RemoveRecipient(t.Context(), newPerson(t, "x").recipient().Key); return err },
		"AcceptRecipients": func() error { return s.AcceptRecipients(t.Context(), "") },
		"SyncRecipients":   func() error { _, err := s.SyncRecipients(t.Context()); return err },
		"Check":            func() error { _, err := s.Check(t.Context()); return err },
		"History": func() (last error) {
			for _, err := range s.History(t.Context(), "A") {
				last = err
			}
			return last
		},
	} {
		if err := call(); !errors.Is(err, core.ErrClosed) {
			t.Errorf("%s after Close returned %v, want ErrClosed", name, err)
		}
	}
}
