package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

const oneBatch = "get many GITHUB__bob,NOTION__bob,SHOP__bob"

// bobs stores what bob has.
func (w *world) bobs() {
	w.put("NOTION__bob", "bobs")
	w.put("SHOP__bob", `{"apiKey":"sk_bobs"}`)
	w.put("GITHUB__bob", token("bobs"))
}

func TestARequestReadsAllOfItsUserInOneBatchWhenTheFirstIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobs()
	ctx := credentials.WithUser(t.Context(), w.store, "bob")
	if calls := w.calls.take(); len(calls) > 0 {
		t.Errorf("before something is asked for: %q", calls)
	}
	var readers sync.WaitGroup
	for range 50 {
		readers.Go(func() {
			key, err := w.notion.FromContext(ctx)
			if err != nil || key.Reveal() != "bobs" {
				t.Errorf("a key: %v", err)
			}
			keys, err := w.shop.FromContext(ctx)
			if err != nil || keys.APIKey.Reveal() != "sk_bobs" {
				t.Errorf("a document: %v", err)
			}
			tok, err := w.github.FromContext(ctx)
			if err != nil || tok.AccessToken.Reveal() != "bobs" {
				t.Errorf("a token: %v", err)
			}
			if err := request(ctx)(w.notion.HTTPFromContext(ctx)); err != nil {
				t.Error(err)
			}
		})
	}
	readers.Wait()
	if calls := w.calls.take(); !slices.Equal(calls, []string{oneBatch}) {
		t.Errorf("the calls are %q", calls)
	}
	for _, got := range w.api.take() {
		if got != "api.example.com: Bearer bobs" {
			t.Errorf("sent is %q", got)
		}
	}
}

func TestWhatIsGivenWinsForThisRequestAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobs()
	outer := credentials.WithUser(t.Context(), w.store, "bob")
	ctx := credentials.WithUser(t.Context(), w.store, "bob", w.notion.Given(core.String("given")), w.github.Given(oauth2.Token{AccessToken: core.String("given")}))
	key, err := w.notion.FromContext(ctx)
	if err != nil || key.Reveal() != "given" {
		t.Errorf("a key: %v", err)
	}
	tok, err := w.github.FromContext(ctx)
	if err != nil || tok.AccessToken.Reveal() != "given" {
		t.Errorf("a token: %v", err)
	}
	for name, err := range map[string]error{"key": request(ctx)(w.notion.HTTPFromContext(ctx)), "token": request(ctx)(w.github.HTTPFromContext(ctx))} {
		if got := w.api.take(); err != nil || len(got) > 0 && slices.ContainsFunc(got, func(s string) bool { return s != "api.example.com: Bearer given" }) {
			t.Errorf("%s: sent is %q, %v", name, got, err)
		}
	}
	if calls := w.calls.take(); len(calls) > 0 {
		t.Errorf("what is given is read: %q", calls)
	}
	keys, err := w.shop.FromContext(ctx)
	if err != nil || keys.APIKey.Reveal() != "sk_bobs" {
		t.Errorf("what is not given: %v", err)
	}
	if calls := w.calls.take(); !slices.Equal(calls, []string{"get many SHOP__bob"}) {
		t.Errorf("the calls are %q", calls)
	}
	if key, err := w.notion.FromContext(outer); err != nil || key.Reveal() != "bobs" {
		t.Errorf("another request: %v", err)
	}
	if got := w.stored(t, "NOTION__bob"); got != "bobs" {
		t.Error("what is given is stored")
	}
}

func TestWhatIsGivenAndInvalidIsNoReasonToTakeTheStoredOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobs()
	ctx := credentials.WithUser(t.Context(), w.store, "bob",
		w.notion.Given(core.Value{}), w.shop.Given(stripeKeys{APIKey: core.String(canary)}), w.github.Given(oauth2.Token{}), credentials.Given{})
	_, key := w.notion.FromContext(ctx)
	_, keys := w.shop.FromContext(ctx)
	_, tok := w.github.FromContext(ctx)
	for name, err := range map[string]error{"key": key, "document": keys, "token": tok, "request": request(ctx)(w.github.HTTPFromContext(ctx))} {
		if !errors.Is(err, core.ErrInvalidValue) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsGivenForAnotherCredentialIsNotThisOne(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	ctx := credentials.WithUser(t.Context(), w.store, "bob", other.notion.Given(core.String("another set's")), w.shop.Given(stripeKeys{APIKey: core.String("sk_1")}))
	if key, err := w.notion.FromContext(ctx); !errors.Is(err, core.ErrNotFound) || !key.IsZero() {
		t.Errorf("got %v", err)
	}
}

func TestAnotherUserReplacesTheOneBeforeWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobs()
	w.put("SHOP__alice", `{"apiKey":"sk_alices"}`)
	outer := credentials.WithUser(t.Context(), w.store, "bob", w.notion.Given(core.String("given")))
	if _, err := w.shop.FromContext(outer); err != nil {
		t.Fatal(err)
	}
	inner := credentials.WithUser(outer, w.store, "alice")
	if keys, err := w.shop.FromContext(inner); err != nil || keys.APIKey.Reveal() != "sk_alices" {
		t.Errorf("the new user has not their own: %v", err)
	}
	var missing *credentials.MissingError
	if key, err := w.notion.FromContext(inner); !errors.As(err, &missing) || missing.User != "alice" || !key.IsZero() {
		t.Errorf("what was given to the one before: %v", err)
	}
	if tok, err := w.github.FromContext(inner); !errors.Is(err, oauth2.ErrNotConnected) || !tok.AccessToken.IsZero() {
		t.Errorf("what the one before has: %v", err)
	}
	if keys, err := w.shop.FromContext(outer); err != nil || keys.APIKey.Reveal() != "sk_bobs" {
		t.Errorf("the one before: %v", err)
	}
}

func TestAReaderThatGivesUpFailsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobs()
	ctx := credentials.WithUser(t.Context(), w.store, "bob")
	arrived := make(chan struct{}, 1)
	w.calls.on("get many", func() { arrived <- struct{}{} })
	remove := w.mem.Inject(memory.Fault{Op: "get", Hold: make(chan struct{})}) // until its context ends
	first, giveUp := context.WithCancel(ctx)
	failed := make(chan error)
	go func() {
		_, err := w.notion.FromContext(first)
		failed <- err
	}()
	<-arrived
	// Another waits for it, and gives up too.
	waiting, stop := context.WithCancel(ctx)
	stop()
	if _, err := w.notion.FromContext(waiting); !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrNotFound) {
		t.Errorf("one that waits: %v", err)
	}
	got := make(chan error)
	go func() {
		key, err := w.notion.FromContext(ctx)
		if err == nil && key.Reveal() != "bobs" {
			err = errors.New("another key")
		}
		got <- err
	}()
	remove()
	giveUp()
	if err := <-failed; !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrNotFound) {
		t.Errorf("the one that gave up: %v", err)
	}
	if err := <-got; err != nil {
		t.Errorf("the other: %v", err)
	}
	w.calls.take()
	if _, err := w.shop.FromContext(ctx); err != nil || len(w.calls.take()) > 0 {
		t.Errorf("it is read again: %v", err)
	}
}

func TestAReaderThatGivesUpWithinTheBatchFailsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobs()
	ctx := credentials.WithUser(t.Context(), w.store, "bob")
	first, giveUp := context.WithCancel(ctx)
	// The others of the batch are read when the context ends, and this one is not.
	remove := w.mem.Inject(memory.Fault{Op: "get", ID: "NOTION__bob", Hold: make(chan struct{})})
	w.calls.on("get many", giveUp)
	if _, err := w.notion.FromContext(first); !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrNotFound) {
		t.Errorf("the one that gave up: %v", err)
	}
	remove()
	if key, err := w.notion.FromContext(ctx); err != nil || key.Reveal() != "bobs" {
		t.Errorf("the other: %v", err)
	}
}

func TestAStoreThatFailsIsAskedAgainAndOneIDFailsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobs()
	ctx := credentials.WithUser(t.Context(), w.store, "bob")
	remove := w.mem.Inject(memory.Fault{Op: "get", Err: core.ErrUnavailable})
	for range 2 {
		if _, err := w.notion.FromContext(ctx); !errors.Is(err, core.ErrUnavailable) || errors.Is(err, core.ErrNotFound) {
			t.Errorf("while it fails: %v", err)
		}
	}
	remove()
	w.mem.Inject(memory.Fault{Op: "get", ID: "SHOP__bob", Err: core.ErrPermissionDenied})
	if _, err := w.notion.FromContext(ctx); err != nil {
		t.Errorf("after that: %v", err)
	}
	if _, err := w.shop.FromContext(ctx); !errors.Is(err, core.ErrPermissionDenied) || errors.Is(err, core.ErrNotFound) {
		t.Errorf("the one that is denied: %v", err)
	}
}

func TestATokenThatEndsIsRefreshedAndAGivenOneIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("GITHUB_APP", `{"clientId":"id","clientSecret":"secret"}`)
	ended := `{"accessToken":"old","refreshToken":"spent-0","expiresAt":"2020-01-01T00:00:00Z"}`
	w.put("GITHUB__bob", ended)
	ctx := credentials.WithUser(t.Context(), w.store, "bob")
	tok, err := w.github.FromContext(ctx)
	if err != nil || tok.AccessToken.Reveal() != "access-1" || !strings.Contains(w.stored(t, "GITHUB__bob"), "access-1") {
		t.Errorf("the stored one: %v", err)
	}
	if again, err := w.github.FromContext(ctx); err != nil || again.AccessToken.Reveal() != "access-1" || w.api.refreshs.Load() != 1 {
		t.Errorf("again: %v after %d refreshes", err, w.api.refreshs.Load())
	}
	given := oauth2.Token{AccessToken: core.String("given"), ExpiresAt: tok.ConnectedAt}
	given.ExpiresAt.Time = given.ExpiresAt.AddDate(2000, 0, 0)
	ctx = credentials.WithUser(t.Context(), w.store, "bob", w.github.Given(given))
	if tok, err := w.github.FromContext(ctx); err != nil || tok.AccessToken.Reveal() != "given" || w.api.refreshs.Load() != 1 {
		t.Errorf("a given one: %v after %d refreshes", err, w.api.refreshs.Load())
	}
}

func TestWhatIsDeclaredAfterTheBatchIsReadByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bobs()
	w.put("LATER__bob", "later")
	ctx := credentials.WithUser(t.Context(), w.store, "bob")
	if _, err := w.notion.FromContext(ctx); err != nil {
		t.Fatal(err)
	}
	later := credentials.DeclarePerUserIn[string](w.set, credentials.Spec{Name: "later", SecretID: "LATER"})
	if got, err := later.FromContext(ctx); err != nil || got != "later" {
		t.Errorf("got %v", err)
	}
	other := credentials.DeclarePerUserIn[string](w.set, credentials.Spec{Name: "other", SecretID: "OTHER"})
	if _, err := other.FromContext(ctx); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestAContextOfAUserShowsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	given := w.notion.Given(core.String(canary))
	w.put("SHOP__bob", `{"apiKey":"sk_`+canary+`"}`)
	ctx := credentials.WithUser(t.Context(), w.store, "bob", given)
	if _, err := w.shop.FromContext(ctx); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if shown := fmt.Sprintf(verb+verb, given, ctx); strings.Contains(shown, canary) {
			t.Errorf("%s shows it", verb)
		}
	}
}
