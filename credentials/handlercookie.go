package credentials

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxPending is how many attempts one browser can have under way, and
	// maxPendingLen how many bytes their cookies have at most in all, since
	// proxies refuse requests with more than 8 KiB of cookies. The oldest give
	// way.
	maxPending    = 5
	maxPendingLen = 6 << 10

	// maxDropped bounds how many cookies one answer drops, whatever the request
	// brings along.
	maxDropped = 16

	// stateMark is how many letters of the digest of a state are in the name of
	// its cookie: 96 bits, so that two never meet.
	stateMark = 16
)

// Each attempt has a cookie of its own, so that two tabs don't overwrite one
// another's. Its name has a part of the digest of the state; its value is when
// it ends, in seconds since 1970 to the base of 36, a dot, and what is sealed.
//
// With the prefix __Host- (RFC 6265bis, section 4.1.3.2) browsers take the
// cookie over https only, from this host only, and for the path / only: no
// sibling domain can plant one. Over http, which is for a loopback address,
// there is no such prefix. SameSite is Lax and not Strict since the provider
// sends the browser back from another site.

// cookiePrefix is what the names of the cookies of this Handler begin with.
func (b baseURL) cookiePrefix() string {
	name := "lukko-" + digestOf(b.origin + b.path)[:8] + "-"
	if b.secure {
		return "__Host-" + name
	}
	return name
}

func (b baseURL) cookieName(state string) string {
	return b.cookiePrefix() + digestOf(state)[:stateMark]
}

func (b baseURL) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life.Round(time.Second) / time.Second),
		Secure: b.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if life <= 0 {
		c.MaxAge = -1 // now
	}
	http.SetCookie(w, c)
}

// cookieValue joins what a cookie holds.
func cookieValue(until time.Time, sealed string) string {
	return untilText(until) + "." + sealed
}

func untilText(until time.Time) string { return strconv.FormatInt(until.Unix(), 36) }

// splitCookie is the reverse of cookieValue.
func splitCookie(value string) (until time.Time, sealed string, ok bool) {
	text, sealed, ok := strings.Cut(value, ".")
	if !ok || len(text) > 13 || len(sealed) > maxSealed {
		return until, "", false
	}
	seconds, err := strconv.ParseInt(text, 36, 64)
	until = time.Unix(seconds, 0)
	if err != nil || seconds < 0 || untilText(until) != text {
		return time.Time{}, "", false
	}
	return until, sealed, true
}

// makeRoom drops the cookies of the oldest attempts, and of what is none, so
// that one more of that length has room.
func (b baseURL) makeRoom(w http.ResponseWriter, r *http.Request, length int) {
	type held struct {
		name  string
		size  int
		until time.Time
	}
	var ours []held
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, b.cookiePrefix()) {
			until, _, _ := splitCookie(c.Value) // the zero time is the oldest
			ours = append(ours, held{c.Name, len(c.Name) + len(c.Value), until})
		}
	}
	slices.SortStableFunc(ours, func(a, b held) int {
		return cmp.Or(b.until.Compare(a.until), cmp.Compare(a.name, b.name))
	})
	kept, sum, dropped := 1, length, 0
	for _, c := range ours {
		sum += c.size
		if kept++; c.until.IsZero() || kept > maxPending || sum > maxPendingLen {
			if dropped++; dropped > maxDropped {
				return
			}
			b.setCookie(w, c.name, "", 0)
		}
	}
}

// pendingCookie returns the cookie of a state.
func (b baseURL) pendingCookie(r *http.Request, state string) (until time.Time, sealed string, ok bool) {
	// Of two of one name, which a parent domain could plant where there is no
	// __Host- prefix, neither is believed.
	found := r.CookiesNamed(b.cookieName(state))
	if len(found) != 1 {
		return time.Time{}, "", false
	}
	return splitCookie(found[0].Value)
}
