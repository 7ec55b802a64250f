// Package secrets declares what the shop needs.
package secrets

import (
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

type Stripe struct {
	APIKey core.Value `json:"apiKey"`
}

var (
	StripeKey = schema.Declare[Stripe](schema.Spec{Name: "stripe", ID: "STRIPE_CREDENTIALS"})
	DSN       = schema.Declare[string](schema.Spec{ID: "DATABASE_URL"})
	Mail      = schema.Declare[core.Value](schema.Spec{ID: "MAIL_PASSWORD"})
	Unused    = schema.Declare[core.Value](schema.Spec{ID: "UNUSED"})
	Elsewhere = schema.Declare[core.Value](schema.Spec{ID: "ELSEWHERE"})
	Loaded    = schema.Declare[core.Value](schema.Spec{ID: "LOADED_ONLY"})
	Typed     = schema.Declare[core.Value](schema.Spec{ID: "TYPED"})
	Handled   = schema.Declare[core.Value](schema.Spec{ID: "HANDLED"})
	Later     = schema.Declare[core.Value](schema.Spec{ID: "LATER"}) //lukko:allow unread the next release reads it
	LogLevel  = schema.DeclareVariable[string](schema.Spec{ID: "LOG_LEVEL"})
)
