package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/vault/api"
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

// What a KV engine says of its check-and-set parameter, with 400, and of a path
// that lacks data or metadata, with 404.
var (
	errMismatch = &core.Error{Kind: core.ErrConflict, Code: "400", Hint: "another version is current; read it and decide again"}
	errIsV2     = &core.Error{Kind: core.ErrInvalidOption, Code: "404", Hint: "the engine is KV version 2, and was taken for version 1: kv in the URL says so, or it was upgraded meanwhile, which the next call sees"}
	errRequired = &core.Error{Kind: core.ErrInvalidOption, Code: "400", Hint: "the engine takes no write without check-and-set"}
)

// fault is the error of an answer. Every status has its line here.
//
// A status of 400 and above is believed only with the body that Vault sends
// with it (api-docs#error-response): what stands between may answer by itself,
// and its 404 says nothing of a secret. Of a write it does not even say that the
// server has not seen it, but for the two statuses that mean just that.
func (a answer) fault() error {
	said, own := a.said()
	has := func(words string) bool { return own && strings.Contains(said, words) }
	switch a.status {
	case http.StatusOK, http.StatusNoContent:
		return nil // what it says is for the caller to read
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return a.err(core.ErrUnavailable, "the server redirects to another address, which is not followed, as the token would go along; give the address of the active node")
	case http.StatusNotFound:
		return a.notFound()
	case http.StatusRequestEntityTooLarge:
		if a.write {
			return a.err(core.ErrInvalidValue, "the server takes no request as large as this")
		}
	case http.StatusTooManyRequests:
		if has("lease count quota") {
			return a.err(core.ErrExhausted, "the quota of leases is used up; have it raised, or old leases revoked")
		}
		return a.refused("the server limits the rate of requests; ask less often, or have the quota raised")
	}
	switch {
	case a.status >= 500 && has("is sealed"):
		return a.refused("the server is sealed; unseal it")
	case a.status >= 500 && (has("node not active") || has("node is not active") || has("no active Vault instance") || has("standby")):
		return a.refused("the node is a standby that finds no active one; look at the state of the cluster")
	case a.status >= 500:
		return a.passing(a.lost(), "the server, or what stands before it, has failed; look at its log")
	case !own:
		return a.foreign()
	}
	switch a.status {
	case http.StatusBadRequest:
		switch {
		case a.write && has("check-and-set parameter did not match"):
			return errMismatch
		case a.write && has("check-and-set parameter required"):
			return errRequired
		case has("missing client token"):
			return &denied{at: time.Now(), tokenGone: true}
		case has("from non-versioned to versioned data"):
			return a.refused("the engine is being made one of version 2, which takes a moment")
		}
		return a.err(core.ErrInvalidOption, "the server refuses the request as it is; look at the mount and at the version of its engine")
	case http.StatusUnauthorized:
		return a.err(core.ErrUnauthenticated, "the server asks for a login; look at the token and at the address")
	case http.StatusForbidden:
		return &denied{at: time.Now(), tokenGone: has("invalid token") || has("bad token")}
	case http.StatusMethodNotAllowed:
		return a.err(core.ErrInvalidOption, notKV)
	case http.StatusPreconditionFailed:
		return a.refused("this node of the cluster lags behind; try again, or ask the active node")
	}
	return a.err(core.ErrUnavailable, "the server refuses with a status that is not expected here; look at its log")
}

const notKV = "the engine of this mount can't do this; is it a KV engine, and of the version that kv says?"

// notFound tells apart what Vault says with a 404. That a read finds nothing is
// no error here: it is for the caller to say what is not there.
func (a answer) notFound() error {
	said, own := a.said()
	has := func(words string) bool { return strings.Contains(said, words) }
	switch {
	case has("Invalid path for a versioned K/V"): // in a warning, beside no errors
		return errIsV2
	case own && has("no handler for route"):
		return a.err(core.ErrUnavailable, "no secrets engine is mounted there; look at the mount in the URL, and at the namespace")
	case own && has("unsupported path"):
		return a.err(core.ErrInvalidOption, notKV)
	case own && said != "":
		return a.err(core.ErrUnavailable, "the server does not know what was asked for; look at the address and at the mount")
	case own && a.write:
		return a.err(core.ErrUnavailable, "the engine does not know the path of a write; look at the mount")
	case own, a.hasMetadata():
		return nil
	}
	return a.foreign()
}

// absent reports whether Vault says that nothing was ever there, or is left.
func (a answer) absent() bool {
	_, own := a.said()
	return own && a.status == http.StatusNotFound
}

// hasMetadata reports whether a 404 is that of a version which was deleted,
// and whose metadata is left.
func (a answer) hasMetadata() bool {
	var body struct {
		Data struct {
			Metadata *versionData `json:"metadata"`
		} `json:"data"`
	}
	return json.Unmarshal(a.body, &body) == nil && body.Data.Metadata.ok()
}

// done is the error of an answer to a write that has nothing to tell if it
// succeeds. Vault answers that with 204, or 200 where it has a warning
// (api-docs#http-status-codes).
func (a answer) done() error {
	if a.status == http.StatusNoContent {
		return nil
	}
	var body struct {
		RequestID string          `json:"request_id"`
		Data      json.RawMessage `json:"data"`
	}
	if json.Unmarshal(a.body, &body) != nil || body.RequestID == "" || len(body.Data) > 0 && string(body.Data) != "null" {
		return a.foreign()
	}
	return nil
}

// said returns what Vault says in the body of an error, and whether the body
// is that of an error of Vault's at all.
func (a answer) said() (text string, own bool) {
	if a.status < 400 {
		return "", false
	}
	var body struct {
		Errors   *[]string `json:"errors"`
		Warnings []string  `json:"warnings"`
	}
	if json.Unmarshal(a.body, &body) != nil {
		return "", false
	}
	if body.Errors == nil {
		return strings.Join(body.Warnings, "\n"), false
	}
	return strings.Join(append(*body.Errors, body.Warnings...), "\n"), true
}

func (a answer) err(kind error, hint string) *core.Error {
	return &core.Error{Kind: kind, Code: strconv.Itoa(a.status), Hint: hint}
}

// lost is the kind of an answer that does not tell what became of the request.
func (a answer) lost() error {
	if a.write {
		return core.ErrIndeterminate
	}
	return core.ErrUnavailable
}

// passing is a failure that may pass.
func (a answer) passing(kind error, hint string) *transient {
	after := retryAfter(a.header)
	if after > 0 {
		hint += "; it asks to wait " + after.String()
	}
	return &transient{after: after, err: a.err(kind, hint)}
}

// refused is a passing failure of a request that the server did not begin to
// serve.
func (a answer) refused(hint string) error {
	t := a.passing(core.ErrUnavailable, hint)
	t.unsent = true
	return t
}

// foreign is the error of an answer that Vault did not give.
func (a answer) foreign() error {
	hint := "what answered is not Vault; look at the address, and at proxies in between"
	switch {
	case strings.Contains(a.header.Get("Content-Type"), "html"):
		hint = "a web page answered, which is not Vault's; is a proxy in between, or a login page?"
	case strings.Contains(string(a.body), "HTTP request to an HTTPS server"):
		hint = "the server speaks TLS; its address begins with https://"
	}
	return a.err(a.lost(), hint)
}

// broken is the error of an answer whose body can't be read to its end. Its
// status alone proves nothing.
func (a answer) broken(r request, err error) error {
	if !errors.As(err, new(*http.MaxBytesError)) {
		return &transient{err: a.err(a.lost(), "the answer broke off; look at the network, and at proxies in between")}
	}
	if r.value && a.status == http.StatusOK && strings.Contains(a.header.Get("Content-Type"), "json") {
		return a.err(core.ErrInvalidValue, "the answer has more than 1 MiB; a value has at most 64 KiB")
	}
	return a.err(a.lost(), "the answer is longer than any that Vault gives here; look at the address, and at proxies in between")
}

// unreached is the error of a request that got no answer. unsent: there was
// not even a connection that it could have gone over.
func unreached(ctx context.Context, err error, write, unsent bool) error {
	if ended := endedBy(ctx); ended != nil {
		if write && !unsent {
			return &core.Error{Kind: core.ErrIndeterminate, Hint: "no answer came in time"}
		}
		return core.NotWritten(ended)
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
		misnamed  x509.HostnameError
		dns       *net.DNSError
	)
	switch {
	case errors.As(err, &misnamed):
		return "the server's certificate is for another name than the address has; BAO_TLS_SERVER_NAME or VAULT_TLS_SERVER_NAME says which to expect", false
	case errors.As(err, &untrusted):
		return "the server's certificate is not trusted; BAO_CACERT or VAULT_CACERT names the file of its authority", false
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the server speaks no TLS; say so by an address with http://, or in the URL by tls=off", false
	case strings.Contains(err.Error(), "malformed HTTP"):
		return "what answers does not speak HTTP; look at the address and the port", true
	case errors.As(err, &dns):
		return "the name of the server can't be resolved; a mount of the server that the environment names has three slashes before it, as in vault:///secret", dns.IsTemporary || dns.IsTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens at the address of the server, which the URL, BAO_ADDR or VAULT_ADDR gives; without them it is " + api.DefaultAddress, true
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset", true
	}
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return "nobody answers at the address of the server; look at the address, and at firewalls in between", true
	}
	return "the connection failed; look at the address of the server, and at the network", true
}
