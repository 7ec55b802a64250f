package oauth2

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// endpointLimit is how long a request to one of the provider's endpoints may
// take, its answer included.
const endpointLimit = 30 * time.Second

// maxAnswer is the longest answer of an endpoint that is read.
const maxAnswer = 1 << 20

// provider is one provider's endpoints. It follows no redirects: none of the
// RFCs has one, and a body with a secret would go along. It is safe for
// concurrent use.
type provider struct {
	name, user string // of the credential, for errors
	settings   Settings
	http       *http.Client
	clock      Clock
	discovery  *discovery
}

// newProvider makes a provider of settings that were checked. A nil rt is
// http.DefaultTransport, a nil c the machine's clock.
func newProvider(name, user string, s Settings, rt http.RoundTripper, c Clock) *provider {
	if rt == nil {
		rt = http.DefaultTransport
	}
	if c == nil {
		c = wireClock{}
	}
	return &provider{
		name: name, user: user, settings: s, clock: c, discovery: new(discovery),
		http: &http.Client{
			Transport:     rt,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

type wireClock struct{}

func (wireClock) Now() time.Time                         { return time.Now() }
func (wireClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// failure is why an endpoint did not give what was asked for. It holds nothing
// of the answer but a code that looks like one.
type failure struct {
	// Final says that the same request will fail again: a 4xx but 429, an error
	// in the body of a 2xx, or something that could not be sent.
	Final bool

	Code       string        // 1 to 64 of a-z and "_"; empty if there was none
	Status     int           // of the answer; 0 if there was none
	RetryAfter time.Duration // what the answer asks for; 0 if nothing, at most maxRetryAfter
	Err        error         // the error of the caller's context, where that is why

	kind error  // in place of the one that the rest implies
	hint string // in place of it, in words of ours
}

// maxRetryAfter bounds what an answer can ask for.
const maxRetryAfter = time.Hour

// refused reports whether the provider will never take the refresh token, the
// code or the device code again, so that only connecting anew helps: RFC 6749
// section 5.2, and what GitHub, Slack and OpenID providers say in its place.
func (f *failure) refused() bool {
	if f == nil || !f.Final {
		return false
	}
	switch f.Code {
	case "invalid_grant",
		"bad_refresh_token",     // GitHub
		"invalid_refresh_token", // Slack, and the next ones
		"token_revoked", "token_expired", "account_inactive", "invalid_code", "code_already_used",
		"interaction_required", "login_required", "consent_required": // OpenID Connect Core 1.0 section 3.1.2.6
		return true
	}
	return false
}

// unsent is a failure before anything was sent, that will not pass.
func unsent(kind error, hint string) *failure { return &failure{Final: true, kind: kind, hint: hint} }

// error makes the error that callers see of a failure.
func (p *provider) error(op string, f *failure) *Error {
	e := &Error{Op: op, Name: p.name, User: p.user, Status: f.Status, Code: safeCode(f.Code), Hint: f.hint}
	if f.Err != nil {
		e.Err = f.Err
		return e
	}
	e.Kind = f.kind
	if e.Kind == nil {
		e.Kind = f.implied()
	}
	if e.Hint == "" {
		e.Hint = f.advice()
	}
	return e
}

// implied is the kind that an answer implies.
func (f *failure) implied() error {
	if !f.Final {
		return core.ErrUnavailable
	}
	switch f.Code {
	case "invalid_client", "incorrect_client_credentials", "bad_client_secret", "invalid_client_id":
		return core.ErrUnauthenticated
	case "invalid_request", "invalid_scope", "invalid_target", "unsupported_grant_type", "unsupported_response_type",
		"unsupported_token_type", "redirect_uri_mismatch", "bad_redirect_uri", "invalid_arguments":
		return core.ErrInvalidValue
	case "":
		switch f.Status {
		case http.StatusUnauthorized:
			return core.ErrUnauthenticated
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusBadRequest,
			http.StatusNotAcceptable, http.StatusUnsupportedMediaType:
			return core.ErrInvalidValue
		}
	}
	return core.ErrPermissionDenied
}

// advice is what to do next.
func (f *failure) advice() string {
	switch kind := f.implied(); {
	case !f.Final && f.Status == http.StatusTooManyRequests:
		return "the provider asks for fewer requests; try again later"
	case !f.Final && f.Status >= 300 && f.Status < 400:
		return "the endpoint redirects, which is not followed; if this lasts, the URL in the settings is wrong"
	case !f.Final:
		return "this may pass; try again later"
	case f.refused():
		return "connect the account again"
	case errors.Is(kind, core.ErrUnauthenticated):
		return "the provider refused the application: check its client id and its secret or key in the application's secret, and ClientAuth in the settings"
	case errors.Is(kind, core.ErrInvalidValue) && f.Code == "":
		return "check the endpoints in the settings"
	case errors.Is(kind, core.ErrInvalidValue):
		return "check the settings against what is registered at the provider"
	default:
		return "the provider does not allow it"
	}
}

// reply is an answer that was read whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// What to say of a connection that failed; the errors themselves have the URL
// and more.
const (
	hintSlow        = "the endpoint did not answer within 30 seconds; try again later"
	hintName        = "the host of the endpoint was not found; check the URL in the settings, and the network"
	hintCertificate = "the certificate of the endpoint is not trusted here; check the URL in the settings, and this machine's root certificates and clock"
	hintBroken      = "the connection to the endpoint failed; try again later"
	hintLarge       = "the answer has more than 1 MiB, and is none of OAuth2; try again later"
	hintNoAnswer    = "the answer is none of OAuth2, such as a page for people; if this lasts, the URL in the settings is wrong"
)

// send sends a request and reads its answer, whatever its status is.
func (p *provider) send(ctx context.Context, req *http.Request) (*reply, *failure) {
	if err := ctx.Err(); err != nil {
		return nil, &failure{Err: err}
	}
	limited, cancel := context.WithTimeout(ctx, endpointLimit)
	defer cancel()
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "lukko")
	// A connection that was kept may have been closed by the other side just now,
	// and then nobody knows whether a refresh token is spent. These requests are
	// few: each has a connection of its own.
	req.Close = true
	resp, err := p.http.Do(req.WithContext(limited))
	if err == nil {
		defer resp.Body.Close()
		var body []byte
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
		if err == nil && len(body) > maxAnswer {
			f := p.statusFailure(resp.StatusCode, resp.Header)
			f.hint = hintLarge
			return nil, f
		}
		if err == nil {
			return &reply{resp.StatusCode, resp.Header, body}, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, &failure{Err: err}
	}
	f := &failure{hint: hintOf(err)}
	if limited.Err() != nil {
		f.hint = hintSlow
	}
	return nil, f
}

func hintOf(err error) string {
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var name *net.DNSError
	switch {
	case errors.As(err, &certificate), errors.As(err, &unknown), errors.As(err, &host):
		return hintCertificate
	case errors.As(err, &name):
		return hintName
	}
	return hintBroken
}

// post posts a form.
func (p *provider) post(ctx context.Context, endpoint string, form url.Values, basic *basicAuth) (*reply, *failure) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, unsent(core.ErrInvalidValue, "an endpoint in the settings is no URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic != nil {
		// RFC 6749 section 2.3.1: each is encoded as in a form first.
		req.SetBasicAuth(url.QueryEscape(basic.id), url.QueryEscape(basic.secret.Reveal()))
	}
	return p.send(ctx, req)
}

type basicAuth struct {
	id     string
	secret core.Value
}

// statusFailure is the failure that a status alone says.
func (p *provider) statusFailure(status int, header http.Header) *failure {
	return &failure{
		Status:     status,
		Final:      status >= 400 && status < 500 && status != http.StatusTooManyRequests,
		RetryAfter: retryAfter(header, p.clock.Now()),
	}
}

// retryAfter reads the header of RFC 9110 section 10.2.3. A date is taken by
// the server's own clock, if the answer has that.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil {
		return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if server, err := http.ParseTime(header.Get("Date")); err == nil {
		now = server
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
