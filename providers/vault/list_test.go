package vault_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// listed are the ids of a listing without an error, sorted.
func listed(t testing.TB, store *core.Store, prefix string) []string {
	t.Helper()
	var ids []string
	for info, err := range store.List(t.Context(), prefix) {
		if err != nil {
			t.Errorf("List: %v", err)
			break
		}
		ids = append(ids, info.ID)
	}
	slices.Sort(ids)
	return ids
}

func versionsOf(t testing.TB, store *core.Store, id string) []string {
	t.Helper()
	var names []string
	for info, err := range store.Versions(t.Context(), id) {
		if err != nil {
			t.Errorf("Versions: %v", err)
			break
		}
		names = append(names, info.Version)
	}
	return names
}

func TestListGoesThroughFoldersFromThatOfThePrefix(t *testing.T) {
	overEngines(t, func(t *testing.T, kv vaulttest.KV, store *core.Store) {
		all := []string{"a", "a/b", "a/b/c/d/e/f/g/h", "a/bc", "a/bc/d", "ab", "ab/c", "b/a"}
		for _, id := range all {
			kv.Put(t, id, map[string]any{"k": "v"})
		}
		for prefix, want := range map[string][]string{
			"":          all,
			"a":         {"a", "a/b", "a/b/c/d/e/f/g/h", "a/bc", "a/bc/d", "ab", "ab/c"},
			"a/":        {"a/b", "a/b/c/d/e/f/g/h", "a/bc", "a/bc/d"},
			"a/b":       {"a/b", "a/b/c/d/e/f/g/h", "a/bc", "a/bc/d"},
			"a/b/":      {"a/b/c/d/e/f/g/h"},
			"a/b/c/d/e": {"a/b/c/d/e/f/g/h"},
			"a/bc/d":    {"a/bc/d"},
			"a/bcd":     nil,
			"c/":        nil,
		} {
			if got := listed(t, store, prefix); !slices.Equal(got, want) {
				t.Errorf("List(%q) is %q, want %q", prefix, got, want)
			}
		}
	})
}

func TestListLeavesOutWhatIsDeleted(t *testing.T) {
	t.Parallel()
	kv := vaulttest.Shared(t).MountKV(t, 2)
	store := rootStore(t, kv)
	for _, id := range []string{"deleted", "destroyed", "f/deleted", "there", "undeleted", "old-deleted"} {
		kv.Put(t, id, map[string]any{"k": "v"})
	}
	kv.Put(t, "old-deleted", map[string]any{"k": "w"})
	kv.Delete(t, "deleted")
	kv.Delete(t, "f/deleted")
	kv.Destroy(t, "destroyed", 1)
	kv.Delete(t, "undeleted")
	kv.Undelete(t, "undeleted", 1)
	kv.Delete(t, "old-deleted", 1)
	if got, want := listed(t, store, ""), []string{"old-deleted", "there", "undeleted"}; !slices.Equal(got, want) {
		t.Errorf("List is %q, want %q", got, want)
	}
}

func TestAFolderThatMayNotBeListedHidesNoOther(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for _, version := range []int{2, 1} {
		kv := srv.MountKV(t, version)
		for _, id := range []string{"a", "closed/x", "closed/deep/y", "m/closed/z", "m/open", "z"} {
			kv.Put(t, id, map[string]any{"k": "v"})
		}
		base := kv.Mount + "/"
		if version == 2 {
			base += "metadata/"
		}
		rules := readmePolicy("reader", kv, "")
		for _, folder := range []string{"closed/", "closed", "closed/*", "m/closed/", "m/closed", "m/closed/*"} {
			rules += fmt.Sprintf("\npath %q { capabilities = [\"deny\"] }", base+folder)
		}
		store := storeOf(t, kv, srv.Token(t, vaulttest.Role{Policies: []string{srv.Policy(t, rules)}}))
		var ids []string
		var last error
		for info, err := range store.List(t.Context(), "") {
			if last != nil {
				t.Error("something comes after an error")
			}
			if last = err; err == nil {
				ids = append(ids, info.ID)
			}
		}
		slices.Sort(ids)
		if want := []string{"a", "m/open", "z"}; !slices.Equal(ids, want) {
			t.Errorf("KV version %d: List is %q, want %q", version, ids, want)
		}
		batch := (*core.BatchError)(nil)
		if !errors.As(last, &batch) || len(batch.ByID) != 2 ||
			!errors.Is(batch.ByID["closed"], core.ErrPermissionDenied) || !errors.Is(batch.ByID["m/closed"], core.ErrPermissionDenied) {
			t.Errorf("KV version %d: List ends in %v", version, last)
		}
	}
}

func TestListNeedsNoRightAboveTheFolderOfItsPrefix(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for _, version := range []int{2, 1} {
		kv := srv.MountKV(t, version)
		for _, id := range []string{"app/shop/a", "app/shop/b/c", "app/other"} {
			kv.Put(t, id, map[string]any{"k": "v"})
		}
		store := storeOf(t, kv, srv.Token(t, vaulttest.Role{Policies: []string{srv.Policy(t, readmePolicy("reader", kv, "app/shop/"))}}))
		if got, want := listed(t, store, "app/shop/"), []string{"app/shop/a", "app/shop/b/c"}; !slices.Equal(got, want) {
			t.Errorf("KV version %d: List is %q, want %q", version, got, want)
		}
		if got := listed(t, core.Prefix(store, "app/shop/"), ""); len(got) != 2 {
			t.Errorf("KV version %d: List under a prefix is %q", version, got)
		}
		for _, err := range store.List(t.Context(), "app/") {
			if !errors.Is(err, core.ErrPermissionDenied) {
				t.Errorf("KV version %d: List above what is allowed: %v", version, err)
			}
		}
	}
}

func TestListLeavesOutKeysThatAreNoIDs(t *testing.T) {
	overEngines(t, func(t *testing.T, kv vaulttest.KV, store *core.Store) {
		putEscaped := func(path string) {
			body := map[string]any{"k": "v"}
			at := kv.Mount + "/" + path
			if kv.Version == 2 {
				at, body = kv.Mount+"/data/"+path, map[string]any{"data": body}
			}
			if r := kv.Server().Do(t, http.MethodPut, at, body); r.Status != http.StatusOK && r.Status != http.StatusNoContent {
				t.Logf("the server does not take %q: %d", path, r.Status)
			}
		}
		for _, path := range []string{"a", "a%20b", "%C3%A4", "a%25b", "a%3Fb", "a%23b", "a%2A", "f%20g/x", "f/y%20z", "f/y", "a%26b", "a%5Cb"} {
			putEscaped(path)
		}
		if got, want := listed(t, store, ""), []string{"a", "f/y"}; !slices.Equal(got, want) {
			t.Errorf("List is %q, want %q", got, want)
		}
	})
}

func TestListOfThreeThousandSecrets(t *testing.T) {
	overEngines(t, func(t *testing.T, kv vaulttest.KV, _ *core.Store) {
		const n = 3000
		store := providertest.Closed(t, open(t, vault.Config{Mount: kv.Mount, Lookup: as(kv.Server().Address, kv.Server().RootToken).lookup}))
		var want []string
		todo := make(chan string, n)
		for i := range n {
			id := fmt.Sprintf("p%d", i)
			if i%3 == 0 {
				id = fmt.Sprintf("f%d/%d", i%100, i)
			}
			want = append(want, id)
			todo <- id
		}
		close(todo)
		done := make(chan error)
		for range 16 {
			go func() {
				var failed error
				for id := range todo {
					if _, err := store.Set(t.Context(), id, core.String("v")); err != nil {
						failed = err
					}
				}
				done <- failed
			}()
		}
		for range 16 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		slices.Sort(want)
		if got := listed(t, store, ""); !slices.Equal(got, want) {
			t.Errorf("List has %d secrets, want %d, each once", len(got), n)
		}
	})
}
