package credentials

import (
	"net"
	"net/url"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// baseURL is where the pages of a Handler are, as browsers and providers see
// it. It is the only source of addresses: what a request says of its host is
// its sender's.
type baseURL struct {
	origin string // "https://app.example.com", without a path
	path   string // "/credentials", or empty
	secure bool   // https
}

// maxBaseURL leaves room for the name of a credential in the callback's
// address, and for that in a cookie.
const maxBaseURL = 256

// parseBaseURL returns what is wrong with it as a hint, which does not repeat
// it.
func parseBaseURL(s string) (b baseURL, fault string) {
	if len(s) > maxBaseURL {
		return b, "BaseURL is longer than 256 bytes"
	}
	u, err := url.Parse(s)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return b, "BaseURL is no URL; write it as https://app.example.com/credentials"
	}
	if strings.ContainsFunc(u.Host, notOfHost) {
		return b, "the host of BaseURL is none; write it as app.example.com, and an international one as browsers send it, with xn--"
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#") {
		return b, "BaseURL has a user, a query or a fragment; write it as https://app.example.com/credentials"
	}
	path := strings.TrimSuffix(u.Path, "/")
	if path != "" && (!isReturn(path) || u.EscapedPath() != u.Path || strings.Contains(path, "//")) {
		return b, "the path of BaseURL is none that can be mounted; write it as https://app.example.com/credentials"
	}
	switch {
	case u.Scheme == "https":
		b.secure = true
	case u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return b, "BaseURL must begin with https://; http:// is for a loopback address only"
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); port == "443" && b.secure || port == "80" && !b.secure || port == "" {
		host = strings.TrimSuffix(host, ":"+port) // as browsers write an origin
	}
	b.origin, b.path = u.Scheme+"://"+host, path
	return b, ""
}

// notOfHost reports whether a letter is in no host with a port.
func notOfHost(c rune) bool {
	return !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.ContainsRune("-._:[]", c))
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// page is the address of a page of a credential.
func (b baseURL) page(name, action string) string {
	return b.origin + b.path + "/" + name + "/" + action
}

// ConnectURLs returns what [Config] wants as ConnectURL, where a [Handler] of
// that BaseURL is mounted: the page that asks whether to connect. A BaseURL
// that is none makes no addresses.
//
// A Handler has pages of accounts only, and of the application's own if
// [HandlerConfig] says so. Where users have keys, too, put a function around it
// that answers for the names of these, with a page of the application's own or
// with nothing.
func ConnectURLs(base string) func(name, user string) string {
	b, fault := parseBaseURL(base)
	return func(name, _ string) string {
		if fault != "" || !isName(name) {
			return ""
		}
		return b.page(name, actionConnect)
	}
}

// invalidHandler is the error of a configuration that is wrong.
func invalidHandler(hint string) error {
	return &core.Error{Op: "credentials handler", Kind: core.ErrInvalidOption, Hint: hint}
}
