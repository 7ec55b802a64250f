package vault_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/vaulttest"
)

func mustSet(t testing.TB, store *core.Store, id, text string, opts ...core.SetOption) core.Info {
	t.Helper()
	info, err := store.Set(t.Context(), id, core.String(text), opts...)
	if err != nil {
		t.Fatalf("Set of %s: %v", id, err)
	}
	return info
}

func wantKind(t testing.TB, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

func wantText(t testing.TB, what string, store *core.Store, id, text string, opts ...core.GetOption) {
	t.Helper()
	if s, err := store.Get(t.Context(), id, opts...); err != nil || s.Value.Reveal() != text {
		t.Errorf("%s: another value, or %v", what, err)
	}
}

func v2Store(t testing.TB) (vaulttest.KV, *core.Store) {
	t.Helper()
	kv := vaulttest.Shared(t).MountKV(t, 2)
	return kv, rootStore(t, kv)
}

func TestVersionsHaveOneNameAndVaultsNumberIsAnother(t *testing.T) {
	t.Parallel()
	kv, store := v2Store(t)
	var set []string
	for _, text := range []string{"one", "two", "three"} {
		set = append(set, mustSet(t, store, "a", text).Version)
	}
	names := versionsOf(t, store, "a")
	slices.Reverse(names)
	if !slices.Equal(names, set) {
		t.Errorf("Versions names %q, Set named %q", names, set)
	}
	for i, text := range []string{"one", "two", "three"} {
		for _, name := range []string{set[i], string(rune('1' + i))} {
			s, err := store.Get(t.Context(), "a", core.AtVersion(name))
			if err != nil || s.Value.Reveal() != text || s.Version != set[i] {
				t.Errorf("AtVersion(%q) is version %q, want %q, %v", name, s.Version, set[i], err)
			}
			info, err := store.Stat(t.Context(), "a", core.AtVersion(name))
			if err != nil || info.Version != set[i] || !info.Created.Equal(s.Created) {
				t.Errorf("Stat of version %q is %q, want %q, %v", name, info.Version, set[i], err)
			}
		}
	}
	for _, name := range []string{"0", "-1", "03", "4", "3-", "3-0", "x", "v3", "+3", "3.0", "99999999999999999999", set[0][:2] + set[1][2:], set[2] + "0"} {
		_, err := store.Get(t.Context(), "a", core.AtVersion(name))
		wantKind(t, "Get of version "+name, err, core.ErrNotFound)
		_, err = store.Stat(t.Context(), "a", core.AtVersion(name))
		wantKind(t, "Stat of version "+name, err, core.ErrNotFound)
		if name != "3" {
			_, err = store.Set(t.Context(), "a", core.String("never"), core.IfVersion(name))
			wantKind(t, "IfVersion "+name, err, core.ErrConflict)
		}
	}
	if n := kv.Metadata(t, "a").Int("data", "current_version"); n != 3 {
		t.Errorf("there are %d versions", n)
	}
	info := mustSet(t, store, "a", "four", core.IfVersion("3"))
	if !strings.HasPrefix(info.Version, "4-") {
		t.Errorf("IfVersion of Vault's own number made %q", info.Version)
	}
}

func TestDeletesCanBeUndoneAndAreTold(t *testing.T) {
	t.Parallel()
	kv, store := v2Store(t)
	first := mustSet(t, store, "a", "one")
	second := mustSet(t, store, "a", "two")
	if err := store.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	for when, err := range map[string]error{
		"Get after a delete":      read(t, store, "a"),
		"Delete of the deleted":   store.Delete(t.Context(), "a"),
		"Delete of what never is": store.Delete(t.Context(), "never"),
		"Purge of what never is":  store.Delete(t.Context(), "never", core.Purge()),
	} {
		wantKind(t, when, err, core.ErrNotFound)
	}
	if err := read(t, store, "a"); !hasHint(err, "vault kv undelete -versions=2") {
		t.Errorf("the error does not say how to undo it: %v", err)
	}
	for _, err := range store.Versions(t.Context(), "a") {
		wantKind(t, "Versions after a delete", err, core.ErrNotFound)
	}
	wantText(t, "an earlier version after a delete", store, "a", "one", core.AtVersion(first.Version))
	if n := kv.Metadata(t, "a").Int("data", "current_version"); n != 2 {
		t.Errorf("the second delete made version %d", n)
	}

	kv.Undelete(t, "a", 2)
	wantText(t, "after it was undeleted", store, "a", "two")
	if info, err := store.Stat(t.Context(), "a"); err != nil || info.Version != second.Version {
		t.Errorf("after it was undeleted it has version %q, had %q, %v", info.Version, second.Version, err)
	}

	kv.Destroy(t, "a", 1)
	_, err := store.Get(t.Context(), "a", core.AtVersion(first.Version))
	wantKind(t, "a destroyed version", err, core.ErrNotFound)
	if !hasHint(err, "destroyed") {
		t.Errorf("the error does not say that it was destroyed: %v", err)
	}
	if got := versionsOf(t, store, "a"); !slices.Equal(got, []string{second.Version}) {
		t.Errorf("with a destroyed version, Versions is %q", got)
	}
	kv.Destroy(t, "a", 2)
	wantKind(t, "Get of what is destroyed", read(t, store, "a"), core.ErrNotFound)
	wantKind(t, "Delete of what is destroyed", store.Delete(t.Context(), "a"), core.ErrNotFound)
	third := mustSet(t, store, "a", "three", core.IfAbsent())
	if !strings.HasPrefix(third.Version, "3-") {
		t.Errorf("after a destroyed one comes %q", third.Version)
	}

	if err := store.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(t.Context(), "a", core.Purge()); err != nil {
		t.Errorf("Purge of the deleted: %v", err)
	}
	if got := kv.Metadata(t, "a").Status; got != 404 {
		t.Errorf("after a purge the metadata answers %d", got)
	}
}

func TestIfAbsentAfterADeleteNamesTheDeletedVersion(t *testing.T) {
	t.Parallel()
	kv, store := v2Store(t)
	mustSet(t, store, "a", "one")
	mustSet(t, store, "a", "two")
	kv.Delete(t, "a")
	info := mustSet(t, store, "a", "three", core.IfAbsent())
	if !strings.HasPrefix(info.Version, "3-") {
		t.Errorf("it made %q, want the third version", info.Version)
	}
	_, err := store.Set(t.Context(), "a", core.String("four"), core.IfAbsent())
	wantKind(t, "IfAbsent of what is there", err, core.ErrConflict)
	wantText(t, "after a conflict", store, "a", "three")
	// An undelete of an earlier version brings nothing back that is current.
	kv.Undelete(t, "a", 2)
	wantText(t, "after an earlier version was undeleted", store, "a", "three")
}

func TestIfVersionOfADeletedVersionConflicts(t *testing.T) {
	t.Parallel()
	kv, store := v2Store(t)
	info := mustSet(t, store, "a", "one")
	kv.Delete(t, "a")
	for _, name := range []string{info.Version, "1"} {
		_, err := store.Set(t.Context(), "a", core.String("two"), core.IfVersion(name))
		wantKind(t, "IfVersion "+name+" after a delete", err, core.ErrConflict)
	}
	if n := kv.Metadata(t, "a").Int("data", "current_version"); n != 1 {
		t.Errorf("it made version %d", n)
	}
	kv.Undelete(t, "a", 1)
	mustSet(t, store, "a", "two", core.IfVersion(info.Version))
}

// Vault's numbers start again after a purge, and Vault compares nothing else.
func TestAVersionOfBeforeAPurgeNamesNothingAfterIt(t *testing.T) {
	t.Parallel()
	kv, store := v2Store(t)
	mustSet(t, store, "a", "one")
	before := mustSet(t, store, "a", "two")
	if err := store.Delete(t.Context(), "a", core.Purge()); err != nil {
		t.Fatal(err)
	}
	_, err := store.Set(t.Context(), "a", core.String("never"), core.IfVersion(before.Version))
	wantKind(t, "IfVersion after a purge", err, core.ErrConflict)
	mustSet(t, store, "a", "another one")
	after := mustSet(t, store, "a", "another two")
	if before.Version == after.Version || before.Version[:2] != "2-" || after.Version[:2] != "2-" {
		t.Fatalf("the versions are %q and %q: not of one number, or not told apart", before.Version, after.Version)
	}
	_, err = store.Set(t.Context(), "a", core.String("never"), core.IfVersion(before.Version))
	wantKind(t, "IfVersion of the same number after a purge", err, core.ErrConflict)
	_, err = store.Get(t.Context(), "a", core.AtVersion(before.Version))
	wantKind(t, "Get of the version of before", err, core.ErrNotFound)
	_, err = store.Stat(t.Context(), "a", core.AtVersion(before.Version))
	wantKind(t, "Stat of the version of before", err, core.ErrNotFound)
	if n := kv.Metadata(t, "a").Int("data", "current_version"); n != 2 {
		t.Errorf("there are %d versions, want 2", n)
	}
	wantText(t, "in the end", store, "a", "another two")
}
