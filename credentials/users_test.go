package credentials_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestEachUserHasTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	value := func(i int) string { return strings.Repeat("x", i+1) }
	for i, user := range users {
		if err := w.notion.Set(t.Context(), w.store, user, core.String(value(i)), core.IfAbsent()); err != nil {
			t.Fatalf("%.80q: %v", user, err)
		}
	}
	for i, user := range users {
		if got, err := w.notion.Get(t.Context(), w.store, user); err != nil || got.Len() != i+1 {
			t.Errorf("%.80q has another's: %v", user, err)
		}
	}
	got := w.usersOf(t)
	if len(got) != len(users) {
		t.Errorf("%d have one, want %d", len(got), len(users))
	}
	for _, user := range users {
		if !slices.ContainsFunc(got, func(u credentials.User) bool { return u.Is(user) }) {
			t.Errorf("%.80q is not among them", user)
		}
	}
	for i, user := range users {
		if err := w.notion.Delete(t.Context(), w.store, user); err != nil {
			t.Errorf("%.80q: %v", user, err)
		}
		if left := w.usersOf(t); len(left) != len(users)-i-1 {
			t.Fatalf("deleting that of %.80q deletes others", user)
		}
	}
}

func (w *world) usersOf(t *testing.T) (list []credentials.User) {
	t.Helper()
	for user, err := range w.notion.Users(t.Context(), w.store) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, user)
	}
	return list
}

func TestUsersListsWhoHasOneAndReadsNoValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{
		"GITHUB__bob", "GITHUB__bob_CLAIM", "GITHUB__bob_PEND", "GITHUB__carol_PEND", "GITHUB__alice", "GITHUB__alice_CLAIM", "GITHUB", "GITHUB_CLAIM", "GITHUB__",
		"GITHUB__Bob", "GITHUB_x", "GITHUBS__dave", "NOTION__erin", "GITHUB__a/b", "GITHUB___41",
	} {
		w.put(id, "x")
	}
	w.mem.Inject(memory.Fault{Op: "get", Err: core.ErrPermissionDenied})
	w.mem.Inject(memory.Fault{Op: "stat", Err: core.ErrPermissionDenied})
	var got []string
	for user, err := range w.github.Users(t.Context(), w.store) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, user.ID)
	}
	slices.Sort(got)
	if want := []string{"A", "alice", "bob"}; !slices.Equal(got, want) {
		t.Errorf("they are %q, want %q", got, want)
	}
	if calls := w.calls.take(); !slices.Equal(calls, []string{"list"}) {
		t.Errorf("the calls are %q", calls)
	}
	for range w.github.Users(t.Context(), w.store) {
		break // which may be
	}
}

func TestAnErrorOfTheListingIsTheLastPair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("NOTION__alice", "x")
	w.put("NOTION__bob", "x")
	w.mem.Inject(memory.Fault{Op: "list", ID: "NOTION__bob", Err: core.ErrCorrupt})
	var got []credentials.User
	var last error
	for user, err := range w.notion.Users(t.Context(), w.store) {
		if last != nil {
			t.Error("something comes after the error")
		}
		if last = err; err == nil {
			got = append(got, user)
		}
	}
	if len(got) != 1 || got[0].ID != "alice" || last == nil {
		t.Errorf("got %v, %v", got, last)
	}
}

func TestDeletingAUserDeletesEverythingOfTheirsAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	theirs := []string{"NOTION__bob", "SHOP__bob", "GITHUB__bob", "GITHUB__bob_CLAIM", "GITHUB__bob_PEND"}
	others := []string{
		"STRIPE", "BOT", "BOT_CLAIM", "BOT_APP", "GITHUB_APP", "NOTION__alice", "SHOP__alice", "GITHUB__alice", "GITHUB__alice_CLAIM", "GITHUB__alice_PEND",
		"NOTION__bobby", "NOTION__bo", "NOTION", "NOTION__", "GITHUB__", "OTHER__bob",
	}
	for _, id := range slices.Concat(theirs, others) {
		w.put(id, `"x"`)
	}
	w.mem.Inject(memory.Fault{Op: "list", Err: core.ErrPermissionDenied})
	for range 2 { // the second finds nothing, which is no error
		if err := w.store.DeleteUser(t.Context(), "bob", core.Purge()); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range theirs {
		if _, err := w.mem.Get(t.Context(), id); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("%s is still there: %v", id, err)
		}
		if _, err := w.mem.Get(t.Context(), id, core.AtVersion("1")); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("%s can be recovered: %v", id, err)
		}
	}
	for _, id := range others {
		if w.stored(t, id) == "" {
			t.Errorf("%s is gone", id)
		}
	}
	if calls := w.calls.take(); slices.Contains(calls, "list") {
		t.Errorf("the calls are %q", calls)
	}
}

func TestDeletingAUserGoesOnPastFailuresAndTellsThemAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"NOTION__bob", "SHOP__bob", "GITHUB__bob", "GITHUB__bob_CLAIM", "GITHUB__bob_PEND"} {
		w.put(id, "x")
	}
	w.mem.Inject(memory.Fault{Op: "delete", ID: "NOTION__bob", Err: core.ErrUnavailable})
	w.mem.Inject(memory.Fault{Op: "delete", ID: "GITHUB__bob_CLAIM", Err: core.ErrPermissionDenied})
	err := w.store.DeleteUser(t.Context(), "bob")
	for _, want := range []error{core.ErrUnavailable, core.ErrPermissionDenied} {
		if !errors.Is(err, want) {
			t.Errorf("%v is not told: %v", want, err)
		}
	}
	for id, left := range map[string]bool{"NOTION__bob": true, "SHOP__bob": false, "GITHUB__bob": false, "GITHUB__bob_CLAIM": true, "GITHUB__bob_PEND": false} {
		if (w.stored(t, id) != "") != left {
			t.Errorf("%s is there: %t, want %t", id, !left, left)
		}
		if strings.Contains(err.Error(), `"`+id+`"`) != left {
			t.Errorf("the error names %s: %t: %v", id, !left, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.store.DeleteUser(ctx, "bob"); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), `"NOTION__bob"`) {
		t.Errorf("after its end: %v", err)
	}
	if err := w.store.DeleteUser(t.Context(), ""); !errors.Is(err, credentials.ErrNoUser) {
		t.Errorf("nobody: %v", err)
	}
}

func TestDeletingAUserIsNotHinderedByAWrongDeclaration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	credentials.DeclarePerUserIn[string](w.set, credentials.Spec{Name: "wrong", SecretID: "no id"})
	credentials.DeclarePerUserIn[string](w.set, credentials.Spec{Name: "notion", SecretID: "NOTION2"}) // another one has NOTION
	for _, id := range []string{"NOTION__bob", "NOTION2__bob"} {
		w.put(id, "x")
	}
	if err := w.store.DeleteUser(t.Context(), "bob"); err != nil {
		t.Error(err)
	}
	for _, id := range []string{"NOTION__bob", "NOTION2__bob"} {
		if w.stored(t, id) != "" {
			t.Errorf("%s is left", id)
		}
	}
}

func TestUserCredentialsTellsOfAllInOneBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("NOTION__bob", "key")
	w.put("SHOP__bob", `{"apiKey":"`+canary+`"}`)
	statuses, err := w.store.UserCredentials(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range statuses {
		got = append(got, s.Name+" "+s.ID+" "+string(s.State))
		if s.User != "bob" || s.ConnectURL != "https://app.example.com/credentials/"+s.Name {
			t.Errorf("%+v", s)
		}
	}
	if want := []string{"notion NOTION__bob ok", "shop SHOP__bob invalid", "github GITHUB__bob missing"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if calls := w.calls.take(); !slices.Equal(calls, []string{"get many GITHUB__bob,NOTION__bob,SHOP__bob"}) {
		t.Errorf("the calls are %q", calls)
	}
	missing, err := w.store.MissingFor(t.Context(), "carol") // shop is optional
	if err != nil || len(missing) != 2 || missing[0].Name != "notion" || missing[1].Name != "github" || !errors.Is(missing[1].Err, oauth2.ErrNotConnected) {
		t.Errorf("missing are %+v, %v", missing, err)
	}
	if calls := w.calls.take(); len(calls) != 1 {
		t.Errorf("the calls are %q", calls)
	}
}

func TestWhatCouldNotBeToldIsNotMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mem.Inject(memory.Fault{ID: "NOTION__bob", Err: core.ErrPermissionDenied})
	statuses, err := w.store.UserCredentials(t.Context(), "bob")
	if !errors.Is(err, core.ErrPermissionDenied) || statuses[0].State != credentials.StateUnknown || statuses[2].State != credentials.StateMissing {
		t.Errorf("got %+v, %v", statuses, err)
	}
	missing, err := w.store.MissingFor(t.Context(), "bob")
	if !errors.Is(err, core.ErrPermissionDenied) || len(missing) != 1 || missing[0].Name != "github" {
		t.Errorf("missing are %+v, %v", missing, err)
	}
	w.mem.Inject(memory.Fault{Err: core.ErrUnavailable})
	statuses, err = w.store.UserCredentials(t.Context(), "bob")
	if !errors.Is(err, core.ErrUnavailable) || len(statuses) != 3 || statuses[2].State != credentials.StateUnknown {
		t.Errorf("got %+v, %v", statuses, err)
	}
	if missing, err := w.store.Missing(t.Context()); !errors.Is(err, core.ErrUnavailable) || len(missing) != 0 {
		t.Errorf("missing are %+v, %v", missing, err)
	}
}

func TestWhatIsRequiredElsewhereIsNotMissingHere(t *testing.T) {
	t.Parallel()
	for environment, want := range map[string]int{"production": 1, "test": 0} {
		set := newSet()
		credentials.DeclarePerUserIn[string](set, credentials.Spec{Name: "a", SecretID: "A", RequiredIn: []string{"production"}})
		store, err := credentials.New(credentials.Config{Secrets: memory.New(memory.Config{}), Set: set, Environment: environment})
		if err != nil {
			t.Fatal(err)
		}
		missing, err := store.MissingFor(t.Context(), "bob")
		if err != nil || len(missing) != want {
			t.Errorf("%s: %+v, %v", environment, missing, err)
		}
	}
}
