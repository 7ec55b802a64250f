package oauth2

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

func idToken(t testing.TB, claims map[string]any) core.Value {
	t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return core.String(encode([]byte(`{"alg":"RS256"}`)) + "." + encode(text) + "." + encode([]byte("signature")))
}

func TestAnIDTokenIsTheAnswerToThisRequest(t *testing.T) {
	t.Parallel()
	const tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
	good := func() map[string]any {
		return map[string]any{
			"iss": "https://id.test", "sub": "user-canary", "aud": "client-1", "nonce": "nonce-canary",
			"iat": noon.Unix() - 5, "exp": noon.Unix() + 3600,
		}
	}
	for name, test := range map[string]struct {
		issuer string
		change func(map[string]any)
		says   string // empty: it is accepted
	}{
		"as it should be":       {"", func(map[string]any) {}, ""},
		"an audience in a list": {"", func(c map[string]any) { c["aud"] = []string{"client-1"} }, ""},
		"audiences and azp":     {"", func(c map[string]any) { c["aud"], c["azp"] = []string{"other", "client-1"}, "client-1" }, ""},
		"a clock that is ahead": {"", func(c map[string]any) { c["iat"] = noon.Unix() + 119 }, ""},
		"one that ends now":     {"", func(c map[string]any) { c["exp"] = noon.Unix() - 60 }, ""},
		"times with a fraction": {"", func(c map[string]any) { c["exp"] = float64(noon.Unix()) + 10.5 }, ""},
		"Google without scheme": {googleIssuer, func(c map[string]any) { c["iss"] = "accounts.google.com" }, ""},
		"Google with it":        {googleIssuer, func(c map[string]any) { c["iss"] = googleIssuer }, ""},
		"a tenant's": {"https://ms.test/{tenantid}/v2.0", func(c map[string]any) {
			c["tid"], c["iss"] = tenant, "https://ms.test/"+tenant+"/v2.0"
		}, ""},

		"another issuer":         {"", func(c map[string]any) { c["iss"] = "https://evil.test" }, "another issuer"},
		"an issuer with a slash": {"", func(c map[string]any) { c["iss"] = "https://id.test/" }, "another issuer"},
		"an issuer as Google's":  {"", func(c map[string]any) { c["iss"] = "id.test" }, "another issuer"},
		"Google's elsewhere":     {"", func(c map[string]any) { c["iss"] = "accounts.google.com" }, "another issuer"},
		"no issuer":              {"", func(c map[string]any) { delete(c, "iss") }, "another issuer"},
		"another tenant than it says": {"https://ms.test/{tenantid}/v2.0", func(c map[string]any) {
			c["tid"], c["iss"] = tenant, "https://ms.test/"+strings.ReplaceAll(tenant, "9", "8")+"/v2.0"
		}, "another issuer"},
		"a tenant that is none": {"https://ms.test/{tenantid}/v2.0", func(c map[string]any) {
			c["tid"], c["iss"] = "x/../y", "https://ms.test/x/../y/v2.0"
		}, "another issuer"},
		"no tenant":                {"https://ms.test/{tenantid}/v2.0", func(c map[string]any) { c["iss"] = "https://ms.test/{tenantid}/v2.0" }, "another issuer"},
		"another audience":         {"", func(c map[string]any) { c["aud"] = "client-2" }, "another application"},
		"no audience":              {"", func(c map[string]any) { delete(c, "aud") }, "another application"},
		"an audience in capitals":  {"", func(c map[string]any) { delete(c, "aud"); c["AUD"] = "client-1" }, "another application"},
		"audiences and no azp":     {"", func(c map[string]any) { c["aud"] = []string{"other", "client-1"} }, "another application"},
		"azp of another":           {"", func(c map[string]any) { c["azp"] = "client-2" }, "another application asked"},
		"azp of another in a list": {"", func(c map[string]any) { c["aud"], c["azp"] = []string{"other", "client-1"}, "other" }, "another application"},
		"expired":                  {"", func(c map[string]any) { c["exp"] = noon.Unix() - 120 }, "expired"},
		"no end":                   {"", func(c map[string]any) { delete(c, "exp") }, "expired"},
		"an end beyond all years":  {"", func(c map[string]any) { c["exp"] = 1e300 }, "expired"},
		"an end that is a text":    {"", func(c map[string]any) { c["exp"] = "later" }, "it is none"},
		"made long ago":            {"", func(c map[string]any) { c["iat"] = noon.Unix() - 3600 }, "made just now"},
		"made later":               {"", func(c map[string]any) { c["iat"] = noon.Unix() + 121 }, "made just now"},
		"no time of making":        {"", func(c map[string]any) { delete(c, "iat") }, "made just now"},
		"another nonce":            {"", func(c map[string]any) { c["nonce"] = "nonce-canarz" }, "another request"},
		"no nonce":                 {"", func(c map[string]any) { delete(c, "nonce") }, "another request"},
		"no subject":               {"", func(c map[string]any) { delete(c, "sub") }, "it is none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := theSettings
			s.Issuer = "https://id.test"
			if test.issuer != "" {
				s.Issuer = test.issuer
			}
			claims := good()
			test.change(claims)
			err := testProvider(s, nil).checkIDToken(t.Context(), theApp, idToken(t, claims), "nonce-canary")
			if test.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("it says %v", err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canar") {
				t.Error("it quotes")
			}
		})
	}
}

func TestWhatIsNoIDTokenIsRefused(t *testing.T) {
	t.Parallel()
	s := theSettings
	s.Issuer = "https://id.test"
	for _, text := range []string{"", "canary", "a.b", "a.b.c", "a.b.c.d", "a." + base64.RawURLEncoding.EncodeToString([]byte("canary")) + ".c", "a.e30.c", "a.bnVsbA.c"} {
		err := testProvider(s, nil).checkIDToken(t.Context(), theApp, core.String(text), "n")
		if !errors.Is(err, core.ErrPermissionDenied) || strings.Contains(fmt.Sprintf("%+v", err), "canary") {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
	// Without an issuer nobody's is accepted.
	claims := map[string]any{"iss": "", "sub": "u", "aud": "client-1", "nonce": "n", "iat": noon.Unix(), "exp": noon.Unix() + 60}
	if testProvider(theSettings, nil).checkIDToken(t.Context(), theApp, idToken(t, claims), "n") == nil {
		t.Error("it is accepted without an issuer")
	}
}

func FuzzIDToken(f *testing.F) {
	f.Add(`{"iss":"https://id.test","sub":"u","aud":["client-1"],"exp":1e9,"iat":5,"nonce":"n"}`)
	f.Add(`{"aud":null,"exp":-1e400}`)
	f.Fuzz(func(t *testing.T, claims string) {
		s := theSettings
		s.Issuer = "https://id.test"
		token := core.String("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x")
		err := testProvider(s, nil).checkIDToken(t.Context(), theApp, token, "a-nonce-that-nobody-guesses")
		if err == nil && !strings.Contains(claims, "a-nonce-that-nobody-guesses") && !strings.Contains(claims, `\`) {
			t.Fatal("it is accepted")
		}
		if err != nil && !errors.Is(err, core.ErrPermissionDenied) {
			t.Fatal("another kind")
		}
	})
}
