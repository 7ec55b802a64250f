package vault

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// transient is a failure that may pass.
type transient struct {
	after  time.Duration // what the server asks to wait; 0 if it doesn't
	unsent bool          // the server did not begin to do what was asked
	err    *core.Error
}

func (t *transient) Error() string { return t.err.Error() }
func (t *transient) Unwrap() error { return t.err }

// denied is the server's 403: of the policies, or of a token that has ended.
type denied struct {
	at        time.Time
	tokenGone bool // the server says that it is the token
}

func (d *denied) Error() string { return d.asError().Error() }

func (d *denied) asError() *core.Error {
	return &core.Error{
		Kind: core.ErrPermissionDenied, Code: "403",
		Hint: "the token is good, and its policies don't allow this; the server says the same of a mount that isn't there",
	}
}

// What a KV engine says of its check-and-set parameter, with 400.
var (
	errMismatch = &core.Error{Kind: core.ErrConflict, Code: "400", Hint: "another version is current; read it and decide again"}
	errRequired = &core.Error{Kind: core.ErrInvalidOption, Code: "400", Hint: "the engine takes no write without check-and-set"}
)

// fault is the error of an answer. Every status has its line here.
//
// A status of 400 and above is believed only with the body that Vault sends
// with it: what stands between may answer by itself, and its 404 says nothing
// of a secret.
func (a answer) fault() error {
	if a.status >= 200 && a.status <= 299 {
		return nil
	}
	said, own := a.said()
	switch {
	case a.status >= 300 && a.status <= 399:
		return a.err(core.ErrUnavailable, "the server redirects to another address, which is not followed, as the token would go along; give the address of the active node")
	case !own && a.status < 500:
		return a.err(core.ErrUnavailable, a.foreignHint())
	}
	has := func(words string) bool { return strings.Contains(said, words) }
	switch a.status {
	case http.StatusBadRequest:
		switch {
		case has("check-and-set parameter did not match"):
			return errMismatch
		case has("check-and-set parameter required"):
			return errRequired
		case has("missing client token"):
			return &denied{at: time.Now(), tokenGone: true}
		}
		return a.err(core.ErrInvalidOption, "the server refuses the request as it is; look at the mount and at the version of its engine")
	case http.StatusUnauthorized:
		return a.err(core.ErrUnauthenticated, "the server asks for a login")
	case http.StatusForbidden:
		return &denied{at: time.Now(), tokenGone: has("invalid token") || has("bad token")}
	case http.StatusNotFound:
		switch {
		case has("no handler for route"):
			return a.err(core.ErrUnavailable, "no secrets engine is mounted there; look at the mount in the URL, and at the namespace")
		case has("Invalid path for a versioned K/V"):
			return a.err(core.ErrInvalidOption, "the engine is KV version 2, and was taken for version 1; look at kv in the URL")
		}
		return nil // it is for the caller to say what is not there
	case http.StatusMethodNotAllowed:
		return a.err(core.ErrInvalidOption, "the engine of this mount can't do this; is it a KV engine?")
	case http.StatusPreconditionFailed:
		return a.passing("this node of the cluster lags behind")
	case http.StatusRequestEntityTooLarge:
		return a.err(core.ErrInvalidValue, "the server takes no request as large as this")
	case http.StatusTooManyRequests:
		if has("lease count quota") {
			return a.err(core.ErrExhausted, "the quota of leases is used up")
		}
		return a.passing("the server limits the rate of requests; ask less often, or have the quota raised")
	}
	switch {
	case a.status < 500:
		return a.err(core.ErrUnavailable, "the server refuses with a status that is not expected here")
	case own && has("is sealed"):
		return a.passing("the server is sealed; unseal it")
	case own && has("local node not active"), own && has("standby"):
		return a.passing("the node is a standby that finds no active one")
	}
	kind := core.ErrUnavailable
	if a.write {
		kind = core.ErrIndeterminate
	}
	return &transient{after: retryAfter(a.header), err: a.err(kind, "the server, or what stands before it, has failed")}
}

// said returns what Vault says in the body of an error, and whether the body
// is Vault's at all.
func (a answer) said() (text string, own bool) {
	var body struct {
		Errors   *[]string        `json:"errors"`
		Warnings []string         `json:"warnings"`
		Data     *json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil || body.Errors == nil && body.Warnings == nil && body.Data == nil {
		return "", false
	}
	if body.Errors != nil {
		text = strings.Join(*body.Errors, "\n")
	}
	return text + "\n" + strings.Join(body.Warnings, "\n"), true
}

func (a answer) err(kind error, hint string) *core.Error {
	return &core.Error{Kind: kind, Code: strconv.Itoa(a.status), Hint: hint}
}

// passing is a failure of a request that the server did not begin to serve.
func (a answer) passing(hint string) error {
	after := retryAfter(a.header)
	if after > 0 {
		hint += "; it asks to wait " + after.String()
	}
	return &transient{after: after, unsent: true, err: a.err(core.ErrUnavailable, hint)}
}

// foreign is the error of a successful answer that Vault did not give.
func (a answer) foreign() error {
	kind := core.ErrUnavailable
	if a.write {
		kind = core.ErrIndeterminate
	}
	return a.err(kind, a.foreignHint())
}

func (a answer) foreignHint() string {
	if strings.Contains(a.header.Get("Content-Type"), "html") {
		return "a web page answered, which is not Vault's; is a proxy in between, or a login page?"
	}
	if strings.Contains(string(a.body), "HTTP request to an HTTPS server") {
		return "the server speaks TLS; its address begins with https://"
	}
	return "what answered is not Vault; look at the address, and at proxies in between"
}

// broken is the error of an answer that was cut, or is too long to be read.
func broken(r request, status int, err error) error {
	hint := "the answer was cut off"
	tooLong := errors.As(err, new(*http.MaxBytesError))
	if tooLong {
		hint = "the answer is longer than any that Vault gives here"
	}
	e := &core.Error{Kind: core.ErrUnavailable, Code: strconv.Itoa(status), Hint: hint}
	switch {
	case r.write && (status < 400 || status >= 500):
		e.Kind = core.ErrIndeterminate
	case tooLong && status == http.StatusOK && r.limit == 0:
		e.Kind = core.ErrInvalidValue
		e.Hint = "the answer has more than 1 MiB; a value has at most 64 KiB"
	}
	if tooLong {
		return e
	}
	return &transient{unsent: status >= 400 && status < 500, err: e}
}

// unreached is the error of a request that got no answer. unsent: there was
// not even a connection that it could have gone over.
func unreached(err error, write, unsent bool) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		if unsent {
			return core.NotWritten(err)
		}
		if write {
			return &core.Error{Kind: core.ErrIndeterminate, Hint: "no answer came in time"}
		}
		return &core.Error{Kind: core.ErrUnavailable, Hint: "no answer came in time"}
	}
	hint, passes := connectionHint(err)
	e := &core.Error{Kind: core.ErrUnavailable, Hint: hint}
	switch {
	case write && !unsent:
		e.Kind = core.ErrIndeterminate
	case !passes:
		return e
	}
	return &transient{unsent: unsent, err: e}
}

// connectionHint says why a connection failed, and whether it may work the
// next moment.
func connectionHint(err error) (hint string, passes bool) {
	var (
		untrusted *tls.CertificateVerificationError
		dns       *net.DNSError
	)
	switch {
	case errors.As(err, &untrusted):
		return "the server's certificate is not trusted; BAO_CACERT or VAULT_CACERT names the file of its authority", false
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the server speaks no TLS; say so by an address with http://, or in the URL by tls=off", false
	case errors.As(err, &dns):
		return "the name of the server can't be resolved", dns.IsTemporary || dns.IsTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens at the address of the server", true
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset", true
	}
	return "the connection failed", true
}
