// Package mail writes to customers, by SMTP or by SendGrid: whichever is
// configured.
package mail

import (
	"errors"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// SMTPAccount is an account at a mail server.
type SMTPAccount struct {
	Host     string     `json:"host"`
	User     core.Value `json:"user"`
	Password core.Value `json:"password"`
}

var SMTP = schema.Declare[SMTPAccount](schema.Spec{
	Name: "smtp", ID: "SMTP_ACCOUNT",
	DisplayName: "Mail server", AnyOf: "mail",
})

var SendGrid = schema.Declare[core.Value](schema.Spec{
	Name: "sendgrid", ID: "SENDGRID_KEY",
	DisplayName: "SendGrid API key", AnyOf: "mail",
	DocsURL: "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys",
})

var From = schema.DeclareVariable[string](schema.Spec{
	Name: "mail-from", ID: "MAIL_FROM",
	Description: "The sender of all mails.",
	Schema:      []byte(`{"type": "string", "format": "email"}`),
})

var Footer = schema.DeclareVariable[string](schema.Spec{
	Name: "mail-footer", ID: "MAIL_FOOTER",
	Description: "What stands below each mail.", Optional: true,
})

// Config is what a Mailer works with.
type Config struct {
	SMTP     func() (SMTPAccount, bool)
	SendGrid func() (core.Value, bool)
	From     func() string
	Footer   func() (string, bool)
}

// Mailer writes mails.
type Mailer struct{ Config }

// Way says how mails are sent now.
func (m Mailer) Way() (string, error) {
	if _, ok := m.SendGrid(); ok {
		return "SendGrid", nil
	}
	if account, ok := m.SMTP(); ok {
		return "SMTP over " + account.Host, nil
	}
	return "", errors.New("mail: there is no way to send") // Load has seen to it that there is
}

// Compose returns a mail as it is sent.
func (m Mailer) Compose(to, text string) string {
	mail := "From: " + m.From() + "\nTo: " + to + "\n\n" + text + "\n"
	if footer, ok := m.Footer(); ok {
		mail += "-- \n" + footer + "\n"
	}
	return mail
}
