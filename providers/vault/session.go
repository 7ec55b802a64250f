package vault

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// loginLimit bounds a login, a renewal and the look at a token, which are
// nobody's call: they go on when a caller gives up, and end with the store.
const loginLimit = 30 * time.Second

// firstLimit is when what many wait for is tried a second time.
const firstLimit = 2 * time.Second

// session is one login, shared by all requests of a store: made when it is first
// needed, renewed while it can be, and made again, once for all who wait, when
// it has ended.
type session struct {
	conn  *conn
	logIn method
	live  func() string // of a client of the caller's, in place of a login: its token now
	mount string        // of the engine

	ctx    context.Context // until close
	cancel context.CancelFunc
	owned  sync.WaitGroup // what runs in the background

	mu      sync.Mutex
	current *token
	login   *flight // nil: none is under way
	check   *flight
	blind   bool // the login's tokens may not look at themselves

	refused error         // the last login's failure, if the server refused it
	until   time.Time     // when a login is tried again after that
	pause   time.Duration // how long the next such pause is
}

// token is what a login gave. All but until is fixed.
type token struct {
	value     core.Value
	ours      bool // we logged in, and so renew and revoke it
	renewable bool
	ttl       time.Duration // as the login gave it; 0: it does not end

	mu    sync.Mutex
	until time.Time // zero: it does not end, or we don't know
	stop  context.CancelFunc
}

// flight is one piece of work that many wait for.
type flight struct {
	done    chan struct{}
	started time.Time
	token   *token // of a login: the new one; of a check: the one looked at
	good    bool   // of a check
	err     error
}

func newSession(c *conn, logIn method, mount string) *session {
	s := &session{conn: c, logIn: logIn, mount: mount}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// token returns the token to send, after a login if there is none yet or it
// is about to end.
func (s *session) token(ctx context.Context) (*token, error) {
	t := s.now()
	if t == nil || t.ending() {
		return s.replace(ctx, t)
	}
	return t, nil
}

// now returns the current token, which may be nil.
func (s *session) now() *token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != nil {
		if value := s.live(); s.current == nil || s.current.value.Reveal() != value {
			s.current = &token{value: core.String(value)}
		}
	}
	return s.current
}

// ending reports whether a token's time is as good as over.
func (t *token) ending() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.until.IsZero() && time.Until(t.until) < min(t.ttl/10, 10*time.Second)
}

// replace replaces a token by that of a login. Whoever comes while a login is
// under way shares it; whoever comes with a token that has been replaced
// already gets the new one.
func (s *session) replace(ctx context.Context, stale *token) (*token, error) {
	s.mu.Lock()
	switch {
	case s.current != nil && s.current != stale:
		defer s.mu.Unlock()
		return s.current, nil
	case s.refused != nil && time.Now().Before(s.until):
		// Who sends a wrong password again and again locks the account.
		defer s.mu.Unlock()
		return nil, s.refused
	}
	f := s.login
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.login = f
		s.owned.Go(func() { s.runLogin(f, stale) })
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// patiently does work that others wait for.
func (s *session) patiently(work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(s.ctx, loginLimit)
	defer cancel()
	return patiently(ctx, work)
}

// patiently does work that asks the server something, again if no answer comes:
// all who wait would else wait for a connection that has died without a word. Each
// time there is twice the time, as it may be the server that is slow.
func patiently(ctx context.Context, work func(context.Context) error) error {
	for limit := firstLimit; ; limit *= 2 {
		attempt, cancel := context.WithTimeout(ctx, limit)
		err := work(attempt)
		ended := attempt.Err() != nil
		cancel()
		if err == nil || !ended || ctx.Err() != nil {
			return err
		}
	}
}

func (s *session) runLogin(f *flight, stale *token) {
	var t *token
	err := s.patiently(func(ctx context.Context) (err error) {
		t, err = s.logIn(ctx, s.conn)
		return err
	})
	if err == nil && !t.ours && stale != nil && stale.value.Equal(t.value) {
		t, err = nil, stale.gone()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(f.done)
	s.login = nil
	f.token, f.err = t, err
	answered := (*core.Error)(nil)
	switch {
	case err == nil:
		if stale != nil && stale.stop != nil {
			stale.stop()
		}
		s.current, s.refused, s.pause = t, nil, 0
		if t.renewable && t.ttl > 0 {
			s.renewInBackground(t)
		}
	case errors.As(err, &answered) && answered.Code != "" && !errors.Is(err, core.ErrUnavailable):
		s.pause = min(max(2*s.pause, time.Second), time.Minute)
		s.refused, s.until = err, time.Now().Add(s.pause)
	}
}

// gone is the error of a token that somebody else keeps, and that has ended.
func (t *token) gone() error {
	if t.value.IsZero() {
		return unauthenticated("no token is sent, and the server, or the agent before it, asks for one")
	}
	return unauthenticated("the server does not know the token, which has expired, was revoked, or is not of this server; log in again, or set another token")
}

// rejected says what to do after a 403 to a request with t: a token to send
// it with again, or the error that the request ends in.
func (s *session) rejected(ctx context.Context, t *token, denial *denied) (*token, error) {
	if current := s.now(); current != t {
		return current, nil // somebody has been here before
	}
	if !denial.tokenGone {
		s.mu.Lock()
		good := s.blind
		s.mu.Unlock()
		if !good {
			var err error
			if good, err = s.good(ctx, t, denial.at); err != nil {
				return nil, err
			}
		}
		if good {
			return nil, denial.asError()
		}
	}
	return s.replace(ctx, t)
}

// rejectedFresh is told of a 403 to a request with a token that was made
// because the one before it seemed to have ended, and returns the error that
// the request ends in. If such a token may not look at itself, what was seen of
// the one before meant nothing, and no further denial is a reason to log in.
func (s *session) rejectedFresh(ctx context.Context, t *token, denial *denied) error {
	if denial.tokenGone {
		return unauthenticated("the server does not know the token that it has just given")
	}
	if !t.ours {
		return denial.asError()
	}
	if good, err := s.good(ctx, t, denial.at); err == nil && !good {
		s.mu.Lock()
		s.blind = true
		s.mu.Unlock()
	}
	return denial.asError()
}

// good reports whether a token is still one, by a look that began no earlier
// than since. All who ask at a time share a look.
func (s *session) good(ctx context.Context, t *token, since time.Time) (bool, error) {
	for {
		s.mu.Lock()
		f := s.check
		if f == nil {
			f = &flight{done: make(chan struct{}), started: time.Now(), token: t}
			s.check = f
			s.owned.Go(func() { s.runCheck(f) })
		}
		s.mu.Unlock()
		select {
		case <-f.done:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if f.token == t && !f.started.Before(since) {
			return f.good, f.err
		}
	}
}

func (s *session) runCheck(f *flight) {
	ctx, cancel := context.WithTimeout(s.ctx, loginLimit)
	defer cancel()
	// Without the default policy a token may not look itself up. But the engine's
	// version is told to every token that may do anything in the mount.
	for _, path := range []string{"auth/token/lookup-self", uiMounts + s.mount} {
		var a answer
		err := patiently(ctx, func(ctx context.Context) (err error) {
			a, err = s.conn.attempts(ctx, request{method: http.MethodGet, path: path}, f.token.value.Reveal())
			return err
		})
		f.good = err == nil && a.status != http.StatusNotFound
		denial := (*denied)(nil)
		if err != nil && !errors.As(err, &denial) {
			f.err = err
		}
		if f.good || f.err != nil || denial != nil && denial.tokenGone {
			break
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.check = nil
	close(f.done)
}

// renewInBackground keeps a token alive until its renewal ends; then the
// next request logs in.
func (s *session) renewInBackground(t *token) {
	ctx, cancel := context.WithCancel(s.ctx)
	t.stop = cancel
	s.owned.Go(func() {
		defer cancel()
		for {
			wait := max(t.left(), 0) * 2 / 3
			wait -= rand.N(wait/10 + 1)
			if !pauseFor(ctx, wait) {
				return
			}
			ttl, err := s.renew(ctx, t)
			switch {
			case err == nil && ttl < t.ttl/2, errors.As(err, new(*denied)), t.left() < t.ttl/10:
				// The end of its renewal is in sight, or it has ended: a login is
				// due when somebody asks.
				return
			}
		}
	})
}

func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// renew asks for more time, and returns how much it got.
func (s *session) renew(ctx context.Context, t *token) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	a, err := s.conn.attempts(ctx, request{method: http.MethodPut, path: "auth/token/renew-self", body: []byte("{}")}, t.value.Reveal())
	if err != nil {
		return 0, err
	}
	renewed, err := a.auth()
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = time.Now().Add(renewed.ttl)
	return renewed.ttl, nil
}

func (t *token) left() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Until(t.until)
}

// close ends what runs in the background, and gives back a token that was
// made here, so that it does not count as a lease until its time is over. No
// request is under way any more.
func (s *session) close() {
	s.cancel()
	s.owned.Wait()
	if s.current == nil || !s.current.ours {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	// A token that could not be revoked ends by itself.
	_, _ = s.conn.once(ctx, request{method: http.MethodPut, path: "auth/token/revoke-self", body: []byte("{}"), write: true}, s.current.value.Reveal())
}
