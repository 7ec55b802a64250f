package oauthtest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/url"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/lukko-dev/lukko/internal/oauthtest"
)

// assertion signs what RFC 7523 section 3 asks for, by another library than ours.
func assertion(t *testing.T, key crypto.Signer, keyID string, claims jwt.Claims) url.Values {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
	if err != nil {
		t.Fatal("no signer")
	}
	signed, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal("no assertion")
	}
	return url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {signed},
	}
}

func TestAnAssertionAuthenticatesOnce(t *testing.T) {
	t.Parallel()
	srv := start(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal("no key")
	}
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal("no key")
	}
	app := srv.Register(oauthtest.Client{Auth: oauthtest.PrivateKeyJWT, PublicKey: key.Public(), KeyID: "k1"})
	basic := srv.Register(oauthtest.Client{})
	good := func(change func(*jwt.Claims)) jwt.Claims {
		c := jwt.Claims{
			Issuer: app.ID, Subject: app.ID, Audience: jwt.Audience{srv.Issuer}, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(time.Now()), Expiry: jwt.NewNumericDate(time.Now().Add(time.Minute)),
		}
		if change != nil {
			change(&c)
		}
		return c
	}
	at := srv.URL(oauthtest.TokenPath)
	once := assertion(t, key, "k1", good(nil))
	if status, code := post(t, at, once); status != 200 {
		t.Errorf("a good one: %d %q", status, code)
	}
	if got, want := srv.Counts(app.ID), (oauthtest.Counts{ClientCredentials: 1}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	for name, form := range map[string]url.Values{
		"the same again":            once,
		"a stranger's key":          assertion(t, stranger, "k1", good(nil)),
		"an unknown key":            assertion(t, key, "k2", good(nil)),
		"another server's":          assertion(t, key, "k1", good(func(c *jwt.Claims) { c.Audience = jwt.Audience{"https://other.example"} })),
		"an old one":                assertion(t, key, "k1", good(func(c *jwt.Claims) { c.Expiry = jwt.NewNumericDate(time.Now().Add(-time.Minute)) })),
		"another subject":           assertion(t, key, "k1", good(func(c *jwt.Claims) { c.Subject = "other" })),
		"one without an id":         assertion(t, key, "k1", good(func(c *jwt.Claims) { c.ID = "" })),
		"of a client without a key": assertion(t, key, "k1", good(func(c *jwt.Claims) { c.Issuer, c.Subject = basic.ID, basic.ID })),
	} {
		if status, code := post(t, at, form); status != 401 || code != "invalid_client" {
			t.Errorf("%s: %d %q", name, status, code)
		}
	}
}
