package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// DeviceCode is what a user needs to agree on another device. It is theirs to
// see and nobody else's: who has the code can connect an account of their own
// in its place. All of it prints.
type DeviceCode struct {
	UserCode string // to be typed in
	URL      string // where to type it in, http or https
	// CompleteURL has the code in it already, for a QR code or a link; empty if
	// the provider has none. The user compares the code that the page shows.
	CompleteURL string
	ExpiresAt   time.Time
}

const (
	deviceGrant    = "urn:ietf:params:oauth:grant-type:device_code"
	deviceSlowDown = 5 * time.Second // what slow_down adds, for good: RFC 8628 section 3.5
	deviceBackOff  = 2 * time.Minute // the longest wait after answers that failed
	maxUserCode    = 64              // what a person can type in has less
)

// ConnectDevice connects an account by the device authorization grant (RFC
// 8628): show tells the user where to go and what to type in, and returns; then
// the provider is asked, as often as it allows, until the user has agreed. A
// slow_down adds 5 s to the interval; failures that may pass double it, up to
// two minutes, until the provider answers again.
//
// It ends when the account is connected, when the user or the provider says no,
// when the code expires, or with ctx. Errors are of type [*Error]:
// errors.ErrUnsupported where there is no such endpoint, core.ErrPermissionDenied
// with the code access_denied or expired_token, core.ErrUnavailable where show
// fails or the provider sends what can't be shown, and those of the token
// endpoint. What show fails with is not passed on but for its Go type, as its
// text may hold the code.
func (c *Client) ConnectDevice(ctx context.Context, show func(DeviceCode) error) error {
	if c.cfg.Settings.Grant != GrantAuthorizationCode {
		return c.connectError(errors.ErrUnsupported, "this credential is the application's own, without a user who agrees: use ConnectClientCredentials")
	}
	if show == nil {
		return c.connectError(core.ErrInvalidOption, "say how to show the code to the user")
	}
	app, ends, err := c.opening(ctx)
	if err != nil {
		return err
	}
	if ends.device == "" {
		return c.connectError(errors.ErrUnsupported, "the provider has no device authorization endpoint: connect by browser")
	}
	form := url.Values{}
	if scope := c.cfg.Settings.joinScopes(); scope != "" {
		form.Set("scope", scope)
	}
	began := c.clock.Now()
	device, failed := c.provider.device(ctx, app, form)
	if failed != nil {
		return c.connectFailed(failed)
	}
	code := DeviceCode{
		UserCode:    device.UserCode,
		URL:         device.VerificationURI,
		CompleteURL: device.VerificationURIComplete,
		ExpiresAt:   began.Add(device.ExpiresIn),
	}
	if len(code.UserCode) > maxUserCode {
		return c.connectError(core.ErrUnavailable, "the provider's code is too long to be typed in; connect by browser")
	}
	if err := show(code); err != nil {
		if ctx.Err() != nil {
			return c.fail(opConnect, nil, "", ctx.Err())
		}
		return c.connectError(core.ErrUnavailable, fmt.Sprintf("the code could not be shown to the user: an error of type %T", err))
	}
	return c.poll(ctx, device, code.ExpiresAt)
}

// poll asks for the tokens until there is an answer that ends it.
func (c *Client) poll(ctx context.Context, device deviceAnswer, expires time.Time) error {
	interval := device.Interval
	wait := interval
	for {
		if !c.clock.Now().Add(wait).Before(expires) {
			// It would come too late; the user still gets the rest of the time to
			// say no to anybody else.
			return c.denied("expired_token")
		}
		select {
		case <-c.clock.After(wait):
		case <-c.ending.Done():
			return c.connectError(core.ErrClosed, "")
		case <-ctx.Done():
			return c.fail(opConnect, nil, "", ctx.Err())
		}
		// The secret is read for each, as it may be rotated meanwhile.
		app, err := c.app(ctx)
		if err != nil {
			return err
		}
		t, extra, failed := c.provider.tokens(ctx, app, url.Values{
			"grant_type":  {deviceGrant},
			"device_code": {device.DeviceCode.Reveal()},
		})
		switch {
		case failed == nil:
			// OpenID Connect has no nonce here; the rest of the id token is checked.
			if c.openID() && !extra.IDToken.IsZero() {
				if err := c.provider.checkIDToken(ctx, app, extra.IDToken, ""); err != nil {
					return err
				}
			}
			return c.connected(ctx, t)
		case failed.Code == "authorization_pending":
			wait = interval
		case failed.Code == "slow_down":
			interval += deviceSlowDown
			wait = interval
		case failed.Final || failed.Err != nil:
			return c.connectFailed(failed)
		default:
			wait = max(interval, min(2*wait, deviceBackOff), failed.RetryAfter)
		}
	}
}
