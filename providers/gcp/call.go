package gcp

import (
	"context"
	"math/rand/v2"
	"time"

	"cloud.google.com/go/auth"
	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"

	"github.com/lukko-dev/lukko/core"
)

const (
	// smallAnswer bounds the answer about one secret: a value of 64 KiB, or
	// the metadata of one version or secret.
	smallAnswer = 1 << 20

	// largeAnswer bounds a page of a listing: labels and annotations of one
	// secret can have some 30 KiB.
	largeAnswer = 32 << 20

	// firstPause is how long to wait before the first further attempt.
	firstPause = 100 * time.Millisecond

	// longestWait is how long to wait for what the service asks.
	longestWait = time.Minute

	// silence is how long a connection may say nothing to a call before the
	// next one is made over a new connection.
	silence = time.Second
)

// conn sends requests. It retries those that only read, and those that never left.
type conn struct {
	links
	login   *login        // nil without credentials of our own
	slots   chan struct{} // one for each request in flight
	timeout time.Duration // of one call with all its attempts
	retries int           // beyond the first attempt
	pause   time.Duration // before the first retry; doubled for each further one
}

// request says what a call is.
type request struct {
	write bool // it may change something
	limit int  // of the answer, in bytes; 0: smallAnswer
}

type rpc func(context.Context, *secretmanager.Client, ...gax.CallOption) error

// do makes a call. Of its errors all but the caller's context's have a kind.
func (c *conn) do(parent context.Context, r request, call rpc) error {
	ctx, cancel := context.WithTimeout(parent, c.timeout)
	defer cancel()
	err := c.attempts(ctx, r, call)
	if err == nil {
		return nil
	}
	// Where the caller's context has ended, that is the reason of a failure,
	// whatever it looks like from here. What the service said stands.
	switch kind := core.KindOf(err); {
	case kind != nil && kind != core.ErrUnavailable && kind != core.ErrIndeterminate: //nolint:errorlint // a kind is the sentinel itself
	case endedBy(parent) != nil:
		if r.write && kind == core.ErrIndeterminate { //nolint:errorlint // as above
			return parent.Err()
		}
		return core.NotWritten(parent.Err())
	case kind == nil: // our own limit, before anything was sent
		return &core.Error{Kind: core.ErrUnavailable, Hint: noAnswer + c.timeout.String()}
	case endedBy(ctx) != nil && codeOf(err) == codes.DeadlineExceeded:
		return asAnswer(err).with(kind, noAnswer+c.timeout.String())
	}
	return err
}

const noAnswer = "no answer within the store's own limit (timeout in the URL) of "

// endedBy returns a context's error, also in the moment between its deadline and
// its own timer, which gRPC may be before.
func endedBy(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done()
	}
	return ctx.Err()
}

func (c *conn) attempts(ctx context.Context, r request, call rpc) error {
	renewed := false
	for n := 0; ; n++ {
		f := c.once(ctx, r, call)
		if f == nil {
			return nil
		}
		if f.badToken != nil && !renewed {
			// The service did nothing, so that a write too may be sent again.
			c.login.rejected(f.badToken)
			renewed = true
			n--
			continue
		}
		if !f.passes || n >= c.retries || r.write && !f.unsent {
			return f.err
		}
		wait := c.pause << n
		wait = max(wait+rand.N(wait/2+1), f.after)
		if deadline, ok := ctx.Deadline(); wait > longestWait || ok && time.Until(deadline) < wait {
			return f.err // waiting would only use up the time for nothing
		}
		if !c.sleep(ctx, wait) {
			return f.err
		}
	}
}

// sleep waits, and reports whether ctx lasted that long.
func (c *conn) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once makes a call once.
func (c *conn) once(ctx context.Context, r request, call rpc) *failure {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return &failure{unsent: true, err: ctx.Err()}
	}
	var token *auth.Token
	if c.login != nil {
		var err error
		if token, err = c.login.fresh(ctx); err != nil {
			return &failure{unsent: true, passes: core.KindOf(err) == core.ErrUnavailable, err: err} //nolint:errorlint // a kind is the sentinel itself
		}
	}
	l, err := c.take()
	if err != nil {
		return &failure{unsent: true, err: err}
	}
	limit := r.limit
	if limit == 0 {
		limit = smallAnswer
	}
	began := time.Now()
	var p peer.Peer
	err = call(ctx, l.client,
		gax.WithRetry(never), gax.WithTimeout(0),
		gax.WithGRPCOptions(grpc.Peer(&p), grpc.MaxCallRecvMsgSize(limit)))
	var f *failure
	if err != nil {
		// Without a peer there was no connection that it could have gone over.
		f = fault(r, err, p.Addr == nil)
		if f.code == codes.Unauthenticated {
			f.badToken = token
		}
	}
	c.give(l, began, f == nil || f.answered, f != nil && !f.answered && (f.unsent || time.Since(began) >= silence))
	return f
}

func never() gax.Retryer { return nil }

// project returns the store's, or the credentials'.
func (c *conn) project(ctx context.Context) (string, error) {
	if c.login == nil {
		return "", noProject
	}
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	id, err := c.login.project(ctx)
	switch {
	case err != nil && endedBy(parent) != nil:
		return "", core.NotWritten(parent.Err())
	case err != nil:
		return "", core.NotWritten(err)
	case !projectForm.MatchString(id):
		return "", noProject
	}
	return id, nil
}

var noProject = &core.Error{Kind: core.ErrInvalidOption, Hint: "no project is named, and the credentials have none; name it as in gcp://my-project, or set GOOGLE_CLOUD_PROJECT"}

func (c *conn) end() {
	c.close()
	if c.login != nil {
		c.login.close()
	}
}
