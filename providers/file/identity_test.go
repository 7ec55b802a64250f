package file_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

func TestTheIdentityIsFoundWhereTheDocumentationSays(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	set(t, s, "A", "one")
	good := newPerson(t, "good")
	add(t, s, good.recipient())
	other := newPerson(t, "other")
	identityFile := filepath.Join(t.TempDir(), "id.txt")
	write := func(path, text string, mode os.FileMode) {
		writeFile(t, text, path)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(identityFile, "# mine\n\n"+good.identity.String()+"\n", 0o600)
	loose := filepath.Join(t.TempDir(), "loose.txt")
	write(loose, good.identity.String()+"\n", 0o640)
	broken := filepath.Join(t.TempDir(), "broken.txt")
	write(broken, good.identity.String()[:40]+"\n", 0o600)

	for name, c := range map[string]struct {
		env    map[string]string
		config string // identity.txt in the user's folder
		mode   os.FileMode
		kind   error
		words  []string
	}{
		"the text in LUKKO_IDENTITY":             {env: map[string]string{"LUKKO_IDENTITY": good.identity.String()}},
		"several lines in LUKKO_IDENTITY":        {env: map[string]string{"LUKKO_IDENTITY": other.identity.String() + "\n" + good.identity.String() + "\n"}},
		"the file of LUKKO_IDENTITY_FILE":        {env: map[string]string{"LUKKO_IDENTITY_FILE": identityFile}},
		"the user's folder":                      {config: good.identity.String(), mode: 0o600},
		"the user's folder, read-only":           {config: good.identity.String(), mode: 0o400},
		"empty variables count as not set":       {env: map[string]string{"LUKKO_IDENTITY": "", "LUKKO_IDENTITY_FILE": ""}, config: good.identity.String(), mode: 0o600},
		"the text goes before the file":          {env: map[string]string{"LUKKO_IDENTITY": other.identity.String(), "LUKKO_IDENTITY_FILE": identityFile}, kind: core.ErrPermissionDenied},
		"the file goes before the user's folder": {env: map[string]string{"LUKKO_IDENTITY_FILE": identityFile}, config: other.identity.String(), mode: 0o600},
		"none":                                   {kind: core.ErrUnauthenticated, words: []string{"LUKKO_IDENTITY", "lukko init"}},
		"a file that is not there":               {env: map[string]string{"LUKKO_IDENTITY_FILE": "/nowhere/id"}, kind: core.ErrUnauthenticated, words: []string{"LUKKO_IDENTITY_FILE", "/nowhere/id"}},
		"a file that others can read":            {env: map[string]string{"LUKKO_IDENTITY_FILE": loose}, kind: core.ErrUnauthenticated, words: []string{"chmod 600 " + loose}},
		"a loose file in the user's folder":      {config: good.identity.String(), mode: 0o604, kind: core.ErrUnauthenticated, words: []string{"chmod 600 "}},
		"a file that does not parse":             {env: map[string]string{"LUKKO_IDENTITY_FILE": broken}, kind: core.ErrUnauthenticated, words: []string{broken, "line 1"}},
		"text that is no identity":               {env: map[string]string{"LUKKO_IDENTITY": "hello"}, kind: core.ErrUnauthenticated},
		"a recipient in place of an identity":    {env: map[string]string{"LUKKO_IDENTITY": good.recipient().Key}, kind: core.ErrUnauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := withoutIdentity(t, name)
			p.env = c.env
			if c.config != "" {
				write(filepath.Join(p.userDir, "identity.txt"), c.config+"\n", c.mode)
			}
			got, err := p.open(s.Dir()).Get(t.Context(), "A")
			if c.kind == nil {
				if err != nil || !got.Value.Equal(core.String("one")) {
					t.Fatalf("Get failed: %v", err)
				}
				return
			}
			wantKind(t, err, c.kind, c.words...)
			if strings.Contains(err.Error(), good.identity.String()[20:40]) {
				t.Errorf("the error repeats an identity: %q", err)
			}
		})
	}
}

func TestAFailureToFindAnIdentityIsNotKept(t *testing.T) {
	t.Parallel()
	owner, s := newStore(t)
	set(t, s, "A", "one")
	p := withoutIdentity(t, "late")
	p.env = map[string]string{}
	late := p.open(s.Dir())
	_, err := late.Get(t.Context(), "A")
	wantKind(t, err, core.ErrUnauthenticated)
	p.env["LUKKO_IDENTITY"] = owner.identity.String()
	wantValue(t, late, "A", "one")
}

func TestAnIdentityUnderAPassphraseIsAskedForOnceAProcess(t *testing.T) {
	t.Parallel()
	owner := newPerson(t, "owner")
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edRecipient, _ := sshKey(t, ed)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(ed, "", []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	var locked bytes.Buffer
	scrypt, err := age.NewScryptRecipient("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	scrypt.SetWorkFactor(10)
	w, err := age.Encrypt(&locked, scrypt)
	if err == nil {
		_, err = io.WriteString(w, owner.identity.String()+"\n")
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "store")
	if err := file.Init(t.Context(), owner.config(dir), owner.recipient(), edRecipient); err != nil {
		t.Fatal(err)
	}
	set(t, owner.open(dir), "A", "one")

	for name, identity := range map[string]string{
		"age, binary":  locked.String(),
		"age, armored": armored(t, locked.Bytes()),
		"ssh":          string(pem.EncodeToMemory(block)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := withoutIdentity(t, name)
			path := filepath.Join(p.userDir, "identity.txt")
			writeFile(t, identity, path)
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := p.open(dir).Get(t.Context(), "A")
			wantKind(t, err, core.ErrUnauthenticated, "AskPassphrase", path)

			p.ask = func(context.Context, string) (string, error) { return "", errors.New("canary") }
			_, err = p.open(dir).Get(t.Context(), "A")
			wantKind(t, err, core.ErrUnauthenticated, "no passphrase was given")

			p.ask = func(context.Context, string) (string, error) { return "canary", nil }
			_, err = p.open(dir).Get(t.Context(), "A")
			wantKind(t, err, core.ErrUnauthenticated, "does not open")
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats the passphrase: %q", err)
			}

			var asked atomic.Int32
			p.ask = func(_ context.Context, file string) (string, error) {
				asked.Add(1)
				if file != path {
					t.Errorf("it asks for %q, want %q", file, path)
				}
				return "correct horse", nil
			}
			var all sync.WaitGroup
			for range 4 {
				s := p.open(dir)
				for range 4 {
					all.Go(func() {
						if got, err := s.Get(t.Context(), "A"); err != nil || !got.Value.Equal(core.String("one")) {
							t.Errorf("Get failed: %v", err)
						}
					})
				}
			}
			all.Wait()
			if n := asked.Load(); n != 1 {
				t.Errorf("the passphrase was asked for %d times, want once", n)
			}
		})
	}
}

func TestWaitingForAPassphraseEndsWithTheContext(t *testing.T) {
	t.Parallel()
	p := withoutIdentity(t, "p")
	owner, s := newStore(t)
	set(t, s, "A", "one")
	scrypt, err := age.NewScryptRecipient("x")
	if err != nil {
		t.Fatal(err)
	}
	scrypt.SetWorkFactor(10)
	var locked bytes.Buffer
	w, err := age.Encrypt(&locked, scrypt)
	if err == nil {
		_, err = io.WriteString(w, owner.identity.String()+"\n")
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	p.env = map[string]string{"LUKKO_IDENTITY": armored(t, locked.Bytes())}
	ctx, cancel := context.WithCancel(t.Context())
	p.ask = func(ctx context.Context, _ string) (string, error) {
		cancel()
		<-ctx.Done()
		return "", ctx.Err()
	}
	_, err = p.open(s.Dir()).Get(ctx, "A")
	if !errors.Is(err, context.Canceled) || core.KindOf(err) != nil {
		t.Errorf("Get returned %v, want the context's error and no kind", err)
	}
}

func TestAnIdentityIsMadeForItsOwnerOnlyAndNeverOverwritten(t *testing.T) {
	t.Parallel()
	for _, quantum := range []bool{false, true} {
		p := withoutIdentity(t, "p")
		p.userDir = filepath.Join(p.userDir, "new", "lukko")
		path, err := file.IdentityPath(p.config("."))
		if err != nil {
			t.Fatal(err)
		}
		r, err := file.CreateIdentity(path, file.IdentityOptions{PostQuantum: quantum})
		if err != nil || strings.HasPrefix(r.Key, "age1pq1") != quantum {
			t.Fatalf("CreateIdentity: %+v, %v", r, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the identity has mode %v, %v; want 0600", info.Mode(), err)
		}
		if info, err = os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("its folder has mode %v, %v; want 0700", info.Mode(), err)
		}
		text := readFile(t, path)
		_, err = file.CreateIdentity(path, file.IdentityOptions{})
		wantKind(t, err, core.ErrConflict, path)
		if readFile(t, path) != text {
			t.Error("an identity was overwritten")
		}
		if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
			t.Errorf("CreateIdentity left %v", entries)
		}
		found, err := file.FindIdentity(t.Context(), p.config("."))
		if err != nil || found.Source != path || len(found.Recipients) != 1 || found.Recipients[0].Key != r.Key {
			t.Errorf("FindIdentity: %+v, %v", found, err)
		}
	}
}

func TestTheUsersFolderFollowsTheEnvironment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"XDG_CONFIG_HOME": {map[string]string{"XDG_CONFIG_HOME": "/xdg", "HOME": "/home/x"}, "/xdg/lukko/identity.txt"},
		"HOME":            {map[string]string{"HOME": "/home/x"}, "/home/x/.config/lukko/identity.txt"},
		"relative":        {map[string]string{"XDG_CONFIG_HOME": "xdg"}, ""},
		"nothing":         {nil, ""},
	} {
		p := withoutIdentity(t, name)
		p.userDir, p.env = "", c.env
		got, err := file.IdentityPath(p.config("."))
		if c.want == "" {
			wantKind(t, err, core.ErrUnavailable, "HOME")
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("%s: IdentityPath is %q, %v; want %q", name, got, err, c.want)
		}
	}
}

// brokenIdentity fails as one that asks a service does.
type brokenIdentity struct{ err error }

func (b brokenIdentity) Unwrap([]*age.Stanza) ([]byte, error) { return nil, b.err }

func TestAnIdentityThatFailsIsAnOutageAndItsWordsAreNotRepeated(t *testing.T) {
	t.Parallel()
	owner, s := newStore(t)
	set(t, s, "A", "one")
	p := newPerson(t, "p")
	p.identities = []age.Identity{brokenIdentity{errors.New("canary of the service")}}
	_, err := p.open(s.Dir()).Get(t.Context(), "A")
	wantKind(t, err, core.ErrUnavailable)
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error repeats the identity's: %q", err)
	}
	// One that says that the file is not for it is passed over.
	p.identities = []age.Identity{brokenIdentity{age.ErrIncorrectIdentity}, owner.identity}
	wantValue(t, p.open(s.Dir()), "A", "one")
}
