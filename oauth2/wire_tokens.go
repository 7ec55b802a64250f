package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// answer is what an answer with tokens has beside them.
type answer struct {
	// IDToken is that of OpenID Connect; zero if there is none.
	IDToken core.Value
}

// tokens posts a grant, which form has without what says who the application
// is, and returns the tokens. Its RefreshToken and Scope are empty where the
// answer has none: of a refresh the old ones go on, and of any other grant the
// scope is the one that was asked for (RFC 6749 sections 5.1 and 6).
// RefreshedAt is the time of the answer. Form is left as it is.
func (p *provider) tokens(ctx context.Context, app App, form url.Values) (Token, *answer, *failure) {
	e, f := p.need(ctx, func(e endpoints) string { return e.token })
	if f != nil {
		return Token{}, nil, f
	}
	if e.token == "" {
		return Token{}, nil, unsent(core.ErrInvalidValue, "the provider has no token endpoint")
	}
	body := cloneForm(form)
	for _, resource := range p.settings.Resources {
		if !slices.Contains(body["resource"], resource) {
			body.Add("resource", resource)
		}
	}
	for name, value := range p.settings.TokenParams {
		if !body.Has(name) {
			body.Set(name, value)
		}
	}
	secrets := secretsOf(app, body)
	basic, f := p.authenticate(app, e, body)
	if f != nil {
		return Token{}, nil, f
	}
	r, f := p.post(ctx, e.token, body, basic)
	if f != nil {
		return Token{}, nil, f
	}
	return p.granted(r, secrets, form.Get("grant_type") == "refresh_token")
}

// granted reads the tokens of an answer.
func (p *provider) granted(r *reply, secrets []string, refresh bool) (Token, *answer, *failure) {
	fields, f := p.read(r, secrets)
	if f != nil {
		return Token{}, nil, f
	}
	holder := fields
	if p.settings.TokenPath != "" {
		holder = fields.at(p.settings.TokenPath)
		if holder.text("access_token") == "" && refresh {
			holder = fields
		}
	}
	token, a := p.token(holder)
	if token.AccessToken.IsZero() {
		f := p.statusFailure(r.status, r.header)
		f.hint = "the answer has no access token; try again later"
		return Token{}, nil, f
	}
	if a.IDToken.IsZero() {
		a.IDToken = core.String(fields.text("id_token"))
	}
	return token, a, nil
}

func cloneForm(form url.Values) url.Values {
	body := make(url.Values, len(form)+4)
	for name, values := range form {
		body[name] = slices.Clone(values)
	}
	return body
}

// secretsOf is what an answer may not make us say, though it has the form of
// an error code.
func secretsOf(app App, form url.Values) []string {
	secrets := []string{app.ClientSecret.Reveal()}
	for _, name := range []string{"code", "code_verifier", "refresh_token", "device_code", "token", "client_secret"} {
		secrets = append(secrets, form[name]...)
	}
	return slices.DeleteFunc(secrets, func(s string) bool { return s == "" })
}

// fields is a JSON object, or a form, of an answer.
type fields map[string]json.RawMessage

// text is a member that is a string.
func (f fields) text(name string) string {
	var s string
	if json.Unmarshal(f[name], &s) != nil {
		return ""
	}
	return s
}

// at is the object that a path leads to; nil if there is none.
func (f fields) at(path string) fields {
	for name := range strings.SplitSeq(path, "/") {
		var inner fields
		if json.Unmarshal(f[name], &inner) != nil {
			return nil
		}
		f = inner
	}
	return f
}

// number is a member that is a number, or the text of one.
func (f fields) number(name string) (float64, bool) {
	raw := strings.TrimSpace(string(f[name]))
	if s := f.text(name); s != "" {
		raw = strings.TrimSpace(s)
	}
	return readNumber(raw)
}

// read reads the object of an answer of the status 2xx. An error in it is a
// failure, and so is an answer of any other status.
func (p *provider) read(r *reply, secrets []string) (fields, *failure) {
	f := p.statusFailure(r.status, r.header)
	object, ok := parseAnswer(r)
	if !ok {
		if r.status < http.StatusMultipleChoices {
			f.hint = hintNoAnswer // what any other status says is better
		}
		return nil, f
	}
	failed := isError(object)
	if failed {
		f.Code = codeOf(object, secrets)
	}
	if r.status < 200 || r.status > 299 {
		return nil, f
	}
	if failed {
		f.Final = !mayPass(f.Code)
		return nil, f
	}
	return object, nil
}

// parseAnswer reads a JSON object, or a form where the answer says that it is
// one, as GitHub's older ones and those that say text/plain.
func parseAnswer(r *reply) (fields, bool) {
	body := bytes.TrimSpace(bytes.TrimPrefix(r.body, []byte("\xEF\xBB\xBF")))
	if len(body) > 0 && body[0] == '{' {
		var object fields
		return object, json.Unmarshal(body, &object) == nil
	}
	kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/x-www-form-urlencoded", "text/plain":
	default:
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || !form.Has("access_token") && !form.Has("error") {
		return nil, false
	}
	object := fields{}
	for name, values := range form {
		object[name], _ = json.Marshal(values[0])
	}
	return object, true
}

// isError reports whether an object is an error: it has one, or says, as
// Slack's, that it is not ok.
func isError(object fields) bool {
	if raw := string(bytes.TrimSpace(object["ok"])); raw == "false" {
		return true
	}
	raw, there := object["error"]
	text := string(bytes.TrimSpace(raw))
	return there && text != "null" && text != `""` && text != "false"
}

// codeOf is the error code of an object, if it is one and nothing that was
// sent: a server that echoes a secret must not have it in our logs.
func codeOf(object fields, secrets []string) string {
	code := safeCode(object.text("error"))
	for _, secret := range secrets {
		if code != "" && (strings.Contains(secret, code) || strings.Contains(code, secret)) {
			return ""
		}
	}
	return code
}

// mayPass reports whether an error in a 2xx is one of the server's troubles:
// RFC 6749 section 4.1.2.1, and Slack's.
func mayPass(code string) bool {
	switch code {
	case "server_error", "temporarily_unavailable", "slow_down",
		"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "unknown_error":
		return true
	}
	return false
}

// token makes the tokens of an object.
func (p *provider) token(object fields) (Token, *answer) {
	now := p.clock.Now()
	t := Token{
		AccessToken:  core.String(sendable(object.text("access_token"))),
		RefreshToken: core.String(object.text("refresh_token")),
		TokenType:    tokenType(object.text("token_type")),
		Scope:        p.scopeOf(object["scope"]),
		RefreshedAt:  Time{now.UTC().Truncate(time.Millisecond)},
	}
	a := &answer{IDToken: core.String(object.text("id_token"))}
	if seconds, ok := object.number("expires_in"); ok && seconds > 0 && seconds <= maxExpiresIn {
		t.ExpiresAt = Time{t.RefreshedAt.Add(time.Duration(math.Round(seconds * float64(time.Second))))}
	}
	return t, a
}

// maxExpiresIn is a hundred years in seconds: what is longer is no time that
// anybody meant.
const maxExpiresIn = 100 * 365.25 * 24 * 3600

// sendable is a token that can stand in a header, and else nothing.
func sendable(token string) string {
	if strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7F }) {
		return ""
	}
	return token
}

// tokenType is what goes before the token. That of RFC 6750 is compared
// without case (RFC 6749 section 5.1), and is what is meant where there is
// none, or something that can be no scheme of RFC 9110 section 11.1; Slack
// says "bot" and "user", which are none. It is written "Bearer", as some servers
// compare it with case.
func tokenType(text string) string {
	switch strings.ToLower(text) {
	case "bearer", "bot", "user":
		return "Bearer"
	}
	if text == "" || len(text) > maxCode {
		return "Bearer"
	}
	for i := range len(text) {
		c := text[i]
		if letter := 'a' <= c|0x20 && c|0x20 <= 'z'; !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return "Bearer"
		}
	}
	return text
}

// scopeOf is what was granted, with spaces between. Some servers answer with
// a list.
func (p *provider) scopeOf(raw json.RawMessage) string {
	var list []string
	var text string
	if json.Unmarshal(raw, &text) == nil {
		list = []string{text}
	} else if json.Unmarshal(raw, &list) != nil {
		return ""
	}
	return strings.Join(p.settings.splitScopes(strings.Join(list, " ")), " ")
}

// splitScopes takes a list of scopes apart, as a server or a stored token has
// it.
func (s Settings) splitScopes(text string) []string {
	commas := !slices.ContainsFunc(s.Scopes, func(scope string) bool { return strings.Contains(scope, ",") })
	return strings.FieldsFunc(text, func(r rune) bool {
		return r <= ' ' || r == 0x7F || r == ',' && commas || s.ScopeSeparator != "" && strings.ContainsRune(s.ScopeSeparator, r)
	})
}

// joinScopes is the scopes that are asked for, as a request has them.
func (s Settings) joinScopes() string {
	if s.ScopeSeparator == "" {
		return strings.Join(s.Scopes, " ")
	}
	return strings.Join(s.Scopes, s.ScopeSeparator)
}
