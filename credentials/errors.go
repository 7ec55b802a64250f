package credentials

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// ErrNoUser is what an error matches where a user's credential was asked for
// without a user: an empty one, or a context that [WithUser] has not made. It
// is a mistake in the program and matches no other kind, so that it is not
// taken for a user who has none.
var ErrNoUser = errors.New("no user is given")

// noUserError is [ErrNoUser] of one credential.
type noUserError struct {
	op, name string
	context  bool // it is the context that has none
}

func (e *noUserError) Error() string {
	hint := "the user is empty; a request without a login has no credential of a user"
	if e.context {
		hint = "the context has none; make it with credentials.WithUser"
	}
	return "credentials: " + e.op + " " + strconv.Quote(core.Printable(e.name)) + ": " + ErrNoUser.Error() + ": " + hint
}

func (e *noUserError) Unwrap() error { return ErrNoUser }

// MissingError says which credential is not there, and the way to connect or
// to store it. It matches core.ErrNotFound and [oauth2.ErrNotConnected]. It is
// never the error of a store that denied, or that could not be reached.
type MissingError struct {
	Name        string // of the credential
	DisplayName string // of the credential, for people
	DocsURL     string // where it is told how to get one
	User        string // whose it would be; empty for the application's own
	ID          string // of the secret that would hold it

	// OAuth2 says that an account is to be connected; else it is a key that is
	// to be stored.
	OAuth2 bool

	// ConnectURL is the page to send the user to, as [Config] makes it; empty
	// if it makes none.
	ConnectURL string
}

// Error returns one line. Of a long user it shows the beginning.
func (e *MissingError) Error() string {
	if e == nil {
		return "no error"
	}
	text := "credentials: " + core.Printable(cmp.Or(e.DisplayName, e.Name))
	if e.DisplayName != "" && e.DisplayName != e.Name {
		text += " (" + core.Printable(e.Name) + ")"
	}
	if e.User != "" {
		text += " of user " + shownUser(e.User)
	}
	if e.OAuth2 {
		text += ": " + oauth2.ErrNotConnected.Error()
	} else {
		text += ": " + core.ErrNotFound.Error()
	}
	if e.ID != "" {
		text += " at " + core.Printable(e.ID)
	}
	switch {
	case e.ConnectURL != "" && !e.OAuth2:
		text += ": store it at " + core.Printable(e.ConnectURL)
	case e.ConnectURL != "":
		text += ": connect it at " + core.Printable(e.ConnectURL)
	case e.OAuth2 && e.User != "":
		text += ": connect it, as with: lukko oauth connect " + core.Printable(e.Name) + " --user USER"
	case e.OAuth2:
		text += ": connect it, as with: lukko oauth connect " + core.Printable(e.Name)
	case e.User != "":
		text += ": store it, as with: lukko credentials set " + core.Printable(e.Name) + " --user USER"
	case e.ID != "":
		text += ": store it, as with: lukko set " + core.Printable(e.ID)
	}
	if e.DocsURL != "" {
		text += "; how to get one: " + core.Printable(e.DocsURL)
	}
	return text
}

// Unwrap returns what it matches.
func (e *MissingError) Unwrap() []error {
	if e == nil {
		return nil
	}
	return []error{core.ErrNotFound, oauth2.ErrNotConnected}
}

// Format writes the line of Error for every verb.
func (e *MissingError) Format(s fmt.State, verb rune) {
	if verb == 'q' {
		_, _ = io.WriteString(s, strconv.Quote(e.Error()))
		return
	}
	_, _ = io.WriteString(s, e.Error())
}

// shownUser is a user as texts have it: quoted, and cut if it is long.
func shownUser(user string) string {
	const most = 64
	if len(user) > most {
		return strconv.QuoteToASCII(user[:most]) + "…"
	}
	return strconv.QuoteToASCII(user)
}
