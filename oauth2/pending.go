package oauth2

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lukko-dev/lukko/core"
)

const opConnect = "connect" // of an [Error]

// pendingLife is how long a user has to agree. It is also the longest that RFC
// 6749 section 4.1.2 recommends for a code.
const pendingLife = 10 * time.Minute

// Pending is an authorization that [Client.Begin] has begun: what
// [Client.Finish] needs to know the answer to it from any other, and to
// exchange that. It lives ten minutes and is used once.
//
// It holds secrets, and nothing that prints shows them. To keep one between two
// requests, seal what [Pending.Stored] returns, so that who carries it can
// neither read nor change it. Finish refuses a Pending that it has used, but
// can't know one that was stored and read back twice: who stores it removes it
// at its first use.
//
// A Pending is safe for concurrent use as long as no field is changed.
type Pending struct {
	// URL is where to send the user, to the provider's authorization endpoint.
	// It holds the state: reveal it to the user's browser and to nobody else. It
	// is not part of the stored form.
	URL core.Value

	// State is what the answer must bring back, 32 random bytes in base64url.
	State core.Value

	// RedirectURL is where the provider sends the user back to.
	RedirectURL string

	// ExpiresAt is when Finish begins to refuse the answer, in whole seconds.
	ExpiresAt time.Time

	verifier core.Value // RFC 7636; empty with PKCENone
	nonce    core.Value // OpenID Connect; empty where no id token is asked for

	// account and provider are digests of what Begin had before it, so that no
	// other account and no other provider can finish what it began.
	account, provider string

	used atomic.Bool
}

// pendingVersion is that of the stored form. Another is refused: what it would
// save is a user's ten minutes.
const pendingVersion = 1

type storedPending struct {
	Version     int    `json:"v"`
	State       string `json:"state"`
	Verifier    string `json:"verifier,omitempty"`
	Nonce       string `json:"nonce,omitempty"`
	RedirectURL string `json:"redirectURL"`
	ExpiresAt   int64  `json:"expiresAt"` // seconds since 1970
	Account     string `json:"account"`
	Provider    string `json:"provider"`
}

// Stored returns the stored form, a JSON object of less than 4 KiB, for
// [ParsePending]. It holds the state, the verifier and the nonce.
func (p *Pending) Stored() core.Value {
	text, err := json.Marshal(storedPending{
		Version:     pendingVersion,
		State:       p.State.Reveal(),
		Verifier:    p.verifier.Reveal(),
		Nonce:       p.nonce.Reveal(),
		RedirectURL: p.RedirectURL,
		ExpiresAt:   p.ExpiresAt.Unix(),
		Account:     p.account,
		Provider:    p.provider,
	})
	if err != nil {
		return core.Value{} // not reached: strings and a number always encode
	}
	return core.Bytes(text)
}

// ParsePending reads what [Pending.Stored] returned, and nothing else: another
// order of names, a name more or a number too many is an [*Error] of kind
// core.ErrInvalidValue. It doesn't say whether the time is over; Finish does.
// The URL is empty, as it has been used.
func ParsePending(stored core.Value) (*Pending, error) {
	bad := func(hint string) error {
		return &Error{Op: opConnect, Kind: core.ErrInvalidValue, Hint: hint}
	}
	const anew = "begin to connect anew"
	text := stored.RevealBytes()
	var s storedPending
	if json.Unmarshal(text, &s) != nil {
		return nil, bad("this is no pending connection; " + anew)
	}
	if s.Version != pendingVersion {
		return nil, bad("the pending connection is of another version; " + anew)
	}
	p := &Pending{
		State:       core.String(s.State),
		RedirectURL: s.RedirectURL,
		ExpiresAt:   time.Unix(s.ExpiresAt, 0),
		verifier:    core.String(s.Verifier),
		nonce:       core.String(s.Nonce),
		account:     s.Account,
		provider:    s.Provider,
	}
	// What encodes to the same bytes has no repeated, unknown or misspelt name,
	// no rest behind it, and no other way to write the same.
	if !p.whole() || string(text) != p.Stored().Reveal() {
		return nil, bad("the pending connection is damaged; " + anew)
	}
	return p, nil
}

// whole reports whether p is one that Begin could have made.
func (p *Pending) whole() bool {
	return p != nil &&
		is32Bytes(p.State.Reveal()) &&
		(p.verifier.IsZero() || is32Bytes(p.verifier.Reveal())) &&
		(p.nonce.IsZero() || is32Bytes(p.nonce.Reveal())) &&
		is32Bytes(p.account) && is32Bytes(p.provider) &&
		isRedirectURL(p.RedirectURL)
}

// random32 returns 32 random bytes in base64url: 43 characters, which is the
// least that RFC 7636 section 4.1 wants of a verifier.
func random32() core.Value {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	return core.String(base64.RawURLEncoding.EncodeToString(b[:]))
}

// is32Bytes reports whether s is what encodes 32 bytes in base64url.
func is32Bytes(s string) bool {
	if strings.ContainsAny(s, "\r\n") { // which the decoder skips
		return false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 32
}

// pendingDigest returns the SHA-256 of the parts, each with its length before it, so
// that no two lists of parts are one text.
func pendingDigest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// isRedirectURL reports whether s can be where a provider sends users: RFC 6749
// section 3.1.2, RFC 8252 section 7.3.
func isRedirectURL(s string) bool {
	if len(s) > maxRedirectURL || !isText(s) || strings.Contains(s, "#") {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && isEndpoint(u)
}

// maxRedirectURL keeps the stored form of a [Pending] small enough for a cookie.
const maxRedirectURL = 512
