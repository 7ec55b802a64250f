// Package secrets declares what the quickstart needs. The rest of the folder
// is made from it: go generate ./examples/quickstart/...
package secrets

import (
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

//go:generate go run github.com/lukko-dev/lukko/cmd/lukko generate .

// A secret is a struct, and what is declared of it.
type StripeCredentials struct {
	APIKey        core.Value `json:"apiKey" jsonschema:"pattern=^sk_"`
	WebhookSecret core.Value `json:"webhookSecret"`
}

var Stripe = schema.Declare[StripeCredentials](schema.Spec{
	Name: "stripe", ID: "STRIPE_CREDENTIALS",
	DisplayName: "Stripe API", Description: "API keys for Stripe payment processing",
	DocsURL: "https://docs.stripe.com/keys",
})
