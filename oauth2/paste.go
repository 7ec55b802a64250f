package oauth2

import (
	"net/url"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// ParseAnswer returns the parameters of an answer that somebody pasted, for
// [Client.Finish]: the whole address that the browser ended at, even if it
// could show nothing there. The code alone won't do, since without the state
// nobody knows whose code it is. Spaces, line breaks and quotes around it are
// ignored. Anything else is an [*Error] of kind core.ErrInvalidValue that
// repeats nothing of it.
func ParseAnswer(pasted string) (url.Values, error) {
	const maxPasted = 64 << 10
	bad := func(hint string) (url.Values, error) {
		return nil, &Error{Op: opConnect, Kind: core.ErrInvalidValue, Hint: hint}
	}
	if len(pasted) > maxPasted {
		return bad("what was pasted is too long for an address")
	}
	// A terminal or a mail breaks long lines; an address has no space.
	text := strings.Trim(strings.Join(strings.Fields(pasted), ""), `"'<>`)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return bad("paste the whole address that the browser ended at, from http to its end; the code alone is not enough")
	}
	answer, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return bad("the address has a query that can't be read; paste it unchanged")
	}
	if !answer.Has("state") || !answer.Has("code") && !answer.Has("error") {
		return bad("the address has no answer in it: paste the one after the provider has sent the browser back, with its code and state")
	}
	return answer, nil
}
