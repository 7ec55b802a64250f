package httpauth

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Error says why a secret was not sent, or that sending it failed in a way
// that can't be shown. It never holds the secret. From an [http.Client] it comes
// within a *url.Error, which names the method and the URL.
//
// It matches its Kind: core.ErrInvalidValue for a configuration or a secret that
// can't be sent as it is, core.ErrPermissionDenied for a host that isn't
// declared, core.ErrInvalidOption for a request that has a credential
// already, and core.ErrUnavailable for a failure below. It matches the context's
// error in place of the last where the request's context has ended.
type Error struct {
	Name string // of the credential; empty if it has none
	Kind error  // one of core's kinds; nil where Err is set
	Hint string // what is wrong, and what to do
	Err  error  // the error of the request's context

	timeout bool
}

// Error returns one line: the credential, the kind, and what to do.
func (e *Error) Error() string {
	text := "send a secret"
	if e.Name != "" {
		text = "send " + strconv.Quote(e.Name)
	}
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			text += ": " + err.Error()
		}
	}
	if e.Hint != "" {
		text += ": " + core.Printable(e.Hint)
	}
	return text
}

// Unwrap returns the kind, or the error of the request's context.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Kind, e.Err} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// Timeout reports whether the failure below was one that calls itself a
// timeout, for those who ask as net.Error does.
func (e *Error) Timeout() bool { return e.timeout }

// Format writes the line of Error for every verb.
func (e *Error) Format(s fmt.State, verb rune) {
	text := e.Error()
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(s, text)
}

// invalid is the error of a configuration or of a value.
func (t *Transport) invalid(hints ...string) *Error {
	return &Error{Name: t.name, Kind: core.ErrInvalidValue, Hint: strings.Join(hints, "; ")}
}
