// Package hosts decides which hosts a credential may be sent to. It is the one
// implementation for tokens and for plain secrets.
//
// A pattern is one of
//
//	api.example.com         this host, at https's own port, 443
//	api.example.com:8443    this host, at this port only
//	*.example.com           every host below example.com, however deep, and not example.com itself
//	*.example.com:8443      the same, at this port
//	127.0.0.1, localhost    this loopback host, at any port: those of tests and of local servers are often chosen by the system
//	[::1]:8080              an IPv6 address in brackets
//
// Names are compared without case, and one with a final dot is the same as one
// without (not so an address, which the dot makes a name). They are ASCII: a name in another script is written in its
// xn-- form, and a URL must have it in that form too. A "*" stands at the
// front, for whole labels, and over two labels or more; whether those two are a
// registry's, as in *.co.uk, this package doesn't know.
package hosts

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Set is a set of hosts. The zero Set has none. A Set doesn't change and is safe
// for concurrent use.
type Set struct{ rules []rule }

// rule is one pattern, taken apart.
type rule struct {
	name     string     // in lower case, without a final dot; of a wildcard what is after its "*", so with a dot in front; none of an IPv6 address
	addr     netip.Addr // of a host that is an address
	wildcard bool
	loopback bool   // http will do, and without a port any is meant
	port     string // empty: see loopback, else 443
	plain    string // the host as nearly all URLs have it, of which it is known that https may go there; empty if there is none
}

// Parse makes a Set of patterns. The error lists all that are wrong by their
// place, counted from 1, and quotes none of them: what stands where a host
// should be may be anything.
func Parse(patterns []string) (Set, error) {
	set := Set{rules: make([]rule, 0, len(patterns))}
	var wrong []string
	for i, pattern := range patterns {
		r, err := parse(pattern)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("host %d %s", i+1, err))
			continue
		}
		if !r.wildcard && !r.addr.IsValid() && r.port == "" {
			r.plain = r.name
		}
		set.rules = append(set.rules, r)
	}
	if wrong != nil {
		return Set{}, errors.New(strings.Join(wrong, "; "))
	}
	return set, nil
}

// Empty reports whether the set has no hosts.
func (s Set) Empty() bool { return len(s.rules) == 0 }

// Patterns returns the patterns of the set in one spelling: lower case, no
// final dot, IPv6 addresses as RFC 5952 has them.
func (s Set) Patterns() []string {
	patterns := make([]string, 0, len(s.rules))
	for _, r := range s.rules {
		pattern := r.name
		switch {
		case r.wildcard:
			pattern = "*" + r.name
		case r.addr.Is6():
			pattern = "[" + r.addr.String() + "]"
		}
		if r.port != "" {
			pattern += ":" + r.port
		}
		patterns = append(patterns, pattern)
	}
	return patterns
}

// String returns the patterns, separated by commas.
func (s Set) String() string { return strings.Join(s.Patterns(), ", ") }

// Allows reports whether a request to u goes to a host of the set by a way on
// which nobody can listen: https, or http to a loopback host. Userinfo and path
// don't matter. It doesn't allocate.
func (s Set) Allows(u *url.URL) bool {
	// An opaque URL can have another host in its request line than in Host, and
	// a proxy goes by the line.
	if u == nil || u.Opaque != "" {
		return false
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	for i := range s.rules {
		if u.Scheme == "https" && u.Host == s.rules[i].plain && u.Host != "" {
			return true
		}
	}
	// What net/http dials is made of these two.
	host, port := u.Hostname(), u.Port()
	if strings.HasPrefix(u.Host, "[") {
		addr, err := netip.ParseAddr(host)
		if err != nil || addr.Is4() {
			return false
		}
		return slices.ContainsFunc(s.rules, func(r rule) bool {
			return r.addr == addr && r.allows(u.Scheme, port)
		})
	}
	host, dot := strings.CutSuffix(host, ".")
	// Only once it is known to be ASCII can EqualFold be asked, which else takes
	// the Kelvin sign for a k.
	if checkName(host) != nil {
		return false
	}
	return slices.ContainsFunc(s.rules, func(r rule) bool {
		// With a final dot an address is a name, and DNS is asked for it.
		return r.matches(host) && !(dot && r.addr.IsValid()) && r.allows(u.Scheme, port)
	})
}

// matches reports whether the rule is about the host, a name without a final
// dot.
func (r rule) matches(host string) bool {
	if r.wildcard {
		// The name begins with a dot. What is before it isn't empty, since a
		// checked name doesn't begin with one.
		cut := len(host) - len(r.name)
		return cut > 0 && strings.EqualFold(host[cut:], r.name)
	}
	return strings.EqualFold(host, r.name)
}

// allows reports whether the rule's host may be reached this way.
func (r rule) allows(scheme, port string) bool {
	if scheme != "https" && !r.loopback {
		return false
	}
	if r.port == "" && r.loopback {
		return true
	}
	if port == "" {
		port = defaultPort(scheme)
	}
	want := r.port
	if want == "" {
		want = defaultPort(scheme)
	}
	return port == want
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}

// parse takes one pattern apart. Its errors go on after "host 3".
func parse(pattern string) (rule, error) {
	switch {
	case pattern == "":
		return rule{}, errors.New("is empty")
	case strings.Contains(pattern, "://"):
		return rule{}, errors.New("has a scheme: give the host alone, such as api.example.com")
	case strings.ContainsAny(pattern, `/\?#`):
		return rule{}, errors.New("has a path: give the host alone, such as api.example.com")
	case strings.Contains(pattern, "@"):
		return rule{}, errors.New("has a user name: give the host alone, such as api.example.com")
	}
	var r rule
	host := pattern
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return rule{}, errors.New("has a bracket that isn't closed")
		}
		addr, err := netip.ParseAddr(host[1:end])
		if err != nil || !addr.Is6() {
			return rule{}, errors.New("has brackets around what is no IPv6 address")
		}
		if addr.Zone() != "" || addr.Is4In6() {
			return rule{}, errors.New("is an IPv6 address with a zone, or one that stands for an IPv4 address")
		}
		r.addr, r.loopback, host = addr, addr.IsLoopback(), host[end+1:]
		if host == "" {
			return r, nil
		}
		if host[0] != ':' {
			return rule{}, errors.New("goes on after the bracket with something other than a port")
		}
		return r.withPort(host[1:])
	}
	if strings.Count(host, ":") > 1 {
		return rule{}, errors.New("is no host: an IPv6 address stands in brackets, such as [::1]:8080")
	}
	host, port, hasPort := strings.Cut(host, ":")
	host, dot := strings.CutSuffix(host, ".")
	if strings.HasPrefix(host, "*") {
		rest := strings.TrimPrefix(host, "*.")
		if rest == host || !strings.Contains(rest, ".") {
			return rule{}, errors.New(`is too wide: a "*" stands before a dot and two more labels, as in *.example.com`)
		}
		r.wildcard, host = true, rest
	}
	if err := checkName(host); err != nil {
		return rule{}, err
	}
	r.name = strings.ToLower(host)
	if last := r.name[strings.LastIndexByte(r.name, '.')+1:]; isNumber(last) {
		// 127.1 and 0x7f.1 are addresses to some resolvers and names to others.
		addr, err := netip.ParseAddr(r.name)
		if err != nil || r.wildcard || dot {
			return rule{}, errors.New("ends in a number and is no IPv4 address such as 192.0.2.1")
		}
		r.addr, r.loopback = addr, addr.IsLoopback()
	}
	if r.name == "localhost" {
		r.loopback = true
	}
	if r.wildcard {
		r.name = "." + r.name
	}
	if !hasPort {
		return r, nil
	}
	return r.withPort(port)
}

// withPort returns the rule for one port.
func (r rule) withPort(port string) (rule, error) {
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || port[0] == '0' {
		return rule{}, errors.New("has a port that is no number from 1 to 65535")
	}
	r.port = port
	return r, nil
}

// isNumber reports whether a resolver might take a host's last label for a
// part of an IPv4 address: digits, or hexadecimal digits after 0x.
func isNumber(label string) bool {
	if digits, ok := strings.CutPrefix(label, "0x"); ok {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// These are variables, so that a host that is no name costs no allocation.
var (
	errNotASCII = errors.New("is not ASCII: write a name in another script in its xn-- form")
	errNoName   = errors.New("is no host name: letters, digits, hyphens and dots, such as api.example.com")
	errLong     = errors.New("is too long for a host name: 253 bytes, and 63 from dot to dot")
)

// checkName checks a name without a final dot: labels of letters, digits,
// hyphens and underscores. RFC 1123 section 2.1 has no underscores, but DNS and
// those who name hosts do.
func checkName(name string) error {
	if name == "" {
		return errNoName
	}
	if len(name) > 253 {
		return errLong
	}
	label := 0 // bytes of it so far
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 0x80:
			return errNotASCII
		case c == '.':
			if label == 0 || name[i-1] == '-' {
				return errNoName
			}
			label = 0
			continue
		case c == '-':
			if label == 0 {
				return errNoName
			}
		case c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z'):
			return errNoName
		}
		if label++; label > 63 {
			return errLong
		}
	}
	if label == 0 || name[len(name)-1] == '-' {
		return errNoName
	}
	return nil
}
