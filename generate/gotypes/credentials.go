package gotypes

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/names"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
	"github.com/lukko-dev/lukko/schema/metadata"
)

// WithCredentials declares credentials, too. What they are kept in is declared
// with them, and is not to be among the other declarations.
func WithCredentials(metas []credentials.Meta) Option {
	return func(s *source) { s.credentials = metas }
}

// account is a credential of the file. Of a key it has the declaration, for its
// types.
type account struct {
	credentials.Meta
	*declaration
}

// accounts checks the credentials and puts them into order, by name.
func (s *source) accounts() ([]*account, error) {
	set := &credentials.Set{Secrets: new(schema.Set)}
	var all []*account
	var wrong []string
	for _, m := range s.credentials {
		called := called(schema.Meta{Spec: schema.Spec{Name: m.Name}, Place: m.Place})
		var refused *schema.Error
		if errors.As(credentials.DeclareMeta(set, m).Check(), &refused) {
			for _, p := range refused.Problems {
				wrong = append(wrong, called+": "+p.Detail)
			}
			continue
		}
		a := &account{m, &declaration{goName: names.Exported(m.Name)}}
		if m.OAuth2 == nil {
			var faults []string
			a.declaration, faults = check(schema.Meta{
				Spec: schema.Spec{Name: m.Name, ID: m.SecretID, Schema: m.Schema}, Text: m.Text, Type: m.Type, Place: m.Place,
			})
			for _, f := range faults {
				wrong = append(wrong, called+": "+f)
			}
			if len(faults) > 0 {
				continue
			}
			a.key = true
		}
		for _, other := range s.decls {
			if other.goName == a.goName {
				wrong = append(wrong, called+" and "+other.ID+": both names are "+a.goName+" in Go; rename one of them")
			}
		}
		for _, other := range all {
			if other.goName == a.goName && other.Meta.Name != m.Name {
				wrong = append(wrong, called+" and "+other.Meta.Name+": both names are "+a.goName+" in Go; rename one of them")
			}
		}
		if !slices.ContainsFunc(all, func(other *account) bool { return other.Meta.Name == m.Name }) {
			all = append(all, a)
		}
	}
	if len(wrong) > 0 {
		return nil, errors.New(strings.Join(wrong, "\n"))
	}
	slices.SortFunc(all, func(a, b *account) int { return cmp.Compare(a.Meta.Name, b.Meta.Name) })
	return all, nil
}

// declareAccount writes the types and the variable of a credential.
func (s *source) declareAccount(a *account) {
	const prefix = "github.com/lukko-dev/lukko/"
	typ, how := "oauth2.Token", "Declare"
	if a.PerUser {
		how = "DeclarePerUser"
	}
	if a.OAuth2 == nil {
		types := s.typesOf(a.declaration)
		for _, def := range types.defs {
			s.writeType(def, "credential", a.Meta.Name)
		}
		typ = s.useType(types.whole)
	} else {
		s.uses[prefix+"oauth2"] = true
	}
	s.uses[prefix+"credentials"] = true
	title := a.goName + " is the credential " + a.Meta.Name
	if a.Meta.DisplayName != "" {
		title += ": " + strings.TrimSuffix(a.Meta.DisplayName, ".")
	}
	b := &s.body
	b.WriteString("\n")
	comment(b, "", strings.Join(strings.Fields(title), " ")+".", a.Meta.Description)
	b.WriteString("var " + a.goName + " = credentials." + how + "[" + typ + "](credentials.Spec{\n")
	m := a.Meta
	texts := func(field string, text string) {
		if text != "" {
			b.WriteString("\t" + field + ": " + strconv.Quote(text) + ",\n")
		}
	}
	texts("Name", m.Name)
	texts("DisplayName", m.DisplayName)
	texts("Description", m.Description)
	texts("DocsURL", m.DocsURL)
	texts("SecretID", m.SecretID)
	texts("TokenSecretID", m.TokenSecretID)
	if len(m.Schema) > 0 {
		s.uses["encoding/json"] = true
		b.WriteString("\tSchema: json.RawMessage(" + rawJSON(m.Schema) + "),\n")
	}
	if m.Optional {
		b.WriteString("\tOptional: true,\n")
	}
	if len(m.RequiredIn) > 0 {
		b.WriteString("\tRequiredIn: " + listOf(m.RequiredIn) + ",\n")
	}
	if m.OAuth2 != nil {
		b.WriteString("\tOAuth2: " + settingsOf(*m.OAuth2) + ",\n")
	}
	if len(m.Hosts) > 0 {
		b.WriteString("\tHosts: " + listOf(m.Hosts) + ",\n")
	}
	if !m.Auth.IsZero() {
		s.uses[prefix+"oauth2/httpauth"] = true
		b.WriteString("\tAuth: " + schemeOf(m.Auth.String()) + ",\n")
	}
	texts("KeyAt", m.KeyAt)
	b.WriteString("})\n")
}

func listOf(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = strconv.Quote(text)
	}
	return "[]string{" + strings.Join(quoted, ", ") + "}"
}

// settingsOf writes settings: their fields are texts, lists and maps of texts.
func settingsOf(s oauth2.Settings) string {
	var b strings.Builder
	b.WriteString("&oauth2.Settings{\n")
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() {
			continue
		}
		b.WriteString(v.Type().Field(i).Name + ": ")
		switch texts := f.Interface().(type) {
		case []string:
			b.WriteString(listOf(texts))
		case map[string]string:
			b.WriteString("map[string]string{")
			for i, key := range slices.Sorted(maps.Keys(texts)) {
				if i > 0 {
					b.WriteString(", ")
				}
				b.WriteString(strconv.Quote(key) + ": " + strconv.Quote(texts[key]))
			}
			b.WriteString("}")
		default:
			b.WriteString(strconv.Quote(f.String()))
		}
		b.WriteString(",\n")
	}
	b.WriteString("}")
	return b.String()
}

// schemeOf writes an httpauth.Scheme of its text form.
func schemeOf(text string) string {
	word, arg, has := strings.Cut(text, ":")
	switch {
	case word == "bearer":
		return "httpauth.Bearer()"
	case word == "basic" && !has:
		return "httpauth.UserPassword()"
	}
	return "httpauth." + strings.ToUpper(word[:1]) + word[1:] + "(" + strconv.Quote(arg) + ")"
}

// credentialsOf are the credentials of metadata.
func credentialsOf(f *metadata.File) (metas []credentials.Meta, err error) {
	for _, c := range f.Credentials {
		m := credentials.Meta{
			Spec: credentials.Spec{
				Name: c.Name, DisplayName: c.DisplayName, Description: c.Description, DocsURL: c.DocsURL,
				SecretID: c.SecretID, TokenSecretID: c.TokenSecretID, Schema: c.Schema,
				Optional: c.Optional, RequiredIn: c.RequiredIn, Hosts: c.Hosts, KeyAt: c.KeyAt,
			},
			PerUser: c.PerUser, Text: c.Text, Type: c.Type, Place: c.Place,
		}
		if len(c.OAuth2) > 0 {
			m.OAuth2 = new(oauth2.Settings)
			err = json.Unmarshal(c.OAuth2, m.OAuth2)
		}
		if errors.Join(err, m.Auth.UnmarshalText([]byte(c.Auth))) != nil {
			return nil, fmt.Errorf("the credential %s can't be read: write the file again with lukko generate", core.Printable(c.Name))
		}
		metas = append(metas, m)
	}
	return metas, nil
}

// keptBy reports whether a secret of metadata is declared with a credential, which
// is kept in it.
func keptBy(all []credentials.Meta, e metadata.Entry) bool {
	return slices.ContainsFunc(all, func(c credentials.Meta) bool {
		switch {
		case e.Place != c.Place:
			return false
		case c.OAuth2 == nil:
			return !c.PerUser && e.Name == c.Name && e.ID == c.SecretID
		}
		return e.Name == c.Name+".app" && e.ID == c.SecretID || e.Name == c.Name+".tokens" && e.ID == c.TokenSecretID
	})
}
