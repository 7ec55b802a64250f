package file_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

func TestNamesAreTheIDsWithWhatWindowsReservesEscaped(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"STRIPE_CREDENTIALS":     "secrets/STRIPE_CREDENTIALS.age",
		"shop/db":                "secrets/shop/db.age",
		"a-b.c+d=e@f":            "secrets/a-b.c+d=e@f.age",
		"arn:aws:x":              "secrets/arn%3Aaws%3Ax.age",
		"CON":                    "secrets/%43ON.age",
		"con.txt/x":              "secrets/%63on.txt/x.age",
		"x/lpt1":                 "secrets/x/%6Cpt1.age",
		"COM":                    "secrets/COM.age",
		"COM10":                  "secrets/COM10.age",
		"console":                "secrets/console.age",
		".git/config":            "secrets/%2Egit/config.age",
		".hidden":                "secrets/%2Ehidden.age",
		"...":                    "secrets/%2E...age",
		"a./b":                   "secrets/a%2E/b.age",
		"a.":                     "secrets/a..age",
		"key.age":                "secrets/key.age.age",
		"key.age/b":              "secrets/key%2Eage/b.age",
		"key.AGE/b":              "secrets/key%2EAGE/b.age",
		".age/b":                 "secrets/%2Eage/b.age",
		strings.Repeat("x", 200): "secrets/" + strings.Repeat("x", 200) + ".age",
	} {
		got, err := file.PathOf(id)
		if err != nil || got != want {
			t.Errorf("the file of %q is %q, %v; want %q", id, got, err, want)
			continue
		}
		segments := strings.Split(strings.TrimSuffix(strings.TrimPrefix(got, "secrets/"), ".age"), "/")
		for i, s := range segments {
			back, ok := file.IDOf(s, i < len(segments)-1)
			if segments[i] = back; !ok {
				t.Errorf("the name %q has no id", s)
			}
		}
		if back := strings.Join(segments, "/"); back != id {
			t.Errorf("the file of %q is that of %q", id, back)
		}
	}
	for _, id := range []string{strings.Repeat("x", 201), "a/" + strings.Repeat("x", 201), strings.Repeat(":", 67), "a" + strings.Repeat(":", 67) + "/b"} {
		_, err := file.PathOf(id)
		wantKind(t, err, core.ErrInvalidID, "200 bytes")
	}
	for _, name := range []string{"", "%", "%4", "%41", "%zz", "%3a", "a:b", "CON", ".x", "%2F", "%25", "a b", "%2E%2E"} {
		if id, ok := file.IDOf(name, false); ok {
			t.Errorf("the name %q is that of %q, want of none", name, id)
		}
	}
}

func TestEveryLegalKindOfIDIsHeldByItsOwnName(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	ids := []string{
		"A", "A.age", "A.age/B", "A/B", "A/1-aaaaaaaaaaaaaaaa", "A/1-aaaaaaaaaaaaaaaa.age", "NUL", "aux/prn", ".tmp", ".lock",
		".git/HEAD", "a:b:c", "x.", "x./y", "recipients.txt", "-rf", "=", "@",
	}
	for _, id := range ids {
		set(t, s, id, "first of "+id)
		set(t, s, id, "value of "+id)
	}
	for _, id := range ids {
		wantValue(t, s, id, "value of "+id)
		if got := versions(t, s, id); len(got) != 2 {
			t.Errorf("%s has the versions %q, want two", id, got)
		}
	}
	want := slices.Sorted(slices.Values(ids))
	if got := list(t, s, ""); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("List yields %q, want %q", got, want)
	}
	if got := list(t, s, "A/"); len(got) != 3 {
		t.Errorf("List of a prefix yields %q", got)
	}
	if got := list(t, s, "A."); len(got) != 2 {
		t.Errorf("List of a prefix within a segment yields %q", got)
	}
	for _, id := range ids {
		if err := s.Delete(t.Context(), id, core.Purge()); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(s.Dir(), "secrets")); err != nil || len(entries) != 0 {
		t.Errorf("after all was purged there is %v, %v", entries, err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("Check finds %+v, %v", found, err)
	}
}

func TestAnIDThatDiffersOnlyByCaseIsRefused(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	set(t, s, "Shop/Db", "x")
	set(t, s, "CON", "x")
	set(t, s, "gone", "x")
	if err := s.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	for id, twin := range map[string]string{"shop/x": "Shop", "Shop/DB": "Shop/Db", "SHOP/Db": "Shop", "con": "CON", "Gone": "gone"} {
		_, err := s.Set(t.Context(), id, core.String("y"))
		wantKind(t, err, core.ErrInvalidID, "differs only by case from "+twin)
	}
	for _, id := range []string{"Shop/other", "Shop", "gone", "shopping"} {
		set(t, s, id, "y")
	}
	if err := s.Delete(t.Context(), "gone", core.Purge()); err != nil {
		t.Fatal(err)
	}
	set(t, s, "Gone", "y")
}

func TestTemporaryFilesAreNeverListedAndAreClearedByTheNextWriter(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	set(t, s, "A", "one")
	// As a crash may leave it: a second name of what is current.
	temp := filepath.Join(s.Dir(), ".tmp")
	if err := os.Link(filepath.Join(s.Dir(), "secrets", "A.age"), temp); err != nil {
		t.Fatal(err)
	}
	if got := list(t, s, ""); len(got) != 1 {
		t.Errorf("List yields %q", got)
	}
	set(t, s, "B", "two")
	if _, err := os.Lstat(temp); err == nil {
		t.Error("the next writer left the temporary file")
	}
	wantValue(t, s, "A", "one")
}

func TestLinksAreNotFollowedByWrites(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(s.Dir(), "secrets", "shop")); err != nil {
		t.Fatal(err)
	}
	_, err := s.Set(t.Context(), "shop/db", core.String("x"))
	wantKind(t, err, core.ErrCorrupt, "link")
	if entries, _ := os.ReadDir(outside); len(entries) != 0 {
		t.Errorf("a write went through a link: %v", entries)
	}
}
