package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/conns"
)

const (
	// smallAnswer bounds the answer about one secret: a value of 64 KiB is at
	// most six times as long in JSON, with its custom metadata.
	smallAnswer = 1 << 20

	// largeAnswer bounds a listing and a secret's metadata, which grow with
	// the number of keys and of versions.
	largeAnswer = 32 << 20
)

// conn sends requests to one server. It retries those that only read.
type conn struct {
	client  *api.Client
	session *session

	timeout   time.Duration // of one call with all its attempts; 0: none but the caller's
	retries   int           // beyond the first attempt, of reads
	pause     time.Duration // before the first retry; doubled for each further one
	slots     chan struct{} // one for each request in flight
	closeIdle func()        // nil if the connections are the caller's
	conns     *conns.Set    // as above
	sending   sync.RWMutex  // read-locked while a request is in flight
}

func newConn(client *api.Client, concurrency int, timeout time.Duration, retries int) *conn {
	return &conn{
		client: client, timeout: timeout, retries: retries, pause: 100 * time.Millisecond,
		slots: make(chan struct{}, concurrency),
	}
}

// request is one call of the HTTP API.
type request struct {
	method string
	path   string // without /v1/
	query  url.Values
	body   []byte // JSON, or nil
	limit  int64  // of the answer, in bytes; 0: smallAnswer
	write  bool   // may change something: it is sent once
	value  bool   // the answer holds a secret's value
	fresh  bool   // past the caches of proxies
}

// answer is what the server said, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	write  bool // it answers a request that may have changed something
}

// do sends a request with the session's token, again if that reads and the
// failure may pass, and again if the token turns out to have ended.
// An answer of 200 or 204, and one of 404 that says that nothing is there, are no
// errors.
func (c *conn) do(ctx context.Context, r request) (answer, error) {
	parent := ctx
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	a, err := c.withToken(ctx, r)
	if err == nil {
		return a, nil
	}
	// Where the caller's context has ended, that is the reason of a failure,
	// whatever it looks like from here. What the server said stands.
	switch kind := core.KindOf(err); {
	case kind != nil && kind != core.ErrUnavailable && kind != core.ErrIndeterminate: //nolint:errorlint // a kind is the sentinel itself
	case endedBy(parent) == nil:
		if kind == nil && endedBy(ctx) != nil { // by the limit of our own
			err = &core.Error{Kind: core.ErrUnavailable, Hint: "no answer within " + c.timeout.String() + "; BAO_CLIENT_TIMEOUT or VAULT_CLIENT_TIMEOUT says how long a call may take"}
		}
	case r.write && kind == core.ErrIndeterminate: //nolint:errorlint // as above
		err = parent.Err()
	default:
		err = core.NotWritten(parent.Err())
	}
	return answer{}, err
}

// endedBy returns a context's error, also in the moment between its deadline,
// which the network keeps by itself, and the context's own timer.
func endedBy(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (c *conn) withToken(ctx context.Context, r request) (answer, error) {
	t, err := c.session.token(ctx)
	if err != nil {
		return answer{}, core.NotWritten(err)
	}
	a, err := c.attempts(ctx, r, t.value.Reveal())
	denial := (*denied)(nil)
	if !errors.As(err, &denial) {
		return a, err
	}
	// The server did nothing, so that a write too may be sent again.
	fresh, err := c.session.rejected(ctx, t, denial)
	if err != nil {
		return answer{}, core.NotWritten(err)
	}
	a, err = c.attempts(ctx, r, fresh.value.Reveal())
	if errors.As(err, &denial) {
		err = c.session.rejectedFresh(ctx, fresh, denial)
	}
	return a, err
}

// attempts sends a request until it is answered, or can't be hoped to be.
func (c *conn) attempts(ctx context.Context, r request, token string) (answer, error) {
	for n := 0; ; n++ {
		a, err := c.once(ctx, r, token)
		if err == nil {
			return a, nil
		}
		passing := (*transient)(nil)
		if !errors.As(err, &passing) {
			return answer{}, err
		}
		err = passing.err
		if n >= c.retries || r.write && !passing.unsent {
			return answer{}, err
		}
		wait := c.pause << n
		wait += rand.N(wait/2 + 1)
		if passing.after > wait {
			wait = passing.after
		}
		if deadline, ok := ctx.Deadline(); wait > longestWait || ok && time.Until(deadline) < wait {
			return answer{}, err // waiting would only use up the time for nothing
		}
		if !pauseFor(ctx, wait) {
			return answer{}, err
		}
	}
}

// once sends a request once.
func (c *conn) once(ctx context.Context, r request, token string) (answer, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return answer{}, core.NotWritten(ctx.Err())
	}
	c.sending.RLock()
	a, silent, err := c.send(ctx, r, token)
	c.sending.RUnlock()
	if silent {
		c.doubt()
	}
	return a, err
}

// doubt is told of a request that got no answer in time. Its connection may have
// died without a word, and those that idle beside it, each of which would cost a
// call its whole time. One of HTTP/2 that others still use is left to its pings.
func (c *conn) doubt() {
	if c.closeIdle == nil {
		return
	}
	c.closeIdle()
	if c.sending.TryLock() {
		defer c.sending.Unlock()
		c.conns.End()
	}
}

// send is once, with a slot. silent: the time was up before a word came.
func (c *conn) send(ctx context.Context, r request, token string) (a answer, silent bool, err error) {
	limit := r.limit
	if limit == 0 {
		limit = smallAnswer
	}
	ctx = withLimit(ctx, limit)
	var connected atomic.Bool
	if r.write {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	}
	req := c.client.NewRequest(r.method, "/v1/"+r.path)
	req.ClientToken = token
	req.BodyBytes = r.body
	if r.fresh {
		req.Headers.Set("Cache-Control", "no-cache")
	}
	for key, values := range r.query {
		req.Params[key] = values
	}
	//lint:ignore SA1019 there is no other way to the status, the headers and the body of any path and method
	resp, err := c.client.RawRequestWithContext(ctx, req)
	if resp == nil {
		if err == nil {
			err = errors.New("vault: no answer and no error")
		}
		return answer{}, errors.Is(endedBy(ctx), context.DeadlineExceeded), unreached(ctx, err, r.write, r.write && !connected.Load())
	}
	defer resp.Body.Close()
	a = answer{status: resp.StatusCode, header: resp.Header, write: r.write}
	// The API client has read the body of an error, and says so by this type.
	if err == nil || errors.As(err, new(*api.ResponseError)) {
		a.body, err = readAll(resp)
	}
	switch {
	case err == nil:
		return a, false, a.fault()
	case endedBy(ctx) != nil:
		return answer{}, false, unreached(ctx, err, r.write, false)
	}
	return answer{}, false, a.broken(r, err)
}

// readAll reads the body of an answer, into one buffer where its length is
// told.
func readAll(resp *api.Response) ([]byte, error) {
	var buf bytes.Buffer
	if n := resp.ContentLength; n > 0 && n <= smallAnswer {
		buf.Grow(int(n) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(resp.Body)
	return buf.Bytes(), err
}

// decode reads the answer's JSON. One that is no JSON did not come from Vault.
func (a answer) decode(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return a.foreign()
	}
	return nil
}

// longestWait is how long a retry may wait for what the server asks, also
// where nothing bounds the call.
const longestWait = time.Minute

// retryAfter is how long the server wants to be left alone; 0 if it doesn't
// say. Vault says it in seconds, others also by a time (RFC 9110, section
// 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 24*3600)) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return max(time.Until(at), 0).Round(time.Second)
}

// close ends the session, and lets the connections go.
func (c *conn) close() {
	c.session.close()
	if c.closeIdle != nil {
		c.closeIdle()
		c.conns.Close()
	}
}
