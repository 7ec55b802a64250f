package oauth2

import (
	"errors"

	"github.com/lukko-dev/lukko/core"
)

// ErrReauthorize is what an error matches that only connecting again mends:
// the refresh token was refused, or there is none. The error is a
// [*ReauthorizeError].
var ErrReauthorize = errors.New("the account must be connected again")

// ErrNotConnected is what an error matches of an account that was never
// connected, or has been disconnected. It is a [*NotConnectedError], and
// matches core.ErrNotFound as well.
var ErrNotConnected = errors.New("no account is connected")

// ReauthorizeError says which connection has ended, and the way to connect
// again. It matches [ErrReauthorize].
type ReauthorizeError struct {
	Name    string // of the credential
	User    string // whose account it is; empty for the application's own
	ID      string // of the secret that holds the tokens
	Code    string // the provider's error code, such as "invalid_grant"; empty if it gave none
	Connect string // what to do: a command, or the address of the page that connects
}

// NotConnectedError says which account is not connected, and the way to
// connect it. It matches [ErrNotConnected] and core.ErrNotFound.
type NotConnectedError struct {
	Name    string // of the credential
	User    string // whose account it would be; empty for the application's own
	ID      string // of the secret that would hold the tokens
	Connect string // what to do: a command, or the address of the page that connects
}

// Error is an error of the provider's endpoints, or of what is sent to them.
// It never holds what the provider answered, beyond the error code of RFC
// 6749 section 5.2 if that is one. It matches its Kind: core.ErrUnavailable
// for what may pass (429, 5xx, a connection that broke, an answer that is
// none), core.ErrUnauthenticated for a client that was refused,
// core.ErrPermissionDenied for what was denied, core.ErrInvalidValue for
// settings or stored forms that are wrong, and the context's error where the
// caller's context ended.
type Error struct {
	Op     string // "refresh", "connect", "revoke", "discover", …
	Name   string // of the credential
	User   string // whose account it is; empty for the application's own
	Kind   error
	Status int    // of the HTTP answer; 0 if there was none
	Code   string // the provider's error code, if it is one that RFCs name or looks like one
	Hint   string // what to do next
	Err    error  // a *core.Error, or a context's error; nothing foreign
}

var _ = core.ErrUnavailable
