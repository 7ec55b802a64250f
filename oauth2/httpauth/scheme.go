package httpauth

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Scheme is how a secret stands in a request. The zero Scheme is none. Schemes
// can be compared with ==, and have a text form, for files:
//
//	bearer               Bearer()
//	authorization:SSWS   Authorization("SSWS")
//	basic:api            Basic("api")
//	basic                UserPassword()
//	header:X-Api-Key     Header("X-Api-Key")
//	query:key            Query("key")
type Scheme struct {
	kind kind
	arg  string // of kind
}

// kind is a way to send. Its text is what stands before the colon, except that
// bearer is short for authorization:Bearer.
type kind string

const (
	kindAuthorization kind = "authorization" // arg is the word before the secret
	kindBasic         kind = "basic"         // arg is the user
	kindUserPassword  kind = "user:password" // no arg
	kindHeader        kind = "header"        // arg is the name in its canonical form
	kindQuery         kind = "query"         // arg is the name
)

const bearer = "Bearer"

// Bearer sends the secret as "Authorization: Bearer SECRET", RFC 6750 section
// 2.1. The secret is visible ASCII.
func Bearer() Scheme { return Authorization(bearer) }

// Authorization sends the secret in the header Authorization after another
// word than Bearer, as in "Authorization: SSWS SECRET". The word is a token
// as RFC 9110 section 5.6.2 has it, and the secret visible ASCII.
func Authorization(word string) Scheme { return Scheme{kindAuthorization, word} }

// Basic sends the secret as the password of the user, RFC 7617. The user may be
// empty, and has no colon; neither has control characters.
func Basic(user string) Scheme { return Scheme{kindBasic, user} }

// UserPassword is Basic for a secret that is both, the user and the
// password with a colon between them. Either may be empty: an API that takes
// its key as the user has "KEY:".
func UserPassword() Scheme { return Scheme{kind: kindUserPassword} }

// Header sends the secret as the header of that name, alone. The secret is
// visible ASCII, with spaces within.
func Header(name string) Scheme { return Scheme{kindHeader, http.CanonicalHeaderKey(name)} }

// Query sends the secret as the parameter of that name in the URL's query. It has
// no control characters. A URL is logged in more places than a header.
func Query(name string) Scheme { return Scheme{kindQuery, name} }

// IsZero reports whether the Scheme is none.
func (s Scheme) IsZero() bool { return s == Scheme{} }

// String returns the text form.
func (s Scheme) String() string { return core.Printable(s.text()) }

// MarshalText returns the text form, which is empty of the zero Scheme.
func (s Scheme) MarshalText() ([]byte, error) { return []byte(s.text()), nil }

func (s Scheme) text() string {
	switch s.kind {
	case "":
		return ""
	case kindUserPassword:
		return string(kindBasic)
	case kindAuthorization:
		if s.arg == bearer {
			return "bearer"
		}
	}
	return string(s.kind) + ":" + s.arg
}

// UnmarshalText reads the text form. Its error matches core.ErrInvalidValue and
// doesn't quote the text.
func (s *Scheme) UnmarshalText(text []byte) error {
	word, arg, hasArg := strings.Cut(string(text), ":")
	var got Scheme
	switch {
	case len(text) == 0:
		*s = Scheme{}
		return nil
	case word == "bearer" && !hasArg:
		got = Bearer()
	case word == string(kindBasic) && !hasArg:
		got = UserPassword()
	case word == string(kindHeader) && hasArg:
		got = Header(arg)
	case hasArg && slices.Contains([]kind{kindAuthorization, kindBasic, kindQuery}, kind(word)):
		got = Scheme{kind(word), arg}
	default:
		return &Error{Kind: core.ErrInvalidValue, Hint: "a scheme is bearer, basic, basic:USER, header:NAME, query:NAME or authorization:WORD"}
	}
	if err := got.Check(); err != nil {
		return err
	}
	*s = got
	return nil
}

// Check returns an [*Error] that matches core.ErrInvalidValue if the Scheme is
// none, or its name, user or word can't be sent.
func (s Scheme) Check() error {
	if flaw := s.flaw(); flaw != "" {
		return &Error{Kind: core.ErrInvalidValue, Hint: flaw}
	}
	return nil
}

// framing are headers that say how a message is framed or where it goes, which
// net/http sets by itself or ignores in a request's Header.
var framing = []string{
	"Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func (s Scheme) flaw() string {
	switch s.kind {
	case kindAuthorization:
		if !isToken(s.arg) {
			return "the word before the secret is a token, such as SSWS: letters, digits and hyphens"
		}
	case kindBasic:
		if strings.Contains(s.arg, ":") {
			return "the user of basic has a colon, which ends it"
		}
		if hasControl(s.arg) {
			return "the user of basic has a control character"
		}
	case kindUserPassword:
	case kindHeader:
		if !isToken(s.arg) {
			return "the header's name is a token, such as X-Api-Key: letters, digits and hyphens"
		}
		if slices.Contains(framing, s.arg) {
			return "the header's name is one that HTTP itself uses, and no place for a secret"
		}
	case kindQuery:
		if s.arg == "" || hasControl(s.arg) {
			return "the name of the query's parameter is empty, or has a control character"
		}
	default:
		return "no scheme is given: httpauth.Bearer(), Basic, UserPassword, Header, Query or Authorization"
	}
	return ""
}

// header is the header that the Scheme sets, in its canonical form; of a Query
// it is empty.
func (s Scheme) header() string {
	switch s.kind {
	case kindHeader:
		return s.arg
	case kindQuery:
		return ""
	}
	return "Authorization"
}

// Why a secret can't be sent. None of them quotes it.
var (
	errEmpty    = errors.New("the secret is empty")
	errLineEnd  = errors.New("the secret ends in a line break, which an editor or echo has added: store it without")
	errControl  = errors.New("the secret has a line break or another control character in it")
	errASCII    = errors.New("the secret has a character that is not ASCII, and is perhaps not copied as it was shown")
	errSpace    = errors.New("the secret has a space in it, which ends it in this header: is it the secret alone?")
	errSpaceEnd = errors.New("the secret begins or ends with a space, which HTTP drops: store it without")
	errNoColon  = errors.New("the secret is no user and password with a colon between them; if the user is known, declare basic:USER")
)

// check says whether the secret can be sent as it is. Nothing is trimmed: what is
// sent is what is stored.
func (s Scheme) check(secret string) error {
	switch {
	case secret == "":
		return errEmpty
	case strings.HasSuffix(secret, "\n") || strings.HasSuffix(secret, "\r"):
		return errLineEnd
	case hasControl(secret):
		return errControl
	}
	switch s.kind {
	case kindUserPassword:
		if !strings.Contains(secret, ":") {
			return errNoColon
		}
	case kindAuthorization, kindHeader:
		for i := range len(secret) {
			if secret[i] >= 0x80 {
				return errASCII
			}
		}
		if textproto.TrimString(secret) != secret {
			return errSpaceEnd
		}
		if s.kind == kindAuthorization && strings.Contains(secret, " ") {
			return errSpace
		}
	}
	return nil
}

// headerValue is the header's content for a secret.
func (s Scheme) headerValue(secret string) string {
	switch s.kind {
	case kindAuthorization:
		return s.arg + " " + secret
	case kindBasic:
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(s.arg+":"+secret))
	case kindUserPassword:
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(secret))
	}
	return secret
}

// hasControl reports whether text has a C0 control or DEL.
func hasControl(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return true
		}
	}
	return false
}

// isToken reports whether text is a token, RFC 9110 section 5.6.2.
func isToken(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if !strings.ContainsRune("!#$%&'*+-.^_`|~0123456789", rune(c)) {
				return false
			}
		}
	}
	return text != ""
}
