// Package billing charges customers. It declares what it needs for that, and
// is given functions that always return the current values.
package billing

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// StripeCredentials are the keys of a Stripe account.
type StripeCredentials struct {
	APIKey        core.Value `json:"apiKey" jsonschema:"pattern=^sk_"`
	WebhookSecret core.Value `json:"webhookSecret" jsonschema:"pattern=^whsec_"`
}

var Stripe = schema.Declare[StripeCredentials](schema.Spec{
	Name: "stripe", ID: "STRIPE_CREDENTIALS",
	DisplayName: "Stripe API", Description: "API keys for Stripe payment processing.",
	DocsURL: "https://docs.stripe.com/keys", RotationPeriod: 90 * 24 * time.Hour,
})

var InvoiceKey = schema.Declare[core.Value](schema.Spec{
	Name: "invoice-key", ID: "INVOICE_KEY",
	DisplayName: "Invoice signing key", Description: "Signs invoices, so that customers can verify them.",
	Generate: "ed25519",
})

var StripeURL = schema.DeclareVariable[string](schema.Spec{
	Name: "stripe-url", ID: "STRIPE_URL",
	DisplayName: "Address of Stripe", Default: "https://api.stripe.com",
})

var Currency = schema.DeclareVariable[string](schema.Spec{
	Name: "currency", ID: "CURRENCY",
	Description: "The currency of all prices.",
	Schema:      []byte(`{"type": "string", "enum": ["eur", "usd"]}`),
})

// Config is what a Client works with. Its functions are called at each use, so
// that a rotation is followed.
type Config struct {
	Stripe     func() StripeCredentials
	InvoiceKey func() core.Value
	StripeURL  func() string
	Currency   func() string
}

// Client charges customers.
type Client struct{ Config }

// Charge takes an amount in the smallest unit of the currency, and returns the
// invoice with its signature.
func (c Client) Charge(ctx context.Context, customer string, amount int) (invoice, signature string, err error) {
	form := url.Values{"customer": {customer}, "amount": {strconv.Itoa(amount)}, "currency": {c.Currency()}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.StripeURL()+"/v1/charges", strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", errors.New("billing: the address of Stripe is no URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+c.Stripe().APIKey.Reveal())
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", fmt.Errorf("billing: Stripe does not answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("billing: Stripe answers %s", answer.Status)
	}
	invoice = fmt.Sprintf("%s owes %d %s", customer, amount, c.Currency())
	signature, err = sign(c.InvoiceKey(), invoice)
	return invoice, signature, err
}

// sign signs with an Ed25519 key in PEM, which `lukko set --generate` makes.
func sign(key core.Value, text string) (string, error) {
	block, _ := pem.Decode(key.RevealBytes())
	if block == nil {
		return "", errors.New("billing: the key of invoices is no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return "", errors.New("billing: the key of invoices is no Ed25519 key")
	}
	return base64.StdEncoding.EncodeToString(ed25519.Sign(private, []byte(text))), nil
}
