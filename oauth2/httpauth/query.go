package httpauth

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// sendQuery sends the request with the secret as a parameter. The rest of the
// query stays as it is written.
func (t *Transport) sendQuery(req *http.Request, secret string) (*http.Response, error) {
	name := t.scheme.arg
	sent := req
	there := parameters(req.URL.RawQuery, name)
	for _, value := range there {
		if value != secret {
			return nil, t.refuse(req, &Error{
				Name: t.name, Kind: core.ErrInvalidOption,
				Hint: "the request has another value for the query's parameter already: send it by another client, or without the parameter",
			})
		}
	}
	if len(there) == 0 {
		sent = new(http.Request)
		*sent = *req
		u := *req.URL
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += url.QueryEscape(name) + "=" + url.QueryEscape(secret)
		sent.URL = &u
	}
	resp, err := t.base.RoundTrip(sent)
	resp, err = t.received(req, secret, resp, err)
	if err != nil || resp == nil || resp.StatusCode/100 != 3 {
		return resp, err
	}
	// Many servers redirect to the address that was asked for with a slash
	// more, or another scheme, and the same query.
	if given := resp.Header.Get("Location"); given != "" {
		location := withoutParameter(given, name, secret)
		if mentions(location, secret) {
			if resp.Body != nil {
				_ = resp.Body.Close()
			}
			return nil, &Error{
				Name: t.name, Kind: core.ErrPermissionDenied,
				Hint: "the server redirects to an address that has the secret in it; use the address that it means, or send the secret in a header if it can be",
			}
		}
		if location != given {
			resp.Header.Set("Location", location)
		}
	}
	return resp, nil
}

// parameters returns the values of that name in a query.
func parameters(query, name string) []string {
	var values []string
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if unescape(key) == name {
			values = append(values, unescape(value))
		}
	}
	return values
}

// unescape returns what the text of a query stands for, or the text itself
// where it is no such text.
func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// withoutParameter returns the address without the parameter where that has
// the secret for its value.
func withoutParameter(location, name, secret string) string {
	u, err := url.Parse(location)
	if err != nil {
		return location
	}
	var kept []string
	dropped := false
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if unescape(key) == name && unescape(value) == secret {
			dropped = true
			continue
		}
		kept = append(kept, pair)
	}
	if !dropped {
		return location
	}
	u.RawQuery = strings.Join(kept, "&")
	if u.RawQuery == "" {
		u.ForceQuery = u.String() == "" // an address that was nothing but the query; an empty one is no redirect
	}
	return u.String()
}

// maxNested is how deep links within links are followed, each of which is
// escaped once more.
const maxNested = 8

// mentions reports whether the address has the secret in it, also within links
// in it. Less than eight bytes are found in addresses by chance.
func mentions(location, secret string) bool {
	if len(secret) < window {
		return false
	}
	for range maxNested {
		if strings.Contains(location, secret) || strings.Contains(location, url.QueryEscape(secret)) {
			return true
		}
		plain := unescapeAll(location)
		if plain == location {
			break
		}
		location = plain
	}
	return false
}

// unescapeAll resolves each escape of the address that is one, and leaves what
// is none: net/url refuses the whole, and net/http sends it all the same.
func unescapeAll(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
