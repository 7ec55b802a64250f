package oauth2

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// storedKey is a key as it is stored.
func storedKey(t testing.TB, key any) core.Value {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return core.Bytes(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func newKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "RS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// verify checks a signature as a server does: RFC 7518 sections 3.3 and 3.4,
// RFC 8037 section 3.1.
func verify(key crypto.PublicKey, input string, signature []byte) bool {
	digest := sha256.Sum256([]byte(input))
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		return len(signature) == 64 && ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case ed25519.PublicKey:
		return ed25519.Verify(key, []byte(input), signature)
	}
	return false
}

func TestAnAssertionShowsTheApplicationOnceAndForMinutes(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			key := newKey(t, algorithm)
			app := App{ClientID: "client-1", PrivateKey: storedKey(t, key), KeyID: "2026-1"}
			var got []request
			p := testProvider(theSettings, listen(&got))
			ids := map[string]bool{}
			for range 20 { // P-256's numbers are shorter than 32 bytes now and then
				if _, _, f := p.tokens(t.Context(), app, refreshForm); f != nil {
					t.Fatal(p.error("refresh", f))
				}
				form := got[len(got)-1].form
				if form.Get("client_id") != "client-1" || form.Get("client_secret") != "" || got[len(got)-1].basic ||
					form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
					t.Fatal("another form")
				}
				parts := strings.Split(form.Get("client_assertion"), ".")
				if len(parts) != 3 {
					t.Fatal("no JWT")
				}
				var header map[string]string
				var claims map[string]any
				part(t, parts[0], &header)
				part(t, parts[1], &claims)
				signature, err := base64.RawURLEncoding.DecodeString(parts[2])
				if err != nil || !verify(key.Public(), parts[0]+"."+parts[1], signature) {
					t.Fatal("the signature is not the key's")
				}
				if len(header) != 3 || header["alg"] != algorithm || header["typ"] != "JWT" || header["kid"] != "2026-1" {
					t.Errorf("header %v", header)
				}
				if claims["iss"] != "client-1" || claims["sub"] != "client-1" || claims["aud"] != "https://id.test/t" {
					t.Errorf("claims %v", claims)
				}
				issued, ends := claims["iat"].(float64), claims["exp"].(float64)
				if ends-issued > 300 || ends <= float64(noon.Unix()) || issued > float64(noon.Unix()) {
					t.Errorf("from %v to %v", issued, ends)
				}
				id, _ := claims["jti"].(string)
				if len(id) < 20 || ids[id] {
					t.Error("jti is not unique")
				}
				ids[id] = true
			}
		})
	}
}

func part(t testing.TB, text string, to any) {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

func TestWhomAnAssertionIsFor(t *testing.T) {
	t.Parallel()
	app := App{ClientID: "c", PrivateKey: storedKey(t, newKey(t, "EdDSA"))}
	for name, test := range map[string]struct {
		change func(*Settings)
		want   string
	}{
		"the token endpoint":           {func(*Settings) {}, "https://id.test/t"},
		"the issuer, if there is one":  {func(s *Settings) { s.Issuer = "https://id.test" }, "https://id.test"},
		"not one of many tenants":      {func(s *Settings) { s.Issuer = "https://id.test/{tenantid}" }, "https://id.test/t"},
		"what the settings say before": {func(s *Settings) { s.Issuer, s.AssertionAudience = "https://id.test", "urn:x" }, "urn:x"},
	} {
		s := theSettings
		test.change(&s)
		var got []request
		if _, _, f := testProvider(s, listen(&got)).tokens(t.Context(), app, refreshForm); f != nil || len(got) != 1 {
			t.Fatalf("%s: %d requests", name, len(got))
		}
		parts := strings.Split(got[0].form.Get("client_assertion"), ".")
		var header, claims map[string]any
		part(t, parts[0], &header)
		part(t, parts[1], &claims)
		if claims["aud"] != test.want {
			t.Errorf("%s: %v", name, claims["aud"])
		}
		if _, there := header["kid"]; there {
			t.Errorf("%s: a kid that is not stored", name)
		}
	}
}

func TestAKeyThatIsNoneIsToldInWordsOfOurs(t *testing.T) {
	t.Parallel()
	good := storedKey(t, newKey(t, "EdDSA")).Reveal()
	for name, test := range map[string]struct{ pem, says string }{
		"no PEM":              {"canary", "no PEM"},
		"nothing":             {"", "no PEM"},
		"PKCS #1":             {strings.ReplaceAll(good, "PRIVATE", "RSA PRIVATE"), "openssl pkcs8"},
		"encrypted":           {strings.ReplaceAll(good, "PRIVATE", "ENCRYPTED PRIVATE"), "openssl pkcs8"},
		"a certificate":       {strings.ReplaceAll(good, "PRIVATE KEY", "CERTIFICATE"), "no private key"},
		"bytes that are none": {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("canary")})), "no key that can be read"},
		"P-384":               {storedKey(t, newKey(t, "ES384")).Reveal(), "neither RSA nor P-256"},
		"two keys":            {good + good, "something after"},
	} {
		_, _, wrong := readKey(core.String(test.pem))
		if !strings.Contains(wrong, test.says) || strings.Contains(wrong, "canary") {
			t.Errorf("%s: it says %q", name, wrong)
		}
	}
	p := testProvider(theSettings, says(200, "", ""))
	_, _, f := p.tokens(t.Context(), App{ClientID: "c", PrivateKey: core.String("canary")}, refreshForm)
	if f == nil || !errors.Is(p.error("refresh", f), core.ErrInvalidValue) {
		t.Fatal("it is sent")
	}
	noLeak(t, p, f)
}

func TestAnRSAKeyHas2048Bits(t *testing.T) {
	t.Parallel()
	// Go makes none of 1024 bits any more, so this is one that OpenSSL made.
	if _, _, wrong := readKey(core.String(smallRSA)); !strings.Contains(wrong, "2048 bits") {
		t.Errorf("a key of 1024 bits: %q", wrong)
	}
}

const smallRSA = `-----BEGIN PRIVATE KEY-----
MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAKnT7tf5KwEKbch8
GN4LlIG6baQqiNDfxhkKSd4i7c8+VxFH3eJOtrYCGPLHSaI2TprYVuY7mGZtDEMU
b5F9u+mwetdTXW8tNj1Fx5W9KGtzGL99z7h/thrljTYah14/WlelQlQoojvLUycA
+W+N/MFGGu8VMO0KpTD6OswriiVNAgMBAAECgYAH7J2uci/xgn0Q58l5Qu0RCJPp
Hxr3NBnYPUSpGtQh4XTKl6Hg129rGrnzSh1DdmlAjGuxnoJD9T6nOqLiFQ3ZjC8D
yzq2wMtAkHQYdkM1qRHrnYbHJzc+M0l4Oeo8NzwOJBVx6m/xAGRQh0qAlBH8BtW3
LezSiK7NvrRpZq3BwQJBANIRXvYhYSntcZne6b9U7vKQs1tv3RoiXQMoxfDgHVT+
727jzZeO2xlCWI4IES8dAfWjrAbeZJagl9sAuJV/rVUCQQDO9hztWVs9Nu8w9dJ4
aYKBkjQHYqV8JZ8zSduJYm3UvGaxodUZ4LGJRSKIHsDFdhdQUeyGXoyuK+iGWbY8
iVgZAkEAzm+rto1PAvkIroHVi+VXfKCe4biou8oRRc2H2BMmQCTX/012+P22arg8
djePS5FiH5dcstNSXoQrN1kaDDCQkQJBAIKdfvoop9WFYwXiTreh1zSRIfb7QfeN
AuFqnnwhO7HESYeX3Bcd4M4CbN29kunMMsCFQ6I179FIctK/sayY/ZkCQQCBR9Pv
b9cI7iLnd9qr1ifF+aFyVffZIq/m3i+Rhl2PALd4enauThaBVfUep/Q8XGhbMelN
XwaWY3/BoHgGKihY
-----END PRIVATE KEY-----
`
