package file_test

import (
	"bytes"
	"errors"
	"fmt"
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

// A read beside what nobody can do without, and a write likewise; a read in a
// large store beside one in a small one; many reads at once beside one after
// the other.
//
//bench:ratio BenchmarkGet BenchmarkGetFloor 1.2
//bench:ratio BenchmarkSet BenchmarkSetFloor 1.5
//bench:ratio BenchmarkGetIn10000 BenchmarkGetIn10 1.2
//bench:ratio BenchmarkGetMany64 BenchmarkGetEach64
//bench:ratio BenchmarkListOfLarge100 BenchmarkListOfSmall100

const benchValue = `{"apiKey":"sk_test_0123456789abcdef0123456789abcdef","webhookSecret":"whsec_0123456789abcdef0123456789abcdef"}`

func benchStore(b *testing.B) (*person, *file.Store) {
	b.Helper()
	p := newPerson(b, "owner")
	s := p.init(filepath.Join(b.TempDir(), "store")) // on the disk, whose syncs are what a Set costs
	set(b, s, "STRIPE_CREDENTIALS", benchValue)
	return p, s
}

func BenchmarkGet(b *testing.B) {
	_, s := benchStore(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Get(b.Context(), "STRIPE_CREDENTIALS"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGetFloor opens, reads and decrypts the same file with age alone.
func BenchmarkGetFloor(b *testing.B) {
	p, s := benchStore(b)
	path := filepath.Join(s.Dir(), "secrets", "STRIPE_CREDENTIALS.age")
	b.ReportAllocs()
	for b.Loop() {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		r, err := age.Decrypt(armor.NewReader(f), p.identity)
		if err != nil {
			b.Fatal(err)
		}
		value, err := io.ReadAll(r)
		if err != nil || len(value) == 0 {
			b.Fatal(err)
		}
		f.Close()
	}
}

func BenchmarkSet(b *testing.B) {
	_, s := benchStore(b)
	value := core.String(benchValue)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Set(b.Context(), "STRIPE_CREDENTIALS", value); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSetFloor encrypts once with age, writes and syncs one file, links
// the old one, renames, and syncs both folders: no lock, no condition, no
// recipients.txt, no limit of the history.
func BenchmarkSetFloor(b *testing.B) {
	p, s := benchStore(b)
	path := filepath.Join(s.Dir(), "secrets", "STRIPE_CREDENTIALS.age")
	history := filepath.Join(s.Dir(), "history", "STRIPE_CREDENTIALS")
	if err := os.MkdirAll(history, 0o755); err != nil {
		b.Fatal(err)
	}
	syncDir := func(path string) error {
		d, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(d.Sync(), d.Close())
	}
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		var out bytes.Buffer
		a := armor.NewWriter(&out)
		w, err := age.Encrypt(a, p.identity.Recipient())
		if err == nil {
			_, err = io.WriteString(w, benchValue)
		}
		if err = errors.Join(err, w.Close(), a.Close()); err != nil {
			b.Fatal(err)
		}
		f, err := os.OpenFile(filepath.Join(s.Dir(), "new"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if err == nil {
			_, err = f.Write(out.Bytes())
		}
		err = errors.Join(err, f.Sync(), f.Close(),
			os.Link(path, filepath.Join(history, fmt.Sprint(n))), syncDir(history),
			os.Rename(filepath.Join(s.Dir(), "new"), path), syncDir(filepath.Dir(path)))
		if err != nil {
			b.Fatal(err)
		}
	}
}

func fill(b *testing.B, n int) *file.Store {
	b.Helper()
	p := newPerson(b, "owner")
	s := p.init(filepath.Join(b.TempDir(), "store"))
	fillWith(b, p, s.Dir(), n, benchValue)
	return s
}

// fillWith writes the files of so many secrets without syncing them.
func fillWith(t testing.TB, p *person, dir string, n int, value string) {
	t.Helper()
	for i := range n {
		id := fmt.Sprintf("SECRET_%05d", i)
		data, err := file.Seal([]byte(value), id, file.NewVersion(1), time.Now(), []file.Recipient{p.recipient()}, p.identity.Recipient())
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "secrets", id+".age"), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func benchGetOf(b *testing.B, s *file.Store, n int) {
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i = (i + 7919) % n
		if _, err := s.Get(b.Context(), fmt.Sprintf("SECRET_%05d", i)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetIn10(b *testing.B) { benchGetOf(b, fill(b, 10), 10) }

func BenchmarkGetIn10000(b *testing.B) { benchGetOf(b, fill(b, 10_000), 10_000) }

func BenchmarkList10000(b *testing.B) { benchList(b, fill(b, 10_000), 10_000) }

func benchList(b *testing.B, s *file.Store, want int) {
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for info, err := range s.List(b.Context(), "") {
			if err != nil || info.Version == "" {
				b.Fatal(err)
			}
			n++
		}
		if n != want {
			b.Fatalf("List yields %d, want %d", n, want)
		}
	}
}

func BenchmarkListOfSmall100(b *testing.B) {
	p, s := newStore(b)
	fillWith(b, p, s.Dir(), 100, "x")
	benchList(b, s, 100)
}

func BenchmarkListOfLarge100(b *testing.B) {
	p, s := newStore(b)
	fillWith(b, p, s.Dir(), 100, strings.Repeat("x", core.MaxValueLen))
	benchList(b, s, 100)
}

func BenchmarkGetMany64(b *testing.B) {
	s := fill(b, 64)
	var ids []string
	for i := range 64 {
		ids = append(ids, fmt.Sprintf("SECRET_%05d", i))
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := s.GetMany(b.Context(), ids); err != nil || len(got) != 64 {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetEach64(b *testing.B) {
	s := fill(b, 64)
	b.ReportAllocs()
	for b.Loop() {
		for i := range 64 {
			if _, err := s.Get(b.Context(), fmt.Sprintf("SECRET_%05d", i)); err != nil {
				b.Fatal(err)
			}
		}
	}
}
