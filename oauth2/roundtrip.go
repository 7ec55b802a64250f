package oauth2

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2/internal/hosts"
)

// refusedFor is how long an access token that the API refused right after it was
// given forces no further refresh: the API refuses something else.
const refusedFor = time.Minute

// futile is the access token for which a refresh is no help.
type futile struct {
	access core.Value
	until  time.Time
}

// RoundTripper returns a transport that sends the account's access token in the
// Authorization header, over what is there:
//
//   - only to the hosts of Settings.AllowedHosts, over https, or http to a
//     loopback host; other requests go through as they are,
//   - not after a redirect to another host, port or scheme, also if that is
//     allowed, and not when such a chain comes back: whoever redirects would
//     decide what is asked in the account's name.
//
// An answer of 401 is followed by one refresh, for all who got one, and by one
// retry, if the body can be sent again: there is none, or the request has
// GetBody, or the body has no more than 1 MiB, which is kept in memory (of a
// body of unknown length: if all of it was sent by then). Else the 401 is the
// answer, with its body whole; so it is where the refresh fails in a way that
// may pass, and where there is nothing to refresh with. So it is also where the
// retry gets one too, or the provider gives the same token again: then that
// token forces no refresh for a minute. If the provider refuses the refresh, the
// error is [ErrReauthorize].
//
// The context of a request governs how long it waits for a refresh. Requests
// are never changed, and their bodies are always closed. Errors of the
// underlying transport are passed on.
func (c *Client) RoundTripper() http.RoundTripper { return &transport{c} }

type transport struct{ client *Client }

// sent is a request and the one value of its new header in one allocation.
type sent struct {
	req   http.Request
	value [1]string
}

// authorized copies a request as far as it is changed: the header's map, and not the
// lists in it.
func authorized(req *http.Request, h *held, body io.ReadCloser) *http.Request {
	s := &sent{req: *req}
	s.value[0] = h.header.Reveal()
	if s.req.Header = maps.Clone(req.Header); s.req.Header == nil {
		s.req.Header = make(http.Header, 1)
	}
	s.req.Header["Authorization"] = s.value[:]
	s.req.Body = body
	return &s.req
}

// RoundTrip sends one request, as [Client.RoundTripper] says.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c := t.client
	if !c.hosts.AllowsRequest(req) || hosts.Crossed(req) {
		return c.base.RoundTrip(req)
	}
	h, err := c.current(req.Context())
	if err != nil {
		closeBody(req)
		return nil, err
	}
	var again replay // of a request without a body there is nothing to keep
	if req.Body != nil {
		if again, err = replayOf(req); err != nil {
			return nil, err
		}
	}
	resp, err := c.base.RoundTrip(authorized(req, h, again.body))
	if err != nil {
		return nil, err
	}
	// Whoever prints an answer must not print the token; and by this a redirect
	// finds out where it began.
	resp.Request = req
	if resp.StatusCode != http.StatusUnauthorized || !c.helps(h) {
		return resp, nil
	}
	return c.retry(req, resp, h, &again)
}

// CloseIdleConnections closes those of the underlying transport.
func (t *transport) CloseIdleConnections() {
	if base, ok := t.client.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

// retry answers a 401.
func (c *Client) retry(req *http.Request, resp *http.Response, h *held, again *replay) (*http.Response, error) {
	w := wish{op: "refresh", avoid: h.token.AccessToken}
	body, ok := again.second()
	if !ok {
		c.kick(w) // for the next request
		return resp, nil
	}
	h, err := c.want(req.Context(), w)
	same := err == nil && h.token.AccessToken.Equal(w.avoid)
	if (err != nil || same) && body != nil {
		body.Close()
	}
	switch {
	case same:
		c.refuse(h)
		return resp, nil
	case err != nil && req.Context().Err() == nil && !c.ends(err):
		return resp, nil
	case err != nil:
		resp.Body.Close()
		return nil, err
	}
	// A connection is used again if its answer was read.
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	resp.Body.Close()

	resp, err = c.base.RoundTrip(authorized(req, h, body))
	if err != nil {
		return nil, err
	}
	resp.Request = req
	if resp.StatusCode == http.StatusUnauthorized {
		c.refuse(h)
	}
	return resp, nil
}

// refuse remembers that the API refuses an access token that was just given.
func (c *Client) refuse(h *held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.futile = futile{h.token.AccessToken, c.clock.Now().Add(refusedFor)}
}

// ends reports whether an error says that the connection has ended, which is
// more than a 401 does.
func (c *Client) ends(err error) bool {
	var reauthorize *ReauthorizeError
	if errors.As(err, &reauthorize) {
		return reauthorize.Code != ""
	}
	return errors.Is(err, ErrNotConnected)
}

// helps reports whether a refresh may help against a 401.
func (c *Client) helps(h *held) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.futile.access.Equal(h.token.AccessToken) || !c.clock.Now().Before(c.futile.until)
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
