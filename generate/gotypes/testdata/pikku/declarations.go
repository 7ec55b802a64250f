package pikku

import (
	"encoding/json"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// OAuth2App is what the secret PIKKU_CALENDAR_APP holds.
type OAuth2App struct {
	ClientID     core.Value `json:"clientId"`
	ClientSecret core.Value `json:"clientSecret,omitempty"`
}

// Calendar is the secret PIKKU_CALENDAR_APP: Calendar.
//
// Reads the calendars of users
var Calendar = schema.Declare[OAuth2App](schema.Spec{
	Name:        "calendar",
	ID:          "PIKKU_CALENDAR_APP",
	DisplayName: "Calendar",
	Description: "Reads the calendars of users",
	Schema: json.RawMessage(`{
	"properties": {"clientId": {"type": "string"}, "clientSecret": {"type": "string"}},
	"required": ["clientId"],
	"type": "object"
}`),
})

// OAuth2Token is what the secret PIKKU_CALENDAR_TOKENS holds.
type OAuth2Token struct {
	AccessToken core.Value `json:"accessToken"`
	// When the access token expires, as a Unix time.
	ExpiresAt    *int64     `json:"expiresAt,omitempty"`
	RefreshToken core.Value `json:"refreshToken,omitempty"`
	Scope        core.Value `json:"scope,omitempty"`
	TokenType    core.Value `json:"tokenType"`
}

// CalendarTokens is the secret PIKKU_CALENDAR_TOKENS: Calendar Tokens.
//
// Reads the calendars of users
var CalendarTokens = schema.Declare[OAuth2Token](schema.Spec{
	Name:        "calendar_tokens",
	ID:          "PIKKU_CALENDAR_TOKENS",
	DisplayName: "Calendar Tokens",
	Description: "Reads the calendars of users",
	Schema: json.RawMessage(`{
	"properties": {
		"accessToken": {"type": "string"},
		"expiresAt": {"description": "When the access token expires, as a Unix time.", "type": "integer"},
		"refreshToken": {"type": "string"},
		"scope": {"type": "string"},
		"tokenType": {"type": "string"}
	},
	"required": ["accessToken", "tokenType"],
	"type": "object"
}`),
	Optional: true,
})

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

// Crm is the secret PIKKU_CRM_APP: CRM.
var Crm = schema.Declare[OAuth2App](schema.Spec{
	Name:        "crm",
	ID:          "PIKKU_CRM_APP",
	DisplayName: "CRM",
	Schema: json.RawMessage(`{
	"properties": {"clientId": {"type": "string"}, "clientSecret": {"type": "string"}},
	"required": ["clientId"],
	"type": "object"
}`),
})

// CrmTokens is the secret PIKKU_CRM_TOKENS: CRM Tokens.
var CrmTokens = schema.Declare[OAuth2Token](schema.Spec{
	Name:        "crm_tokens",
	ID:          "PIKKU_CRM_TOKENS",
	DisplayName: "CRM Tokens",
	Schema: json.RawMessage(`{
	"properties": {
		"accessToken": {"type": "string"},
		"expiresAt": {"description": "When the access token expires, as a Unix time.", "type": "integer"},
		"refreshToken": {"type": "string"},
		"scope": {"type": "string"},
		"tokenType": {"type": "string"}
	},
	"required": ["accessToken", "tokenType"],
	"type": "object"
}`),
	Optional: true,
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
