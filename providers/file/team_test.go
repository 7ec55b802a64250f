package file_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

// repo is a git repository with a store in the folder secrets-store.
type repo struct {
	t   testing.TB
	dir string
}

func (r repo) store() string { return filepath.Join(r.dir, "secrets-store") }

func gitCommand(t testing.TB, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com")
	return cmd
}

func (r repo) git(args ...string) string {
	r.t.Helper()
	out, err := gitCommand(r.t, r.dir, args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (r repo) commit(message string) {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "-m", message)
}

// clone makes another checkout, as git does with these settings.
func (r repo) clone(config ...string) repo {
	r.t.Helper()
	c := repo{r.t, filepath.Join(r.t.TempDir(), "clone")}
	args := []string{"clone", "-q"}
	for _, setting := range config {
		args = append(args, "-c", setting)
	}
	if out, err := gitCommand(r.t, ".", append(args, r.dir, c.dir)...).CombinedOutput(); err != nil {
		r.t.Fatalf("git clone: %v\n%s", err, out)
	}
	return c
}

// merge merges a branch, and returns the files that are in conflict.
func (r repo) merge(branch string) []string {
	r.t.Helper()
	out, err := gitCommand(r.t, r.dir, "merge", "-q", "--no-edit", branch).CombinedOutput()
	conflicts := strings.Fields(r.git("diff", "--name-only", "--diff-filter=U"))
	if err != nil && len(conflicts) == 0 {
		r.t.Fatalf("git merge: %v\n%s", err, out)
	}
	return conflicts
}

func accept(t testing.TB, s *file.Store) {
	t.Helper()
	who, err := s.Recipients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AcceptRecipients(t.Context(), who.Digest); err != nil {
		t.Fatal(err)
	}
}

// A store lives in a team's repository, with the git and the age of the
// system.
func TestADayInATeam(t *testing.T) {
	t.Parallel()
	needs(t, "git")
	needs(t, "age")

	alice := newPerson(t, "alice")
	r := repo{t, t.TempDir()}
	r.git("init", "-q", "-b", "main")
	ours := alice.init(r.store())
	set(t, ours, "STRIPE_CREDENTIALS", "sk_live_1\r\nsecond line\n")
	set(t, ours, "shop/db", "postgres\x00binary\xff")
	set(t, ours, "STRIPE_CREDENTIALS", "sk_live_2\r\nsecond line\n")
	r.commit("the store")
	if files := r.git("ls-files"); strings.Contains(files, ".lock") || strings.Contains(files, ".tmp") {
		t.Errorf("git keeps what is of one machine only:\n%s", files)
	}
	same := func(t *testing.T, s core.SecretService) {
		t.Helper()
		wantValue(t, s, "STRIPE_CREDENTIALS", "sk_live_2\r\nsecond line\n")
		wantValue(t, s, "shop/db", "postgres\x00binary\xff")
		for _, v := range versions(t, s, "STRIPE_CREDENTIALS")[1:] {
			wantValue(t, s, "STRIPE_CREDENTIALS", "sk_live_1\r\nsecond line\n", core.AtVersion(v))
		}
	}

	t.Run("a clone with autocrlf reads the same", func(t *testing.T) {
		c := r.clone("core.autocrlf=true", "core.eol=crlf")
		s := alice.open(c.store())
		same(t, s)
		set(t, s, "NEW", "x")
		wantValue(t, s, "NEW", "x")
		if status := c.git("status", "--porcelain"); status != "?? secrets-store/secrets/NEW.age\n" {
			t.Errorf("after a Set git sees\n%s", status)
		}
	})

	t.Run("a clone under another umask reads the same", func(t *testing.T) {
		for _, mask := range []string{"077", "000"} {
			dir := filepath.Join(t.TempDir(), "clone")
			out, err := exec.CommandContext(t.Context(), "sh", "-c", `umask "$1"; exec git clone -q "$2" "$3"`, "sh", mask, r.dir, dir).CombinedOutput()
			if err != nil {
				t.Fatalf("git clone: %v\n%s", err, out)
			}
			p := *alice
			p.notices = nil
			s := p.open(repo{t, dir}.store())
			same(t, s)
			if warned := len(p.notices) > 0 && strings.Contains(p.notices[0], "others can write"); warned != (mask == "000") {
				t.Errorf("under umask %s the store was opened with %q", mask, p.notices)
			}
		}
	})

	t.Run("a read-only clone reads and refuses writes", func(t *testing.T) {
		c := r.clone()
		dir := c.store()
		mounted := readOnlyMount(t, dir)
		s := alice.open(dir)
		same(t, s)
		if got := list(t, s, ""); len(got) != 2 {
			t.Errorf("List yields %q", got)
		}
		if !mounted {
			return
		}
		_, err := s.Set(t.Context(), "NEW", core.String("x"))
		wantKind(t, err, core.ErrPermissionDenied)
	})

	bob := newPerson(t, "bob")
	t.Run("a second recipient is added and their clone reads", func(t *testing.T) {
		add(t, ours, bob.recipient())
		r.commit("bob reads")
		same(t, bob.open(r.clone().store()))
	})

	t.Run("CI with LUKKO_IDENTITY and nothing else reads", func(t *testing.T) {
		ci := withoutIdentity(t, "ci")
		ci.userDir = ""
		ci.env = map[string]string{"LUKKO_IDENTITY": bob.identity.String()}
		same(t, ci.open(r.clone().store()))
	})

	t.Run("a helper without any identity sets what they can't read", func(t *testing.T) {
		c := r.clone()
		helper := withoutIdentity(t, "helper")
		s := helper.open(c.store())
		info := set(t, s, "FROM_HELPER", "x")
		set(t, s, "FROM_HELPER", "y", core.IfVersion(info.Version))
		_, err := s.Get(t.Context(), "FROM_HELPER")
		wantKind(t, err, core.ErrUnauthenticated)
		wantValue(t, bob.open(c.store()), "FROM_HELPER", "y")
	})

	t.Run("plain age reads every file and Lukko reads one of plain age", func(t *testing.T) {
		key := filepath.Join(t.TempDir(), "key.txt")
		writeFile(t, alice.identity.String()+"\n", key)
		age := func(args ...string) string {
			out, err := exec.CommandContext(t.Context(), "age", args...).Output()
			if err != nil {
				t.Fatalf("age: %v", err)
			}
			return string(out)
		}
		n := 0
		for id, want := range map[string]string{"STRIPE_CREDENTIALS": "sk_live_2\r\nsecond line\n", "shop/db": "postgres\x00binary\xff"} {
			if got := age("-d", "-i", key, filepath.Join(r.store(), "secrets", id+".age")); got != want {
				t.Errorf("age reads another value of %s", id)
			}
		}
		err := filepath.WalkDir(r.store(), func(path string, d fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".age") {
				age("-d", "-i", key, path)
				n++
			}
			return err
		})
		if err != nil || n != 3 {
			t.Errorf("age read %d files, %v; want 3", n, err)
		}
		c := r.clone()
		for id, flag := range map[string]string{"ARMORED": "-a", "BINARY": "-e"} {
			plain := filepath.Join(t.TempDir(), "plain")
			writeFile(t, "by age\n", plain)
			age(flag, "-R", filepath.Join(c.store(), "recipients.txt"), "-o", filepath.Join(c.store(), "secrets", id+".age"), plain)
			wantValue(t, bob.open(c.store()), id, "by age\n")
		}
	})

	// branches makes two branches in a fresh clone, each changed by somebody
	// with a configuration of their own, and merges them.
	branches := func(t *testing.T, left, right func(s *file.Store), config ...string) (repo, []string) {
		t.Helper()
		c := r.clone(config...)
		for _, b := range []struct {
			name   string
			change func(*file.Store)
		}{{"left", left}, {"right", right}} {
			c.git("checkout", "-q", "-B", b.name, "main")
			p := newPerson(t, b.name)
			p.identities = alice.identities
			b.change(p.open(c.store()))
			c.commit(b.name)
		}
		c.git("checkout", "-q", "left")
		return c, c.merge("right")
	}

	t.Run("two branches that set different ids merge clean", func(t *testing.T) {
		c, conflicts := branches(t,
			func(s *file.Store) { set(t, s, "LEFT", "l"); set(t, s, "shop/db", "l") },
			func(s *file.Store) { set(t, s, "RIGHT", "r"); set(t, s, "STRIPE_CREDENTIALS", "r") })
		if len(conflicts) > 0 {
			t.Fatalf("git finds conflicts in %q", conflicts)
		}
		s := alice.open(c.store())
		for id, want := range map[string]string{"LEFT": "l", "RIGHT": "r", "shop/db": "l", "STRIPE_CREDENTIALS": "r"} {
			wantValue(t, s, id, want)
		}
	})

	t.Run("one id on both branches is one conflict with advice", func(t *testing.T) {
		c, conflicts := branches(t,
			func(s *file.Store) { set(t, s, "shop/db", "l") },
			func(s *file.Store) { set(t, s, "shop/db", "r"); set(t, s, "RIGHT", "r") })
		if len(conflicts) != 1 || conflicts[0] != "secrets-store/secrets/shop/db.age" {
			t.Fatalf("git finds conflicts in %q, want the one file", conflicts)
		}
		s := alice.open(c.store())
		_, err := s.Get(t.Context(), "shop/db")
		wantKind(t, err, core.ErrCorrupt, "git checkout --ours secrets/shop/db.age", "--theirs")
		_, err = s.Stat(t.Context(), "shop/db")
		wantKind(t, err, core.ErrCorrupt, "git checkout --ours")
		wantValue(t, s, "RIGHT", "r")
		wantValue(t, s, "STRIPE_CREDENTIALS", "sk_live_2\r\nsecond line\n")
		result, err := s.SyncRecipients(t.Context())
		if err != nil || len(result.Settled) != 0 || len(result.Failed) != 1 {
			t.Errorf("a sync made %+v, %v of two values; a person must choose", result, err)
		}
		// The advice, as it is given, in the folder of the store.
		out, err := gitCommand(t, c.store(), "checkout", "--theirs", "secrets/shop/db.age").CombinedOutput()
		if err != nil {
			t.Fatalf("the advice does not work: %v\n%s", err, out)
		}
		wantValue(t, s, "shop/db", "r")
		c.commit("merged")
	})

	carol, dave, erin := newPerson(t, "carol"), newPerson(t, "dave"), newPerson(t, "erin")
	add(t, ours, carol.recipient())
	r.commit("carol reads")
	mergeMembers := func(t *testing.T, who *person, config ...string) {
		change := func(joins, leaves *person) func(*file.Store) {
			return func(s *file.Store) {
				accept(t, s)
				add(t, s, joins.recipient())
				result, err := s.RemoveRecipient(t.Context(), leaves.recipient().Key)
				if err != nil || len(result.Failed) > 0 {
					t.Fatalf("RemoveRecipient: %+v, %v", result, err)
				}
			}
		}
		c, conflicts := branches(t, change(dave, bob), change(erin, carol), config...)
		for _, path := range conflicts {
			if !strings.HasSuffix(path, ".age") {
				t.Fatalf("%s is in conflict, though recipients.txt merges as text", path)
			}
		}
		s := who.open(c.store())
		set, err := s.Recipients(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, w := range set.List {
			names = append(names, w.Name)
		}
		if got := strings.Join(names, " "); got != "alice dave erin" {
			t.Fatalf("the merged set is %q, want alice, dave and erin", got)
		}
		accept(t, s)
		result, err := s.SyncRecipients(t.Context())
		if err != nil || len(result.Failed) > 0 {
			t.Fatalf("SyncRecipients: %+v, %v", result, err)
		}
		if len(result.Settled) != 2 {
			t.Errorf("the sync settled %q, want both ids", result.Settled)
		}
		c.commit("merged")
		for _, reads := range []*person{alice, dave, erin} {
			same(t, reads.open(c.store()))
		}
		for _, gone := range []*person{bob, carol} {
			if n := readableBy(t, s, gone.identity); n != 0 {
				t.Errorf("%d files are readable by %s, who was removed", n, gone.name)
			}
		}
		if found, err := s.Check(t.Context()); err != nil || len(found) != 0 {
			t.Errorf("after the sync Check finds %+v, %v", found, err)
		}
		// age takes recipients.txt as it is now.
		out, err := exec.CommandContext(t.Context(), "age", "-R", filepath.Join(c.store(), "recipients.txt"), "-o", os.DevNull, os.DevNull).CombinedOutput()
		if err != nil {
			t.Errorf("age does not take recipients.txt: %v\n%s", err, out)
		}
	}
	t.Run("two branches that add and remove recipients merge, and sync mends the files", func(t *testing.T) {
		mergeMembers(t, alice)
	})
	t.Run("so it does with the base in the conflicts, for one who is a recipient of one side only", func(t *testing.T) {
		mergeMembers(t, erin, "merge.conflictStyle=diff3")
	})

	t.Run("a recipient slipped in by a commit stops the next write until accepted", func(t *testing.T) {
		c := r.clone()
		mine := newPerson(t, "reader")
		mine.identities = alice.identities
		s := mine.open(c.store())
		set(t, s, "A", "one")
		mallory := newPerson(t, "mallory")
		path := filepath.Join(c.store(), "recipients.txt")
		writeFile(t, readFile(t, path)+mallory.recipient().Key+"\n", path)
		c.commit("harmless")
		_, err := s.Set(t.Context(), "A", core.String("two"))
		wantKind(t, err, core.ErrPermissionDenied, "lukko recipients accept", mallory.recipient().Key)
		wantValue(t, s, "A", "one")
		accept(t, s)
		set(t, s, "A", "two")
	})

	t.Run("a merge that deletes on one side and sets on the other is told with advice", func(t *testing.T) {
		c, conflicts := branches(t,
			func(s *file.Store) {
				if err := s.Delete(t.Context(), "shop/db"); err != nil {
					t.Fatal(err)
				}
			},
			func(s *file.Store) { set(t, s, "shop/db", "r") })
		p := newPerson(t, "merger")
		p.identities = alice.identities
		s := p.open(c.store())
		wantValue(t, s, "STRIPE_CREDENTIALS", "sk_live_2\r\nsecond line\n")
		if len(conflicts) > 0 {
			return
		}
		// Git takes the delete for a move into the history, and merges the new
		// version into the old one's file, without a word. So we say it.
		_, err := s.Get(t.Context(), "shop/db")
		wantKind(t, err, core.ErrCorrupt, "lukko rollback shop/db 2-")
		_, rest, _ := strings.Cut(err.Error(), "rollback shop/db ")
		version, _, _ := strings.Cut(rest, " ")
		if _, err := s.Rollback(t.Context(), "shop/db", version); err != nil {
			t.Fatal(err)
		}
		wantValue(t, s, "shop/db", "r")
		if found, err := s.Check(t.Context()); err != nil || len(found) != 0 {
			t.Errorf("after the rollback Check finds %+v, %v", found, err)
		}
	})
}

// readOnlyMount makes a folder read-only: by a mount where the test may, else
// by its modes. It reports whether writes fail by it.
func readOnlyMount(t testing.TB, dir string) bool {
	t.Helper()
	if err := mountReadOnly(dir); err == nil {
		t.Cleanup(func() { unmount(dir) })
		return true
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o444)
		if d.IsDir() {
			mode = 0o555
		}
		t.Cleanup(func() { os.Chmod(path, mode|0o200) })
		return os.Chmod(path, mode)
	})
	if err != nil {
		t.Fatal(err)
	}
	return os.Geteuid() != 0 // whom modes don't bind
}
