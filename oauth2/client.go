package oauth2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2/internal/hosts"
	"github.com/lukko-dev/lukko/schema"
)

// Client is one account at one provider: it gives its access token, sends it
// to the hosts that the settings allow, and keeps it fresh.
//
// Any number of goroutines, of clients and of processes may use the tokens of
// one account at once, over a store with conditional writes: they refresh
// once. Who refreshes writes a claim first, and only the holder of the claim
// asks the provider; the others wait for what it stores. Exactly once is
// impossible where an answer of the provider is lost, where a process is
// suspended or killed between its request and the write of the answer, and where
// the store takes claims and no tokens for more than a minute: a provider that
// detects reuse then ends the connection, and the error is [ErrReauthorize].
//
// A call waits no longer than its own context. One that gives up ends
// nothing: the refresh goes on for those who wait, and for the next.
//
// What another process stores, be it a refresh or a new connection, is seen
// before each refresh, after each 401, and else by a read of the store in the
// background, at most one each 30 seconds and only while the Client is used. So
// an idle Client costs nothing, and a busy one 120 reads an hour.
//
// A Client is safe for concurrent use. It prints without its tokens.
type Client struct {
	cfg      Config
	hosts    hosts.Set
	clock    Clock
	provider *provider
	apps     *schema.Declaration[App]
	tokens   *schema.Declaration[Token]
	base     http.RoundTripper
	began    time.Time // what nextRead is counted from

	held     atomic.Pointer[held] // what is known of the tokens; nil is nothing
	nextRead atomic.Int64         // when the store is read again in the background
	reading  atomic.Bool          // that is on its way
	reads    atomic.Int64         // numbers what was read, in the order of asking

	mu       sync.Mutex
	flight   *flight // the one attempt to have other tokens
	read     int64   // the number of what held was read by
	replaced string  // the version that our last write replaced: reading it is reading the past
	accounts int     // counts connects and disconnects here: what was on its way to be stored before one is not what is stored after it
	other    time.Time
	memo     memo
	futile   futile
	unsaved  *answered
	last     lastFailure
	closed   bool
	seen     seenClaim      // used by the flight only
	running  sync.WaitGroup // the flight, reads in the background, and the saver
	saving   chan struct{}  // has room for the one who writes what is unsaved

	// ending is over once the Client closes: it cuts waits and reads, and no
	// request to the provider nor what stores its answer.
	ending context.Context
	end    context.CancelFunc
}

// New makes a Client. It does no I/O: whether the account is connected is
// found out at the first use. The error is an [*Error] of kind
// core.ErrInvalidValue that says what is wrong with the Config. Close it.
func New(cfg Config) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	allowed, err := hosts.Parse(cfg.Settings.AllowedHosts)
	if err != nil {
		return nil, &Error{
			Op: "open", Name: cfg.Name, User: cfg.User, Kind: core.ErrInvalidValue,
			Hint: "Settings.AllowedHosts: " + err.Error(),
		}
	}
	if cfg.Apps == nil {
		cfg.Apps = cfg.Service
	}
	if cfg.Clock == nil {
		cfg.Clock = wireClock{}
	}
	if cfg.Connect == "" {
		cfg.Connect = "lukko oauth connect " + cfg.Name
		if cfg.User != "" {
			// The id is any text, and whoever reads the command may paste it into a shell.
			cfg.Connect += " --user USER"
		}
	}
	c := &Client{
		cfg: cfg, hosts: allowed, clock: cfg.Clock, base: cfg.Transport, began: cfg.Clock.Now(), saving: make(chan struct{}, 1),
		provider: newProvider(cfg.Name, cfg.User, cfg.Settings, cfg.Endpoints, cfg.Clock),
	}
	if c.base == nil {
		c.base = http.DefaultTransport
	}
	if cfg.Discovery != nil {
		c.provider.discovery = cfg.Discovery.of(cfg.Settings.Issuer)
	}
	// Declared in a set of our own: the program's has them by another way.
	var own schema.Set
	app, tokens := AppSpec(cfg.SecretID), TokenSpec(cfg.TokenSecretID)
	app.Name, tokens.Name = "app", "tokens"
	c.apps, c.tokens = schema.DeclareIn[App](&own, app), schema.DeclareIn[Token](&own, tokens)
	c.ending, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Token returns the account's tokens, refreshed if the access token ends
// within 60 seconds, or within half its life if that is shorter. An expiry
// that is not known is none.
//
// The errors match [ErrNotConnected] and [ErrReauthorize], which only
// connecting mends; the context's error where ctx has ended; and else are of
// type [*Error] or [*core.Error]. While a refresh fails in a way that may
// pass, an access token that has not ended yet is returned as it is.
func (c *Client) Token(ctx context.Context) (Token, error) {
	if err := ctx.Err(); err != nil {
		return Token{}, c.fail("token", nil, "", err)
	}
	h, err := c.current(ctx)
	if err != nil {
		return Token{}, err
	}
	return h.token, nil
}

// Refresh asks for new tokens, also before the old ones end. One that is asked
// for while another goroutine or process refreshes is satisfied by its result.
// For [GrantClientCredentials] it asks for a token by that grant.
func (c *Client) Refresh(ctx context.Context) error {
	_, err := c.want(ctx, wish{op: "refresh", force: true})
	return err
}

// HTTP returns a client whose transport is [Client.RoundTripper]. It has no
// time limit: the context of each request is one.
func (c *Client) HTTP() *http.Client { return &http.Client{Transport: c.RoundTripper()} }

// Do sends a request by [Client.HTTP].
func (c *Client) Do(req *http.Request) (*http.Response, error) { return c.HTTP().Do(req) }

// Close ends the Client: later calls and those that wait are core.ErrClosed.
// It waits for a request to the token endpoint that is on its way, which takes
// no longer than 30 seconds, and for its answer to be stored, which is tried
// for 10 seconds more: a refresh token that is lost ends the connection. It
// returns an error if that was in vain.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	c.running.Wait()
	c.mu.Lock()
	lost := c.unsaved != nil
	c.mu.Unlock()
	if lost {
		return c.fail("close", core.ErrUnavailable, "tokens that the provider gave could not be stored, and are lost; the account may have to be connected again", nil)
	}
	return nil
}

// String names the credential, and not its tokens.
func (c *Client) String() string { return line("", c.cfg.Name, c.cfg.User) + ": client" }

// Format writes the text of String for every verb, so that none prints the
// fields by reflection.
func (c *Client) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// app reads the application's secret, anew each time: one that was rotated is
// seen.
func (c *Client) app(ctx context.Context) (App, error) {
	app, err := c.apps.Get(ctx, c.cfg.Apps, core.Fresh())
	if err == nil {
		return app, nil
	}
	kind, hint := core.KindOf(err), ""
	switch kind { //nolint:errorlint // a kind is a sentinel itself
	case core.ErrNotFound:
		hint = "the application is not configured: store its client id and secret at " + c.cfg.SecretID
	case core.ErrInvalidValue:
		hint = "the application's secret at " + c.cfg.SecretID + " is malformed"
	default:
		var cause *core.Error
		if errors.As(err, &cause) { // the store's own: the declaration has nothing to add
			kind, err = nil, cause
		}
	}
	return App{}, c.fail("read the application", kind, hint, err)
}

// fail makes an error. A context's error stands alone.
func (c *Client) fail(op string, kind error, hint string, err error) *Error {
	return &Error{Op: op, Name: c.cfg.Name, User: c.cfg.User, Kind: kind, Hint: hint, Err: err}
}

func (c *Client) notConnected() error {
	return &NotConnectedError{Name: c.cfg.Name, User: c.cfg.User, ID: c.cfg.TokenSecretID, Connect: c.cfg.Connect}
}

func (c *Client) reauthorize(code string) error {
	return &ReauthorizeError{Name: c.cfg.Name, User: c.cfg.User, ID: c.cfg.TokenSecretID, Code: safeCode(code), Connect: c.cfg.Connect}
}

func (c *Client) tell(kind EventKind, took time.Duration, err error) {
	if c.cfg.OnEvent != nil {
		c.cfg.OnEvent(Event{Kind: kind, Name: c.cfg.Name, User: c.cfg.User, Took: took, Err: err})
	}
}
