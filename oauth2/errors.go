package oauth2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
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

// Error returns one line: whose account, the code, and what to do.
func (e *ReauthorizeError) Error() string {
	if e == nil {
		return "no error"
	}
	text := line("", e.Name, e.User) + ": " + ErrReauthorize.Error()
	if e.Code != "" {
		text += " (code " + safeCode(e.Code) + ")"
	}
	return text + todo(e.Connect)
}

// Unwrap returns [ErrReauthorize].
func (e *ReauthorizeError) Unwrap() error { return ErrReauthorize }

// Format writes the line of Error for every verb.
func (e *ReauthorizeError) Format(s fmt.State, verb rune) { formatError(e, s, verb) }

// NotConnectedError says which account is not connected, and the way to
// connect it. It matches [ErrNotConnected] and core.ErrNotFound.
type NotConnectedError struct {
	Name    string // of the credential
	User    string // whose account it would be; empty for the application's own
	ID      string // of the secret that would hold the tokens
	Connect string // what to do: a command, or the address of the page that connects
}

// Error returns one line: whose account, and what to do.
func (e *NotConnectedError) Error() string {
	if e == nil {
		return "no error"
	}
	return line("", e.Name, e.User) + ": " + ErrNotConnected.Error() + todo(e.Connect)
}

// Unwrap returns [ErrNotConnected] and core.ErrNotFound.
func (e *NotConnectedError) Unwrap() []error { return []error{ErrNotConnected, core.ErrNotFound} }

// Format writes the line of Error for every verb.
func (e *NotConnectedError) Format(s fmt.State, verb rune) { formatError(e, s, verb) }

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
	Err    error  // a *core.Error, a *schema.Error, or a context's error; nothing foreign
}

// Error returns one line: operation, credential, kind, status and code, hint.
func (e *Error) Error() string {
	if e == nil {
		return "no error"
	}
	text := line(e.Op, e.Name, e.User)
	if e.Kind != nil {
		text += ": " + safeText(e.Kind)
	}
	var notes []string
	if e.Status != 0 {
		notes = append(notes, "status "+strconv.Itoa(e.Status))
	}
	if code := safeCode(e.Code); code != "" {
		notes = append(notes, "code "+code)
	}
	if len(notes) > 0 {
		text += " (" + strings.Join(notes, ", ") + ")"
	}
	stored, ok := e.Err.(*schema.Error) //nolint:errorlint // a wrapped one is nobody's
	if ok && e.Hint != "" {
		return text + ": " + core.Printable(e.Hint) + faults(stored)
	}
	if e.Err != nil && e.Err != e.Kind { //nolint:errorlint // the same error is not said twice
		text += ": " + safeText(e.Err)
	}
	if e.Hint != "" {
		text += ": " + core.Printable(e.Hint)
	}
	return text
}

// faults is what is wrong with a stored form, after a hint that says with which
// one: nothing where it isn't there.
func faults(e *schema.Error) string {
	var text strings.Builder
	sep := ": "
	for _, p := range e.Problems {
		if p.Rule == schema.RuleMissing || p.Detail == "" {
			continue
		}
		text.WriteString(sep)
		if p.Pointer != "" {
			text.WriteString(core.Printable(p.Pointer) + ": ")
		}
		text.WriteString(core.Printable(p.Detail))
		sep = "; "
	}
	return text.String()
}

// Unwrap returns the kind and the error that is held.
func (e *Error) Unwrap() []error {
	var errs []error
	if e == nil {
		return nil
	}
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// Format writes the line of Error for every verb, so that no verb prints the
// fields by reflection.
func (e *Error) Format(s fmt.State, verb rune) { formatError(e, s, verb) }

// maxShown bounds what an error shows of a user's id, which may be anything.
const maxShown = 80

// line begins the text of an error: what was done, with which credential.
func line(op, name, user string) string {
	text := "oauth2"
	if op != "" {
		text += " " + core.Printable(op)
	}
	if name != "" {
		text += " " + shown(name)
	}
	if user != "" {
		text += " of user " + shown(user)
	}
	return text
}

// shown quotes a name; of a long one the beginning.
func shown(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if runes := []rune(s[:min(len(s), 4*maxShown)]); len(runes) > maxShown || len(s) > 4*maxShown {
		s = string(runes[:min(len(runes), maxShown)]) + "…"
	}
	return strconv.Quote(s)
}

func todo(connect string) string {
	if connect == "" {
		return ""
	}
	return ": connect it: " + core.Printable(connect)
}

func formatError(e error, s fmt.State, verb rune) {
	if verb == 'q' {
		_, _ = io.WriteString(s, strconv.Quote(e.Error()))
		return
	}
	_, _ = io.WriteString(s, e.Error())
}

// safeText is the text of an error that we wrote, or the Go type of any
// other.
func safeText(err error) string {
	switch e := err.(type) { //nolint:errorlint // a wrapper's text would be somebody else's
	case *core.Error, *core.BatchError, *schema.Error, *Error, *ReauthorizeError, *NotConnectedError:
		return e.Error()
	}
	switch err { //nolint:errorlint // as above
	case context.Canceled, context.DeadlineExceeded, ErrReauthorize, ErrNotConnected, core.KindOf(err), schema.ErrDeclaration:
		return err.Error()
	}
	return fmt.Sprintf("an error of type %T", err)
}

// maxCode is the longest error code that is shown.
const maxCode = 64

// safeCode returns an error code if it looks like one, 1 to 64 of a-z and
// "_", and else nothing: it comes from outside, and may quote.
func safeCode(code string) string {
	if len(code) > maxCode {
		return ""
	}
	for i := range len(code) {
		if c := code[i]; (c < 'a' || c > 'z') && c != '_' {
			return ""
		}
	}
	return code
}
