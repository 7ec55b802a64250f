package shop

import (
	"context"

	"github.com/lukko-dev/lukko/core"
)

// Key uses what is generated, so that this file does not compile without it.
func Key(ctx context.Context, svc core.SecretService) (core.Value, error) {
	stripe, err := NewTypedSecretService(svc).Stripe(ctx)
	return stripe.APIKey, err
}

// all is a variable that needs it, too.
var all = SecretTypes()

// IDs is how many ids there are.
func IDs() int { return len(all) }
