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

// session is one login, shared by all requests of a store: made when it is first
// needed, renewed while it can be, and made again, once for all who wait, when
// it has ended.
type session struct {
	conn   *conn
	method method

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
	value   string
	ours    bool          // we logged in, and so renew and revoke it
	ttl     time.Duration // as the login gave it; 0: it does not end
	renews  bool
	revokes bool

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

func newSession(c *conn, login Login, env environment, viaAgent bool) (*session, error) {
	m, err := login.method(env, viaAgent)
	if err != nil {
		return nil, err
	}
	s := &session{conn: c, method: m}
	s.init()
	return s, nil
}

func (s *session) init() { s.ctx, s.cancel = context.WithCancel(context.Background()) }

// token returns the token to send, after a login if there is none yet or it
// is about to end.
func (s *session) token(ctx context.Context) (*token, error) {
	if borrowed, ok := s.method.(borrowed); ok {
		return &token{value: borrowed.client.Token()}, nil
	}
	s.mu.Lock()
	t := s.current
	s.mu.Unlock()
	if t != nil && !t.ending() {
		return t, nil
	}
	return s.logIn(ctx, t)
}

// ending reports whether a token's time is as good as over.
func (t *token) ending() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.until.IsZero() && time.Until(t.until) < min(t.ttl/10, 10*time.Second)
}

// logIn replaces a token. Whoever comes while a login is under way shares it;
// whoever comes with a token that has been replaced already gets the new one.
func (s *session) logIn(ctx context.Context, stale *token) (*token, error) {
	s.mu.Lock()
	switch {
	case s.ctx.Err() != nil:
		s.mu.Unlock()
		return nil, core.ErrClosed
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
		f = &flight{done: make(chan struct{}), started: time.Now()}
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

func (s *session) runLogin(f *flight, stale *token) {
	ctx, cancel := context.WithTimeout(s.ctx, loginLimit)
	t, err := s.method.logIn(ctx, s.conn)
	cancel()
	if err == nil && !t.ours && stale != nil && stale.value == t.value {
		err = unauthenticated("the token has expired or was revoked, and no other one is found; log in again, or set another token")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.login = nil
	f.token, f.err = t, err
	switch {
	case err == nil:
		if stale != nil {
			stale.end()
		}
		s.current, s.refused, s.pause = t, nil, 0
		if t.ours && t.renews && t.ttl > 0 {
			s.renewInBackground(t)
		}
	case s.method.refusable() && core.KindOf(err) != core.ErrUnavailable && s.ctx.Err() == nil: //nolint:errorlint // a kind is the sentinel itself
		s.pause = min(max(2*s.pause, time.Second), time.Minute)
		s.refused, s.until = err, time.Now().Add(s.pause)
	}
	close(f.done)
}

// rejected says what to do after a 403 to a request with t: a token to send
// it with again, or the error that the request ends in.
func (s *session) rejected(ctx context.Context, t *token, denial *denied) (*token, error) {
	s.mu.Lock()
	current, blind := s.current, s.blind
	s.mu.Unlock()
	if current != nil && current != t {
		return current, nil // somebody has been here before
	}
	if !denial.tokenGone {
		if blind {
			return nil, denial.asError()
		}
		good, err := s.good(ctx, t, denial.at)
		if err != nil {
			return nil, err
		}
		if good {
			return nil, denial.asError()
		}
	}
	if _, ok := s.method.(borrowed); ok {
		return nil, unauthenticated("the client's token has expired or was revoked")
	}
	return s.logIn(ctx, t)
}

// rejectedFresh is told of a 403 to a request with a token that was made
// because the one before it seemed to have ended. If such a token may not
// look at itself, what was seen of the one before meant nothing, and no
// further denial is a reason to log in.
func (s *session) rejectedFresh(ctx context.Context, t *token) {
	if !t.ours {
		return
	}
	if good, err := s.good(ctx, t, time.Now()); err == nil && !good {
		s.mu.Lock()
		s.blind = true
		s.mu.Unlock()
	}
}

// good reports whether a token is still one, by a look that began no earlier
// than since. All who ask at a time share a look.
func (s *session) good(ctx context.Context, t *token, since time.Time) (bool, error) {
	for {
		s.mu.Lock()
		if s.ctx.Err() != nil {
			s.mu.Unlock()
			return false, core.ErrClosed
		}
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
	_, err := s.conn.attempts(ctx, request{method: http.MethodGet, path: "auth/token/lookup-self"}, f.token.value)
	denial := (*denied)(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.check = nil
	switch {
	case err == nil:
		f.good = true
	case !errors.As(err, &denial):
		f.err = err
	}
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
			left := t.left()
			wait := left * 2 / 3
			wait -= rand.N(wait/10 + 1)
			if !pauseFor(ctx, wait) {
				return
			}
			ttl, err := s.renew(ctx, t)
			denial := (*denied)(nil)
			switch {
			case err == nil && ttl < t.ttl/2, errors.As(err, &denial):
				// The end of its renewal is in sight, or it has ended: a login is
				// due when somebody asks.
				return
			case err != nil && t.left() < t.ttl/10:
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
	a, err := s.conn.attempts(ctx, request{method: http.MethodPut, path: "auth/token/renew-self", body: []byte("{}")}, t.value)
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

// end stops the renewal of a token that is used no more.
func (t *token) end() {
	if t.stop != nil {
		t.stop()
	}
}

// close ends what runs in the background, and gives back a token that was
// made here, so that it does not count as a lease until its time is over.
func (s *session) close() {
	s.cancel()
	s.owned.Wait()
	s.mu.Lock()
	t := s.current
	s.current = nil
	s.mu.Unlock()
	if t == nil || !t.revokes {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	// A token that could not be revoked ends by itself.
	_, _ = s.conn.once(ctx, request{method: http.MethodPut, path: "auth/token/revoke-self", body: []byte("{}"), write: true}, t.value)
}
