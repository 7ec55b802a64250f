package awstest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AuthMode is how much of a request's signature is checked.
type AuthMode int

const (
	// AuthVerify computes the signature anew with the key's secret.
	AuthVerify AuthMode = iota
	// AuthForm checks the form, the key, the session token and the time.
	AuthForm
	// AuthNone checks nothing: a request without a known key is the default account's.
	AuthNone
)

// Key is an access key that the fake knows.
type Key struct {
	// ID and Secret are the pair that signs.
	ID, Secret string
	// SessionToken makes it a temporary key, whose requests must carry the token.
	SessionToken string
	// Expires is when a temporary key ends, on AuthClock; zero is never.
	Expires time.Time
	// Account is whose key it is, the fake's own if it is "".
	Account string
}

// The key that a fake knows unless it is told others: the example of AWS's own
// documentation, which opens nothing.
const (
	defaultKeyID  = "AKIAIOSFODNN7EXAMPLE"
	defaultSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

const amzTime = "20060102T150405Z"

var (
	hexSignature = regexp.MustCompile(`^[0-9a-f]{64}$`)
	scopeRegion  = regexp.MustCompile(`^[a-z0-9-]+$`)
)

// authenticate returns the caller's account, or the refusal. The texts are those
// of "Troubleshoot signed requests" in the IAM user guide. The codes are those that
// services of the JSON protocol answer; the page of common errors has two of them as
// IncompleteSignature and InvalidClientTokenId, as the query protocol spells them.
func (s *Server) authenticate(r *http.Request, body []byte) (string, *APIError) {
	auth := r.Header.Get("Authorization")
	if s.cfg.Auth == AuthNone {
		if sig, err := parseAuthorization(auth); err == nil {
			if key, ok := s.key(sig.keyID); ok {
				return s.accountOf(key), nil
			}
		}
		return s.cfg.Account, nil
	}
	if auth == "" {
		return "", fail("MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	sig, err := parseAuthorization(auth)
	if err != nil {
		return "", err
	}
	at, timeErr := time.Parse(amzTime, r.Header.Get("X-Amz-Date"))
	if timeErr != nil {
		return "", fail("IncompleteSignatureException", "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	for _, need := range []string{"host", "x-amz-date"} {
		if !slices.Contains(sig.headers, need) {
			return "", fail("InvalidSignatureException", "'%s' must be a 'SignedHeader' in the AWS Authorization.", need)
		}
	}

	key, ok := s.key(sig.keyID)
	token := r.Header.Get("X-Amz-Security-Token")
	if !ok || !hmac.Equal([]byte(token), []byte(key.SessionToken)) {
		return "", fail("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	now := s.cfg.AuthClock().UTC()
	if !key.Expires.IsZero() && !now.Before(key.Expires) {
		return "", fail("ExpiredTokenException", "The security token included in the request is expired")
	}

	switch {
	case sig.date != at.Format("20060102"):
		return "", fail("InvalidSignatureException", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	case sig.region != s.cfg.Region:
		return "", fail("InvalidSignatureException", "Credential should be scoped to a valid region, not '%s'.", sig.region)
	case sig.service != "secretsmanager":
		return "", fail("InvalidSignatureException", "Credential should be scoped to correct service: 'secretsmanager'.")
	case at.Before(now.Add(-s.cfg.MaxSkew)):
		return "", fail("InvalidSignatureException", "Signature expired: %s is now earlier than %s", at.Format(amzTime), now.Add(-s.cfg.MaxSkew).Format(amzTime))
	case at.After(now.Add(s.cfg.MaxSkew)):
		return "", fail("InvalidSignatureException", "Signature not yet current: %s is still later than %s", at.Format(amzTime), now.Add(s.cfg.MaxSkew).Format(amzTime))
	}
	if s.cfg.Auth == AuthVerify && !hmac.Equal([]byte(sig.compute(r, body, key.Secret)), []byte(sig.signature)) {
		return "", fail("InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return s.accountOf(key), nil
}

func (s *Server) key(id string) (Key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.cfg.Keys, func(k Key) bool { return k.ID == id })
	if i < 0 {
		return Key{}, false
	}
	return s.cfg.Keys[i], true
}

func (s *Server) accountOf(k Key) string {
	if k.Account == "" {
		return s.cfg.Account
	}
	return k.Account
}

// authorization is the header of Signature Version 4, taken apart.
type authorization struct {
	keyID, date, region, service string
	headers                      []string
	signature                    string
}

func parseAuthorization(header string) (authorization, *APIError) {
	const algorithm = "AWS4-HMAC-SHA256"
	var a authorization
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return a, fail("IncompleteSignatureException", "Authorization header must begin with '%s'.", algorithm)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	for _, need := range []string{"Credential", "SignedHeaders", "Signature"} {
		if fields[need] == "" {
			return a, fail("IncompleteSignatureException", "Authorization header requires '%s' parameter.", need)
		}
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 || scope[0] == "" || len(scope[1]) != 8 || !scopeRegion.MatchString(scope[2]) || scope[4] != "aws4_request" {
		return a, fail("IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	}
	if !hexSignature.MatchString(fields["Signature"]) {
		return a, fail("IncompleteSignatureException", "Signature must be 64 lower-case hexadecimal digits.")
	}
	return authorization{
		keyID: scope[0], date: scope[1], region: scope[2], service: scope[3],
		headers:   strings.Split(fields["SignedHeaders"], ";"),
		signature: fields["Signature"],
	}, nil
}

// compute signs the request again: "Create a signed AWS API request" in the
// IAM user guide.
func (a authorization) compute(r *http.Request, body []byte, secret string) string {
	var headers strings.Builder
	for _, name := range a.headers {
		value := strings.Join(strings.Fields(strings.Join(r.Header.Values(name), ",")), " ")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		headers.WriteString(name + ":" + value + "\n")
	}
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	canonical := strings.Join([]string{
		r.Method,
		(&url.URL{Path: path}).EscapedPath(),
		strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20"),
		headers.String(),
		strings.Join(a.headers, ";"),
		hexHash(body),
	}, "\n")
	scope := strings.Join([]string{a.date, a.region, a.service, "aws4_request"}, "/")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), scope, hexHash([]byte(canonical))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.region, a.service, "aws4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
