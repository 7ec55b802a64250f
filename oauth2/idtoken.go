package oauth2

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// errNoEndpoint is the kind of what a provider has no endpoint for.
var errNoEndpoint = errors.ErrUnsupported

// idTokenSkew is by how much the provider's clock and ours may differ.
const idTokenSkew = 2 * time.Minute

// checkIDToken checks the claims of an id token against what was asked for:
// OpenID Connect Core 1.0 section 3.1.3.7, points 2 to 5 and 9 to 11.
//
// The signature is not checked. The token came straight from the token
// endpoint, whose certificate was, and point 6 allows that in its place: who
// can forge the one can forge the other. Nothing but this use of it may be
// made of the claims, and none are kept.
func (p *provider) checkIDToken(_ context.Context, app App, idToken core.Value, nonce string) error {
	claims, ok := claimsOf(idToken.Reveal())
	if !ok {
		return p.wrongIDToken("it is none")
	}
	now := p.clock.Now()
	switch {
	case !p.issuedBy(claims):
		return p.wrongIDToken("another issuer made it")
	case !claims.isFor(app.ClientID):
		return p.wrongIDToken("it is for another application")
	case claims.AZP != "" && claims.AZP != app.ClientID:
		return p.wrongIDToken("another application asked for it")
	case !claims.lives(now):
		return p.wrongIDToken("it has expired; is the clock of this machine right?")
	case !claims.young(now):
		return p.wrongIDToken("it was not made just now; is the clock of this machine right?")
	case subtle.ConstantTimeCompare([]byte(claims.Nonce), []byte(nonce)) != 1:
		return p.wrongIDToken("it is the answer to another request")
	}
	return nil
}

func (p *provider) wrongIDToken(what string) error {
	return &Error{
		Op: "connect", Name: p.name, User: p.user, Kind: core.ErrPermissionDenied,
		Hint: "the id token is not accepted: " + what,
	}
}

// idClaims is what is looked at of an id token.
type idClaims struct {
	Issuer   string          `json:"iss"`
	Audience json.RawMessage `json:"aud"`
	AZP      string          `json:"azp"`
	Expires  *float64        `json:"exp"`
	Issued   *float64        `json:"iat"`
	Nonce    string          `json:"nonce"`
	Tenant   string          `json:"tid"`
	Subject  string          `json:"sub"`
}

// claimsOf reads the claims of a JWT in its compact form.
func claimsOf(token string) (idClaims, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return idClaims{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return idClaims{}, false
	}
	// encoding/json folds case; a map does not, and "ISS" is no "iss".
	var all map[string]json.RawMessage
	if json.Unmarshal(text, &all) != nil {
		return idClaims{}, false
	}
	var c idClaims
	for name, to := range map[string]any{
		"iss": &c.Issuer, "aud": &c.Audience, "azp": &c.AZP, "exp": &c.Expires,
		"iat": &c.Issued, "nonce": &c.Nonce, "tid": &c.Tenant, "sub": &c.Subject,
	} {
		if raw, there := all[name]; there && json.Unmarshal(raw, to) != nil {
			return idClaims{}, false
		}
	}
	return c, c.Subject != ""
}

// issuedBy reports whether the settings' issuer made the token. Google's may
// lack the scheme, and Microsoft's for all tenants has the tenant in it.
func (p *provider) issuedBy(c idClaims) bool {
	want := p.settings.Issuer
	if strings.Contains(want, tenantHole) {
		if !isTenantID(c.Tenant) {
			return false
		}
		want = strings.ReplaceAll(want, tenantHole, c.Tenant)
	}
	if want == "" {
		return false
	}
	return c.Issuer == want || want == googleIssuer && c.Issuer == strings.TrimPrefix(googleIssuer, "https://")
}

// isTenantID reports whether s is a UUID, as the ids of tenants are.
func isTenantID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// isFor reports whether the application is the audience, and of several the
// one that asked.
func (c idClaims) isFor(clientID string) bool {
	var one string
	if json.Unmarshal(c.Audience, &one) == nil {
		return one == clientID
	}
	var many []string
	if json.Unmarshal(c.Audience, &many) != nil {
		return false
	}
	found := false
	for _, audience := range many {
		found = found || audience == clientID
	}
	return found && (len(many) == 1 || c.AZP == clientID)
}

func (c idClaims) lives(now time.Time) bool {
	return c.Expires != nil && isSeconds(*c.Expires) && now.Add(-idTokenSkew).Before(time.Unix(int64(*c.Expires), 0))
}

// young reports whether the token was made lately: this answer made it.
func (c idClaims) young(now time.Time) bool {
	if c.Issued == nil || !isSeconds(*c.Issued) {
		return false
	}
	age := now.Sub(time.Unix(int64(*c.Issued), 0))
	return -idTokenSkew <= age && age <= idTokenSkew+10*time.Minute
}

func isSeconds(n float64) bool { return !math.IsNaN(n) && n > 0 && n <= lastSecond }
