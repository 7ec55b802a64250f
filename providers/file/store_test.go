package file_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

// person is a user with an identity and a configuration folder of their own.
type person struct {
	t          testing.TB
	name       string
	identity   *age.X25519Identity
	userDir    string
	env        map[string]string
	notices    []string
	history    int
	clock      func() time.Time
	ask        func(context.Context, string) (string, error)
	identities []age.Identity
}

func newPerson(t testing.TB, name string) *person {
	t.Helper()
	i, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return &person{t: t, name: name, identity: i, userDir: t.TempDir(), identities: []age.Identity{i}}
}

// withoutIdentity is a person who can't read.
func withoutIdentity(t testing.TB, name string) *person {
	p := newPerson(t, name)
	p.identities = nil
	return p
}

func (p *person) recipient() file.Recipient {
	return file.Recipient{Key: p.identity.Recipient().String(), Name: p.name}
}

func (p *person) config(dir string) file.Config {
	return file.Config{
		Dir: dir, UserDir: p.userDir, Identities: p.identities, History: p.history, Clock: p.clock, AskPassphrase: p.ask,
		LookupEnv: func(name string) (string, bool) { v, ok := p.env[name]; return v, ok },
		Notice:    func(message string) { p.notices = append(p.notices, message) },
	}
}

// init makes a store that this person, and whoever else, reads.
func (p *person) init(dir string, others ...*person) *file.Store {
	p.t.Helper()
	recipients := []file.Recipient{p.recipient()}
	for _, o := range others {
		recipients = append(recipients, o.recipient())
	}
	if err := file.Init(p.t.Context(), p.config(dir), recipients...); err != nil {
		p.t.Fatal(err)
	}
	return p.open(dir)
}

func (p *person) open(dir string) *file.Store {
	p.t.Helper()
	s, err := file.New(p.config(dir))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { s.Close() })
	return s
}

func newStore(t testing.TB) (*person, *file.Store) {
	t.Helper()
	p := newPerson(t, "owner")
	return p, p.init(filepath.Join(memoryDir(t), "store"))
}

// memoryDir is a folder in memory where there is one: most tests don't look at
// the disk, whose syncs would take most of their time.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "lukko-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func set(t testing.TB, s core.SecretService, id, value string, o ...core.SetOption) core.Info {
	t.Helper()
	info, err := s.Set(t.Context(), id, core.String(value), o...)
	if err != nil {
		t.Fatalf("Set(%q) failed: %v", id, err)
	}
	return info
}

func wantValue(t testing.TB, s core.SecretService, id, want string, o ...core.GetOption) core.Secret {
	t.Helper()
	got, err := s.Get(t.Context(), id, o...)
	if err != nil {
		t.Fatalf("Get(%q) failed: %v", id, err)
	}
	if !got.Value.Equal(core.String(want)) {
		t.Fatalf("Get(%q) returned another value than was stored", id)
	}
	return got
}

// wantKind checks the kind of an error, and that it says what to do.
func wantKind(t testing.TB, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("the error is %v, want one that matches %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not say %q", err, w)
		}
	}
}

func versions(t testing.TB, s core.SecretService, id string) []string {
	t.Helper()
	var list []string
	for info, err := range s.Versions(t.Context(), id) {
		if err != nil {
			t.Fatalf("Versions(%q) failed: %v", id, err)
		}
		list = append(list, info.Version)
	}
	return list
}

func list(t testing.TB, s core.SecretService, prefix string) []string {
	t.Helper()
	var ids []string
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("List(%q) failed: %v", prefix, err)
		}
		ids = append(ids, info.ID)
	}
	return ids
}

func readFile(t testing.TB, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t testing.TB, data string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestASecretIsStoredEncryptedAndReadBack(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	info := set(t, s, "STRIPE_CREDENTIALS", "sk_live_canary\n")
	got := wantValue(t, s, "STRIPE_CREDENTIALS", "sk_live_canary\n")
	if got.Version != info.Version || !got.Created.Equal(info.Created) || got.Source != "file:"+filepath.ToSlash(s.Dir()) {
		t.Errorf("Get tells %+v, Set told %+v", got.Info, info)
	}
	data := readFile(t, s.Dir(), "secrets", "STRIPE_CREDENTIALS.age")
	if !strings.HasPrefix(data, "-----BEGIN AGE ENCRYPTED FILE-----\n") {
		t.Error("the file is not armored")
	}
	err := filepath.WalkDir(s.Dir(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(readFile(t, path), "canary") {
			t.Errorf("%s holds clear text", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestVersionsAreKeptAndCanBeRead(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	first := set(t, s, "A", "one")
	second := set(t, s, "A", "two")
	if got := versions(t, s, "A"); len(got) != 2 || got[0] != second.Version || got[1] != first.Version {
		t.Errorf("Versions yields %q, want %q and %q", got, second.Version, first.Version)
	}
	wantValue(t, s, "A", "one", core.AtVersion(first.Version))
	wantValue(t, s, "A", "two", core.AtVersion(second.Version))
	if !strings.HasPrefix(first.Version, "1-") || !strings.HasPrefix(second.Version, "2-") {
		t.Errorf("the versions are %q and %q, want numbers that count up", first.Version, second.Version)
	}
	if _, err := os.Stat(filepath.Join(s.Dir(), "history", "A", first.Version+".age")); err != nil {
		t.Error(err)
	}
	for _, v := range []string{"3-aaaaaaaaaaaaaaaa", "../../recipients", "1", "sha256-00000000000000000000000000000000", "x"} {
		_, err := s.Get(t.Context(), "A", core.AtVersion(v))
		wantKind(t, err, core.ErrNotFound)
		_, err = s.Stat(t.Context(), "A", core.AtVersion(v))
		wantKind(t, err, core.ErrNotFound)
	}
}

func TestADeletedSecretIsGoneAndComesBackByRollback(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	first := set(t, s, "A", "one")
	if err := s.Delete(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(t.Context(), "A")
	wantKind(t, err, core.ErrNotFound, "rollback")
	_, err = s.Get(t.Context(), "A", core.AtVersion(first.Version))
	wantKind(t, err, core.ErrNotFound)
	for _, err := range s.Versions(t.Context(), "A") {
		wantKind(t, err, core.ErrNotFound)
	}
	var kept []string
	for info, err := range s.History(t.Context(), "A") {
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, info.Version)
	}
	if len(kept) != 1 || kept[0] != first.Version {
		t.Fatalf("History yields %q, want %q", kept, first.Version)
	}
	old, err := s.ReadVersion(t.Context(), "A", first.Version)
	if err != nil || old.Value.Reveal() != "one" || old.Version != first.Version {
		t.Errorf("ReadVersion of a deleted secret gives %+v, %v", old.Info, err)
	}
	_, err = s.ReadVersion(t.Context(), "A", "9-aaaaaaaaaaaaaaaa")
	wantKind(t, err, core.ErrNotFound)
	_, err = s.Get(t.Context(), "A")
	wantKind(t, err, core.ErrNotFound)
	back, err := s.Rollback(t.Context(), "A", first.Version)
	if err != nil {
		t.Fatal(err)
	}
	if got := wantValue(t, s, "A", "one"); got.Version != back.Version || !strings.HasPrefix(got.Version, "2-") {
		t.Errorf("the version after a rollback is %q, want a new one with the number 2", got.Version)
	}
	if err := s.Delete(t.Context(), "A", core.Purge()); err != nil {
		t.Fatal(err)
	}
	_, err = s.Rollback(t.Context(), "A", first.Version)
	wantKind(t, err, core.ErrNotFound)
	err = s.Delete(t.Context(), "A", core.Purge())
	wantKind(t, err, core.ErrNotFound)
	if _, err := os.Stat(filepath.Join(s.Dir(), "history", "A")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a purge left the folder of the history")
	}
}

func TestAStoreThatDoesNotExistNamesLukkoInit(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "owner")
	for name, dir := range map[string]string{"no folder": filepath.Join(t.TempDir(), "none"), "an empty folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			_, err := file.New(p.config(dir))
			wantKind(t, err, core.ErrUnavailable, "lukko init", dir)
			if errors.Is(err, core.ErrNotFound) {
				t.Error("a store that is not there is taken for an id that is not")
			}
			_, err = core.Open(t.Context(), "file://"+filepath.ToSlash(dir))
			wantKind(t, err, core.ErrUnavailable, "lukko init")
		})
	}
}

func TestAStoreThatVanishesIsNotAnIDThatIsNotFound(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	set(t, s, "A", "one")
	if err := os.RemoveAll(s.Dir()); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(t.Context(), "A")
	wantKind(t, err, core.ErrUnavailable, "lukko init")
	_, err = s.Set(t.Context(), "A", core.String("x"))
	wantKind(t, err, core.ErrUnavailable, "lukko init")
	for _, err := range s.List(t.Context(), "") {
		wantKind(t, err, core.ErrUnavailable)
	}
}

func TestURLsNameFolders(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"file:///srv/secrets":      "/srv/secrets",
		"file:/srv/secrets":        "/srv/secrets",
		"file:secrets":             "secrets",
		"file:../a%20b/c":          "../a b/c",
		"file:///a%20b":            "/a b",
		"file:./secrets?prefix=a/": "./secrets",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := file.DirOf(u)
		if err != nil || got != filepath.FromSlash(want) {
			t.Errorf("DirOf(%s) is %q, %v; want %q", raw, got, err, want)
		}
	}
	for _, raw := range []string{"file:", "file://", "file://secrets", "file://host/secrets", "file:%zz", "file:///x?history=3", "file:?prefix=a"} {
		if _, err := core.Open(t.Context(), raw); !errors.Is(err, core.ErrInvalidOption) {
			t.Errorf("Open(%s) returned %v, want ErrInvalidOption", raw, err)
		}
	}
}
