package oauth2

import (
	"context"
	"errors"
)

// ConnectClientCredentials gets tokens for the application itself, by the client
// credentials grant (RFC 6749 section 4.4), and stores them. Nobody is asked,
// and there is no refresh token: [Client.Refresh] does the same again.
//
// Errors are of type [*Error]: errors.ErrUnsupported where Settings.Grant is
// another, core.ErrNotFound where the application's secret is not there, and
// those of the token endpoint.
func (c *Client) ConnectClientCredentials(ctx context.Context) error {
	if c.cfg.Settings.Grant != GrantClientCredentials {
		return c.connectError(errors.ErrUnsupported, "this account is a user's, who must agree: connect by browser or device, or set the grant client_credentials")
	}
	app, _, err := c.opening(ctx)
	if err != nil {
		return err
	}
	t, _, failed := c.provider.tokens(ctx, app, c.form(nil))
	if failed != nil {
		return c.connectFailed(failed)
	}
	return c.connected(ctx, t)
}
