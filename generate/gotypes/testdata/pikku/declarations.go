package pikku

import (
	"encoding/json"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// CookieKey is the secret PIKKU_COOKIE_KEY: Cookie key.
//
// Signs the sessions
var CookieKey = schema.Declare[core.Value](schema.Spec{
	Name:           "cookie-key",
	ID:             "PIKKU_COOKIE_KEY",
	DisplayName:    "Cookie key",
	Description:    "Signs the sessions",
	Optional:       true,
	RotationPeriod: 7 * 24 * time.Hour,
})

// InlineSecret is what the secret PIKKU_INLINE holds.
type InlineSecret struct {
	Token core.Value `json:"token"`
}

// Inline is the secret PIKKU_INLINE: Inline.
var Inline = schema.Declare[InlineSecret](schema.Spec{
	Name:        "inline",
	ID:          "PIKKU_INLINE",
	DisplayName: "Inline",
	Schema: json.RawMessage(`{
	"additionalProperties": false,
	"properties": {"token": {"type": "string"}},
	"required": ["token"],
	"type": "object"
}`),
})

// Legacy is the secret PIKKU_LEGACY: Legacy API.
var Legacy = schema.Declare[core.Value](schema.Spec{
	Name:        "legacy",
	ID:          "PIKKU_LEGACY",
	DisplayName: "Legacy API",
})

// MailerSecret is what the secret PIKKU_MAILER holds.
type MailerSecret struct {
	From     core.Value `json:"from"`
	Password core.Value `json:"password"`
}

// Mailer is the secret PIKKU_MAILER: Mailer.
var Mailer = schema.Declare[MailerSecret](schema.Spec{
	Name:        "mailer",
	ID:          "PIKKU_MAILER",
	DisplayName: "Mailer",
	Schema: json.RawMessage(`{
	"additionalProperties": false,
	"properties": {"from": {"format": "email", "type": "string"}, "password": {"type": "string"}},
	"required": ["from", "password"],
	"type": "object"
}`),
})

// PaymentsSecret is what the secret PIKKU_PAYMENTS holds.
type PaymentsSecret struct {
	// Begins with sk_
	APIKey  core.Value             `json:"apiKey"`
	BaseURL core.Value             `json:"baseUrl,omitempty"`
	Retries int64                  `json:"retries"`
	Webhook *PaymentsSecretWebhook `json:"webhook"`
}

// PaymentsSecretWebhook is a part of what the secret PIKKU_PAYMENTS holds.
type PaymentsSecretWebhook struct {
	Secret core.Value `json:"secret"`
}

// Payments is the secret PIKKU_PAYMENTS: Stripe.
//
// Charges cards
var Payments = schema.Declare[PaymentsSecret](schema.Spec{
	Name:        "payments",
	ID:          "PIKKU_PAYMENTS",
	DisplayName: "Stripe",
	Description: "Charges cards",
	DocsURL:     "https://docs.stripe.com/keys",
	Schema: json.RawMessage(`{
	"additionalProperties": false,
	"properties": {
		"apiKey": {"description": "Begins with sk_", "minLength": 1, "type": "string"},
		"baseUrl": {"format": "uri", "type": "string"},
		"retries": {"default": 3, "maximum": 9007199254740991, "minimum": -9007199254740991, "type": "integer"},
		"webhook": {
			"anyOf": [
				{
					"additionalProperties": false,
					"properties": {"secret": {"type": "string"}},
					"required": ["secret"],
					"type": "object"
				},
				{"type": "null"}
			]
		}
	},
	"required": ["apiKey", "webhook"],
	"type": "object"
}`),
	RotationPeriod: 90 * 24 * time.Hour,
})

// TenantsSecretValue is a part of what the secret pikku.tenants holds.
type TenantsSecretValue struct {
	Key   core.Value `json:"key"`
	Since core.Value `json:"since,omitempty"`
}

// Tenants is the secret pikku.tenants: Tenants.
var Tenants = schema.Declare[map[string]TenantsSecretValue](schema.Spec{
	Name:        "tenants",
	ID:          "pikku.tenants",
	DisplayName: "Tenants",
	Schema: json.RawMessage(`{
	"additionalProperties": {
		"additionalProperties": false,
		"properties": {"key": {"type": "string"}, "since": {"format": "date-time", "type": "string"}},
		"required": ["key"],
		"type": "object"
	},
	"propertyNames": {"type": "string"},
	"type": "object"
}`),
})

// LimitsConfig is what the variable PIKKU_LIMITS holds.
type LimitsConfig struct {
	Hour  []any    `json:"hour,omitzero"`
	Paths []string `json:"paths,omitzero"`
	Rps   float64  `json:"rps"`
}

// Limits is the variable PIKKU_LIMITS: Limits.
var Limits = schema.DeclareVariable[LimitsConfig](schema.Spec{
	Name:        "limits",
	ID:          "PIKKU_LIMITS",
	DisplayName: "Limits",
	Schema: json.RawMessage(`{
	"additionalProperties": false,
	"properties": {
		"hour": {"items": false, "prefixItems": [{"type": "integer"}, {"type": "string"}], "type": "array"},
		"paths": {"items": {"type": "string"}, "type": "array"},
		"rps": {"type": "number"}
	},
	"required": ["rps"],
	"type": "object"
}`),
})

// LogLevel is the variable PIKKU_LOG_LEVEL: Log level.
var LogLevel = schema.DeclareVariable[string](schema.Spec{
	Name:        "logLevel",
	ID:          "PIKKU_LOG_LEVEL",
	DisplayName: "Log level",
	Schema:      json.RawMessage(`{"enum": ["debug", "info", "warn"], "type": "string"}`),
	Optional:    true,
})

// APIToken is the credential apiToken: API token.
var APIToken = credentials.DeclarePerUser[core.Value](credentials.Spec{
	Name:        "apiToken",
	DisplayName: "API token",
	SecretID:    "API_TOKEN",
	Schema:      json.RawMessage(`{"minLength": 3, "type": "string"}`),
})

// Calendar is the credential calendar: Calendar.
//
// Reads the calendars of users
var Calendar = credentials.DeclarePerUser[oauth2.Token](credentials.Spec{
	Name:          "calendar",
	DisplayName:   "Calendar",
	Description:   "Reads the calendars of users",
	DocsURL:       "https://calendar.example.com/developers",
	SecretID:      "PIKKU_CALENDAR_APP",
	TokenSecretID: "PIKKU_CALENDAR_TOKENS",
	Optional:      true,
	OAuth2: &oauth2.Settings{
		AuthURL:      "https://calendar.example.com/authorize",
		TokenURL:     "https://calendar.example.com/token",
		Scopes:       []string{"calendar.read", "calendar.write"},
		ClientAuth:   "client_secret_post",
		AuthParams:   map[string]string{"access_type": "offline"},
		AllowedHosts: []string{"api.calendar.example.com", "*.files.calendar.example.com"},
	},
})

// Chat is the credential chat: Chat of the shop.
var Chat = credentials.Declare[oauth2.Token](credentials.Spec{
	Name:          "chat",
	DisplayName:   "Chat of the shop",
	SecretID:      "PIKKU_DRIVE_APP",
	TokenSecretID: "CHAT_TOKENS",
	OAuth2: &oauth2.Settings{
		AuthURL:    "http://localhost:8080/authorize",
		TokenURL:   "http://localhost:8080/token",
		Scopes:     []string{"profile", "email"},
		PKCE:       "none",
		ClientAuth: "client_secret_post",
	},
})

// Desk is the credential desk: Help desk.
var Desk = credentials.Declare[oauth2.Token](credentials.Spec{
	Name:          "desk",
	DisplayName:   "Help desk",
	SecretID:      "PIKKU_DESK_APP",
	TokenSecretID: "PIKKU_DESK_TOKENS",
	OAuth2: &oauth2.Settings{
		AuthURL:    "https://desk.example.com/authorize",
		TokenURL:   "https://desk.example.com/token",
		Scopes:     []string{"read"},
		PKCE:       "none",
		ClientAuth: "client_secret_post",
	},
})

// Drive is the credential drive: Drive.
var Drive = credentials.DeclarePerUser[oauth2.Token](credentials.Spec{
	Name:          "drive",
	DisplayName:   "Drive",
	SecretID:      "PIKKU_DRIVE_APP",
	TokenSecretID: "PIKKU_DRIVE_TOKENS",
	OAuth2: &oauth2.Settings{
		Issuer:       "https://accounts.google.com",
		AuthURL:      "https://accounts.google.com/o/oauth2/v2/auth",
		TokenURL:     "https://oauth2.googleapis.com/token",
		RevokeURL:    "https://oauth2.googleapis.com/revoke",
		DeviceURL:    "https://oauth2.googleapis.com/device/code",
		Scopes:       []string{"openid", "https://www.googleapis.com/auth/drive"},
		ClientAuth:   "client_secret_post",
		AuthParams:   map[string]string{"access_type": "offline", "prompt": "consent"},
		AllowedHosts: []string{"*.googleapis.com"},
	},
})

// MailerCredentialKey is what the credential mailer-credential holds.
type MailerCredentialKey struct {
	Password core.Value `json:"password"`
	User     core.Value `json:"user"`
}

// MailerCredential is the credential mailer-credential: A user's mailbox.
var MailerCredential = credentials.DeclarePerUser[MailerCredentialKey](credentials.Spec{
	Name:        "mailer-credential",
	DisplayName: "A user's mailbox",
	SecretID:    "MAILER",
	Schema: json.RawMessage(`{
	"additionalProperties": false,
	"properties": {"password": {"type": "string"}, "user": {"type": "string"}},
	"required": ["user", "password"],
	"type": "object"
}`),
})

// SignerKey is what the credential signer holds.
type SignerKey struct {
	Rounds    int64      `json:"rounds"`
	SecretKey core.Value `json:"secretKey"`
}

// Signer is the credential signer: Signer.
//
// Signs what we send
var Signer = credentials.Declare[SignerKey](credentials.Spec{
	Name:        "signer",
	DisplayName: "Signer",
	Description: "Signs what we send",
	SecretID:    "SIGNER",
	Schema: json.RawMessage(`{
	"additionalProperties": false,
	"properties": {"rounds": {"default": 2, "type": "integer"}, "secretKey": {"minLength": 16, "type": "string"}},
	"required": ["secretKey"],
	"type": "object"
}`),
})
