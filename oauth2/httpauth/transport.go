package httpauth

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2/internal/hosts"
)

// Config is what a [Transport] is made of.
type Config struct {
	// Name is the credential's, for errors. It may be empty.
	Name string

	// Get reads the secret. It is called for each request that gets it, with
	// that request's context, so that a rotated key is used at once: whether
	// and for how long it is kept is up to Get. It is called by many goroutines
	// at the same time. Its error is that of the request, as it is.
	Get func(ctx context.Context) (core.Value, error)

	// Scheme is how the secret stands in a request.
	Scheme Scheme

	// Hosts are where it is sent; see the package's comment.
	Hosts []string

	// Strict refuses all requests that go elsewhere, and by plain http, before
	// anything is sent. Else they go without the secret.
	Strict bool

	// Base carries the requests; nil is http.DefaultTransport.
	Base http.RoundTripper
}

// Secret is a Config.Get that reads the secret of that id each time. Where that
// is a call to a store, a handle of schema.Load follows rotation at no cost; the
// example of [Config] has one.
func Secret(svc core.SecretService, id string) func(context.Context) (core.Value, error) {
	return func(ctx context.Context) (core.Value, error) {
		secret, err := svc.Get(ctx, id)
		return secret.Value, err
	}
}

// Transport is an [http.RoundTripper] that sends a secret. It is safe for
// concurrent use, keeps no secret, and has nothing to close.
type Transport struct {
	name   string
	get    func(context.Context) (core.Value, error)
	scheme Scheme
	hosts  hosts.Set
	strict bool
	base   http.RoundTripper
}

// New returns a Transport. It reads no secret. The error is an [*Error] that
// matches core.ErrInvalidValue and lists all that is wrong.
func New(cfg Config) (*Transport, error) {
	t := &Transport{name: cfg.Name, get: cfg.Get, scheme: cfg.Scheme, strict: cfg.Strict, base: cfg.Base}
	var wrong []string
	if t.get == nil {
		wrong = append(wrong, "Get is nil, and nothing else says where the secret is")
	}
	if flaw := t.scheme.flaw(); flaw != "" {
		wrong = append(wrong, flaw)
	}
	var err error
	switch t.hosts, err = hosts.Parse(cfg.Hosts); {
	case err != nil:
		wrong = append(wrong, err.Error())
	case t.hosts.Empty():
		wrong = append(wrong, "no hosts are given, so that the secret would go nowhere")
	}
	if wrong != nil {
		return nil, t.invalid(wrong...)
	}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	return t, nil
}

// RoundTrip sends the request with the secret if it goes to a declared host and
// no redirect has led it there from another; see the package's comment.
//
// A request that has the header of the scheme already, or another value of its
// parameter, is refused: two credentials in one request are a mistake, and neither is
// silently preferred. So is, for Basic and Bearer, a URL with a user name, of
// which an http.Client makes that header. A parameter that has the secret for its value
// is as good as none: addresses of next pages come back with it.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.hosts.AllowsRequest(req) {
		if t.strict {
			return nil, t.refuse(req, t.undeclared(req))
		}
		return t.without(req)
	}
	if hosts.Crossed(req) {
		return t.without(req)
	}
	if err := t.taken(req); err != nil {
		return nil, t.refuse(req, err)
	}
	value, err := t.get(req.Context())
	if err != nil {
		return nil, t.refuse(req, err)
	}
	secret := value.Reveal()
	if err := t.scheme.check(secret); err != nil {
		return nil, t.refuse(req, t.invalid(err.Error()))
	}
	if t.scheme.kind == kindQuery {
		return t.sendQuery(req, secret) //lukko:allow revealed the vendor takes its key in the query only, and sendQuery keeps that from errors and redirects
	}
	resp, err := t.base.RoundTrip(withHeader(req, t.scheme.header(), t.scheme.headerValue(secret)))
	return t.received(req, secret, resp, err)
}

// undeclared is the error of a request that goes elsewhere. It doesn't say
// where to: an http.Client does, and what stands for a host may be anything.
func (t *Transport) undeclared(req *http.Request) error {
	hint := "the request goes to a host that is not declared; declared are " + t.hosts.String()
	if u := req.URL; u != nil && u.Scheme == "http" && t.hosts.Allows(&url.URL{Scheme: "https", Host: u.Host}) {
		hint = "the request goes by plain http, where everybody can read it: use https"
	}
	return &Error{Name: t.name, Kind: core.ErrPermissionDenied, Hint: hint}
}

// refuse closes the body, as a RoundTripper must also when it fails.
func (t *Transport) refuse(req *http.Request, err error) error {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return err
}

// without sends a request that doesn't get the secret.
func (t *Transport) without(req *http.Request) (*http.Response, error) {
	sent := req
	if referer := req.Header.Get("Referer"); t.scheme.kind == kindQuery && req.Response != nil && referer != "" {
		// An address of a next page has the secret in it, and an http.Client
		// tells the address that redirected to where that led.
		if u, err := url.Parse(referer); err != nil || len(parameters(u.RawQuery, t.scheme.arg)) > 0 {
			sent = withHeader(req, "Referer", "")
			delete(sent.Header, "Referer")
		}
	}
	resp, err := t.base.RoundTrip(sent)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// received makes the answer one to the caller's own request: what names
// the request that was sent has the secret.
func (t *Transport) received(req *http.Request, secret string, resp *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, t.hide(req, secret, err)
	}
	if resp != nil {
		resp.Request = req
	}
	return resp, nil
}

// taken says whether the request has a credential where this one would stand.
func (t *Transport) taken(req *http.Request) error {
	name := t.scheme.header()
	if name == "" {
		return nil // sendQuery compares
	}
	for key, values := range req.Header {
		// A key can be put into the map by hand, in any case, and is sent so.
		if len(key) == len(name) && len(values) > 0 && strings.EqualFold(key, name) {
			hint := "the request has the header " + name + " already: send it by another client, or without the header"
			if req.URL.User != nil && name == "Authorization" {
				hint = "the request's URL has a user name, of which the header Authorization was made: send it without"
			}
			return &Error{Name: t.name, Kind: core.ErrInvalidOption, Hint: hint}
		}
	}
	return nil
}

// withHeader returns a copy of the request with one header more. The slices of
// the others are shared, as nobody below may change them.
func withHeader(req *http.Request, name, value string) *http.Request {
	sent := new(http.Request)
	*sent = *req
	sent.Header = make(http.Header, len(req.Header)+1)
	maps.Copy(sent.Header, req.Header)
	sent.Header[name] = []string{value}
	return sent
}

// Format writes the credential's name, the scheme and the hosts for every verb,
// so that no verb prints what the transport below keeps of its requests.
func (t Transport) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "httpauth.Transport(%q: %s to %s)", t.name, t.scheme, t.hosts)
}

// CloseIdleConnections does so in Config.Base, if that can; an http.Client
// asks for it.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}
