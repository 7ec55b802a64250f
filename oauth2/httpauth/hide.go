package httpauth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// window is how many bytes of a secret in a row are taken for a part of it.
const window = 8

// hide returns an error of the transport below, or one in its place if it, or an
// error in it, shows a part of the secret. A transport may quote the request
// that it was given, and net/http quotes what a server answers where an answer
// should be, which may be the request.
func (t *Transport) hide(req *http.Request, secret string, err error) error {
	if !shows(err, t.scheme.forms(secret)) {
		return err
	}
	hidden := &Error{
		Name: t.name, Kind: core.ErrUnavailable,
		Hint: fmt.Sprintf("the transport failed with an error of type %T, whose text is left out since it shows the secret", err),
	}
	var timeout interface{ Timeout() bool }
	hidden.timeout = errors.As(err, &timeout) && timeout.Timeout()
	if ended := req.Context().Err(); ended != nil {
		hidden.Kind, hidden.Err = nil, ended
	}
	return hidden
}

// forms are the texts that show the secret.
func (s Scheme) forms(secret string) []string {
	switch s.kind {
	case kindBasic:
		return []string{secret, base64.StdEncoding.EncodeToString([]byte(s.arg + ":" + secret))}
	case kindUserPassword:
		_, password, _ := strings.Cut(secret, ":")
		if password == "" {
			password = secret
		}
		return []string{secret, password, base64.StdEncoding.EncodeToString([]byte(secret))}
	case kindQuery:
		return []string{secret, url.QueryEscape(secret)}
	}
	return []string{secret}
}

// shows reports whether an error, or one in its chain, prints a part of one
// of the forms.
func shows(err error, forms []string) bool {
	if err == nil {
		return false
	}
	text := fmt.Sprintf("%v %+v %#v", err, err, err)
	for _, form := range forms {
		for i := 0; i == 0 || i+window <= len(form); i++ {
			if strings.Contains(text, form[i:min(i+window, len(form))]) {
				return true
			}
		}
	}
	switch e := err.(type) { //nolint:errorlint // each link is looked at
	case interface{ Unwrap() error }:
		return shows(e.Unwrap(), forms)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if shows(one, forms) {
				return true
			}
		}
	}
	return false
}
