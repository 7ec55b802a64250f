// Package names makes Go identifiers of the names of declarations and of JSON
// properties, as a person would write them: STRIPE_API_KEY is StripeAPIKey.
package names

import (
	"go/token"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Exported returns the identifier that stands for name outside its package:
// the words of name, each with a capital, and initialisms all in capitals. It
// begins with a capital letter whatever name is, so that it is no keyword; a
// name that begins with none gets an X in front. Two names may become one
// identifier; who makes several sees to that.
func Exported(name string) string {
	var b strings.Builder
	for _, w := range words(name) {
		b.WriteString(capital(w))
	}
	id := b.String()
	if first, _ := utf8.DecodeRuneInString(id); unicode.IsUpper(first) {
		return id
	}
	return "X" + id
}

// Unexported is [Exported] for within the package: the first word begins with
// a small letter, or is small if it is an initialism. What would be a keyword
// gets an underscore behind.
func Unexported(name string) string {
	var b strings.Builder
	for i, w := range words(name) {
		if i > 0 {
			b.WriteString(capital(w))
		} else {
			b.WriteString(small(w))
		}
	}
	id := b.String()
	switch {
	case token.IsKeyword(id):
		return id + "_"
	case token.IsIdentifier(id):
		return id
	}
	return "x" + id
}

// words splits a name at everything that is neither letter nor digit, and
// where camel case begins a new word.
func words(name string) (all []string) {
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) || r == unicode.ReplacementChar }) {
		all = append(all, humps([]rune(part))...)
	}
	return all
}

// humps splits at camel case: "userIDs" is user and IDs, "HTTPServer" is HTTP
// and Server, "s3Bucket" is s3 and Bucket.
func humps(part []rune) (all []string) {
	start := 0
	for i := 1; i < len(part); i++ {
		if !unicode.IsUpper(part[i]) {
			continue
		}
		begins := !unicode.IsUpper(part[i-1]) // after a small letter or a digit
		if !begins && i+1 < len(part) && unicode.IsLower(part[i+1]) {
			begins = !pluralAt(part, i+1) // the last capital of a run begins the next word
		}
		if begins {
			all = append(all, string(part[start:i]))
			start = i
		}
	}
	return append(all, string(part[start:]))
}

// pluralAt reports whether the letter at i is the s of a plural such as IDs.
func pluralAt(part []rune, i int) bool {
	return part[i] == 's' && (i+1 == len(part) || !unicode.IsLower(part[i+1]))
}

func capital(word string) string {
	lower := strings.ToLower(word)
	if s, ok := spelled[lower]; ok {
		return s
	}
	if s, ok := spelled[strings.TrimSuffix(lower, "s")]; ok && strings.HasSuffix(lower, "s") {
		return s + "s"
	}
	r := []rune(lower)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

func small(word string) string {
	r := []rune(strings.ToLower(word))
	r[0] = unicode.ToLower(r[0])
	return string(r)
}

// spelled is how Go people write what is not just a word.
var spelled = func() map[string]string {
	m := map[string]string{"oauth": "OAuth", "oauth2": "OAuth2"}
	for _, s := range strings.Fields(`
		ACL AES API ARN ASCII AWS CA CDN CIDR CLI CORS CPU CSRF CSS DB DKIM DNS DSN EOF FTP FTPS GCP GCS GUID HMAC HTML HTTP HTTPS
		IAM ID IMAP IO IP JSON JWE JWK JWKS JWS JWT KMS LDAP MFA MTLS OIDC OTP PEM PGP QPS RAM RPC RSA S3 SAML SDK SES SFTP SLA
		SMS SMTP SNS SQL SQS SSH SSL SSO STS TCP TLS TOTP TTL UDP UI UID URI URL UTF8 UUID VM VPC VPN XML XMPP XSRF XSS YAML`) {
		m[strings.ToLower(s)] = s
	}
	return m
}()
