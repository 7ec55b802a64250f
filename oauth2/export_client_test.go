package oauth2

import (
	"context"
	"time"
)

// Connected stores tokens as connecting does.
func (c *Client) Connected(ctx context.Context, t Token) error { return c.store(ctx, t) }

// Forget deletes them as revoking does.
func (c *Client) Forget(ctx context.Context) error { return c.forget(ctx) }

// The times of a claim.
const (
	AskWithin     = askWithin
	ClaimDuration = claimDuration
	WatchDuration = watchDuration
)

// EndpointLimit is how long a request to the token endpoint may take.
const EndpointLimit time.Duration = endpointLimit
