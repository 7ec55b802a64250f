package file_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

var update = flag.Bool("update", false, "write the fixtures of the format anew, with new keys")

const fixtures = "testdata/format"

// fixture is one line of outcomes.json.
type fixture struct {
	ID string `json:"id"`
	// At is the version that is asked for; empty for the current one.
	At string `json:"at,omitempty"`
	// Outcome is "value" or the kind of the error.
	Outcome string `json:"outcome"`
	// Value is in base64.
	Value   string `json:"value,omitempty"`
	Version string `json:"version,omitempty"`
	Created string `json:"created,omitempty"`
	// Unlisted ids are not in a list of the store.
	Unlisted bool   `json:"unlisted,omitempty"`
	Why      string `json:"why"`
}

var outcomes = map[string]error{
	"corrupt": core.ErrCorrupt, "not found": core.ErrNotFound, "permission denied": core.ErrPermissionDenied, "invalid value": core.ErrInvalidValue,
}

// The format is what its document says, and these files are it: each reads as
// outcomes.json tells, in this implementation and in any other.
func TestTheFixturesOfTheFormatHaveTheirOutcomes(t *testing.T) {
	t.Parallel()
	if *update {
		writeFixtures(t)
	}
	var all []fixture
	if err := json.Unmarshal([]byte(readFile(t, fixtures, "outcomes.json")), &all); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(fixtures, "store")
	open := func(identity string) *file.Store {
		p := withoutIdentity(t, "reader")
		p.env = map[string]string{"LUKKO_IDENTITY": readFile(t, fixtures, identity)}
		return p.open(store)
	}
	readers := map[string]*file.Store{"age": open("identity.txt"), "ssh": open("id_ed25519")}
	listed := map[string]bool{}
	for _, f := range all {
		if !f.Unlisted {
			listed[f.ID] = true
		}
		t.Run(f.ID+" "+f.At, func(t *testing.T) {
			for name, s := range readers {
				var o []core.GetOption
				if f.At != "" {
					o = append(o, core.AtVersion(f.At))
				}
				got, err := s.Get(t.Context(), f.ID, o...)
				if f.Outcome != "value" {
					if !errors.Is(err, outcomes[f.Outcome]) {
						t.Errorf("with the %s identity Get returned %v, want %s: %s", name, err, f.Outcome, f.Why)
					}
					continue
				}
				if err != nil {
					if name == "ssh" && strings.Contains(f.Why, "age identity only") {
						continue
					}
					t.Errorf("with the %s identity Get failed: %v", name, err)
					continue
				}
				want, err := base64.StdEncoding.DecodeString(f.Value)
				if err != nil {
					t.Fatal(err)
				}
				if !got.Value.Equal(core.Bytes(want)) || got.Version != f.Version {
					t.Errorf("with the %s identity Get returned another value, or version %q, want %q", name, got.Version, f.Version)
				}
				if created := got.Created.Format(time.RFC3339Nano); f.Created != "" && created != f.Created || f.Created == "" && !got.Created.IsZero() {
					t.Errorf("it was made at %s, want %q", created, f.Created)
				}
				if info, err := s.Stat(t.Context(), f.ID, o...); err != nil || info != got.Info {
					t.Errorf("Stat tells %+v, %v; Get told %+v", info, err, got.Info)
				}
			}
		})
	}
	want := slices.Sorted(maps.Keys(listed))
	if got := slices.Sorted(slices.Values(list(t, readers["age"], ""))); !slices.Equal(got, want) {
		t.Errorf("List yields %q, want %q", got, want)
	}
}

func writeFixtures(t *testing.T) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.RemoveAll(fixtures))
	p := newPerson(t, "the age identity")
	hybrid, err := age.GenerateHybridIdentity()
	must(err)
	_, ed, err := ed25519.GenerateKey(nil)
	must(err)
	edRecipient, _ := sshKey(t, ed)
	edRecipient.Name = "the SSH identity"
	block, err := ssh.MarshalPrivateKey(ed, "")
	must(err)
	const warning = "# Keys of the fixtures: they are public, and nothing else may use them.\n"
	writeFile(t, warning+p.identity.String()+"\n"+hybrid.String()+"\n", fixtures, "identity.txt")
	writeFile(t, string(pem.EncodeToMemory(block)), fixtures, "id_ed25519")
	dir := filepath.Join(fixtures, "store")
	p.clock = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC) }
	must(file.Init(t.Context(), p.config(dir), p.recipient(), edRecipient))
	s := p.open(dir)
	recipients := []file.Recipient{p.recipient(), edRecipient}
	edAge, err := file.AgeRecipient(edRecipient)
	must(err)
	both := []age.Recipient{p.identity.Recipient(), edAge}

	var all []fixture
	good := func(why string, info core.Info, value string) {
		f := fixture{ID: info.ID, Outcome: "value", Value: base64.StdEncoding.EncodeToString([]byte(value)), Version: info.Version, Why: why}
		if !info.Created.IsZero() {
			f.Created = info.Created.Format(time.RFC3339Nano)
		}
		all = append(all, f)
	}
	bad := func(why, id, at, outcome string) {
		all = append(all, fixture{ID: id, At: at, Outcome: outcome, Why: why, Unlisted: id == "MISSING" || id == "DELETED"})
	}
	raw := func(id, data string) {
		path, err := file.PathOf(id)
		must(err)
		writeFile(t, data, dir, path)
	}
	read := func(id string) string {
		path, err := file.PathOf(id)
		must(err)
		return readFile(t, dir, path)
	}
	for id, value := range map[string]string{
		"GOOD": "a value", "good/NEWLINE": "a value\n", "good/BINARY": "\x00\xff\xfe\r\n\x1a", "good/ONE_BYTE": " ",
		"good/LARGEST": strings.Repeat("0123456789abcdef", 4096), "good/arn:aws:x": "a colon", "good/CON": "a device", "good/.dot": "a dot",
		"good/key.age/below": "a folder with the extension",
	} {
		good("as Lukko writes it", set(t, s, id, value), value)
	}
	sealed := func(value, id, version string, created time.Time, to ...age.Recipient) string {
		data, err := file.Seal([]byte(value), id, version, created, recipients, to...)
		must(err)
		return string(data)
	}
	v := file.NewVersion(41)
	raw("good/NO_TIME", sealed("x", "good/NO_TIME", v, time.Time{}, both...))
	good("its time is not known", core.Info{ID: "good/NO_TIME", Version: v}, "x")
	raw("good/POST_QUANTUM", sealed("x", "good/POST_QUANTUM", v, time.Time{}, hybrid.Recipient()))
	good("read by the age identity only, post-quantum", core.Info{ID: "good/POST_QUANTUM", Version: v}, "x")
	digestV := "sha256-00112233445566778899aabbccddeeff"
	raw("good/ADOPTED", sealed("x", "good/ADOPTED", digestV, time.Time{}, both...))
	good("was a plain age file once, and kept its version when it was encrypted to other recipients", core.Info{ID: "good/ADOPTED", Version: digestV}, "x")

	one := set(t, s, "VERSIONS", "one")
	two := set(t, s, "VERSIONS", "two")
	three := set(t, s, "VERSIONS", "three")
	good("the current version of three", three, "three")
	for _, old := range []struct {
		info  core.Info
		value string
	}{{one, "one"}, {two, "two"}, {three, "three"}} {
		good("one of three versions", old.info, old.value)
		all[len(all)-1].At = old.info.Version
	}
	bad("no such version", "VERSIONS", file.NewVersion(1), "not found")
	deleted := set(t, s, "DELETED", "x")
	must(s.Delete(t.Context(), "DELETED"))
	bad("it is in the history only", "DELETED", "", "not found")
	bad("a deleted secret has no versions", "DELETED", deleted.Version, "not found")
	bad("there is no such file", "MISSING", "", "not found")

	plain := func(to ...age.Recipient) []byte {
		var out bytes.Buffer
		w, err := age.Encrypt(&out, to...)
		must(err)
		_, err = w.Write([]byte("by age"))
		must(errors.Join(err, w.Close()))
		return out.Bytes()
	}
	for id, data := range map[string]string{
		"plain/ARMORED": armored(t, plain(both...)), "plain/BINARY": string(plain(both...)),
		"plain/CRLF": strings.ReplaceAll(armored(t, plain(both...)), "\n", "\r\n"),
	} {
		raw(id, data)
		info, err := s.Stat(t.Context(), id)
		must(err)
		good("a file of age, whose version is a digest", info, "by age")
	}

	raw("bad/SWAPPED", read("GOOD"))
	bad("the file of another id", "bad/SWAPPED", "", "corrupt")
	set(t, s, "bad/HISTORY", "one")
	set(t, s, "bad/HISTORY", "two")
	current := set(t, s, "bad/HISTORY", "three")
	good("an earlier version is damaged, the current one is not", current, "three")
	h := slices.Collect(func(yield func(string) bool) {
		for info, err := range s.Versions(t.Context(), "bad/HISTORY") {
			must(err)
			yield(info.Version)
		}
	})
	writeFile(t, readFile(t, dir, "history", "bad", "HISTORY", h[2]+".age"), dir, "history", "bad", "HISTORY", h[1]+".age")
	bad("the file of another version", "bad/HISTORY", h[1], "corrupt")
	edit := func(id, old, new string) {
		b := unarmored(t, sealed("x", id, v, time.Time{}, both...))
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("the header does not have %q", old)
		}
		raw(id, armored(t, bytes.Replace(b, []byte(old), []byte(new), 1)))
	}
	edit("bad/VERSION_EDITED", " 41-", " 42-")
	bad("the MAC of the header does not hold", "bad/VERSION_EDITED", "", "corrupt")
	edit("bad/STRIPPED", "-> lukko.dev/v1 ", "-> another/v1 ")
	bad("without its stanza the MAC of the header does not hold", "bad/STRIPPED", "", "corrupt")
	edit("bad/NEWER", "lukko.dev/v1", "lukko.dev/v2")
	bad("a stanza of a newer format", "bad/NEWER", "", "corrupt")
	edit("bad/ARGUMENTS", " - ", " - extra ")
	bad("five arguments", "bad/ARGUMENTS", "", "corrupt")
	edit("bad/TIME", " - ", " yesterday ")
	bad("the time is none", "bad/TIME", "", "corrupt")
	edit("bad/NUMBER", " 41-", " 041-")
	bad("the number of the version has a leading zero", "bad/NUMBER", "", "corrupt")
	var two2 bytes.Buffer
	w, err := age.Encrypt(&two2, twoStanzas{p.identity.Recipient(), "bad/TWO_STANZAS"}, edAge)
	must(err)
	_, err = w.Write([]byte("x"))
	must(errors.Join(err, w.Close()))
	raw("bad/TWO_STANZAS", armored(t, two2.Bytes()))
	bad("two stanzas", "bad/TWO_STANZAS", "", "corrupt")
	raw("bad/CUT", sealed("x", "bad/CUT", v, time.Time{}, both...)[:500])
	bad("cut", "bad/CUT", "", "corrupt")
	raw("bad/TRAILING", sealed("x", "bad/TRAILING", v, time.Time{}, both...)+"more\n")
	bad("text behind the armor", "bad/TRAILING", "", "corrupt")
	raw("bad/EMPTY_FILE", "")
	bad("an empty file", "bad/EMPTY_FILE", "", "corrupt")
	raw("bad/NOT_AGE", "a value in clear text\n")
	bad("no age file", "bad/NOT_AGE", "", "corrupt")
	raw("bad/CONFLICT", "-----BEGIN AGE ENCRYPTED FILE-----\n<<<<<<< HEAD\nYWdl\n=======\nYWdm\n>>>>>>> branch\n-----END AGE ENCRYPTED FILE-----\n")
	bad("git left both sides of a merge", "bad/CONFLICT", "", "corrupt")
	other := newPerson(t, "other")
	data, err := file.Seal([]byte("x"), "bad/NOT_OURS", v, time.Time{}, []file.Recipient{other.recipient()}, other.identity.Recipient())
	must(err)
	raw("bad/NOT_OURS", string(data))
	bad("encrypted to somebody else", "bad/NOT_OURS", "", "permission denied")
	raw("bad/OVERSIZED", sealed(strings.Repeat("x", core.MaxValueLen+1), "bad/OVERSIZED", v, time.Time{}, both...))
	bad("a value of 64 KiB and one byte", "bad/OVERSIZED", "", "invalid value")
	raw("EMPTY_VALUE", sealed("", "EMPTY_VALUE", v, time.Time{}, both...))
	bad("a value of no byte; it is listed all the same", "EMPTY_VALUE", "", "not found")

	must(os.RemoveAll(filepath.Join(dir, ".lock")))
	slices.SortStableFunc(all, func(a, b fixture) int { return strings.Compare(a.ID, b.ID) })
	text, err := json.MarshalIndent(all, "", "\t")
	must(err)
	writeFile(t, string(text)+"\n", fixtures, "outcomes.json")
}
