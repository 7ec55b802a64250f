// Package shop is what most programs have: declarations, and beside them what is generated.
package shop

import (
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

type StripeCredentials struct {
	APIKey        core.Value `json:"apiKey" jsonschema:"pattern=^sk_"`
	WebhookSecret core.Value `json:"webhookSecret"`
}

var Stripe = schema.Declare[StripeCredentials](schema.Spec{
	Name: "stripe", ID: "STRIPE_CREDENTIALS",
	DisplayName: "Stripe API", Description: "API keys for Stripe payment processing",
	DocsURL:        "https://docs.stripe.com/keys",
	RotationPeriod: 90 * 24 * time.Hour,
})

// Without a name of its own it is called as its id. It is generated all the same though only this package can name it.
var sentryDSN = schema.Declare[core.Value](schema.Spec{ID: "SENTRY_DSN", Optional: true})

var (
	// Either of these will do.
	GithubToken = schema.Declare[core.Value](schema.Spec{Name: "github_token", ID: "GITHUB_TOKEN", AnyOf: "source"})
	GitlabToken = schema.Declare[core.Value](schema.Spec{Name: "gitlab-token", ID: "GITLAB_TOKEN", AnyOf: "source"})

	Backup = schema.Declare[core.Value](schema.Spec{Name: "backup.key", ID: "BACKUP_KEY", RequiredIn: []string{"production"}, Generate: "random"})
)

// What people write ends up in comments, and can't get out of them.
var Hostile = schema.Declare[string](schema.Spec{
	Name: "hostile", ID: "HOSTILE",
	DisplayName: "*/ func init() { panic(1) } /*\n//go:embed x",
	Description: "one\n\n\n//go:build ignore\r\n+build ignore\r\n\x00\x07two\u202e\ufeff\xff\n   # three\npackage evil\n//line evil.go:1\n+build ignore",
	DocsURL:     "https://example.com/\nfunc init() {}",
})

// The same declaration under a second name is generated once.
var Payments = Stripe

var LogLevel = schema.DeclareVariable[string](schema.Spec{
	Name: "log_level", ID: "LOG_LEVEL", Default: "info",
	Schema: []byte(`{"type": "string", "enum": ["debug", "info", "warn"]}`),
})

type Limits struct {
	Requests int           `json:"requests" jsonschema:"minimum=1"`
	Window   time.Duration `json:"window"`
}

var (
	RateLimits = schema.DeclareVariable[Limits](schema.Spec{Name: "rate-limits", ID: "RATE_LIMITS"})
	HTTPProxy  = schema.DeclareVariable[string](schema.Spec{Name: "http_proxy", ID: "HTTP_PROXY_URL", Optional: true})
)
