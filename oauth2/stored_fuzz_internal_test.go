package oauth2

import (
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
)

// storedClient is a client over a store of its own, which has what is said.
func storedClient(t *testing.T, id, text string) *Client {
	t.Helper()
	store := memory.With(nil)
	if text != "" {
		store.Seed(id, core.String(text))
	}
	c, err := New(Config{
		Name: "x", Settings: Settings{AuthURL: "https://auth.test/a", TokenURL: "https://auth.test/t"},
		SecretID: "APP", TokenSecretID: "TOKENS", Service: store,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// FuzzClaim: whatever stands where a claim should be, it holds nobody for longer
// than ten minutes, and can be written over.
func FuzzClaim(f *testing.F) {
	for _, seed := range []string{
		`{"nonce":"a","milliseconds":60000,"of":"b"}`, `{"nonce":"a","milliseconds":9223372036854775807,"of":"b"}`, `{"nonce":"a","milliseconds":-1,"of":"b"}`,
		`{"nonce":"a","of":""}`, `{"nonce":"a","of":"b","refused":"invalid_grant"}`, `{"nonce":"a","of":"b","released":true,"failedAt":"soon","status":503}`,
		`{"nonce":1}`, `{"nonce":"a","milliseconds":1e400}`, `[]`, `null`, `"a"`, `{`, "\xff", ` `, `{"nonce":"a","nonce":"b"}`,
	} {
		f.Add(seed, "refresh")
	}
	f.Fuzz(func(t *testing.T, text, refresh string) {
		if text == "" || len(text) > 64<<10 {
			return
		}
		c := storedClient(t, "TOKENS"+ClaimSuffix, text)
		cl, err := c.readClaim(t.Context())
		if err != nil || cl.version == "" {
			t.Fatalf("it can't be read, or not be written over: %v", err)
		}
		if d := cl.duration(); d <= 0 || d > 10*time.Minute {
			t.Errorf("it holds for %v", d)
		}
		token := Token{RefreshToken: core.String(refresh)}
		if cl.Nonce == "" && cl.of(token) != claimFree {
			t.Error("what is no claim is in the way")
		}
		next, err := c.writeClaim(t.Context(), cl, newClaim(token, claimDuration))
		if err != nil || next.of(token) != claimLive {
			t.Errorf("it is not written over: %v", err)
		}
		// Tokens that were stored under it have ended it.
		token.Claim = next.Nonce
		if next.of(token) != claimFree {
			t.Error("it is in the way of its own tokens")
		}
	})
}

// FuzzStoredTokens: tokens that are read are written so that they read the same,
// with all that nobody knows.
func FuzzStoredTokens(f *testing.F) {
	for _, seed := range []string{
		`{"accessToken":"a"}`, `{"accessToken":"a","refreshToken":null,"expiresAt":"soon","tokenType":"","x":{"y":[1.50]}}`,
		`{"accessToken":"<&>\u2028","refreshToken":"b","expiresAt":1700000000,"scope":"a b","connectedAt":"2026-01-01T00:00:00Z","claim":"c"}`,
		`{"accessToken":"a","AccessToken":"b"}`, `{"accessToken":""}`, `{}`, `[]`, `null`, `{"accessToken":"a","accessToken":"b"}`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || len(text) > 64<<10 {
			return
		}
		c := storedClient(t, "", "")
		token, err := c.decodeToken(core.String(text))
		if err != nil {
			if core.KindOf(err) != core.ErrInvalidValue { //nolint:errorlint // a kind is a sentinel itself
				t.Errorf("it is refused as another kind: %v", err)
			}
			return
		}
		if token.AccessToken.IsZero() {
			t.Error("tokens without an access token are read")
		}
		doc, err := encodeToken(token, core.String(text))
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.decodeToken(doc)
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if !again.AccessToken.Equal(token.AccessToken) || !again.RefreshToken.Equal(token.RefreshToken) || again.TokenType != token.TokenType ||
			!again.ExpiresAt.Equal(token.ExpiresAt.Time) || again.Scope != token.Scope || !again.ConnectedAt.Equal(token.ConnectedAt.Time) ||
			!again.RefreshedAt.Equal(token.RefreshedAt.Time) || again.Claim != token.Claim {
			t.Error("it reads as other tokens")
		}
		before, _ := fieldsOf(core.String(text))
		after, _ := fieldsOf(doc)
		for name := range before {
			switch name {
			case "accessToken", "refreshToken", "tokenType", "expiresAt", "scope", "connectedAt", "refreshedAt", "claim":
			default:
				if _, kept := after[name]; !kept {
					t.Error("a name that nobody knows is lost")
				}
			}
		}
	})
}
