package file

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/lukko-dev/lukko/core"
)

// FuzzStoreFile puts any bytes in the place of a secret's file. Whatever they
// are: nothing panics, each error has a kind and quotes none of it, Stat and
// Get agree, a value is returned only of a file that was made for the id, and
// a write replaces it and keeps it.
func FuzzStoreFile(f *testing.F) {
	var recipients []age.Recipient
	text, err := os.ReadFile(filepath.Join("testdata", "format", "identity.txt"))
	if err != nil {
		f.Fatal(err)
	}
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		f.Fatal(err)
	}
	owner, ok := identities[0].(*age.X25519Identity)
	if !ok {
		f.Fatal("the first identity of the fixtures is no X25519 one")
	}
	recipients = append(recipients, owner.Recipient())
	key := Recipient{Key: owner.Recipient().String()}
	good, err := seal([]byte("a value"), &meta{"A", "7-aaaaaaaaaaaaaaaa", time.Time{}, digestOf([]Recipient{key})}, recipients)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, false)
	binary, err := io.ReadAll(armor.NewReader(bytes.NewReader(good)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(binary, true)
	err = filepath.WalkDir(filepath.Join("testdata", "format", "store"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ext {
			return err
		}
		data, err := os.ReadFile(path)
		if len(data) < 8<<10 { // larger ones slow the fuzzer down
			f.Add(data, false)
			if binary, err := io.ReadAll(armor.NewReader(bytes.NewReader(data))); err == nil {
				f.Add(binary, true)
			}
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	known := []error{core.ErrCorrupt, core.ErrPermissionDenied, core.ErrNotFound, core.ErrInvalidValue}
	f.Fuzz(func(t *testing.T, data []byte, wrap bool) {
		if wrap { // so that the fuzzer gets behind the armor
			var out bytes.Buffer
			w := armor.NewWriter(&out)
			_, err := w.Write(data)
			if errors.Join(err, w.Close()) != nil {
				return
			}
			data = out.Bytes()
		}
		r := newRecordingFS()
		initOn(t, r, key)
		file, err := r.create(secretsDir + "/A" + ext)
		must(t, err)
		_, err = file.Write(data)
		must(t, err)
		s := storeOn(r, &memPins{}, 2, identities...)

		got, err := s.Get(t.Context(), "A")
		info, statErr := s.Stat(t.Context(), "A")
		for _, err := range []error{err, statErr} {
			if err == nil {
				continue
			}
			if !slices.ContainsFunc(known, func(kind error) bool { return errors.Is(err, kind) }) {
				t.Errorf("the error is of no kind that a file can cause: %v", err)
			}
			for line := range strings.Lines(string(data)) {
				if line = strings.TrimSpace(line); len(line) > 20 && line != armor.Header && line != armor.Footer && strings.Contains(err.Error(), line) {
					t.Errorf("the error repeats what is in the file: %q", err)
				}
			}
		}
		if err == nil {
			if statErr != nil || info != got.Info {
				t.Errorf("Get told %+v; Stat tells %+v, %v", got.Info, info, statErr)
			}
			h, err := readHeader(bytes.NewReader(data))
			if err != nil || h.meta != nil && h.meta.id != "A" {
				t.Errorf("a file of %+v was read as A", h.meta)
			}
			if _, ok := versionNumber(got.Version); !ok {
				t.Errorf("the version is %q", got.Version)
			}
		}
		// What a Set does, with what is the same each time: coverage that
		// depends on chance would lead the fuzzer astray.
		p, err := placeOf("A")
		must(t, err)
		w, err := s.b.beginWrite(t.Context())
		must(t, err)
		defer w.end()
		old, err := w.find(p)
		must(t, err)
		must(t, w.replace(p, old, good))
		after, err := s.Get(t.Context(), "A")
		if err != nil || !after.Value.Equal(core.String("a value")) {
			t.Errorf("Get after it was replaced: %v", err)
		}
		names, err := s.b.archivedNames(place{history: historyDir + "/A"})
		if err != nil || len(names) != 1 {
			t.Fatalf("the history has %d files, %v; want what was replaced", len(names), err)
		}
		if kept, err := s.b.readWhole(historyDir + "/A/" + names[0].Name()); err != nil || !bytes.Equal(kept, data) {
			t.Errorf("what was replaced is not kept as it was: %v", err)
		}
	})
}

// FuzzRecipients parses any recipients.txt. Its errors have a kind and repeat
// no line, and what a sync makes tidy has the same set to us, and the same to
// age.
func FuzzRecipients(f *testing.F) {
	const one, two = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg"
	f.Add(formatLine + "\n\n# one\n" + one + "\n")
	f.Add(formatLine + "\r\n" + one + "\r\n" + removedMark + one + "\r\n" + two)
	f.Add(formatLine + "\n" + two + "\n" + two + "\n" + removedMark + one + "\n" + removedMark + one + "\n" + one + "\n")
	f.Add(formatLine + "\n<<<<<<< HEAD\n" + one + "\n=======\n" + two + "\n>>>>>>> b\n")
	f.Add(formatLine + "\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6iN5VDWQ3UxNK0Wy0kVq8T5nN7sxPCFaeSMmxLEBS5 me@example\n")
	f.Add("AGE-SECRET-KEY-1QQQQQQQQ\n")
	f.Fuzz(func(t *testing.T, text string) {
		set, err := parseRecipients([]byte(text), nil)
		if err != nil {
			if core.KindOf(err) == nil {
				t.Errorf("the error has no kind: %v", err)
			}
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); len(line) > 20 && !strings.Contains(formatLine, line) && strings.Contains(err.Error(), line) {
					t.Errorf("the error repeats a line: %q", err)
				}
			}
			return
		}
		tidy := normalize([]byte(text))
		if again := normalize(tidy); !bytes.Equal(again, tidy) {
			t.Error("what is tidy is not tidy")
		}
		same, err := parseRecipients(tidy, nil)
		if err != nil || !slices.Equal(same.list, set.list) {
			t.Fatalf("made tidy it is another set: %v", err)
		}
		n := 0
		for line := range strings.Lines(string(tidy)) {
			if keyOf(line) != "" {
				n++
			}
		}
		if n != len(set.list) {
			t.Errorf("tidy it has %d recipients for age, and %d for us", n, len(set.list))
		}
		r := Recipient{Key: two, Name: "two"}
		if !slices.ContainsFunc(set.list, func(o Recipient) bool { return o.Key == two }) {
			added, err := parseRecipients(addLine(tidy, r), nil)
			if err != nil || len(added.list) != len(set.list)+1 || added.list[len(added.list)-1] != r {
				t.Fatalf("one that is added is not there: %v", err)
			}
			back, err := parseRecipients(removeLine(addLine(tidy, r), two), nil)
			if err != nil || back.digest != set.digest {
				t.Fatalf("one that is removed is still there: %v", err)
			}
		}
	})
}
