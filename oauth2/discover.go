package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// endpoints is where a provider is reached: given, or discovered. Empty is one
// that there is not.
type endpoints struct {
	auth, token, revoke, device string

	issuer      string   // as the settings have it
	issPromised bool     // answers of the authorization endpoint name the issuer: RFC 9207 section 3
	authMethods []string // token_endpoint_auth_methods_supported; nil if that is not known
}

// Discovery keeps what issuers tell of themselves, so that the clients of many
// accounts ask each issuer once: see [Config]. What was found is kept as long as
// the Discovery is; what failed is asked for again after some seconds. The zero
// Discovery is ready. It is safe for concurrent use and must not be copied.
type Discovery struct {
	mu      sync.Mutex
	issuers map[string]*discovery
}

func (d *Discovery) of(issuer string) *discovery {
	d.mu.Lock()
	defer d.mu.Unlock()
	one := d.issuers[issuer]
	if one == nil {
		if d.issuers == nil {
			d.issuers = map[string]*discovery{}
		}
		one = new(discovery)
		d.issuers[issuer] = one
	}
	return one
}

// discovery is what was discovered of one issuer, or is being.
type discovery struct {
	mu      sync.Mutex
	found   *endpoints // also where the issuer has no metadata: without any
	failed  *failure   // the last one
	until   time.Time  // when the next one may be tried
	running chan struct{}
}

// discoveryPause is how long a discovery that failed is not tried again, so
// that those who wait behind one another don't each try.
const discoveryPause = 5 * time.Second

// endpoints returns all of the provider's endpoints. Where the settings have
// an issuer and lack one of them, the rest are discovered, at first use and
// once. Callers wait for one discovery together, each as long as its context
// says; one that failed is told to all and tried again after some seconds.
func (p *provider) endpoints(ctx context.Context) (endpoints, *failure) {
	return p.need(ctx, func(e endpoints) string {
		for _, one := range []string{e.auth, e.token, e.revoke, e.device} {
			if one == "" {
				return ""
			}
		}
		return "all"
	})
}

// need returns the endpoints that are given if that has what is needed, and
// else those with what can be discovered.
func (p *provider) need(ctx context.Context, what func(endpoints) string) (endpoints, *failure) {
	given := endpoints{
		auth: p.settings.AuthURL, token: p.settings.TokenURL, revoke: p.settings.RevokeURL,
		device: p.settings.DeviceURL, issuer: p.settings.Issuer,
	}
	if err := ctx.Err(); err != nil {
		return endpoints{}, &failure{Err: err}
	}
	if what(given) != "" || !p.settings.discovers() {
		p.discovery.mu.Lock()
		defer p.discovery.mu.Unlock()
		return merge(given, p.discovery.found), nil
	}
	found, f := p.discovered(ctx)
	if f != nil {
		return endpoints{}, f
	}
	return merge(given, found), nil
}

// merge fills what is not given with what was found.
func merge(given endpoints, found *endpoints) endpoints {
	if found == nil {
		return given
	}
	for _, one := range []struct {
		given *string
		found string
	}{
		{&given.auth, found.auth},
		{&given.token, found.token},
		{&given.revoke, found.revoke},
		{&given.device, found.device},
	} {
		if *one.given == "" {
			*one.given = one.found
		}
	}
	given.issPromised, given.authMethods = found.issPromised, found.authMethods
	return given
}

// discovered returns what the issuer's metadata has. The discovery itself has
// a context of its own, so that a caller who gives up does not end it for the
// others.
func (p *provider) discovered(ctx context.Context) (*endpoints, *failure) {
	d := p.discovery
	d.mu.Lock()
	for d.found == nil {
		if d.running == nil {
			if d.failed != nil && p.clock.Now().Before(d.until) {
				f := *d.failed
				d.mu.Unlock()
				return nil, &f
			}
			done := make(chan struct{})
			d.running = done
			go func() {
				found, f := p.discover(context.WithoutCancel(ctx))
				d.mu.Lock()
				d.found, d.failed, d.running = found, f, nil
				d.until = p.clock.Now().Add(discoveryPause)
				d.mu.Unlock()
				close(done)
			}()
		}
		done := d.running
		d.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
			return nil, &failure{Err: ctx.Err()}
		}
		d.mu.Lock()
	}
	defer d.mu.Unlock()
	return d.found, nil
}

// discover asks the well-known places for the issuer's metadata. An issuer
// that has none is no failure: it has no endpoints. A place that answers with
// something else is passed over, as some servers have a page or the way to it
// for every address; if no other place has it, that is why.
func (p *provider) discover(ctx context.Context) (*endpoints, *failure) {
	var other *failure
	for _, place := range wellKnown(p.settings.Issuer) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, place, nil)
		if err != nil {
			return nil, unsent(core.ErrInvalidValue, "the Issuer in the settings is no URL")
		}
		r, f := p.send(ctx, req)
		if f != nil {
			f.hint = "the issuer's metadata could not be had: " + f.hint
			return nil, f
		}
		switch f = p.statusFailure(r.status, r.header); {
		case r.status == http.StatusOK:
			var found *endpoints
			if found, f = p.metadata(r); f == nil {
				return found, nil
			}
			f.Status = r.status
		case r.status >= 300 && r.status < 400:
			f.hint = "the issuer's metadata is elsewhere, and redirects are not followed; give the Issuer as it is there, or the endpoints"
		case f.Final:
			continue
		default:
			f.hint = "the issuer's metadata could not be had; try again later"
			return nil, f
		}
		if other == nil {
			other = f
		}
	}
	if other != nil {
		return nil, other
	}
	return &endpoints{}, nil
}

// wellKnown is where the metadata of an issuer may be: RFC 8414 section 3.1,
// which puts the issuer's path behind the well-known one; the same for OpenID
// Connect (section 5); and that of OpenID Connect Discovery 1.0 section 4.1,
// which appends.
func wellKnown(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	base := u.Scheme + "://" + u.Host
	places := []string{base + "/.well-known/oauth-authorization-server" + path}
	if path != "" {
		places = append(places, base+"/.well-known/openid-configuration"+path)
	}
	return append(places, base+path+"/.well-known/openid-configuration")
}

// metadata reads the metadata of RFC 8414 section 2. It must name the very
// issuer that was asked (section 3.3), else one server could lead to the
// endpoints of another.
func (p *provider) metadata(r *reply) (*endpoints, *failure) {
	var m struct {
		Issuer      string   `json:"issuer"`
		Auth        string   `json:"authorization_endpoint"`
		Token       string   `json:"token_endpoint"`
		Revoke      string   `json:"revocation_endpoint"`
		Device      string   `json:"device_authorization_endpoint"`
		IssPromised bool     `json:"authorization_response_iss_parameter_supported"`
		Methods     []string `json:"token_endpoint_auth_methods_supported"`
	}
	if json.Unmarshal(bytes.TrimPrefix(r.body, []byte("\xEF\xBB\xBF")), &m) != nil {
		return nil, &failure{hint: "the issuer's metadata is none of RFC 8414, such as a page for people; check the Issuer in the settings"}
	}
	if m.Issuer != p.settings.Issuer {
		return nil, &failure{
			Final: true, kind: core.ErrInvalidValue,
			hint: "the metadata names another issuer; give the Issuer in the settings exactly as it is there, also its slash at the end",
		}
	}
	e := &endpoints{issuer: m.Issuer, issPromised: m.IssPromised, authMethods: m.Methods}
	for _, one := range []struct {
		to   *string
		from string
	}{{&e.auth, m.Auth}, {&e.token, m.Token}, {&e.revoke, m.Revoke}, {&e.device, m.Device}} {
		if one.from == "" {
			continue
		}
		if u, err := url.Parse(one.from); err != nil || !isEndpoint(u) || strings.Contains(one.from, "#") {
			return nil, &failure{Final: true, kind: core.ErrInvalidValue, hint: "the issuer's metadata has an endpoint that is not https"}
		}
		*one.to = one.from
	}
	return e, nil
}
