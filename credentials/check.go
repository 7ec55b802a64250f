package credentials

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
	"github.com/lukko-dev/lukko/schema"
)

// check is problems as an error.
func (d *definition) check() error { return errorOf(d.problems()) }

// problems returns what is wrong with the declaration, alone or beside
// others.
func (d *definition) problems() []schema.Problem {
	if own := d.prepare(); len(own) > 0 {
		return own
	}
	var problems []schema.Problem
	for _, one := range []schema.Declared{d.value, d.app} {
		if one != nil {
			problems = append(problems, problemsOf(one.Check())...)
		}
	}
	return append(problems, d.set.conflicts(d)...)
}

// problemsOf takes an error of package schema apart.
func problemsOf(err error) []schema.Problem {
	var e *schema.Error
	if errors.As(err, &e) {
		return e.Problems
	}
	return nil
}

// prepare finds at first use what is wrong with the declaration alone.
func (d *definition) prepare() []schema.Problem {
	d.once.Do(func() {
		for _, detail := range d.faults() {
			d.own = append(d.own, d.wrong(detail))
		}
		if len(d.own) > 0 {
			return
		}
		// What is wrong with the secrets themselves: an id, a schema, the Go
		// type. What is wrong with them beside others may change, and is asked
		// for each time.
		if d.perUser {
			d.own = append(d.own, problemsOf(d.value.Check())...)
		}
	})
	return d.own
}

func (d *definition) faults() (wrong []string) {
	s := d.spec
	if d.set == nil {
		wrong = append(wrong, "it is declared in no set: the set is nil")
	}
	if !isName(s.Name) {
		wrong = append(wrong, `its name must be letters, digits, "_", "-" and ".", beginning with a letter`)
	}
	if s.OAuth2 != nil {
		wrong = append(wrong, d.oauth2Faults()...)
	} else {
		wrong = append(wrong, d.keyFaults()...)
	}
	if d.perUser && len(s.valueID()) > maxBaseLen {
		wrong = append(wrong, "the id that those of users begin with has more than "+strconv.Itoa(maxBaseLen)+" bytes")
	}
	if d.perUser && core.CheckID(s.valueID()) == nil && s.OAuth2 != nil && fold(s.SecretID) != fold(s.TokenSecretID) &&
		strings.HasPrefix(fold(s.SecretID), fold(userPrefix(s.TokenSecretID))) {
		wrong = append(wrong, "SecretID begins as the ids of users' tokens do")
	}
	return wrong
}

func (d *definition) oauth2Faults() (wrong []string) {
	s := d.spec
	if d.typ != tokenType {
		wrong = append(wrong, "with OAuth2 its Go type must be oauth2.Token")
	}
	if len(s.Schema) > 0 {
		wrong = append(wrong, "with OAuth2 it has no Schema: the stored forms are those of oauth2.App and oauth2.Token")
	}
	if len(s.Hosts) > 0 || s.KeyAt != "" || !s.Auth.IsZero() {
		wrong = append(wrong, "Hosts, Auth and KeyAt are for keys; with OAuth2 the hosts are AllowedHosts of its settings")
	}
	if d.perUser && s.OAuth2.Grant == oauth2.GrantClientCredentials {
		wrong = append(wrong, "with the client credentials grant an account is the application's own, and no user has one")
	}
	switch {
	case s.TokenSecretID == "":
		wrong = append(wrong, "with OAuth2 it needs a TokenSecretID, the id of the tokens")
	case core.CheckID(s.TokenSecretID) != nil:
		wrong = append(wrong, "TokenSecretID is no id")
	case fold(s.TokenSecretID) == fold(s.SecretID):
		wrong = append(wrong, "SecretID and TokenSecretID are the same; the application's secret and the tokens are two secrets")
	}
	if core.CheckID(s.SecretID) != nil {
		wrong = append(wrong, "SecretID is no id; it is that of the application's secret")
	}
	if invalid := (*oauth2.Error)(nil); errors.As(s.OAuth2.Check(), &invalid) {
		wrong = append(wrong, invalid.Hint)
	}
	return wrong
}

func (d *definition) keyFaults() (wrong []string) {
	s := d.spec
	if d.typ == tokenType {
		wrong = append(wrong, "its Go type is oauth2.Token, and OAuth2 is not set")
	}
	if s.TokenSecretID != "" {
		wrong = append(wrong, "TokenSecretID is for OAuth2, which is not set")
	}
	if core.CheckID(s.SecretID) != nil {
		return append(wrong, "SecretID is no id")
	}
	text := d.value.Meta().Text
	switch {
	case s.KeyAt != "" && !isPointer(s.KeyAt):
		wrong = append(wrong, `KeyAt is no JSON pointer, such as "/apiKey"`)
	case s.KeyAt != "" && text:
		wrong = append(wrong, "KeyAt is for a value that is a JSON document, and this one is a text")
	case s.KeyAt == "" && !text && len(s.Hosts) > 0:
		wrong = append(wrong, "it is a JSON document, and KeyAt does not say which part is sent to its Hosts")
	}
	if len(s.Hosts) == 0 && s.Auth.IsZero() {
		return wrong
	}
	_, err := httpauth.New(httpauth.Config{Hosts: s.Hosts, Scheme: s.Auth, Get: httpauth.Secret(nil, s.SecretID)})
	if invalid := (*httpauth.Error)(nil); errors.As(err, &invalid) {
		wrong = append(wrong, "Hosts and Auth: "+invalid.Hint)
	}
	return wrong
}

// wrong makes a problem of a declaration that is wrong.
func (d *definition) wrong(detail string) schema.Problem {
	p := schema.Problem{
		Name: d.spec.Name, ID: d.spec.valueID(), Place: d.place,
		Rule: schema.RuleDeclaration, Detail: detail, Err: schema.ErrDeclaration,
	}
	if core.CheckID(p.ID) != nil {
		p.ID = "" // what lands there by mistake is often a value
	}
	if !isName(p.Name) {
		p.Name = ""
	}
	return p
}

// warnings says what is allowed but may hurt.
func (d *definition) warnings() (warnings []string) {
	for _, id := range []string{d.spec.SecretID, d.spec.TokenSecretID} {
		if id != "" && core.CheckID(id) == nil && !core.IsPortable(id) {
			warnings = append(warnings, "the id "+id+" is not portable: some backends can't hold it")
		}
	}
	longest := len(d.spec.valueID())
	if d.perUser {
		longest += maxUserLen
	}
	if d.spec.OAuth2 != nil {
		longest += len(oauth2.ClaimSuffix)
	}
	if id := d.spec.valueID(); core.IsPortable(id) && longest > core.MaxPortableIDLen {
		warnings = append(warnings, "the id "+id+" is too long to be portable with what is appended to it: at most "+
			strconv.Itoa(core.MaxPortableIDLen-longest+len(id))+" bytes fit every backend")
	}
	return warnings
}

// crowd caches what is wrong with a declaration beside the others of its set,
// as of when the set had size declarations.
type crowd struct {
	mu       sync.Mutex
	size     int64
	problems []schema.Problem
}

// conflicts returns what is wrong with d beside the others of the set, and
// beside the secrets that are declared without a credential.
func (s *Set) conflicts(d *definition) []schema.Problem {
	size := s.size.Load()
	c := &d.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size == size {
		return c.problems
	}
	c.problems = nil
	for _, other := range s.list() {
		o := other.base()
		if o == d {
			continue
		}
		if what := conflict(d, o); what != "" {
			c.problems = append(c.problems, d.wrong(what+"; the other is at "+o.place))
		}
	}
	if s.Secrets != nil && d.perUser {
		prefix := fold(userPrefix(d.spec.valueID()))
		for secret := range s.Secrets.All() {
			if m := secret.Meta(); strings.HasPrefix(fold(m.ID), prefix) {
				c.problems = append(c.problems, d.wrong("the secret declared at "+m.Place+" has an id that begins as those of users do"))
			}
		}
	}
	c.size = size
	return c.problems
}

// conflict says why a and b can't be in one set; empty if they can.
func conflict(a, b *definition) string {
	if a.spec.Name != b.spec.Name {
		if a.meets(b) || b.meets(a) {
			return "two credentials would meet at one id"
		}
		return ""
	}
	if a.perUser != b.perUser {
		return "the name is declared as the application's own and as one for each user"
	}
	if (a.spec.OAuth2 != nil) != (b.spec.OAuth2 != nil) {
		return "the name is declared as OAuth2 and as a key"
	}
	if a.spec.SecretID != b.spec.SecretID || a.spec.TokenSecretID != b.spec.TokenSecretID {
		return "the name is declared with two ids"
	}
	if len(a.prepare()) > 0 || len(b.prepare()) > 0 {
		return "" // which says more
	}
	if a.spec.OAuth2 != nil {
		if !a.spec.OAuth2.Equal(*b.spec.OAuth2) {
			return "the name is declared with two settings of OAuth2"
		}
		return ""
	}
	x, y := a.value.Meta(), b.value.Meta()
	if x.Text != y.Text || !bytes.Equal(x.Schema, y.Schema) {
		return "the name is declared with two schemas"
	}
	if !slices.Equal(a.spec.Hosts, b.spec.Hosts) || a.spec.Auth != b.spec.Auth || a.spec.KeyAt != b.spec.KeyAt {
		return "the name is declared with two ways to send it"
	}
	return ""
}

// meets reports whether something of b is kept where something of a is. Case
// is folded, since some backends do. Two may share an application's secret.
func (a *definition) meets(b *definition) bool {
	if a.perUser {
		prefix := fold(userPrefix(a.spec.valueID()))
		for _, id := range b.ids() {
			if strings.HasPrefix(id, prefix) {
				return true
			}
		}
	}
	value := fold(a.spec.valueID())
	mine := []string{value}
	if a.spec.OAuth2 != nil {
		mine = append(mine, value+fold(oauth2.ClaimSuffix), value+fold(pendingSuffix))
	}
	for _, id := range b.ids() {
		if slices.Contains(mine, id) {
			return true
		}
	}
	return false
}

// ids are the ids that d is kept at, folded; of users, what theirs begin with.
func (d *definition) ids() []string {
	value := fold(d.spec.valueID())
	ids := []string{value}
	if d.perUser {
		ids = append(ids, fold(userPrefix(d.spec.valueID())))
	}
	if d.spec.OAuth2 != nil {
		ids = append(ids, fold(d.spec.SecretID))
		if !d.perUser {
			ids = append(ids, value+fold(oauth2.ClaimSuffix), value+fold(pendingSuffix))
		}
	}
	return ids
}

func fold(id string) string { return strings.ToLower(id) } // ids are ASCII

// isName reports whether s can be a credential's name: the rule of package
// schema, less what is appended to it there.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '_' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != "" && len(s) <= core.MaxIDLen-len(".tokens")
}

// isPointer reports whether s is a JSON pointer (RFC 6901) to a part.
func isPointer(s string) bool {
	if !strings.HasPrefix(s, "/") {
		return false
	}
	for i := range len(s) {
		if s[i] == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return false
		}
	}
	return true
}

// cloneSettings copies all that a caller could change later.
func cloneSettings(s *oauth2.Settings) *oauth2.Settings {
	c := *s
	c.Scopes = slices.Clone(s.Scopes)
	c.Resources = slices.Clone(s.Resources)
	c.AllowedHosts = slices.Clone(s.AllowedHosts)
	c.AuthParams = maps.Clone(s.AuthParams)
	c.TokenParams = maps.Clone(s.TokenParams)
	return &c
}
