package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestAProviderThatIsNotConfiguredIsToldAndTheOthersWork(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	a := b.postJSON(pages+"/unset/connect", nil)
	b.wantRefused(a, http.StatusServiceUnavailable, "not_configured")
	if !strings.Contains(a.body, "UNSET_APP") || len(a.Cookies()) != 0 {
		t.Errorf("it does not say what to set, or leaves a cookie: %s", a.body)
	}
	if a := b.post(pages+"/unset/connect", nil); !strings.Contains(a.body, "Unset &amp; Co is not set up") {
		t.Errorf("the page: %s", a.body)
	}
	if e := w.lastEvent(); e.Kind != credentials.HandlerFailed || e.Code != "not_configured" || e.Err == nil || !strings.Contains(e.Err.Error(), "UNSET_APP") {
		t.Errorf("the hook was told %+v", e)
	}
	if a := b.getJSON(pages + "/unset/status"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"connected":false`) {
		t.Errorf("its status: %d, %s", a.StatusCode, a.body)
	}
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Errorf("another: status %d", a.StatusCode)
	}

	w.set("UNSET_APP", `{"clientId":"x","clientSecret":"canary"`)
	a = b.postJSON(pages+"/unset/connect", nil)
	b.wantRefused(a, http.StatusServiceUnavailable, "misconfigured")
	if !strings.Contains(a.body, "UNSET_APP") || strings.Contains(a.body+w.lastEvent().Err.Error(), "canary") {
		t.Errorf("it does not say what is wrong, or more than that: %s", a.body)
	}
	w.set("UNSET_APP", fmt.Sprintf(`{"clientId":%q,"clientSecret":%q}`, w.github.clientID, "wrong"))
	a = b.getJSON(b.begin("unset", ""))
	b.wantRefused(a, http.StatusServiceUnavailable, "misconfigured")
	w.github.leaks(t, "a refused client", a.body+w.lastEvent().Err.Error())

	w.set("UNSET_APP", fmt.Sprintf(`{"clientId":%q,"clientSecret":%q}`, w.github.clientID, w.github.clientSecret))
	if a := b.get(b.begin("unset", "")); a.StatusCode != http.StatusSeeOther { // without a restart
		t.Errorf("once it is configured: status %d, %s", a.StatusCode, a.body)
	}
}

func TestAFailureToDisconnectIsToldAndNothingIsLost(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", a.StatusCode)
	}
	w.github.change(func() { w.github.broken["/revoke"] = http.StatusServiceUnavailable })
	a := b.postJSON(pages+"/github/disconnect", nil)
	b.wantRefused(a, http.StatusServiceUnavailable, "provider_unavailable")
	if !strings.Contains(a.body, "still connected") {
		t.Errorf("it does not say that the account is still connected: %s", a.body)
	}
	w.github.leaks(t, "the refusal", a.body+w.lastEvent().Err.Error())
	if got := w.connected(w.github, "GITHUB_TOKENS__alice"); got != "octocat" {
		t.Errorf("afterwards alice has connected %q", got)
	}
	b.wantRefused(b.postJSON(pages+"/github/disconnect", url.Values{"force": {"yes"}}), http.StatusBadRequest, "bad_request")

	a = b.postJSON(pages+"/github/disconnect", url.Values{"force": {"true"}})
	if want := `{"name":"github","connected":false,"revoked":false}` + "\n"; a.StatusCode != http.StatusOK || a.body != want {
		t.Errorf("by force: status %d, %s", a.StatusCode, a.body)
	}
	if e := w.lastEvent(); e.Kind != credentials.HandlerDisconnected || e.Err == nil {
		t.Errorf("the hook was told %+v", e)
	}
	if has, err := core.Has(t.Context(), w.secrets, "GITHUB_TOKENS__alice"); has || err != nil {
		t.Errorf("the tokens are still stored: %v, %v", has, err)
	}
}

func TestWhereAProviderCanNotRevokeTheUserIsTold(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	w.set("UNSET_APP", fmt.Sprintf(`{"clientId":%q,"clientSecret":%q}`, w.github.clientID, w.github.clientSecret))
	b := w.browser("alice")
	if a := b.get(b.begin("unset", "")); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", a.StatusCode)
	}
	a := b.post(pages+"/unset/disconnect", nil)
	if want := webSite + "/home?lukko=deleted&lukko_name=unset"; a.location() != want {
		t.Errorf("status %d to %q, want %q", a.StatusCode, a.location(), want)
	}
	if has, err := core.Has(t.Context(), w.secrets, "UNSET_TOKENS__alice"); has || err != nil {
		t.Errorf("the tokens are still stored: %v, %v", has, err)
	}
}

func TestAProviderThatFailsLeavesWhatWasConnected(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", a.StatusCode)
	}
	for status, want := range map[int]string{500: "provider_unavailable", 503: "provider_unavailable", 429: "provider_unavailable"} {
		callback := b.begin("github", "")
		w.github.change(func() { w.github.broken["/token"] = status })
		a := b.getJSON(callback)
		b.wantRefused(a, http.StatusServiceUnavailable, want)
		w.github.leaks(t, "the refusal", a.body+w.lastEvent().Err.Error())
		w.github.change(func() { delete(w.github.broken, "/token") })
	}
	a := b.getJSON(change(t, b.begin("github", ""), func(q url.Values) { q.Set("code", "canary") }))
	b.wantRefused(a, http.StatusBadGateway, "provider_refused")
	w.github.leaks(t, "the refusal", a.body+w.lastEvent().Err.Error())
	if got := w.connected(w.github, "GITHUB_TOKENS__alice"); got != "octocat" {
		t.Errorf("afterwards alice has connected %q", got)
	}

	w.github.change(func() { w.github.account = "hubot" })
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", a.StatusCode)
	}
	if got := w.connected(w.github, "GITHUB_TOKENS__alice"); got != "hubot" {
		t.Errorf("after connecting another account alice has connected %q", got)
	}
}

func TestAProviderThatCanNotBeDiscoveredIsToldBeforeAnythingBegins(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	w.tracker.change(func() { w.tracker.broken["/.well-known/oauth-authorization-server"] = http.StatusBadGateway })
	a := b.postJSON(pages+"/tracker/connect", nil)
	b.wantRefused(a, http.StatusServiceUnavailable, "provider_unavailable")
	if e := w.lastEvent(); len(a.Cookies()) != 0 || e.Kind != credentials.HandlerFailed || e.Err == nil {
		t.Errorf("%d cookies, and the hook was told %+v", len(a.Cookies()), e)
	}
	w.tracker.leaks(t, "the refusal", a.body+w.lastEvent().Err.Error())
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Errorf("another: status %d", a.StatusCode)
	}
}

func TestTheApplicationsOwnCredentialIsForThoseWhoMayOnly(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{handler: func(c *credentials.HandlerConfig) {
		c.Application = func(r *http.Request, user, name string) bool {
			return r != nil && user == "admin" && (name == "team" || name == "robot")
		}
	}})
	alice, admin := w.browser("alice"), w.browser("admin")
	for _, a := range []webAnswer{
		alice.getJSON(pages + "/team/connect"), alice.postJSON(pages+"/team/connect", nil), alice.getJSON(pages + "/team/status"),
		alice.getJSON(pages + "/team/callback?state=x&code=y"), alice.postJSON(pages+"/team/disconnect", nil),
	} {
		alice.wantRefused(a, http.StatusForbidden, "forbidden")
	}
	if e := w.lastEvent(); e.Kind != credentials.HandlerRefused || e.Name != "team" || e.User != "alice" || e.Code != "forbidden" {
		t.Errorf("the hook was told %+v", e)
	}
	admin.wantRefused(admin.postJSON(pages+"/robot/connect", nil), http.StatusNotFound, "not_found") // no user is asked there
	admin.wantRefused(admin.getJSON(pages+"/robot/status"), http.StatusNotFound, "not_found")
	callback := admin.begin("team", "")
	kept := admin.pending()
	alice.take(kept)
	alice.wantRefused(alice.getJSON(callback), http.StatusForbidden, "forbidden")
	if a := admin.get(callback); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d, %s", a.StatusCode, a.body)
	}
	if got := w.connected(w.team, "TEAM_TOKENS"); got != "octocat" {
		t.Errorf("the application has connected %q", got)
	}
	admin.take(kept)
	admin.wantRefused(admin.getJSON(callback), http.StatusBadRequest, "used")
	if ids := stored(t, w.secrets, "TEAM_TOKENS"); slices.ContainsFunc(ids, func(id string) bool { return strings.Contains(id, "admin") }) {
		t.Errorf("stored: %q", ids)
	}
	if a := admin.getJSON(pages + "/team/status"); !strings.Contains(a.body, `"connected":true`) {
		t.Errorf("status: %s", a.body)
	}
	if a := admin.postJSON(pages+"/team/disconnect", nil); a.StatusCode != http.StatusOK {
		t.Errorf("disconnect: %d, %s", a.StatusCode, a.body)
	}
}

func TestAScopeHasThePagesOfItsOwnCredentials(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	scoped := w.another(webSettings{scope: "github"})
	b := scoped.browser("alice")
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Errorf("its own: status %d", a.StatusCode)
	}
	b.wantRefused(b.postJSON(pages+"/tracker/connect", nil), http.StatusNotFound, "not_found")
}

// Whatever a user is called, the account is theirs alone.
func TestUsersAreAnyString(t *testing.T) {
	t.Parallel()
	var who string
	var mu sync.Mutex
	w := newWeb(t, webSettings{handler: func(c *credentials.HandlerConfig) {
		c.User = func(*http.Request) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			return who, nil
		}
	}})
	users := []string{"../bob", "*", "a:b", "bob", "Bob", "bоb" /* Cyrillic */, " bob", "bob\x00", strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20+1), "alice_PEND", "alice"}
	for i, user := range users {
		mu.Lock()
		who = user
		mu.Unlock()
		w.github.change(func() { w.github.account = fmt.Sprint("account ", i) })
		b := w.browser("whoever")
		if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
			t.Fatalf("user %d: status %d, %s", i, a.StatusCode, a.body)
		}
	}
	accounts := map[string]bool{}
	for _, id := range stored(t, w.secrets, "GITHUB_TOKENS__") {
		if !strings.HasSuffix(id, "_PEND") && !strings.HasSuffix(id, "_CLAIM") {
			accounts[w.connected(w.github, id)] = true
		}
	}
	if len(accounts) != len(users) {
		t.Errorf("%d accounts of %d users", len(accounts), len(users))
	}
}

// meetingStore is one where those who read an id for the first time wait for
// one another, so that all find nothing.
type meetingStore struct {
	core.SecretService
	id   string
	all  sync.WaitGroup
	left atomic.Int32
}

func (s *meetingStore) Get(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
	secret, err := s.SecretService.Get(ctx, id, opts...)
	if id == s.id && s.left.Add(-1) >= 0 {
		s.all.Done()
		s.all.Wait()
	}
	return secret, err
}

func TestProcessesThatBeginAtOnceMakeOneKey(t *testing.T) {
	t.Parallel()
	store := &meetingStore{SecretService: memory.New(memory.Config{}), id: credentials.DefaultSealKeyID}
	store.all.Add(6)
	store.left.Store(6)
	w := newWeb(t, webSettings{secrets: store})
	processes := []*web{w}
	for range 5 {
		processes = append(processes, w.another(webSettings{}))
	}
	var wg sync.WaitGroup
	callbacks := make([]string, len(processes))
	browsers := make([]*browser, len(processes))
	for i, process := range processes {
		browsers[i] = process.browser(fmt.Sprint("user", i))
		wg.Go(func() { callbacks[i] = browsers[i].begin("github", "") })
	}
	wg.Wait()
	for i, callback := range callbacks {
		other := processes[(i+1)%len(processes)]
		if a := browsers[i].at(other).get(callback); a.StatusCode != http.StatusSeeOther {
			t.Errorf("begun in process %d: status %d", i, a.StatusCode)
		}
	}
	n := 0
	for _, err := range w.secrets.Versions(t.Context(), credentials.DefaultSealKeyID) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d keys were made", n)
	}
}

func TestAKeyIsRotatedUnderPendingAttempts(t *testing.T) {
	t.Parallel()
	const id = "OUR_KEY"
	w := newWeb(t, webSettings{handler: func(c *credentials.HandlerConfig) { c.KeyID = id }})
	b := w.browser("alice")
	before := b.begin("github", "")
	old, err := w.secrets.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	fresh := strings.Repeat("A", 43)
	w.set(id, fresh+"\n"+old.Value.Reveal())
	if a := b.get(before); a.StatusCode != http.StatusSeeOther {
		t.Errorf("begun before: status %d", a.StatusCode)
	}
	between := b.begin("github", "")
	w.set(id, old.Value.Reveal())
	b.wantRefused(b.getJSON(between), http.StatusBadRequest, "not_begun") // the new one has sealed it
	w.set(id, fresh)
	if a := b.get(between); a.StatusCode != http.StatusSeeOther {
		t.Errorf("begun between: status %d", a.StatusCode)
	}
	w.set(id, "canary")
	a := b.postJSON(pages+"/github/connect", nil)
	b.wantRefused(a, http.StatusServiceUnavailable, "store_unavailable")
	e := w.lastEvent()
	if e.Err == nil || !strings.Contains(e.Err.Error(), id) || strings.Contains(e.Err.Error()+a.body, "canary") {
		t.Errorf("the hook was told %+v", e)
	}
}

func TestAStoreThatIsDownIsNotOneWithoutTheAccount(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Config{})
	w := newWeb(t, webSettings{secrets: store})
	b := w.browser("alice")
	callback := b.begin("github", "")
	for _, kind := range []error{core.ErrUnavailable, core.ErrPermissionDenied} {
		up := store.Inject(memory.Fault{Err: kind})
		b.wantRefused(b.getJSON(pages+"/github/status"), http.StatusServiceUnavailable, "store_unavailable")
		b.wantRefused(b.postJSON(pages+"/github/connect", nil), http.StatusServiceUnavailable, "store_unavailable")
		b.wantRefused(b.getJSON(callback), http.StatusServiceUnavailable, "store_unavailable")
		b.wantRefused(b.postJSON(pages+"/github/disconnect", nil), http.StatusServiceUnavailable, "store_unavailable")
		if e := w.lastEvent(); e.Kind != credentials.HandlerFailed || !errors.Is(e.Err, kind) {
			t.Errorf("the hook was told %+v", e)
		}
		up()
	}
	if a := b.get(callback); a.StatusCode != http.StatusSeeOther { // which nothing has used up
		t.Errorf("once the store is back: status %d, %s", a.StatusCode, a.body)
	}
}

// A mark whose write may have happened or not must not be taken for none.
func TestAMarkWhoseAnswerWasLostCountsAsUsed(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Config{})
	w := newWeb(t, webSettings{secrets: store})
	b := w.browser("alice")
	callback := b.begin("github", "")
	store.Inject(memory.Fault{ID: "GITHUB_TOKENS__alice_PEND", Op: "set", Times: 1, Cut: memory.CutAfter})
	b.wantRefused(b.getJSON(callback), http.StatusServiceUnavailable, "store_unavailable")
	b.wantRefused(b.getJSON(callback), http.StatusBadRequest, "used")
	if n := w.github.get(func() int { return w.github.exchange }); n != 0 {
		t.Errorf("%d codes were sent to the provider", n)
	}
}

// plainStore is a store without conditions.
type plainStore struct{ core.SecretService }

func (s plainStore) Capabilities(ctx context.Context) (core.Capabilities, error) {
	can, err := s.SecretService.Capabilities(ctx)
	can.IfAbsent, can.IfVersion = false, false
	return can, err
}

func (s plainStore) Set(ctx context.Context, id string, value core.Value, opts ...core.SetOption) (core.Info, error) {
	if o, err := core.SetOptionsOf(opts...); err != nil || o.IfAbsent || o.IfVersion != "" {
		return core.Info{}, &core.Error{Op: "set", Provider: "plain", ID: id, Kind: errors.ErrUnsupported}
	}
	return s.SecretService.Set(ctx, id, value, opts...)
}

func TestAStoreWithoutConditionsIsRefusedBeforeTheUserIsAsked(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{secrets: plainStore{memory.New(memory.Config{})}})
	b := w.browser("alice")
	a := b.postJSON(pages+"/github/connect", nil)
	b.wantRefused(a, http.StatusServiceUnavailable, "unsupported")
	if e := w.lastEvent(); e.Err == nil || !errors.Is(e.Err, errors.ErrUnsupported) {
		t.Errorf("the hook was told %+v", e)
	}
	if ids := stored(t, w.secrets, ""); len(ids) != 3 || len(a.Cookies()) != 0 {
		t.Errorf("stored: %q, %d cookies", ids, len(a.Cookies()))
	}
}

func TestWhereOneProcessWritesAnAttemptIsFinishedOnceWithoutConditions(t *testing.T) {
	t.Parallel()
	alone := webSettings{
		secrets: plainStore{memory.New(memory.Config{})},
		store:   func(c *credentials.Config) { c.OneProcess = true },
	}
	w := newWeb(t, alone)
	b := w.browser("alice")
	callback := b.begin("github", "")
	kept := b.pending()
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := map[int]int{}
	for range 8 {
		wg.Go(func() {
			b := w.browser("alice")
			b.take(kept)
			a := b.getJSON(callback)
			mu.Lock()
			defer mu.Unlock()
			done[a.StatusCode]++
		})
	}
	wg.Wait()
	if done[http.StatusSeeOther] != 1 || done[http.StatusBadRequest] != 7 {
		t.Errorf("got %v, want one 303 and seven 400", done)
	}
	after := w.another(alone).browser("alice") // a restart
	after.take(kept)
	after.wantRefused(after.getJSON(callback), http.StatusBadRequest, "used")

	w.set("GITHUB_TOKENS__alice_PEND", `{"used":[]}`) // a read that misses the last write
	late := w.browser("alice")
	late.take(kept)
	late.wantRefused(late.getJSON(callback), http.StatusBadRequest, "used")
}

// barringStore is one where what was deleted bars its id, as where it can be
// recovered: a write that wants it absent is refused until one without a
// condition.
type barringStore struct {
	*memory.Store
	mu     sync.Mutex
	barred map[string]bool
}

func (s *barringStore) Delete(ctx context.Context, id string, opts ...core.DeleteOption) error {
	err := s.Store.Delete(ctx, id, opts...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.barred[id] = s.barred[id] || err == nil
	return err
}

func (s *barringStore) Set(ctx context.Context, id string, value core.Value, opts ...core.SetOption) (core.Info, error) {
	o, _ := core.SetOptionsOf(opts...)
	s.mu.Lock()
	barred := s.barred[id]
	s.barred[id] = barred && o.IfAbsent
	s.mu.Unlock()
	if barred && o.IfAbsent {
		return core.Info{}, &core.Error{Op: "set", Provider: "barring", ID: id, Kind: core.ErrConflict}
	}
	return s.Store.Set(ctx, id, value, opts...)
}

func TestAUserWhoWasDeletedCanConnectAgainWhereTheIDIsBarred(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{secrets: &barringStore{Store: memory.New(memory.Config{}), barred: map[string]bool{}}})
	b := w.browser("alice")
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", a.StatusCode)
	}
	if err := w.store.DeleteUser(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if ids := stored(t, w.secrets, "GITHUB_TOKENS"); len(ids) != 0 {
		t.Fatalf("still stored: %q", ids)
	}
	callback := b.begin("github", "")
	kept := b.pending()
	if a := b.get(callback); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("again: status %d, %s", a.StatusCode, a.body)
	}
	b.take(kept)
	b.wantRefused(b.getJSON(callback), http.StatusBadRequest, "used")
}

func TestMarksThatAreNoneAreNotTakenForAnEmptyList(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	callback := b.begin("github", "")
	w.set("GITHUB_TOKENS__alice_PEND", "canary")
	a := b.getJSON(callback)
	b.wantRefused(a, http.StatusServiceUnavailable, "store_unavailable")
	if e := w.lastEvent(); !errors.Is(e.Err, core.ErrCorrupt) || strings.Contains(e.Err.Error()+a.body, "canary") {
		t.Errorf("the hook was told %+v", e)
	}
}

// The provider has spent the code when the browser goes: what it gave must not
// be thrown away.
func TestABrowserThatGoesDoesNotLoseTheAccount(t *testing.T) {
	t.Parallel()
	seen := make(chan struct{}, 100) // that the server has noticed
	w := newWeb(t, webSettings{around: func(h *credentials.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			stop := context.AfterFunc(r.Context(), func() { seen <- struct{}{} })
			defer stop()
			h.ServeHTTP(w, r)
		})
	}})
	b := w.browser("alice")
	callback := b.begin("github", "")
	gate, arrived := make(chan struct{}), make(chan struct{})
	w.github.change(func() { w.github.gate, w.github.arrived = gate, arrived })
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		client := &http.Client{Transport: w.network, Jar: b.jar}
		resp, err := client.Do(b.request(http.MethodGet, callback, nil).WithContext(ctx))
		if err == nil {
			resp.Body.Close()
		}
	}()
	<-arrived
	leave()
	<-gone
	<-seen
	close(gate)
	waitFor(t, "the account", func() bool { return w.lastEvent().Kind == credentials.HandlerConnected })
	if got := w.connected(w.github, "GITHUB_TOKENS__alice"); got != "octocat" {
		t.Errorf("alice has connected %q", got)
	}
}

// waitFor waits for a condition that another goroutine brings about.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s does not come", what)
		}
	}
}

func TestAMissingAccountsErrorLeadsToThePageThatConnectsIt(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	declared, _ := w.decls.ByName("github")
	github := declared.(*credentials.UserCredential[oauth2.Token])
	_, err := github.Get(t.Context(), w.store, "alice")
	var missing *credentials.MissingError
	if !errors.As(err, &missing) {
		t.Fatalf("got %v", err)
	}
	b := w.browser("alice")
	if a := b.get(missing.ConnectURL + "?return=/repositories"); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "Connect GitHub") {
		t.Errorf("%s: status %d", missing.ConnectURL, a.StatusCode)
	}
	if a := b.get(b.begin("github", "/repositories")); a.location() != webSite+"/repositories?lukko=connected&lukko_name=github" {
		t.Errorf("back to %q", a.location())
	}
	if token, err := github.Get(t.Context(), w.store, "alice"); err != nil || token.AccessToken.IsZero() {
		t.Errorf("afterwards: %v", err)
	}
	if got := credentials.ConnectURLs("no address")("github", ""); got != "" {
		t.Errorf("of no address: %q", got)
	}
}

func TestNoAnswerAndNoEventHoldsASecret(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	var seen strings.Builder
	add := func(a webAnswer) {
		h := a.Header.Clone()
		h.Del("Set-Cookie") // which is sealed
		if strings.HasPrefix(a.location(), w.github.URL) {
			h.Del("Location") // which has the state, for the browser
		}
		fmt.Fprint(&seen, a.body, h)
	}
	for range 2 {
		callback := b.begin("github", "/x")
		kept := b.pending()
		add(b.post(pages+"/github/connect", nil))
		add(b.get(callback))
		b.take(kept)
		add(b.get(callback))
		add(b.getJSON(callback))
		add(b.getJSON(pages + "/github/status"))
		add(b.get(pages + "/github/connect"))
	}
	w.github.change(func() { w.github.broken["/revoke"] = 500 })
	add(b.post(pages+"/github/disconnect", nil))
	w.github.change(func() { w.github.broken["/revoke"] = 0 })
	add(b.post(pages+"/github/disconnect", nil))
	w.mu.Lock()
	for _, e := range w.events {
		fmt.Fprintf(&seen, "%v %+v %#v %s", e, e, e, e.Err)
	}
	w.mu.Unlock()
	w.github.change(func() {
		for _, asked := range w.github.asked {
			w.github.secrets = append(w.github.secrets, asked.Get("state"))
		}
	})
	w.github.leaks(t, "what was answered and told", seen.String())
}
