package names_test

import (
	"go/token"
	"testing"

	"github.com/lukko-dev/lukko/generate/internal/names"
)

func TestNamesBecomeWhatAPersonWouldWrite(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, exported, unexported string }{
		{"stripe", "Stripe", "stripe"},
		{"STRIPE_CREDENTIALS", "StripeCredentials", "stripeCredentials"},
		{"STRIPE_API_KEY", "StripeAPIKey", "stripeAPIKey"},
		{"stripeApiKey", "StripeAPIKey", "stripeAPIKey"},
		{"stripe-api.key/live", "StripeAPIKeyLive", "stripeAPIKeyLive"},
		{"id", "ID", "id"},
		{"API_URL", "APIURL", "apiURL"},
		{"userIDs", "UserIDs", "userIDs"},
		{"user_ids", "UserIDs", "userIDs"},
		{"callbackURLs", "CallbackURLs", "callbackURLs"},
		{"HTTPServer", "HTTPServer", "httpServer"},
		{"https_proxy", "HTTPSProxy", "httpsProxy"},
		{"dns", "DNS", "dns"},
		{"dbs", "DBs", "dbs"},
		{"s3Bucket", "S3Bucket", "s3Bucket"},
		{"sha256Sum", "Sha256Sum", "sha256Sum"},
		{"OAuth2Token", "OAuth2Token", "oAuth2Token"},
		{"oauth2_token", "OAuth2Token", "oauth2Token"},
		{"GITHUB_OAUTH", "GithubOAuth", "githubOAuth"},
		{"type", "Type", "type_"},
		{"func", "Func", "func_"},
		{"2fa", "X2fa", "x2fa"},
		{"", "X", "x"},
		{"---", "X", "x"},
		{"$ref", "Ref", "ref"},
		{"grüße", "Grüße", "grüße"},
		{"世界", "X世界", "世界"},
		{"a_世界", "A世界", "a世界"},
		{"a\xffb", "AB", "aB"},
		{"a\ufffdb", "AB", "aB"},
		{"AS", "As", "as"},
		{"s", "S", "s"},
		{"PAYMENTS", "Payments", "payments"},
	} {
		if got := names.Exported(c.name); got != c.exported {
			t.Errorf("Exported(%q) = %s; want %s", c.name, got, c.exported)
		}
		if got := names.Unexported(c.name); got != c.unexported {
			t.Errorf("Unexported(%q) = %s; want %s", c.name, got, c.unexported)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"STRIPE_API_KEY", "userIDs", "type", "2fa", "ß", "ǅ", "ı", "a\xff", "世界", "İd", "ſ_x", "²", "٣a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		exported, unexported := names.Exported(name), names.Unexported(name)
		if !token.IsIdentifier(exported) || !token.IsExported(exported) {
			t.Errorf("Exported(%q) = %q, which is no exported identifier", name, exported)
		}
		if !token.IsIdentifier(unexported) || token.IsExported(unexported) {
			t.Errorf("Unexported(%q) = %q, which is no identifier of the package's own", name, unexported)
		}
		if again := names.Exported(name); again != exported {
			t.Errorf("Exported(%q) is %q and %q", name, exported, again)
		}
	})
}
