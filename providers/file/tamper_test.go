package file_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

func unarmored(t testing.TB, data string) []byte {
	t.Helper()
	b, err := io.ReadAll(armor.NewReader(strings.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func armored(t testing.TB, data []byte) string {
	t.Helper()
	var out bytes.Buffer
	w := armor.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAFileThatWasTamperedWithIsRefusedByNameAndTheOthersRead(t *testing.T) {
	t.Parallel()
	const canary = "canary-of-clear-text"
	type store struct {
		*file.Store
		owner *person
		path  string // of VICTIM's file
		data  string
	}
	edit := func(old, new string) func(testing.TB, store) {
		return func(t testing.TB, s store) {
			b := unarmored(t, s.data)
			if !bytes.Contains(b, []byte(old)) {
				t.Fatalf("the header does not have %q", old)
			}
			writeFile(t, armored(t, bytes.Replace(b, []byte(old), []byte(new), 1)), s.path)
		}
	}
	sealed := func(id string, to func(store) []age.Recipient) func(testing.TB, store) {
		return func(t testing.TB, s store) {
			data, err := file.Seal([]byte(canary), id, file.NewVersion(7), time.Now(), nil, to(s)...)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, string(data), s.path)
		}
	}
	owner := func(s store) []age.Recipient { return []age.Recipient{s.owner.identity.Recipient()} }
	flip := func(at func(b []byte) int) func(testing.TB, store) {
		return func(t testing.TB, s store) {
			b := unarmored(t, s.data)
			b[at(b)] ^= 1
			writeFile(t, armored(t, b), s.path)
		}
	}
	for name, tamper := range map[string]func(t testing.TB, s store){
		"swapped with another id's": func(t testing.TB, s store) {
			writeFile(t, readFile(t, s.Dir(), "secrets", "OTHER.age"), s.path)
		},
		"made for another id": sealed("OTHER", owner),
		"cut in the armor":    func(t testing.TB, s store) { writeFile(t, s.data[:len(s.data)/2], s.path) },
		"cut in the payload": func(t testing.TB, s store) {
			b := unarmored(t, s.data)
			writeFile(t, armored(t, b[:len(b)-5]), s.path)
		},
		"cut in the header":          func(t testing.TB, s store) { writeFile(t, armored(t, unarmored(t, s.data)[:60]), s.path) },
		"empty":                      func(t testing.TB, s store) { writeFile(t, "", s.path) },
		"clear text":                 func(t testing.TB, s store) { writeFile(t, canary+"\n", s.path) },
		"clear text in armor":        func(t testing.TB, s store) { writeFile(t, armored(t, []byte(canary)), s.path) },
		"with something behind it":   func(t testing.TB, s store) { writeFile(t, s.data+canary, s.path) },
		"edited version":             edit(" 1-", " 2-"),
		"with another stanza put in": edit("\n--- ", "\n-> "+canary+"\n\n--- "),
		"stripped of its stanza":     edit("-> lukko.dev/v1", "-> somebody.else/v1"),
		"of a newer format":          edit("lukko.dev/v1", "lukko.dev/v9"),
		"malformed stanza":           edit("lukko.dev/v1 VICTIM", "lukko.dev/v1 ../VICTIM"),
		"flipped bit in the payload": flip(func(b []byte) int { return len(b) - 20 }),
		"flipped bit in the nonce":   flip(func(b []byte) int { return bytes.Index(b, []byte("\n--- ")) + 55 }),
		"flipped bit in the wrapped key": flip(func(b []byte) int {
			return bytes.Index(b, []byte("-> X25519 ")) + len("-> X25519 ") + 44 + 3
		}),
		"with two stanzas": func(t testing.TB, s store) {
			two := twoStanzas{s.owner.identity.Recipient(), "VICTIM"}
			var out bytes.Buffer
			w, err := age.Encrypt(&out, two)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, canary); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			writeFile(t, out.String(), s.path)
		},
		"a folder": func(t testing.TB, s store) {
			if err := errors.Join(os.Remove(s.path), os.Mkdir(s.path, 0o755)); err != nil {
				t.Fatal(err)
			}
		},
		"a link": func(t testing.TB, s store) {
			if err := errors.Join(os.Remove(s.path), os.Symlink("OTHER.age", s.path)); err != nil {
				t.Fatal(err)
			}
		},
		"a link to nothing": func(t testing.TB, s store) {
			if err := errors.Join(os.Remove(s.path), os.Symlink("nothing", s.path)); err != nil {
				t.Fatal(err)
			}
		},
		"larger than any secret": func(t testing.TB, s store) {
			writeFile(t, s.data[:len(s.data)-1], s.path)
			if err := os.Truncate(s.path, 5<<20); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s := newStore(t)
			set(t, s, "VICTIM", canary)
			set(t, s, "OTHER", "other")
			path := filepath.Join(s.Dir(), "secrets", "VICTIM.age")
			tamper(t, store{s, p, path, readFile(t, path)})

			_, err := s.Get(t.Context(), "VICTIM")
			wantKind(t, err, core.ErrCorrupt, `"VICTIM"`)
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error shows clear text: %q", err)
			}
			got, err := s.GetMany(t.Context(), []string{"VICTIM", "OTHER"})
			var batch *core.BatchError
			if !errors.As(err, &batch) || len(batch.ByID) != 1 || batch.ByID["VICTIM"] == nil || !got["OTHER"].Value.Equal(core.String("other")) {
				t.Errorf("GetMany returned %v and %v, want the good one and an error for the other", got, err)
			}
			wantValue(t, s, "OTHER", "other")
		})
	}
}

// twoStanzas is a recipient that marks a file twice.
type twoStanzas struct {
	*age.X25519Recipient
	id string
}

func (r twoStanzas) Wrap(key []byte) ([]*age.Stanza, error) {
	s, err := r.X25519Recipient.Wrap(key)
	mark := &age.Stanza{Type: "lukko.dev/v1", Args: []string{r.id, file.NewVersion(1), "-", strings.Repeat("0", 32)}}
	return append(s, mark, mark), err
}

func TestAVersionThatWasSwappedInTheHistoryIsRefused(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	one, two := set(t, s, "A", "one"), set(t, s, "A", "two")
	set(t, s, "A", "three")
	dir := filepath.Join(s.Dir(), "history", "A")
	if err := os.Rename(filepath.Join(dir, one.Version+".age"), filepath.Join(dir, two.Version+".age")); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(t.Context(), "A", core.AtVersion(two.Version))
	wantKind(t, err, core.ErrCorrupt, "swapped")
	_, err = s.Stat(t.Context(), "A", core.AtVersion(two.Version))
	wantKind(t, err, core.ErrCorrupt)
	_, err = s.Rollback(t.Context(), "A", two.Version)
	wantKind(t, err, core.ErrCorrupt)
	wantValue(t, s, "A", "three")
}

func TestADamagedSecretCanBeSetAnewAndNothingOfItIsLost(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	info := set(t, s, "A", "one")
	path := filepath.Join(s.Dir(), "secrets", "A.age")
	damaged := readFile(t, path)[:100]
	writeFile(t, damaged, path)
	_, err := s.Set(t.Context(), "A", core.String("two"), core.IfVersion(info.Version))
	wantKind(t, err, core.ErrCorrupt)
	_, err = s.Set(t.Context(), "A", core.String("two"), core.IfAbsent())
	wantKind(t, err, core.ErrConflict)
	if readFile(t, path) != damaged {
		t.Fatal("a refused write changed the file")
	}
	_, err = s.Get(t.Context(), "A", core.AtVersion(info.Version))
	wantKind(t, err, core.ErrCorrupt)
	_, err = s.Stat(t.Context(), "A", core.AtVersion(info.Version))
	wantKind(t, err, core.ErrCorrupt)
	advice := func() string {
		found, err := s.Check(t.Context())
		if err != nil || len(found) != 1 || found[0].Kind != file.Damaged {
			t.Fatalf("Check finds %+v, %v, want the damaged file alone", found, err)
		}
		return found[0].Hint
	}
	if hint := advice(); !strings.Contains(hint, "store the secret anew") {
		t.Errorf("Check says of a damaged secret %q, and not what to do", hint)
	}
	set(t, s, "A", "two")
	wantValue(t, s, "A", "two")
	if hint := advice(); !strings.Contains(hint, "may be deleted") {
		t.Errorf("Check says of a damaged earlier version %q, and not what to do", hint)
	}
	kept := versions(t, s, "A")
	if len(kept) != 2 || readFile(t, s.Dir(), "history", "A", kept[1]+".age") != damaged {
		t.Errorf("the damaged file is not in the history, which is %q", kept)
	}
	_, err = s.Get(t.Context(), "A", core.AtVersion(kept[1]))
	wantKind(t, err, core.ErrCorrupt)
}

func TestAPlainAgeFileReads(t *testing.T) {
	t.Parallel()
	p, s := newStore(t)
	encrypt := func(value string, armor bool) string {
		var out bytes.Buffer
		w, err := age.Encrypt(&out, p.identity.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, value); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if armor {
			return armored(t, out.Bytes())
		}
		return out.String()
	}
	writeFile(t, encrypt("plain", false), s.Dir(), "secrets", "BINARY.age")
	text := encrypt("plain", true)
	writeFile(t, text, s.Dir(), "secrets", "ARMORED.age")
	writeFile(t, strings.ReplaceAll(text, "\n", "\r\n"), s.Dir(), "secrets", "CRLF.age")
	writeFile(t, encrypt("", true), s.Dir(), "secrets", "EMPTY.age")
	writeFile(t, encrypt(strings.Repeat("x", core.MaxValueLen), true), s.Dir(), "secrets", "LARGEST.age")
	writeFile(t, encrypt(strings.Repeat("x", core.MaxValueLen+1), true), s.Dir(), "secrets", "LARGER.age")

	for _, id := range []string{"BINARY", "ARMORED", "CRLF"} {
		got := wantValue(t, s, id, "plain")
		info, err := s.Stat(t.Context(), id)
		if err != nil || info != got.Info || !strings.HasPrefix(info.Version, "sha256-") || !info.Created.IsZero() {
			t.Errorf("Stat(%s) tells %+v, %v; Get told %+v", id, info, err, got.Info)
		}
		wantValue(t, s, id, "plain", core.AtVersion(info.Version))
	}
	one, _ := s.Stat(t.Context(), "ARMORED")
	two, _ := s.Stat(t.Context(), "CRLF")
	if one.Version != two.Version {
		t.Error("line endings make another version of one file")
	}
	wantValue(t, s, "LARGEST", strings.Repeat("x", core.MaxValueLen))
	_, err := s.Get(t.Context(), "LARGER")
	wantKind(t, err, core.ErrInvalidValue)
	_, err = s.Get(t.Context(), "EMPTY")
	wantKind(t, err, core.ErrNotFound)

	// A Set over it keeps it, and conditions name its version.
	_, err = s.Set(t.Context(), "ARMORED", core.String("ours"), core.IfVersion("1-aaaaaaaaaaaaaaaa"))
	wantKind(t, err, core.ErrConflict)
	ours := set(t, s, "ARMORED", "ours", core.IfVersion(one.Version))
	if got := versions(t, s, "ARMORED"); len(got) != 2 || got[0] != ours.Version || got[1] != one.Version {
		t.Errorf("Versions yields %q, want ours and then the plain one", got)
	}
	wantValue(t, s, "ARMORED", "plain", core.AtVersion(one.Version))
	if _, err := s.Rollback(t.Context(), "ARMORED", one.Version); err != nil {
		t.Fatal(err)
	}
	wantValue(t, s, "ARMORED", "plain")
}
