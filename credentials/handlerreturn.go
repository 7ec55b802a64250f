package credentials

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxReturn is the longest return address, in bytes.
const maxReturn = 1024

// isReturn reports whether s is a path of the same origin, with a query and a
// fragment or without, however a browser or a server behind reads it: "/x",
// but neither "//x" nor "/\x", which browsers take for another host, nor a
// scheme, nor a path that becomes one of those when it is decoded, however
// often, or when its dot segments are removed.
func isReturn(s string) bool {
	if len(s) > maxReturn || !strings.HasPrefix(s, "/") || !utf8.ValidString(s) {
		return false
	}
	// A browser drops tabs and newlines wherever they stand, and takes "\" for
	// "/" (WHATWG URL, section 4.4).
	if strings.ContainsFunc(s, isControl) || strings.Contains(s, `\`) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Opaque != "" || u.User != nil || u.Host != "" {
		return false
	}
	return isReturnPath(u.EscapedPath())
}

// isReturnPath looks at the path as it stands, and decoded until nothing is
// left to decode.
func isReturnPath(path string) bool {
	for {
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
			strings.ContainsFunc(path, isControl) || strings.Contains(path, `\`) || hasDotSegment(path) {
			return false
		}
		decoded, err := url.PathUnescape(path)
		if err != nil || decoded == path {
			return true // a "%" that begins no escape is one by itself
		}
		path = decoded // which is shorter, so this ends
	}
}

// hasDotSegment reports whether a segment is "." or "..": nobody who means a
// page of the application writes one.
func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 }

// The parameters that a return address gets, so that the application can show
// what became of it. Anybody can write a link with them: they are for a
// message, and Status tells the truth.
const (
	returnOutcome = "lukko"
	returnName    = "lukko_name"

	outcomeConnected    = "connected"
	outcomeDenied       = "denied"       // the user said no at the provider
	outcomeDisconnected = "disconnected" // at the provider as well
	outcomeDeleted      = "deleted"      // here; at the provider what was given works on until it expires
)

// withOutcome adds the outcome to a return address, in place of an earlier one.
// origin makes it absolute, so that nothing is left to how the path is read.
func withOutcome(origin, back, outcome, name string) string {
	back, fragment, cut := strings.Cut(back, "#")
	path, query, _ := strings.Cut(back, "?")
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(key); err == nil {
			key = decoded
		}
		if part != "" && key != returnOutcome && key != returnName {
			kept = append(kept, part)
		}
	}
	kept = append(kept, returnOutcome+"="+outcome, returnName+"="+url.QueryEscape(name))
	address := origin + path + "?" + strings.Join(kept, "&")
	if cut {
		address += "#" + fragment
	}
	return asciiURL(address)
}

// asciiURL escapes what may not stand in a header.
func asciiURL(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
