package manifest_test

import (
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// What is handed over is as it was when the program started, and tokens are not.
func TestTokensAreNeverHandedOver(t *testing.T) {
	t.Parallel()
	settings := oauth2.GitHub()
	for kind, write := range kinds {
		in := input(kind, secret("CRM-APP"), optional("CRM-TOKENS"), secret("BANK-KEY"))
		in.Names = map[string]string{"CRM-APP": "CRM_APP", "CRM-TOKENS": "CRM_TOKENS", "BANK-KEY": "BANK_KEY"}
		in.IncludeOptional = true
		if data, err := write(in); err != nil || !strings.Contains(string(data), "TOKENS") {
			t.Fatalf("%s: without credentials it has no such secret, so this test says nothing: %v", kind, err)
		}
		in.Credentials = []credentials.Meta{
			{Spec: credentials.Spec{Name: "crm", SecretID: "CRM-APP", TokenSecretID: "CRM-TOKENS", OAuth2: &settings}},
			{Spec: credentials.Spec{Name: "bank", SecretID: "BANK-KEY"}},
		}
		data, err := write(in)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if strings.Contains(text, "TOKENS") || !strings.Contains(text, "APP") || !strings.Contains(text, "BANK") {
			t.Errorf("%s hands over\n%s", kind, text)
		}
	}
}
