package config

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
	"go.yaml.in/yaml/v4"
)

// account is a declared credential, and how to say what is wrong with it.
type account struct {
	credentials.Declared
	fault func(what string)
}

// credentials reads the credentials, which are called by their names.
func (r *reader) credentials(n *yaml.Node) {
	if !r.mapping(n, "credentials") {
		return
	}
	for key, value := range pairs(n) {
		r.credential(key, value)
	}
}

func (r *reader) credential(key, value *yaml.Node) {
	if !r.mapping(value, "a credential") {
		return
	}
	before := len(r.faults)
	m := credentials.Meta{Spec: credentials.Spec{Name: key.Value}, Place: r.place(key)}
	for key, value := range pairs(value) {
		r.credentialAttribute(&m, key, value)
	}
	if len(r.faults) > before {
		return
	}
	if len(m.Schema) > 0 {
		m.Text = schema.DeclareAt(nil, m.Place, false, schema.Spec{ID: "KEY", Schema: m.Schema}).Meta().Text
	}
	r.account(m, func(what string) { r.fault(key, what) })
}

func (r *reader) credentialAttribute(m *credentials.Meta, key, value *yaml.Node) {
	switch key.Value {
	case "displayName":
		m.DisplayName = r.text(value, "displayName")
	case "description":
		m.Description = r.text(value, "description")
	case "docsURL":
		m.DocsURL = r.text(value, "docsURL")
	case "perUser":
		m.PerUser = r.boolean(value, "perUser")
	case "secretID":
		m.SecretID = r.text(value, "secretID")
	case "tokenSecretID":
		m.TokenSecretID = r.text(value, "tokenSecretID")
	case "schema":
		m.Schema = r.schema(value)
	case "optional":
		m.Optional = r.boolean(value, "optional")
	case "requiredIn":
		m.RequiredIn = r.requiredIn(value)
	case "oauth2":
		m.OAuth2 = r.settings(value)
	case "hosts":
		m.Hosts = r.texts(value, "hosts")
	case "auth":
		if text := r.text(value, "auth"); text != "" && m.Auth.UnmarshalText([]byte(text)) != nil {
			r.fault(value, "auth is how the key is sent: bearer, basic, basic:USER, header:NAME, query:NAME or authorization:WORD")
		}
	case "keyAt":
		m.KeyAt = r.text(value, "keyAt")
	case "value", "secret", "token", "key", "apiKey":
		r.fault(key, "unknown key; a secret itself never belongs into this file: store it with lukko set")
	default:
		r.unknown(key, "displayName", "description", "docsURL", "perUser", "secretID", "tokenSecretID", "schema", "optional", "requiredIn", "oauth2", "hosts", "auth", "keyAt")
	}
}

// settings reads the settings of a provider: its own, and those that are known of
// it by its name, which they replace.
func (r *reader) settings(n *yaml.Node) *oauth2.Settings {
	if !r.mapping(n, "oauth2") {
		return nil
	}
	var own oauth2.Settings
	var provider, tenant *yaml.Node
	fields, known := settingsFields(&own)
	known = append(known, "provider", "tenant")
	for key, value := range pairs(n) {
		field, ok := fields[key.Value]
		switch {
		case ok:
			r.setting(field, key.Value, value)
		case key.Value == "provider":
			provider = value
		case key.Value == "tenant":
			tenant = value
		case slices.Contains([]string{"clientid", "clientsecret", "privatekey"}, strings.ToLower(strings.ReplaceAll(key.Value, "_", ""))):
			r.fault(key, "what the provider gave the application is a secret, and never belongs into this file: store it with lukko set under secretID")
		default:
			r.unknown(key, known...)
		}
	}
	if provider == nil {
		if tenant != nil {
			r.fault(tenant, tenantOfMicrosoft)
		}
		return &own
	}
	return r.provided(own, provider, tenant)
}

const tenantOfMicrosoft = "tenant is for provider: microsoft"

// provided are the settings of a provider that is known by its name.
func (r *reader) provided(own oauth2.Settings, provider, tenant *yaml.Node) *oauth2.Settings {
	name := r.text(provider, "provider")
	if name == "" {
		return &own
	}
	preset, ok := oauth2.Presets()[name]
	if !ok {
		names := slices.Sorted(maps.Keys(oauth2.Presets()))
		what := "provider is none that is known: " + strings.Join(names, ", ") + "; of any other say the issuer, or the endpoints"
		if near := nearest(name, names); near != "" {
			what += `; did you mean "` + near + `"?`
		}
		r.fault(provider, what)
		return &own
	}
	s := preset(own.Scopes...)
	switch {
	case tenant == nil:
	case name != "microsoft":
		r.fault(tenant, tenantOfMicrosoft)
	default:
		s = oauth2.Microsoft(r.text(tenant, "tenant"), own.Scopes...)
	}
	own.Scopes = nil // they are among the provider's
	given := reflect.ValueOf(own)
	all := reflect.ValueOf(&s).Elem()
	for i := range given.NumField() {
		if !given.Field(i).IsZero() {
			all.Field(i).Set(given.Field(i))
		}
	}
	return &s
}

// settingsFields are the fields of settings by their names in JSON, which are
// those of the file.
func settingsFields(s *oauth2.Settings) (fields map[string]reflect.Value, names []string) {
	fields = map[string]reflect.Value{}
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
		names = append(names, name)
	}
	return fields, names
}

// setting reads a text, a list of texts, or texts by name.
func (r *reader) setting(field reflect.Value, name string, n *yaml.Node) {
	switch field.Kind() {
	case reflect.Slice:
		field.Set(reflect.ValueOf(r.texts(n, name)))
	case reflect.Map:
		if !r.mapping(n, name) {
			return
		}
		texts := map[string]string{}
		for key, value := range pairs(n) {
			if isText(value) {
				texts[key.Value] = value.Value
			} else {
				texts[key.Value] = r.text(value, "a parameter")
			}
		}
		field.Set(reflect.ValueOf(texts))
	default:
		field.SetString(r.text(n, name))
	}
}

// texts reads a list of texts, or a single one.
func (r *reader) texts(n *yaml.Node, what string) (texts []string) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		if items = n.Content; len(items) == 0 {
			r.fault(n, what+" is an empty list")
		}
	}
	for _, item := range items {
		if text := r.text(item, what); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// account declares a credential, whose faults are told when all is declared.
func (r *reader) account(m credentials.Meta, fault func(what string)) {
	r.accounts = append(r.accounts, account{credentials.DeclareMeta(r.accountSet, m), fault})
}

// checkAccounts tells what is wrong with the credentials, beside all else that is
// declared.
func (r *reader) checkAccounts() {
	for _, a := range r.accounts {
		var wrong *schema.Error
		if !errors.As(a.Check(), &wrong) {
			continue
		}
		for _, p := range wrong.Problems {
			a.fault("the declaration is wrong: " + p.Detail)
		}
	}
	for _, a := range r.accounts {
		m := a.Meta()
		if _, there := r.config.Credentials.ByName(m.Name); !there {
			credentials.DeclareMeta(r.config.Credentials, m)
		}
	}
}

// schema reads a JSON Schema.
func (r *reader) schema(n *yaml.Node) json.RawMessage {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		r.fault(n, "schema is empty; leave it out for any bytes")
		return nil
	}
	var b strings.Builder
	if !r.json(&b, n) {
		return nil
	}
	return json.RawMessage(b.String())
}
