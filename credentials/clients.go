package credentials

import (
	"container/list"
	"context"
	"errors"
	"runtime"
	"sync"
	"weak"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// clients are the OAuth2 clients of a Store: one for each account, for all who
// ask, as long as any of them holds it.
//
// The last ones used are held here, up to a bound. One that falls out is not
// closed: who holds it would be cut off, and one that nobody holds has nothing
// running, or runs until a refresh is stored, and is collected after that. The
// rest are known weakly, so that as long as one is held somewhere no second is
// made beside it, which would know less.
type clients struct {
	mu     sync.Mutex
	most   int
	closed bool
	byKey  map[clientKey]*client
	recent list.List // of *recentClient, the last one used first
}

// clientKey is an account. Ids are of one credential and one user; the name
// stands beside it so that nothing hangs on that alone.
type clientKey struct{ name, id string }

type client struct {
	key     clientKey
	pointer weak.Pointer[oauth2.Client]
	recent  *list.Element // nil if it has fallen out
}

type recentClient struct {
	*client
	held *oauth2.Client
}

func (c *clients) init(most int) {
	c.most = most
	c.byKey = map[clientKey]*client{}
}

// open says that the Store was closed.
func (c *clients) open(op string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return &core.Error{Op: op, Provider: provider, Kind: core.ErrClosed}
	}
	return nil
}

// get returns the client of an account. make, which does no I/O, makes it where
// there is none.
func (c *clients) get(key clientKey, make func() (*oauth2.Client, error)) (*oauth2.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, &core.Error{Op: "client", Provider: provider, Kind: core.ErrClosed}
	}
	if known := c.byKey[key]; known != nil {
		if held := known.pointer.Value(); held != nil {
			c.use(known, held)
			return held, nil
		}
	}
	held, err := make()
	if err != nil {
		return nil, err
	}
	made := &client{key: key, pointer: weak.Make(held)}
	c.byKey[key] = made
	runtime.AddCleanup(held, goneClient.forget, goneClient{weak.Make(c), key, made.pointer})
	c.use(made, held)
	return held, nil
}

// use makes a client the last one used, and lets go of the one that is not
// among the last any more.
func (c *clients) use(known *client, held *oauth2.Client) {
	if known.recent != nil {
		c.recent.MoveToFront(known.recent)
		return
	}
	known.recent = c.recent.PushFront(&recentClient{known, held})
	if c.recent.Len() > c.most {
		last := c.recent.Back()
		c.recent.Remove(last)
		last.Value.(*recentClient).recent = nil
	}
}

// goneClient is a client that nobody has any more. It has no way to the client,
// nor to who holds it here: either would keep it for ever.
type goneClient struct {
	of      weak.Pointer[clients]
	key     clientKey
	pointer weak.Pointer[oauth2.Client]
}

func (gone goneClient) forget() {
	c := gone.of.Value()
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.byKey[gone.key]; known != nil && known.pointer == gone.pointer {
		delete(c.byKey, gone.key)
	}
}

// changed tells the client of an account, if there is one, that something else
// was stored, so that it doesn't go on with what it knows. If it can't look, it
// is given up: the next who asks gets another.
func (c *clients) changed(ctx context.Context, key clientKey) {
	c.mu.Lock()
	known := c.byKey[key]
	var held *oauth2.Client
	if known != nil {
		held = known.pointer.Value()
	}
	c.mu.Unlock()
	if held == nil {
		return
	}
	if _, err := held.Status(ctx); err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] == known {
		delete(c.byKey, key)
		if known.recent != nil {
			c.recent.Remove(known.recent)
			known.recent = nil
		}
	}
}

// close closes all clients that there are, at the same time: each may have a
// refresh to store.
func (c *clients) close() error {
	c.mu.Lock()
	c.closed = true
	var all []*oauth2.Client
	for _, known := range c.byKey {
		if held := known.pointer.Value(); held != nil {
			all = append(all, held)
		}
	}
	clear(c.byKey)
	c.recent.Init()
	c.mu.Unlock()
	errs := make([]error, len(all))
	var closing sync.WaitGroup
	for i, held := range all {
		closing.Go(func() { errs[i] = held.Close() })
	}
	closing.Wait()
	return errors.Join(errs...)
}

// client returns the client of an account.
func (s *Store) client(d *definition, user string) (*oauth2.Client, error) {
	if d.spec.OAuth2 == nil {
		return nil, &core.Error{
			Op: "client", Provider: provider, ID: d.idOf(user), Kind: errors.ErrUnsupported,
			Hint: "the credential is a key and has no client of OAuth2; HTTP sends it",
		}
	}
	return s.clients.get(s.keyOf(d, user), func() (*oauth2.Client, error) {
		return oauth2.New(oauth2.Config{
			Name: d.spec.Name, User: user, Settings: *cloneSettings(d.spec.OAuth2),
			SecretID: d.spec.SecretID, TokenSecretID: d.idOf(user),
			Service: s.cfg.Secrets, Apps: s.cfg.Apps,
			Connect: s.connectURL(d, user), OneProcess: s.cfg.OneProcess,
			Transport: s.cfg.Transport, Endpoints: s.cfg.Endpoints,
			OnEvent: s.cfg.OnEvent, Clock: s.cfg.Clock, Discovery: &s.discovery,
		})
	})
}

func (s *Store) keyOf(d *definition, user string) clientKey {
	return clientKey{d.spec.Name, d.idOf(user)}
}

// changed tells the client of an account that something else was stored.
func (s *Store) changed(ctx context.Context, d *definition, user string) {
	if d.spec.OAuth2 != nil {
		s.clients.changed(ctx, s.keyOf(d, user))
	}
}

// token returns tokens that are good for a minute.
func (s *Store) token(ctx context.Context, d *definition, user string) (oauth2.Token, error) {
	client, err := s.client(d, user)
	if err != nil {
		return oauth2.Token{}, err
	}
	token, err := client.Token(ctx)
	return token, s.told(d, user, err)
}

// refine adds to the status of an account that is connected what its client
// knows, and what other processes have left word of.
func (s *Store) refine(ctx context.Context, d *definition, user string, status *Status) {
	if d.spec.OAuth2 == nil || status.State != StateOK {
		return
	}
	client, err := s.client(d, user)
	var told oauth2.Status
	if err == nil {
		told, err = client.Status(ctx)
	}
	switch {
	case err != nil:
		status.State, status.Err = StateUnknown, err
		return
	case !told.Connected: // it was deleted meanwhile
		status.State, status.Err, status.Info = StateMissing, s.missing(d, user), core.Info{ID: status.ID}
		return
	}
	status.ExpiresAt, status.ConnectedAt, status.RefreshedAt = told.ExpiresAt.Time, told.ConnectedAt.Time, told.RefreshedAt.Time
	status.Refreshable, status.Granted, status.MissingScopes = told.Refreshable, told.Granted, told.Missing
	if told.LastFailure != nil {
		status.LastFailure = told.LastFailure.Err
	}
	if told.Reauthorize {
		status.State, status.Err = StateEnded, s.ended(d, user, told.LastFailure)
	}
}

// ended is the error of an account that only connecting again mends.
func (s *Store) ended(d *definition, user string, last *oauth2.Failure) error {
	if last != nil && errors.Is(last.Err, oauth2.ErrReauthorize) {
		return last.Err
	}
	return &oauth2.ReauthorizeError{Name: d.spec.Name, User: user, ID: d.idOf(user), Connect: s.connectURL(d, user)}
}
