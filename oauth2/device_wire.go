package oauth2

import (
	"context"
	"math"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// deviceAnswer is the answer of the device authorization endpoint: RFC 8628
// section 3.2.
type deviceAnswer struct {
	DeviceCode core.Value

	// UserCode is what the user types at VerificationURI; the Complete one has
	// it already, and may be empty. Both are http or https URLs.
	UserCode                string
	VerificationURI         string
	VerificationURIComplete string

	ExpiresIn time.Duration // of both codes; 15 minutes at most where the answer does not say
	Interval  time.Duration // between two questions at the token endpoint; 5 s where it does not say
}

const (
	deviceInterval = 5 * time.Second // section 3.2
	deviceExpires  = 15 * time.Minute
	maxInterval    = 5 * time.Minute
)

// device asks for a device code. Form has what is asked for, such as "scope".
func (p *provider) device(ctx context.Context, app App, form url.Values) (deviceAnswer, *failure) {
	e, f := p.need(ctx, func(e endpoints) string { return e.device })
	if f != nil {
		return deviceAnswer{}, f
	}
	if e.device == "" {
		return deviceAnswer{}, unsent(errNoEndpoint, "the provider has no endpoint for devices; connect in a browser")
	}
	body := cloneForm(form)
	for _, resource := range p.settings.Resources {
		if !slices.Contains(body["resource"], resource) {
			body.Add("resource", resource)
		}
	}
	basic, f := p.authenticate(app, e, body)
	if f != nil {
		return deviceAnswer{}, f
	}
	// Providers want it in the body, also where the header has it: section 3.1.
	body.Set("client_id", app.ClientID)
	r, f := p.post(ctx, e.device, body, basic)
	if f != nil {
		return deviceAnswer{}, f
	}
	object, f := p.read(r, secretsOf(app, body))
	if f != nil {
		return deviceAnswer{}, f
	}
	a := deviceAnswer{
		DeviceCode:              core.String(object.text("device_code")),
		UserCode:                core.Printable(object.text("user_code")),
		VerificationURI:         webURL(object.text("verification_uri")),
		VerificationURIComplete: webURL(object.text("verification_uri_complete")),
		ExpiresIn:               deviceExpires,
		Interval:                deviceInterval,
	}
	if a.VerificationURI == "" {
		a.VerificationURI = webURL(object.text("verification_url")) // Google's name for it
	}
	if seconds, ok := object.number("expires_in"); ok && seconds > 0 && seconds < (24*time.Hour).Seconds() {
		a.ExpiresIn = time.Duration(math.Ceil(seconds)) * time.Second
	}
	if seconds, ok := object.number("interval"); ok && seconds > 0 {
		a.Interval = min(time.Duration(math.Ceil(min(seconds, maxInterval.Seconds())))*time.Second, maxInterval)
	}
	if a.DeviceCode.IsZero() || a.UserCode == "" || a.VerificationURI == "" {
		f := p.statusFailure(r.status, r.header)
		f.hint = "the answer lacks a device code, a user code or the address to go to; try again later"
		return deviceAnswer{}, f
	}
	return a, nil
}

// webURL is an address that a browser may be sent to, and else nothing.
func webURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return text
}
