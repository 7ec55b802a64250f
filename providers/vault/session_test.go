package vault_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// byAppRole is a store at an address whose login gets tokens as the role of
// the place says.
func (p place) byAppRole(t testing.TB, address string) *core.Store {
	t.Helper()
	a := p.AppRole(t, p.role)
	return providertest.Closed(t, open(t, vault.Config{Address: address, Mount: p.kv.Mount, KV: 2, Lookup: environ(map[string]string{
		"VAULT_ROLE_ID": a.RoleID, "VAULT_SECRET_ID": a.SecretID,
	}).lookup}))
}

// byToken is a store at an address with a token that is given.
func (p place) byToken(t testing.TB, address, token string) *core.Store {
	t.Helper()
	return providertest.Closed(t, open(t, vault.Config{
		Address: address, Mount: p.kv.Mount, KV: 2, Lookup: environ(map[string]string{"VAULT_TOKEN": token}).lookup,
	}))
}

// atOnce calls n times at once, and returns the errors.
func atOnce(n int, call func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = call(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// firstError returns one of them, if there is one.
func firstError(errs []error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}

func wantLogins(t testing.TB, x *tap, want int) {
	t.Helper()
	if got := x.logins(); got != want {
		t.Errorf("%d logins were made, want %d", got, want)
	}
}

func TestOneLoginServesAThousandReads(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	x := newTap(t, p.Address, nil)
	store := p.byAppRole(t, x.URL)
	if err := firstError(atOnce(10, func(int) error {
		for range 100 {
			if err := read(t, store, allowed); err != nil {
				return err
			}
		}
		return nil
	})); err != nil {
		t.Error(err)
	}
	wantLogins(t, x, 1)
	if n := x.lookups(); n != 0 {
		t.Errorf("the token was looked up %d times, and nothing was denied", n)
	}
}

func TestTwoHundredWaitForOneLoginThoughTheFirstGivesUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	release := make(chan struct{})
	x := newTap(t, p.Address, func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/login") {
			<-release
		}
	})
	store := p.byAppRole(t, x.URL)

	impatient, giveUp := context.WithCancel(t.Context())
	first := make(chan error)
	go func() {
		_, err := store.Get(impatient, allowed)
		first <- err
	}()
	providertest.Until(t, "the login is under way", func() bool { return x.logins() == 1 })
	all := make(chan []error)
	go func() { all <- atOnce(200, func(int) error { return read(t, store, allowed) }) }()
	giveUp()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error("the one that gave up: ", err)
	}
	close(release)
	if err := firstError(<-all); err != nil {
		t.Error("one of the others: ", err)
	}
	wantLogins(t, x, 1)
}

func TestHangingLoginEndsForEachCallerInItsTimeAndWithTheStore(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	a := p.AppRole(t, p.role)
	proxy := faultproxy.New(t, p.Address)
	proxy.BlackHole()
	mine := providertest.NewGoroutines()
	mine.Do(func() {
		store := open(t, vault.Config{Address: "http://" + proxy.Addr(), Mount: p.kv.Mount, KV: 2, Lookup: environ(map[string]string{
			"VAULT_ROLE_ID": a.RoleID, "VAULT_SECRET_ID": a.SecretID,
		}).lookup})
		for i, err := range atOnce(20, func(i int) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(50+10*i)*time.Millisecond)
			defer cancel()
			if i%2 == 0 {
				_, err := store.Set(ctx, allowed, core.String("x"))
				return err
			}
			_, err := store.Get(ctx, allowed)
			return err
		}) {
			// A login limit is 30 s, so this is the caller's own time.
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, core.ErrIndeterminate) {
				t.Errorf("caller %d: want its deadline, and a write that did not happen: %v", i, err)
			}
		}
		begun := time.Now()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("Close waits for the login: %v", took)
		}
	})
	mine.WantNone(t)
}

func TestServerThatIsDownAtTheLoginIsAskedAgainByTheNextCall(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	proxy := faultproxy.New(t, p.Address)
	restore := proxy.Refuse()
	store := p.byAppRole(t, "http://"+proxy.Addr())
	if err := read(t, store, allowed); !errors.Is(err, core.ErrUnavailable) {
		t.Error("a read: ", err)
	}
	if _, err := store.Set(t.Context(), allowed, core.String("x")); !errors.Is(err, core.ErrUnavailable) || errors.Is(err, core.ErrIndeterminate) {
		t.Error("a write that can't have happened: ", err)
	}
	restore()
	if err := read(t, store, allowed); err != nil {
		t.Error("the next call: ", err)
	}
}

func TestSealedServerAtTheLoginIsAskedAgainByTheNextCall(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	d := double{
		token: providertest.Canary(), path: "auth/approle/login", login: map[string]any{"role_id": "r"},
		meets: func(*http.Request) bool { return n.Add(1) > 1 },
	}
	store := providertest.Closed(t, open(t, vault.Config{Address: d.serve(t), KV: 1, Lookup: environ(map[string]string{"VAULT_ROLE_ID": "r", "VAULT_MAX_RETRIES": "0"}).lookup}))
	if err := read(t, store, allowed); !errors.Is(err, core.ErrUnavailable) {
		t.Error("while it is sealed: ", err)
	}
	if err := read(t, store, allowed); err != nil {
		t.Error("the next call: ", err)
	}
}

func TestRenewalEndsWithTheTokenThoughNobodyReads(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.role.TTL, p.role.MaxTTL = time.Second, 2*time.Second
	x := newTap(t, p.Address, nil)
	store := p.byAppRole(t, x.URL)
	if err := read(t, store, allowed); err != nil {
		t.Fatal(err)
	}
	token, gone := x.token(), time.Time{}
	providertest.Until(t, "the token is unknown for a while", func() bool {
		if gone.IsZero() && !p.TokenIsKnown(t, token) {
			gone = time.Now()
		}
		return !gone.IsZero() && time.Since(gone) > 300*time.Millisecond
	})
	if n := x.count("renew-self"); n < 1 || n > 20 {
		t.Errorf("a token of 2 s was renewed %d times", n)
	}
	wantLogins(t, x, 1)
}

func TestRenewedTokenOutlivesItsTime(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.role.TTL, p.role.MaxTTL = 2*time.Second, time.Minute
	x := newTap(t, p.Address, nil)
	store := p.byAppRole(t, x.URL)
	begun := time.Now()
	providertest.Until(t, "more than two lifetimes are over", func() bool {
		if err := read(t, store, allowed); err != nil {
			t.Fatal(err)
		}
		return time.Since(begun) > 5*time.Second
	})
	wantLogins(t, x, 1)
	if n := x.count("renew-self"); n < 2 || n > 20 {
		t.Errorf("the token was renewed %d times in 5 s of a life of 2 s", n)
	}
}

func TestOneNewLoginWhenRenewalEnds(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.role.TTL, p.role.MaxTTL = 2*time.Second, 3*time.Second
	x := newTap(t, p.Address, nil)
	store := p.byAppRole(t, x.URL)
	if err := read(t, store, allowed); err != nil {
		t.Fatal(err)
	}
	first := x.token()
	providertest.Until(t, "there is another token", func() bool {
		if err := firstError(atOnce(32, func(int) error { return read(t, store, allowed) })); err != nil {
			t.Fatal(err)
		}
		return x.token() != first
	})
	wantLogins(t, x, 2)
}

func TestOneNewLoginWhenATokenThatIsNotRenewedEnds(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.role.TTL, p.role.Batch = 2*time.Second, true
	x := newTap(t, p.Address, nil)
	store := p.byAppRole(t, x.URL)
	if err := read(t, store, allowed); err != nil {
		t.Fatal(err)
	}
	first := x.token()
	providertest.Until(t, "there is another token", func() bool {
		if err := firstError(atOnce(32, func(int) error { return read(t, store, allowed) })); err != nil {
			t.Fatal(err)
		}
		return x.token() != first
	})
	wantLogins(t, x, 2)
	if n := x.count("renew-self"); n != 0 {
		t.Errorf("a batch token is renewed %d times", n)
	}
}

func TestTokenIsReplacedWhenItsTimeIsOverThoughNothingIsDenied(t *testing.T) {
	t.Parallel()
	var logins atomic.Int64
	d := double{token: providertest.Canary(), lease: 1, path: "auth/approle/login", login: map[string]any{"role_id": "r"}}
	d.meets = func(r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/login") {
			logins.Add(1)
		}
		return true
	}
	store := providertest.Closed(t, open(t, vault.Config{Address: d.serve(t), KV: 1, Lookup: environ(map[string]string{"VAULT_ROLE_ID": "r"}).lookup}))
	providertest.Until(t, "there are three logins", func() bool {
		if err := read(t, store, allowed); err != nil {
			t.Fatal(err)
		}
		return logins.Load() == 3
	})
}

func TestOneNewLoginWhenATokenIsRevoked(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	x := newTap(t, p.Address, nil)
	store := p.byAppRole(t, x.URL)
	for round := range 5 {
		if err := read(t, store, allowed); err != nil {
			t.Fatal(err)
		}
		wantLogins(t, x, 1+round)
		p.RevokeToken(t, x.token())
		if err := firstError(atOnce(32, func(i int) error {
			if i%2 == 0 {
				_, err := store.Set(t.Context(), allowed, core.String("x"))
				return err
			}
			return read(t, store, allowed)
		})); err != nil {
			t.Error("after the token was revoked: ", err)
		}
		wantLogins(t, x, 2+round)
	}
	// For each round: those that were denied share looks.
	if n := x.lookups(); n > 5*5 {
		t.Errorf("%d looks at 5 tokens that were revoked", n)
	}
}

func TestTokenThatIsUsedUpIsReplaced(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.role.NumUses = 5
	x := newTap(t, p.Address, nil)
	store := p.byAppRole(t, x.URL)
	for range 20 {
		if err := read(t, store, allowed); err != nil {
			t.Fatal(err)
		}
	}
	if n := x.logins(); n < 2 || n > 6 {
		t.Errorf("%d logins for 20 reads by tokens of 5 uses", n)
	}
}

func TestCloseRevokesTheTokenThatItMadeAndNoOther(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.role.TTL = time.Hour
	a := p.AppRole(t, p.role)
	user, password := p.Userpass(t, p.role)
	given := p.Token(t, p.role)
	for name, c := range map[string]struct {
		login  vault.Login
		env    map[string]string
		client bool
		known  bool
	}{
		"made by approle":                   {env: map[string]string{"VAULT_ROLE_ID": a.RoleID, "VAULT_SECRET_ID": a.SecretID}},
		"made by a login of the caller's":   {login: vault.Login{With: byPassword{user, password}}},
		"given by VAULT_TOKEN":              {env: map[string]string{"VAULT_TOKEN": given}, known: true},
		"given by the file of a last login": {env: map[string]string{"HOME": home(t, given)}, known: true},
		"given by a client":                 {client: true, known: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTap(t, p.Address, nil)
			mine := providertest.NewGoroutines()
			mine.Do(func() {
				cfg := vault.Config{Address: x.URL, Mount: p.kv.Mount, KV: 2, Login: c.login, Lookup: environ(c.env).lookup}
				if c.client {
					cfg.Address, cfg.Client = "", clientOf(t, x.URL, given)
				}
				store := open(t, cfg)
				if err := read(t, store, allowed); err != nil {
					t.Fatal(err)
				}
				token := x.token()
				if !p.TokenIsKnown(t, token) {
					t.Fatal("the token is not one")
				}
				if err := store.Close(); err != nil {
					t.Error(err)
				}
				if p.TokenIsKnown(t, token) != c.known {
					t.Errorf("after Close the token is known: %v", !c.known)
				}
				if c.client {
					cfg.Client.CloneConfig().HttpClient.CloseIdleConnections() // which are the caller's
				}
			})
			mine.WantNone(t)
		})
	}
}

func TestCloseOfABatchTokenIsNoError(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.role.Batch = true
	store := p.byAppRole(t, p.Address)
	if err := read(t, store, allowed); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

func TestOneDenialIsOneLook(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for name, newStore := range map[string]func(t *testing.T, address string) *core.Store{
		"a login": p.loginStore,
		"a given token": func(t *testing.T, address string) *core.Store {
			return p.byToken(t, address, p.Token(t, p.role))
		},
		"a client": func(t *testing.T, address string) *core.Store {
			return providertest.Closed(t, open(t, vault.Config{Client: clientOf(t, address, p.Token(t, p.role)), Mount: p.kv.Mount, KV: 2}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTap(t, p.Address, nil)
			store := newStore(t, x.URL)
			if err := read(t, store, forbidden); !errors.Is(err, core.ErrPermissionDenied) {
				t.Error(err)
			}
			if n := x.lookups(); n != 1 {
				t.Errorf("one denied read makes %d looks", n)
			}
			logins := x.logins()
			for _, err := range atOnce(100, func(int) error { return read(t, store, forbidden) }) {
				if !errors.Is(err, core.ErrPermissionDenied) {
					t.Fatal(err)
				}
			}
			// Each look serves all who were denied before it began: the denials come
			// over a time of a few round trips, which a loaded machine stretches.
			if n := x.lookups() - 1; n < 1 || n > 20 {
				t.Errorf("100 denied reads at once make %d looks", n)
			}
			if err := read(t, store, allowed); err != nil {
				t.Error("what is allowed, afterwards: ", err)
			}
			wantLogins(t, x, logins)
		})
	}
}

func (p place) loginStore(t *testing.T, address string) *core.Store { return p.byAppRole(t, address) }

func TestTokenWithoutTheDefaultPolicyIsDeniedAndNotLoggedInAgain(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	elsewhere := p.role
	elsewhere.Policies = []string{p.Policy(t, `path "elsewhere/*" { capabilities = ["read"] }`)}
	for name, c := range map[string]struct {
		role   vaulttest.Role
		id     string
		logins int
	}{
		// The engine's version is told to it, which shows that it lives.
		"that may do something in the mount": {p.role, forbidden, 1},
		// That its replacement may do no more shows that it was no use.
		"that may do nothing in the mount": {elsewhere, allowed, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := p
			p.role = c.role
			p.role.NoDefaultPolicy = true
			x := newTap(t, p.Address, nil)
			store := p.byAppRole(t, x.URL)
			for range 30 {
				if err := read(t, store, c.id); !errors.Is(err, core.ErrPermissionDenied) {
					t.Fatal(err)
				}
			}
			wantLogins(t, x, c.logins)
		})
	}
	t.Run("that was given, and may do something in the mount", func(t *testing.T) {
		t.Parallel()
		role := p.role
		role.NoDefaultPolicy = true
		store := p.byToken(t, p.Address, p.Token(t, role))
		if err := read(t, store, forbidden); !errors.Is(err, core.ErrPermissionDenied) {
			t.Error(err)
		}
		if err := read(t, store, allowed); err != nil {
			t.Error("what is allowed, afterwards: ", err)
		}
	})
	t.Run("that was given, and may do nothing in the mount, is taken for one that ended", func(t *testing.T) {
		t.Parallel()
		role := elsewhere
		role.NoDefaultPolicy = true
		if err := read(t, p.byToken(t, p.Address, p.Token(t, role)), allowed); !errors.Is(err, core.ErrUnauthenticated) {
			t.Error(err)
		}
	})
	t.Run("that is revoked", func(t *testing.T) {
		t.Parallel()
		p := p
		p.role.NoDefaultPolicy = true
		x := newTap(t, p.Address, nil)
		store := p.byAppRole(t, x.URL)
		if err := read(t, store, allowed); err != nil {
			t.Fatal(err)
		}
		p.RevokeToken(t, x.token())
		if err := read(t, store, allowed); err != nil {
			t.Error(err)
		}
		wantLogins(t, x, 2)
	})
}

func TestDenialByThePolicyOfARevokedTokenIsADenial(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	x := newTap(t, p.Address, nil)
	store := p.byAppRole(t, x.URL)
	if err := read(t, store, allowed); err != nil {
		t.Fatal(err)
	}
	p.RevokeToken(t, x.token())
	if err := read(t, store, forbidden); !errors.Is(err, core.ErrPermissionDenied) {
		t.Error(err)
	}
	if err := read(t, store, allowed); err != nil {
		t.Error("what is allowed, afterwards: ", err)
	}
	wantLogins(t, x, 2)
}

// A look that began before a token was revoked says nothing of a request that
// was denied after that.
func TestLookOfBeforeIsNotBelieved(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	x := newTap(t, p.Address, nil)
	store := p.byAppRole(t, x.URL)
	if err := read(t, store, allowed); err != nil {
		t.Fatal(err)
	}
	looked, goOn := make(chan struct{}), make(chan struct{})
	var look sync.Once
	x.after.Store(func(r *http.Response) {
		if strings.HasSuffix(r.Request.URL.Path, "lookup-self") && r.StatusCode == http.StatusOK {
			look.Do(func() {
				close(looked)
				<-goOn
			})
		}
	})
	results := make(chan error, 2)
	mine := providertest.NewGoroutines()
	mine.Do(func() {
		go func() { results <- read(t, store, forbidden) }()
		<-looked
		p.RevokeToken(t, x.token())
		go func() {
			if err := read(t, store, allowed); err != nil {
				t.Error("with a token that was revoked during the look: ", err)
			}
			results <- nil
		}()
		providertest.Until(t, "both wait for the look", func() bool {
			waiting := 0
			for _, stack := range mine.Stacks() {
				if strings.Contains(stack, "vault.(*session).good+") {
					waiting++
				}
			}
			return waiting == 2
		})
		close(goOn)
	})
	for range 2 {
		if err := <-results; err != nil && !errors.Is(err, core.ErrPermissionDenied) {
			t.Error("what is forbidden: ", err)
		}
	}
	wantLogins(t, x, 2)
}

func TestGivenTokenThatHasEndedIsNoDenial(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, how := range []string{"revoked", "expired"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			role := p.role
			role.TTL = time.Second
			token := p.Token(t, role)
			store := p.byToken(t, p.Address, token)
			if how == "revoked" {
				p.RevokeToken(t, token)
			}
			providertest.Until(t, "the token is unknown", func() bool { return !p.TokenIsKnown(t, token) })
			for _, id := range []string{allowed, forbidden} {
				if err := read(t, store, id); !errors.Is(err, core.ErrUnauthenticated) || errors.Is(err, core.ErrPermissionDenied) {
					t.Error("a read: ", err)
				}
				if _, err := store.Set(t.Context(), id, core.String("x")); !errors.Is(err, core.ErrUnauthenticated) {
					t.Error("a write: ", err)
				}
			}
		})
	}
}

func TestNewLoginByTheCommandLineIsPickedUp(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	first, second := p.Token(t, p.role), p.Token(t, p.role)
	dir := home(t, first)
	x := newTap(t, p.Address, nil)
	store := providertest.Closed(t, open(t, vault.Config{Address: x.URL, Mount: p.kv.Mount, KV: 2, Lookup: environ(map[string]string{"HOME": dir}).lookup}))
	if err := read(t, store, allowed); err != nil {
		t.Fatal(err)
	}
	p.RevokeToken(t, first)
	if err := read(t, store, allowed); !errors.Is(err, core.ErrUnauthenticated) {
		t.Error("before the new login: ", err)
	}
	write(t, filepath.Join(dir, ".vault-token"), second)
	if err := firstError(atOnce(8, func(int) error { return read(t, store, allowed) })); err != nil {
		t.Error("after the new login: ", err)
	}
	if x.token() != second {
		t.Error("it is not the new login's token that is used")
	}
}

func TestClientsTokenMayChange(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	first, second := p.Token(t, p.role), p.Token(t, p.role)
	x := newTap(t, p.Address, nil)
	client := clientOf(t, x.URL, first)
	store := providertest.Closed(t, open(t, vault.Config{Client: client, Mount: p.kv.Mount, KV: 2}))
	for _, token := range []string{first, second} {
		client.SetToken(token)
		if err := read(t, store, allowed); err != nil {
			t.Fatal(err)
		}
		if x.token() != token {
			t.Error("it is not the client's token that is sent")
		}
	}
	p.RevokeToken(t, second)
	for range 2 {
		if err := read(t, store, allowed); !errors.Is(err, core.ErrUnauthenticated) {
			t.Error("after it was revoked: ", err)
		}
	}
	client.SetToken(p.Token(t, p.role))
	if err := read(t, store, allowed); err != nil {
		t.Error("after a new one was set: ", err)
	}
	wantLogins(t, x, 0)
}

func TestWrongPasswordIsNotTriedAgainAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	user, password := p.Userpass(t, p.role)
	file := fileOf(t, providertest.Canary())
	x := newTap(t, p.Address, nil)
	store := providertest.Closed(t, open(t, vault.Config{
		Address: x.URL, Mount: p.kv.Mount, KV: 2, Login: vault.Login{Method: "userpass", Username: user},
		Lookup: environ(map[string]string{"VAULT_PASSWORD_FILE": file}).lookup,
	}))
	begun := time.Now()
	for range 50 {
		if err := firstError(atOnce(4, func(int) error {
			if err := read(t, store, allowed); !errors.Is(err, core.ErrUnauthenticated) {
				return errors.Join(errors.New("want ErrUnauthenticated"), err)
			}
			return nil
		})); err != nil {
			t.Fatal(err)
		}
	}
	// The pauses are of 1, 2, 4 … seconds, so that a slow machine sees more logins.
	if n, most := x.logins(), 1+int(time.Since(begun)/time.Second); n < 1 || n > most {
		t.Errorf("a wrong password was sent %d times for 200 reads, want at most %d", n, most)
	}
	write(t, file, password)
	providertest.Until(t, "the right password is used", func() bool { return read(t, store, allowed) == nil })
}

func TestFailingRenewalIsNoErrorOfAReader(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.role.TTL, p.role.MaxTTL = 2*time.Second, time.Minute
	var down atomic.Bool
	down.Store(true)
	x := newTap(t, p.Address, func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "renew-self") && down.Load() {
			panic(http.ErrAbortHandler)
		}
	})
	store := p.byAppRole(t, x.URL)
	first := ""
	providertest.Until(t, "there is another token", func() bool {
		if err := read(t, store, allowed); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = x.token()
		}
		return x.token() != first
	})
	wantLogins(t, x, 2)
	if n := x.count("renew-self"); n > 60 {
		t.Errorf("%d renewals in 2 s that all fail", n)
	}
}
