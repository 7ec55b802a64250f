package gotypes

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/names"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// pikkuOAuth2 has the keys of Pikku's OAuth2CredentialConfig.
type pikkuOAuth2 struct {
	AppSecretID      string            `json:"appCredentialSecretId"`
	TokenSecretID    string            `json:"tokenSecretId"`
	AuthorizationURL string            `json:"authorizationUrl"`
	TokenURL         string            `json:"tokenUrl"`
	Scopes           []string          `json:"scopes"`
	PKCE             bool              `json:"pkce"`
	AdditionalParams map[string]string `json:"additionalParams"`
}

// pikkuCredential is a credential whose ids are not settled yet.
type pikkuCredential struct {
	name string // in Pikku
	meta credentials.Meta
}

// rank is the order in which ids are settled: those that are given go first.
func (c pikkuCredential) rank() int {
	switch {
	case c.meta.OAuth2 == nil:
		return 2
	case c.meta.TokenSecretID == "":
		return 1
	}
	return 0
}

// credential reads a credential. That of an old Pikku is a secret with OAuth2
// settings, without a type, and the deployment's own.
func (r *pikkuReader) credential(name string, d pikkuDefinition, spec schema.Spec) {
	if d.Type != "" && d.Type != "wire" && d.Type != "singleton" {
		r.warn(name, "it is left out: its type is neither singleton nor wire, so whose it is is not known")
		return
	}
	if spec.RotationPeriod > 0 {
		r.warn(name, "its rotationPeriod is left out: a credential has none")
	}
	m := credentials.Meta{PerUser: d.Type == "wire"}
	if d.OAuth2 != nil {
		m.SecretID = cmp.Or(d.SecretID, d.OAuth2.AppSecretID)
		m.TokenSecretID = d.OAuth2.TokenSecretID
		if m.SecretID == "" {
			r.warn(name, "it is left out: it names no secret for its application")
			return
		}
		r.otherMembers(name, d.Schema)
		m.OAuth2 = r.settings(name, d.OAuth2)
		if d.SecretID == "" {
			r.allow(name, m.OAuth2, d.AllowedHosts)
		} else if len(d.AllowedHosts) > 0 {
			r.warn(name, appHosts)
		}
	} else {
		m.Schema = r.schema(name, &spec, d.Schema)
		spec.Schema, spec.ID = m.Schema, "A"
		m.Text = schema.DeclareAt(new(schema.Set), "pikku", false, spec).Meta().Text
		if len(d.AllowedHosts) > 0 {
			r.warn(name, keyHosts)
		}
	}
	m.Name, m.DisplayName, m.Description, m.DocsURL, m.Optional = pikkuName(name), spec.DisplayName, spec.Description, spec.DocsURL, spec.Optional
	r.pending = append(r.pending, pikkuCredential{name, m})
}

// What becomes of allowedHosts that do not say enough.
const (
	keyHosts = "its allowedHosts are left out: declare it by package credentials with them as Hosts, and with Auth and KeyAt, " +
		"which say how it is sent and which part, and which Pikku does not know"
	appHosts = "its allowedHosts are left out: an application's secret goes to the endpoints of its credential and nowhere else"
)

// settings brings settings over as what Pikku does with them: it posts the
// client secret in the body, and sends a challenge only where it is told to.
func (r *pikkuReader) settings(name string, o *pikkuOAuth2) *oauth2.Settings {
	s := &oauth2.Settings{AuthURL: o.AuthorizationURL, TokenURL: o.TokenURL, ClientAuth: oauth2.ClientSecretPost}
	if !o.PKCE {
		s.PKCE = oauth2.PKCENone
		r.warn(name, "it has no PKCE, as in Pikku: leave PKCE out of its settings unless the provider refuses it")
	}
	for _, scope := range o.Scopes {
		s.Scopes = append(s.Scopes, strings.Fields(scope)...)
	}
	for _, param := range slices.Sorted(maps.Keys(o.AdditionalParams)) {
		one := map[string]string{param: o.AdditionalParams[param]}
		if fault := settingsFault(oauth2.Settings{AuthParams: one}); fault != "" {
			r.warn(name, "one of its additionalParams is left out: %s", fault)
			continue
		}
		if s.AuthParams == nil {
			s.AuthParams = map[string]string{}
		}
		s.AuthParams[param] = o.AdditionalParams[param]
	}
	r.known(name, s)
	if s.Issuer == "" && slices.Contains(s.Scopes, "openid") {
		s.Scopes = slices.DeleteFunc(s.Scopes, func(scope string) bool { return scope == "openid" })
		r.warn(name, "openid is left out of its scopes: with it who issued the id token is checked, which Pikku does not know; add it with the Issuer")
	}
	return s
}

// known adds what Pikku has no word for, where the token endpoint says which
// provider it is. It changes nothing of what is asked of the provider.
func (r *pikkuReader) known(name string, s *oauth2.Settings) {
	presets := oauth2.Presets()
	for _, provider := range slices.Sorted(maps.Keys(presets)) {
		if p := presets[provider](); p.TokenURL == s.TokenURL {
			s.Issuer, s.RevokeURL, s.Revocation, s.DeviceURL, s.AllowedHosts = p.Issuer, p.RevokeURL, p.Revocation, p.DeviceURL, p.AllowedHosts
			r.warn(name, "it is at %s, by its tokenUrl: what Pikku does not say, such as the hosts that its tokens may be sent to and how they are revoked, is as known of it", provider)
			return
		}
	}
}

// allow lets the tokens of an account be sent to hosts.
func (r *pikkuReader) allow(name string, s *oauth2.Settings, hosts []string) {
	if len(hosts) == 0 {
		return
	}
	if fault := settingsFault(oauth2.Settings{AllowedHosts: hosts}); fault != "" {
		r.warn(name, "its allowedHosts are left out: %s", fault)
		return
	}
	s.AllowedHosts = slices.Clone(hosts)
}

// settingsFault says what is wrong with the settings that are given, of which
// endpoints are none.
func settingsFault(s oauth2.Settings) string {
	s.TokenURL, s.Grant = "https://localhost/", oauth2.GrantClientCredentials
	var e *oauth2.Error
	if errors.As(s.Check(), &e) {
		return e.Hint
	}
	return ""
}

// otherMembers warns of what the schema of an account has beside tokens.
func (r *pikkuReader) otherMembers(name string, given json.RawMessage) {
	quiet := pikkuReader{schemas: r.schemas}
	var form struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	_ = json.Unmarshal(quiet.schema(name, new(schema.Spec), given), &form) // what is no object has no members
	var others []string
	for _, member := range slices.Sorted(maps.Keys(form.Properties)) {
		if !slices.Contains([]string{"accessToken", "refreshToken", "expiresAt", "tokenType", "scope"}, member) {
			others = append(others, member)
		}
	}
	if len(others) > 0 {
		r.warn(name, "its schema is left out, and with it %s: an account has the form of oauth2.Token", strings.Join(others, ", "))
	}
}

// finish settles the credentials beside the secrets.
func (r *pikkuReader) finish() Moved {
	slices.SortStableFunc(r.pending, func(a, b pikkuCredential) int { return a.rank() - b.rank() })
	for _, c := range r.pending {
		r.account(c)
	}
	for _, m := range r.metas {
		if len(r.hosts[m.ID]) > 0 {
			r.warn(m.Name, keyHosts)
		}
	}
	return Moved{r.metas, r.accounts, r.warnings}
}

// account adds a credential, in place of the secrets that it is kept in.
func (r *pikkuReader) account(c pikkuCredential) {
	m, idMade := c.meta, ""
	if m.OAuth2 == nil {
		idMade = r.freeID(pikkuID(c.name))
		m.SecretID = idMade
	} else if m.TokenSecretID == "" {
		idMade = r.freeID(pikkuID(c.name) + "_TOKENS")
		m.TokenSecretID = idMade
	}
	var kept, within []schema.Meta
	for _, s := range r.metas {
		if m.OAuth2 != nil && !s.Variable && (s.ID == m.SecretID || s.ID == m.TokenSecretID) {
			within = append(within, s)
		} else {
			kept = append(kept, s)
		}
	}
	for _, s := range within {
		if s.ID == m.TokenSecretID {
			r.allow(s.Name, m.OAuth2, r.hosts[s.ID])
		} else {
			m.Optional = m.Optional || s.Optional
		}
	}
	asked := m.Name
	m.Name = r.freeName(asked, kept)
	meta, fault := r.beside(kept, m)
	if fault != "" && len(m.Schema) > 0 {
		bare := m
		bare.Schema = nil
		var still string
		if meta, still = r.beside(kept, bare); still == "" {
			r.warn(c.name, "the credential has no schema now, so any bytes are valid: %s", fault)
			m, fault = bare, ""
		}
	}
	if fault != "" {
		r.warn(c.name, "it is left out: %s", fault)
		return
	}
	r.metas, r.accounts = kept, append(r.accounts, m)
	if asked != c.name {
		r.warn(c.name, calledOtherwise, asked)
	}
	if m.Name != asked {
		r.warn(c.name, "it is called %s: %s is another name in Go already", m.Name, names.Exported(asked))
	}
	r.tellAccount(c.name, m, idMade)
	for _, s := range within {
		r.tellWithin(s, m)
	}
	for _, w := range meta.Warnings {
		r.warn(c.name, "some stores can't hold it: %s", w)
	}
}

// tellAccount warns of what a credential lacks.
func (r *pikkuReader) tellAccount(name string, m credentials.Meta, idMade string) {
	if idMade != "" {
		r.warn(name, "its id %s is made of its name, since Pikku has none for it", idMade)
	}
	switch {
	case m.OAuth2 == nil:
		r.warn(name, "its values are in Pikku's credential store and stay there: they are set anew")
	case m.PerUser:
		r.warn(name, "the tokens of its users are in Pikku's credential store or accounts and stay there: they connect anew")
	case idMade != "":
		r.warn(name, "its tokens stay where Pikku has them: it is connected anew")
	default:
		r.warn(name, "its tokens are read where an older Pikku has them, from the secret %s; those in Pikku's accounts stay there, and then it is connected anew", m.TokenSecretID)
	}
	if m.OAuth2 != nil && len(m.OAuth2.AllowedHosts) == 0 {
		r.warn(name, "it has no AllowedHosts, so no HTTP client sends its tokens: add the hosts that they are for to its settings")
	}
}

// tellWithin warns of a secret that is declared with a credential.
func (r *pikkuReader) tellWithin(s schema.Meta, m credentials.Meta) {
	what := "the application's secret of OAuth2"
	if s.ID == m.TokenSecretID {
		what = "the tokens of OAuth2"
	} else if len(r.hosts[s.ID]) > 0 {
		r.warn(s.Name, appHosts)
	}
	lost := ""
	if s.RotationPeriod > 0 {
		lost = ", without a rotationPeriod"
	}
	r.warn(s.Name, "it is declared with the credential %s, as %s%s", m.Name, what, lost)
}

// beside declares m beside what there is, and returns what is known of it and
// what is wrong with it.
func (r *pikkuReader) beside(kept []schema.Meta, m credentials.Meta) (credentials.Meta, string) {
	set := &credentials.Set{Secrets: new(schema.Set)}
	for _, s := range kept {
		schema.DeclareAt(set.Secrets, s.Name, s.Variable, s.Spec)
	}
	for _, a := range r.accounts {
		a.Place = a.Name
		credentials.DeclareMeta(set, a)
	}
	m.Place = m.Name
	d := credentials.DeclareMeta(set, m)
	return d.Meta(), faultOf(d.Check())
}

// freeName is a name that is no other one in Go.
func (r *pikkuReader) freeName(name string, kept []schema.Meta) string {
	used := map[string]bool{}
	for _, s := range kept {
		used[names.Exported(s.Name)] = true
	}
	for _, a := range r.accounts {
		used[names.Exported(a.Name)] = true
	}
	free := name
	for i := 1; used[names.Exported(free)]; i++ {
		if free = name + "-credential"; i > 1 {
			free += strconv.Itoa(i)
		}
	}
	return free
}

// freeID is an id that nothing else has.
func (r *pikkuReader) freeID(id string) string {
	used := map[string]bool{}
	for _, s := range r.metas {
		used[strings.ToUpper(s.ID)] = true
	}
	for _, a := range r.accounts {
		used[strings.ToUpper(a.SecretID)], used[strings.ToUpper(a.TokenSecretID)] = true, true
	}
	free := id
	for i := 1; used[free]; i++ {
		if free = id + "_CREDENTIAL"; i > 1 {
			free += strconv.Itoa(i)
		}
	}
	return free
}

// pikkuID makes an id of a name: HMAC_KEY of hmac-key and of hmacKey.
func pikkuID(name string) string {
	var b strings.Builder
	small := false
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			b.WriteByte(c)
		case 'A' <= c && c <= 'Z':
			if small {
				b.WriteByte('_')
			}
			b.WriteByte(c)
		default:
			b.WriteByte('_')
		}
		small = 'a' <= c && c <= 'z'
	}
	id := strings.Join(strings.FieldsFunc(strings.ToUpper(b.String()), func(c rune) bool { return c == '_' }), "_")
	if !core.IsPortable(id) {
		id = strings.Trim("CREDENTIAL_"+id, "_")
	}
	return id
}
