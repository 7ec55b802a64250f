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
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// assertionLife is how long an assertion is good for. It is used at once, and
// once: RFC 7523 section 3 has "exp" and "jti" for that.
const assertionLife = 2 * time.Minute

// assertionSkew is by how much the provider's clock may be behind ours.
const assertionSkew = 30 * time.Second

// minRSA is the smallest RSA key in bits: RFC 7518 section 3.3.
const minRSA = 2048

// assertion makes the JWT that shows who the application is: RFC 7523 section
// 2.2 and OpenID Connect Core 1.0 section 9.
func (p *provider) assertion(app App, e endpoints) (core.Value, *failure) {
	key, algorithm, wrong := readKey(app.PrivateKey)
	if wrong != "" {
		return core.Value{}, unsent(core.ErrInvalidValue, wrong)
	}
	audience := p.settings.AssertionAudience
	if audience == "" && p.settings.discovers() {
		audience = p.settings.Issuer
	}
	if audience == "" {
		audience = e.token
	}
	header := map[string]string{"alg": algorithm, "typ": "JWT"}
	if app.KeyID != "" {
		header["kid"] = app.KeyID
	}
	now := p.clock.Now()
	claims := map[string]any{
		"iss": app.ClientID, "sub": app.ClientID, "aud": audience, "jti": rand.Text(),
		"iat": now.Add(-assertionSkew).Unix(), "exp": now.Add(assertionLife).Unix(),
	}
	input := encodePart(header) + "." + encodePart(claims)
	signature, err := sign(key, input)
	if err != nil {
		return core.Value{}, unsent(core.ErrInvalidValue, "the privateKey in the application's secret can't sign")
	}
	return core.String(input + "." + base64.RawURLEncoding.EncodeToString(signature)), nil
}

// encodePart is a part of a JWT. Maps of texts and numbers always encode.
func encodePart(v any) string {
	text, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text)
}

// readKey reads a private key and tells the algorithm of RFC 7518 or RFC 8037
// that it signs by. What is wrong is said in words of ours.
func readKey(value core.Value) (key crypto.Signer, algorithm, wrong string) {
	text := value.Reveal()
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, "", "the privateKey in the application's secret is no PEM"
	case strings.HasSuffix(block.Type, " PRIVATE KEY"):
		return nil, "", `the privateKey in the application's secret is not plain PKCS #8 ("BEGIN PRIVATE KEY"): openssl pkcs8 -topk8 -nocrypt makes that of it`
	case block.Type != "PRIVATE KEY":
		return nil, "", "the privateKey in the application's secret is something else in PEM, and no private key"
	case strings.TrimSpace(string(rest)) != "":
		return nil, "", "the privateKey in the application's secret has something after the key"
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, "", "the privateKey in the application's secret is no key that can be read"
	}
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < minRSA {
			return nil, "", "the RSA key in the application's secret has less than 2048 bits"
		}
		return key, "RS256", ""
	case *ecdsa.PrivateKey:
		if key.Curve == elliptic.P256() {
			return key, "ES256", ""
		}
	case ed25519.PrivateKey:
		return key, "EdDSA", ""
	}
	return nil, "", "the privateKey in the application's secret is neither RSA nor P-256 nor Ed25519"
}

func sign(key crypto.Signer, input string) ([]byte, error) {
	digest := sha256.Sum256([]byte(input))
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		// RFC 7518 section 3.4: both numbers, 32 bytes each, and no ASN.1.
		r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
		if err != nil {
			return nil, err
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), nil
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(input)), nil
	}
	return key.Sign(rand.Reader, digest[:], crypto.SHA256)
}
