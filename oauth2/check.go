package oauth2

import (
	"cmp"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2/internal/hosts"
)

// Check returns an [*Error] of the kind core.ErrInvalidValue that lists all
// that is wrong with the settings, by the names of their fields and without
// what stands there: what lands in a field by mistake is often a secret.
func (s Settings) Check() error {
	var c settingsCheck
	c.endpoints(s)
	c.names(s)
	c.scopes(s)
	c.params("AuthParams", s.AuthParams, append(slices.Clip(authReserved), cmp.Or(s.ScopeParam, "scope")))
	c.params("TokenParams", s.TokenParams, tokenReserved)
	for _, resource := range s.Resources {
		if u, err := url.Parse(resource); err != nil || !u.IsAbs() || u.Fragment != "" || strings.Contains(resource, "#") {
			c.wrong("Resources", "each is an absolute URI without a fragment (RFC 8707)")
			break
		}
	}
	if _, err := hosts.Parse(s.AllowedHosts); err != nil {
		c.wrong("AllowedHosts", err.Error()) // which quotes none
	}
	if len(c.faults) == 0 {
		return nil
	}
	return &Error{Op: "settings", Kind: core.ErrInvalidValue, Hint: strings.Join(c.faults, "; ")}
}

// What the protocol sets itself, or would be changed by.
var (
	authReserved = []string{
		"response_type", "client_id", "redirect_uri", "scope", "state", "nonce",
		"code_challenge", "code_challenge_method", "resource", "request", "request_uri",
	}
	tokenReserved = []string{
		"grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "device_code", "scope", "resource",
		"client_id", "client_secret", "client_assertion", "client_assertion_type", "token", "token_type_hint",
	}
)

type settingsCheck struct{ faults []string }

func (c *settingsCheck) wrong(field, what string) { c.faults = append(c.faults, field+": "+what) }

func (c *settingsCheck) endpoints(s Settings) {
	if s.Issuer != "" {
		fixed := strings.ReplaceAll(s.Issuer, tenantHole, "tenant")
		if u, err := url.Parse(fixed); err != nil || !isEndpoint(u) || u.RawQuery != "" || u.ForceQuery || strings.Contains(fixed, "#") {
			c.wrong("Issuer", "it is an https URL without query or fragment, or http on a loopback address")
		}
	}
	for _, e := range []struct{ field, url string }{
		{"AuthURL", s.AuthURL}, {"TokenURL", s.TokenURL}, {"RevokeURL", s.RevokeURL}, {"DeviceURL", s.DeviceURL},
	} {
		if e.url == "" {
			continue
		}
		raw := e.url
		if e.field == "RevokeURL" && s.Revocation == RevokeGitHub {
			raw = strings.ReplaceAll(raw, clientHole, "id")
		}
		if u, err := url.Parse(raw); err != nil || !isEndpoint(u) || strings.Contains(raw, "#") {
			c.wrong(e.field, "it is an https URL without fragment, or http on a loopback address")
		}
	}
	if s.discovers() {
		return
	}
	if s.TokenURL == "" {
		c.wrong("TokenURL", "it is missing, and there is no Issuer to discover it from")
	}
	if s.Grant == GrantAuthorizationCode && s.AuthURL == "" && s.DeviceURL == "" {
		c.wrong("AuthURL", "it is missing, and there is neither an Issuer to discover it from nor a DeviceURL")
	}
}

// discovers reports whether endpoints that are not given can be discovered.
func (s Settings) discovers() bool { return s.Issuer != "" && !strings.Contains(s.Issuer, tenantHole) }

const (
	tenantHole = "{tenantid}"
	clientHole = "{client_id}"
)

// isEndpoint reports whether secrets may be sent to a URL: by https, or by
// http to this machine.
func isEndpoint(u *url.URL) bool {
	if u.User != nil || u.Opaque != "" || u.Hostname() == "" || strings.ContainsAny(u.Host, "{}") {
		return false
	}
	switch u.Scheme {
	case "https":
		return true
	case "http":
		return isLoopback(u.Hostname())
	}
	return false
}

// isLoopback reports whether a host is this machine, by its address or by the
// name that RFC 6761 section 6.3 keeps for it.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Zone() == "" && addr.Unmap().IsLoopback()
}

func (c *settingsCheck) names(s Settings) {
	if s.Grant != GrantAuthorizationCode && s.Grant != GrantClientCredentials {
		c.wrong("Grant", `it is empty or "client_credentials"`)
	}
	if s.PKCE != PKCES256 && s.PKCE != PKCENone {
		c.wrong("PKCE", `it is empty, for S256, or "none"`)
	}
	if !slices.Contains([]Revocation{RevokeRFC7009, RevokeBearer, RevokeGitHub, RevokeStripe}, s.Revocation) {
		c.wrong("Revocation", `it is empty, for RFC 7009, "bearer", "github" or "stripe"`)
	}
	switch s.ClientAuth {
	case ClientAuthAuto, ClientSecretBasic, ClientSecretPost, PrivateKeyJWT:
	case ClientNone:
		if s.Grant == GrantClientCredentials {
			c.wrong("ClientAuth", "a public client has no client credentials (RFC 6749 section 4.4)")
		}
	default:
		c.wrong("ClientAuth", `it is empty, "client_secret_basic", "client_secret_post", "private_key_jwt" or "none"`)
	}
	if s.AssertionAudience != "" && !isText(s.AssertionAudience) {
		c.wrong("AssertionAudience", "it is a URL, or another text without spaces")
	}
	if s.TokenPath != "" {
		for name := range strings.SplitSeq(s.TokenPath, "/") {
			if !isText(name) {
				c.wrong("TokenPath", `it is one or more names with "/" between them`)
				break
			}
		}
	}
}

func (c *settingsCheck) scopes(s Settings) {
	if sep := s.ScopeSeparator; sep != "" && sep != " " && (len(sep) != 1 || !strings.Contains(",;+|", sep)) {
		c.wrong("ScopeSeparator", `it is empty, for a space, or one of "," ";" "+" "|"`)
	}
	if s.ScopeParam != "" && (!isText(s.ScopeParam) || s.ScopeParam != "scope" && slices.Contains(authReserved, s.ScopeParam)) {
		c.wrong("ScopeParam", "it is the name of a parameter that the protocol does not set otherwise")
	}
	for _, scope := range s.Scopes {
		if !isText(scope) || strings.ContainsAny(scope, `"\`) || s.ScopeSeparator != "" && strings.Contains(scope, s.ScopeSeparator) {
			c.wrong("Scopes", "each is printable ASCII without spaces, quotes, backslashes and the separator (RFC 6749 section 3.3)")
			break
		}
	}
	if slices.Contains(s.Scopes, "openid") && s.Issuer == "" {
		c.wrong("Issuer", `it is missing: with the scope "openid", who issued the id token is checked`)
	}
}

func (c *settingsCheck) params(field string, params map[string]string, reserved []string) {
	for name, value := range params {
		if !isText(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7F }) {
			c.wrong(field, "names are printable ASCII without spaces, and values have no control characters")
			break
		}
	}
	var taken []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(reserved, name) {
			taken = append(taken, name) // a name of ours
		}
	}
	if len(taken) > 0 {
		c.wrong(field, "the protocol sets "+strings.Join(taken, ", ")+" itself")
	}
}

// isText reports whether s is printable ASCII without spaces, and something.
func isText(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// Equal reports whether two settings are the same: nil and empty lists are.
func (s Settings) Equal(o Settings) bool {
	if !slices.Equal(s.Scopes, o.Scopes) || !slices.Equal(s.Resources, o.Resources) || !slices.Equal(s.AllowedHosts, o.AllowedHosts) ||
		!maps.Equal(s.AuthParams, o.AuthParams) || !maps.Equal(s.TokenParams, o.TokenParams) {
		return false
	}
	return s.plain() == o.plain()
}

// plain is the fields that == compares.
func (s Settings) plain() plainSettings {
	return plainSettings{
		s.Issuer, s.AuthURL, s.TokenURL, s.RevokeURL, s.DeviceURL, s.Grant, s.Revocation, s.ScopeSeparator,
		s.ScopeParam, s.PKCE, s.ClientAuth, s.AssertionAudience, s.TokenPath,
	}
}

type plainSettings struct {
	issuer, auth, token, revoke, device string
	grant                               Grant
	revocation                          Revocation
	separator, param                    string
	pkce                                PKCE
	clientAuth                          ClientAuth
	audience, path                      string
}
