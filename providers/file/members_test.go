package file_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/plugin"
	"golang.org/x/crypto/ssh"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

// readableBy reports whether any age file in a store opens with an identity.
func readableBy(t testing.TB, s *file.Store, i age.Identity) (n int) {
	t.Helper()
	err := filepath.WalkDir(s.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".age") {
			return err
		}
		if _, err := age.Decrypt(bytes.NewReader(unarmored(t, readFile(t, path))), i); err == nil {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func add(t testing.TB, s *file.Store, r file.Recipient) file.SyncResult {
	t.Helper()
	result, err := s.AddRecipient(t.Context(), r)
	if err != nil || len(result.Failed) > 0 {
		t.Fatalf("AddRecipient: %v, failed %v", err, result.Failed)
	}
	return result
}

func TestARecipientWhoIsAddedReadsAndOneWhoIsRemovedDoesNot(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	first := set(t, s, "A", "one")
	second := set(t, s, "A", "two")
	set(t, s, "shop/db", "three")
	if err := s.Delete(t.Context(), "shop/db"); err != nil {
		t.Fatal(err)
	}

	bob := newPerson(t, "bob")
	_, err := bob.open(s.Dir()).Get(t.Context(), "A")
	wantKind(t, err, core.ErrPermissionDenied, "recipients add")

	if got := add(t, s, bob.recipient()); got.Encrypted != 3 {
		t.Errorf("%d files were encrypted anew, want 3", got.Encrypted)
	}
	theirs := bob.open(s.Dir())
	if got := wantValue(t, theirs, "A", "two"); got.Version != second.Version || !got.Created.Equal(second.Created) {
		t.Errorf("a change of recipients changed version or time: %+v, was %+v", got.Info, second)
	}
	wantValue(t, theirs, "A", "one", core.AtVersion(first.Version))
	_, err = s.AddRecipient(t.Context(), bob.recipient())
	wantKind(t, err, core.ErrConflict)

	who, err := theirs.Recipients(t.Context())
	if err != nil || len(who.List) != 2 || who.List[1] != bob.recipient() || who.Pinned {
		t.Errorf("Recipients tells %+v, %v", who, err)
	}

	if _, err := s.RemoveRecipient(t.Context(), bob.recipient().Key); err != nil {
		t.Fatal(err)
	}
	if n := readableBy(t, s, bob.identity); n != 0 {
		t.Errorf("%d files are readable by who was removed", n)
	}
	wantValue(t, s, "A", "two")
	wantValue(t, s, "A", "one", core.AtVersion(first.Version))
	_, err = s.RemoveRecipient(t.Context(), bob.recipient().Key)
	wantKind(t, err, core.ErrNotFound)
	who, err = s.Recipients(t.Context())
	if err != nil || len(who.List) != 1 {
		t.Fatal(err)
	}
	_, err = s.RemoveRecipient(t.Context(), who.List[0].Key)
	wantKind(t, err, core.ErrInvalidOption, "only recipient")
	// Added again, a removed one reads again.
	add(t, s, bob.recipient())
	wantValue(t, theirs, "A", "two")
}

func TestARecipientSlippedInStopsWritesUntilAccepted(t *testing.T) {
	t.Parallel()
	p, s := newStore(t)
	set(t, s, "A", "one")
	mallory := newPerson(t, "mallory")
	path := filepath.Join(s.Dir(), "recipients.txt")
	writeFile(t, readFile(t, path)+mallory.recipient().Key+"\n", path)

	for what, err := range map[string]error{
		"Set":              func() error { _, err := s.Set(t.Context(), "A", core.String("two")); return err }(),
		"Set of another":   func() error { _, err := s.Set(t.Context(), "B", core.String("two")); return err }(),
		"AddRecipient":     func() error { _, err := s.AddRecipient(t.Context(), newPerson(t, "x").recipient()); return err }(),
		"SyncRecipients":   func() error { _, err := s.SyncRecipients(t.Context()); return err }(),
		"Set, other store": func() error { _, err := p.open(s.Dir()).Set(t.Context(), "A", core.String("two")); return err }(),
	} {
		if !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), mallory.recipient().Key) || !strings.Contains(err.Error(), "lukko recipients accept") {
			t.Errorf("%s returned %v, want a refusal that shows the difference", what, err)
		}
	}
	wantValue(t, s, "A", "one")
	if n := readableBy(t, s, mallory.identity); n != 0 {
		t.Errorf("%d files are encrypted to a recipient who was slipped in", n)
	}
	found, err := s.Check(t.Context())
	if err != nil || len(found) != 2 || found[0].Kind != file.RecipientsChanged || found[1].Kind != file.Stale {
		t.Errorf("Check found %+v, %v; want the change, and that A is of the old set", found, err)
	}
	who, err := s.Recipients(t.Context())
	if err != nil || !who.Pinned || len(who.Added) != 1 || who.Added[0].Key != mallory.recipient().Key || len(who.Removed) != 0 {
		t.Fatalf("Recipients tells %+v, %v", who, err)
	}
	wantKind(t, s.AcceptRecipients(t.Context(), "0123"), core.ErrConflict)
	if err := s.AcceptRecipients(t.Context(), who.Digest); err != nil {
		t.Fatal(err)
	}
	set(t, s, "A", "two")
	// Deleting encrypts nothing, so it is not refused; removing one by hand is a change, too.
	writeFile(t, strings.ReplaceAll(readFile(t, path), mallory.recipient().Key, ""), path)
	_, err = s.Set(t.Context(), "A", core.String("three"))
	wantKind(t, err, core.ErrPermissionDenied, "removed "+mallory.recipient().Key)
	if err := s.Delete(t.Context(), "A"); err != nil {
		t.Error(err)
	}
}

func TestTheFirstWriteSaysWhomItPins(t *testing.T) {
	t.Parallel()
	owner, s := newStore(t)
	set(t, s, "A", "one")
	if len(owner.notices) != 0 {
		t.Errorf("who made the store is told %q", owner.notices)
	}
	helper := withoutIdentity(t, "helper")
	theirs := helper.open(s.Dir())
	set(t, theirs, "A", "two")
	set(t, theirs, "A", "three")
	if len(helper.notices) != 1 || !strings.Contains(helper.notices[0], owner.recipient().Key) {
		t.Errorf("the first write said %q, want once the recipients", helper.notices)
	}
	wantValue(t, s, "A", "three")
	_, err := theirs.Get(t.Context(), "A")
	wantKind(t, err, core.ErrUnauthenticated, "LUKKO_IDENTITY")
}

func TestWithoutAFolderToPinInNothingIsWritten(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	nobody := withoutIdentity(t, "nobody")
	nobody.userDir = ""
	_, err := nobody.open(s.Dir()).Set(t.Context(), "A", core.String("x"))
	wantKind(t, err, core.ErrUnavailable, "XDG_CONFIG_HOME")
	if got := list(t, s, ""); len(got) != 0 {
		t.Errorf("a refused write left %q", got)
	}
}

func sshKey(t testing.TB, key any) (file.Recipient, []byte) {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	r, err := file.ParseRecipient(line + " carol@example.com")
	if err != nil || r.Key != line || r.Name != "carol@example.com" {
		t.Fatalf("ParseRecipient of an SSH key gave %+v, %v", r, err)
	}
	return r, pem.EncodeToMemory(block)
}

// Every kind of recipient reads, and the labels keep kinds apart that age
// does not mix.
func TestEveryKindOfRecipientReads(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	edRecipient, edPEM := sshKey(t, ed)
	rsaRecipient, rsaPEM := sshKey(t, rsaKey)
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	x := newPerson(t, "x")
	kinds := []struct {
		name      string
		recipient file.Recipient
		identity  string
	}{
		{"X25519", x.recipient(), x.identity.String()},
		{"post-quantum", file.Recipient{Key: hybrid.Recipient().String()}, hybrid.String()},
		{"ssh-ed25519", edRecipient, string(edPEM)},
		{"ssh-rsa", rsaRecipient, string(rsaPEM)},
		{"plugin", file.Recipient{Key: plugin.EncodeRecipient("lukkotest", []byte{0})}, plugin.EncodeIdentity("lukkotest", []byte{0})},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			p := withoutIdentity(t, kind.name)
			p.env = map[string]string{"LUKKO_IDENTITY": kind.identity}
			dir := filepath.Join(t.TempDir(), "store")
			if err := file.Init(t.Context(), p.config(dir), kind.recipient); err != nil {
				t.Fatal(err)
			}
			s := p.open(dir)
			set(t, s, "A", "one")
			wantValue(t, s, "A", "one")
			set(t, s, "A", "two", core.IfVersion(wantValue(t, s, "A", "one").Version))
			wantValue(t, s, "A", "two")
			info, err := file.FindIdentity(t.Context(), p.config(dir))
			if err != nil || info.Source != "LUKKO_IDENTITY" {
				t.Fatalf("FindIdentity: %+v, %v", info, err)
			}
			if kind.name != "plugin" && (len(info.Recipients) != 1 || info.Recipients[0].Key != kind.recipient.Key) {
				t.Errorf("FindIdentity tells %+v, want the recipient", info)
			}

			// Post-quantum is kept apart from all others, which mix.
			classic := newPerson(t, "classic").recipient()
			_, err = s.AddRecipient(t.Context(), classic)
			if kind.name == "post-quantum" {
				wantKind(t, err, core.ErrInvalidOption, "post-quantum")
				if who, err := s.Recipients(t.Context()); err != nil || len(who.List) != 1 {
					t.Errorf("a refused recipient was added: %+v, %v", who, err)
				}
				err = file.Init(t.Context(), p.config(filepath.Join(t.TempDir(), "mixed")), kind.recipient, classic)
				wantKind(t, err, core.ErrInvalidOption, "post-quantum")
			} else if err != nil {
				t.Error(err)
			}
			wantValue(t, s, "A", "two")
		})
	}
}

func TestAPluginThatFailsOrIsMissingIsSaidWithoutItsWords(t *testing.T) {
	t.Parallel()
	p := withoutIdentity(t, "p")
	p.env = map[string]string{"LUKKO_IDENTITY": plugin.EncodeIdentity("lukkotest", []byte{1})}
	dir := filepath.Join(t.TempDir(), "store")
	if err := file.Init(t.Context(), p.config(dir), file.Recipient{Key: plugin.EncodeRecipient("lukkotest", []byte{0})}); err != nil {
		t.Fatal(err)
	}
	s := p.open(dir)
	set(t, s, "A", "one")
	_, err := s.Get(t.Context(), "A")
	wantKind(t, err, core.ErrUnavailable, "age-plugin-lukkotest failed")
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error repeats the plugin: %q", err)
	}

	p.env["LUKKO_IDENTITY"] = plugin.EncodeIdentity("lukkomissing", nil)
	_, err = p.open(dir).Get(t.Context(), "A")
	wantKind(t, err, core.ErrUnavailable, "install age-plugin-lukkomissing")
	err = file.Init(t.Context(), p.config(filepath.Join(t.TempDir(), "x")), file.Recipient{Key: plugin.EncodeRecipient("lukkomissing", nil)})
	wantKind(t, err, core.ErrUnavailable, "install age-plugin-lukkomissing")
}

func TestWhatIsNoRecipientIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	secret := newPerson(t, "x").identity.String()
	for _, line := range []string{secret, "age1canary", "ssh-rsa canary", "github:canary", "canary", "", "ssh-dss canary", "age1pq1canary", "a\nb"} {
		_, err := file.ParseRecipient(line)
		wantKind(t, err, core.ErrInvalidValue)
		if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), secret) {
			t.Errorf("the error repeats the line: %q", err)
		}
	}
	_, s := newStore(t)
	writeFile(t, readFile(t, s.Dir(), "recipients.txt")+secret+"\n", s.Dir(), "recipients.txt")
	_, err := s.Set(t.Context(), "A", core.String("x"))
	wantKind(t, err, core.ErrCorrupt, "line 8")
	if strings.Contains(err.Error(), secret) {
		t.Error("the error repeats a private key")
	}
}

func TestRecipientsMergeAsTheUnionAndWhoWasRemovedStaysRemoved(t *testing.T) {
	t.Parallel()
	owner, s := newStore(t)
	bob, carol := newPerson(t, "bob"), newPerson(t, "carol")
	add(t, s, bob.recipient())
	path := filepath.Join(s.Dir(), "recipients.txt")
	base := readFile(t, path)
	if _, err := s.RemoveRecipient(t.Context(), bob.recipient().Key); err != nil {
		t.Fatal(err)
	}
	// As git's union driver: all lines of one side, then all of the other.
	writeFile(t, readFile(t, path)+base+"\n# carol\n"+carol.recipient().Key+"\n", path)
	who, err := s.Recipients(t.Context())
	if err != nil || len(who.List) != 2 || who.List[0].Key != owner.recipient().Key || who.List[1] != carol.recipient() {
		t.Fatalf("the merged set is %+v, %v; want the owner and carol", who.List, err)
	}
	if err := s.AcceptRecipients(t.Context(), who.Digest); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SyncRecipients(t.Context()); err != nil {
		t.Fatal(err)
	}
	plain, err := age.ParseRecipients(strings.NewReader(readFile(t, path)))
	if err != nil || len(plain) != 2 {
		t.Errorf("after a sync age reads %d recipients, %v; want 2", len(plain), err)
	}
}

func TestAnIdentityIsNeededToChangeWhoReads(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	helper := withoutIdentity(t, "helper").open(s.Dir())
	before := readFile(t, s.Dir(), "recipients.txt")
	_, err := helper.AddRecipient(t.Context(), newPerson(t, "x").recipient())
	wantKind(t, err, core.ErrUnauthenticated)
	if readFile(t, s.Dir(), "recipients.txt") != before {
		t.Error("the set changed though no file could be encrypted anew")
	}
}

func TestSyncEncryptsPlainFilesAndReportsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	p, s := newStore(t)
	bob := newPerson(t, "bob")
	var out bytes.Buffer
	w, err := age.Encrypt(&out, p.identity.Recipient(), bob.identity.Recipient())
	if err == nil {
		_, err = w.Write([]byte("plain"))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	writeFile(t, out.String(), s.Dir(), "secrets", "PLAIN.age")
	before := wantValue(t, s, "PLAIN", "plain")
	set(t, s, "A", "one")
	writeFile(t, "damaged", s.Dir(), "secrets", "BAD.age")
	writeFile(t, "no secret", s.Dir(), "secrets", "note.txt")

	found, err := s.Check(t.Context())
	if err != nil || len(found) != 3 || found[0].Kind != file.Damaged || found[0].ID != "BAD" || found[1].Kind != file.Plain || found[2].Kind != file.Stray {
		t.Errorf("Check found %+v, %v", found, err)
	}
	result, err := s.SyncRecipients(t.Context())
	if err != nil || result.Encrypted != 1 || len(result.Failed) != 1 || result.Failed[0].ID != "BAD" {
		t.Fatalf("SyncRecipients: %+v, %v", result, err)
	}
	if got := wantValue(t, s, "PLAIN", "plain"); got.Version != before.Version {
		t.Errorf("the version of one value became %q, was %q", got.Version, before.Version)
	}
	if n := isReadableBy(t, s, bob.identity, "PLAIN"); n {
		t.Error("a plain file is still readable by who is no recipient")
	}
	if got := wantValue(t, s, "A", "one"); !strings.HasPrefix(got.Version, "1-") {
		t.Error("sync changed a version")
	}
}

func isReadableBy(t testing.TB, s *file.Store, i age.Identity, id string) bool {
	_, err := age.Decrypt(bytes.NewReader(unarmored(t, readFile(t, s.Dir(), "secrets", id+".age"))), i)
	return err == nil
}

func TestCheckTellsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	set(t, s, "GOOD", "x")
	set(t, s, "SHOP", "x")
	old := set(t, s, "CUT", "x")
	set(t, s, "CUT", "y")
	good := readFile(t, s.Dir(), "secrets", "GOOD.age")
	writeFile(t, good, s.Dir(), "secrets", "SWAPPED.age")
	writeFile(t, good, s.Dir(), "secrets", "a:b.age")
	writeFile(t, good, s.Dir(), "secrets", "note.txt")
	writeFile(t, good, s.Dir(), "secrets", "good.age")
	writeFile(t, "<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> b\n", s.Dir(), "secrets", "SHOP.age")
	writeFile(t, good[:50], s.Dir(), "history", "CUT", old.Version+".age")
	writeFile(t, good, s.Dir(), "history", "CUT", "other.age")
	if err := os.Chmod(filepath.Join(s.Dir(), "secrets"), 0o777); err != nil {
		t.Fatal(err)
	}
	got, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, f := range got {
		text = append(text, string(f.Kind)+" "+f.ID+" "+f.Version+" "+f.Path)
		if f.Hint == "" {
			t.Errorf("%+v has no hint", f)
		}
	}
	want := []string{
		"damaged CUT " + old.Version + " history/CUT/" + old.Version + ".age",
		"stray   history/CUT/other.age",
		"writable   secrets",
		"conflicted SHOP  secrets/SHOP.age",
		"damaged SWAPPED  secrets/SWAPPED.age",
		"stray   secrets/a:b.age",
		"twins good  secrets/good.age",
		"damaged good  secrets/good.age",
		"stray   secrets/note.txt",
	}
	if strings.Join(text, "\n") != strings.Join(want, "\n") {
		t.Errorf("Check found\n%s\nwant\n%s", strings.Join(text, "\n"), strings.Join(want, "\n"))
	}
	if ids := list(t, s, ""); strings.Join(ids, " ") != "CUT GOOD SHOP SWAPPED good" {
		t.Errorf("List yields %q", ids)
	}
}
