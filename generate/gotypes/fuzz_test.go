package gotypes_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/gotypes"
	"github.com/lukko-dev/lukko/schema"
)

// FuzzSource takes any declaration: what schema accepts becomes formatted Go
// that compiles, in no time, and the same each time.
func FuzzSource(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		s, _ := invent(r)
		raw, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("stripe", "STRIPE", "Stripe", "What it is.", raw, "", "billing.Stripe", false)
	}
	for _, c := range chosenCases {
		f.Add("chosen", "CHOSEN", "", "", []byte(c.schema), "", "*x.Chosen", false)
	}
	for _, s := range []string{
		``, `{}`, `true`, `false`, `{"type":"string"}`, `{"type":["string","null"]}`, `{"type":"null"}`,
		`{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"},"b":{"$ref":"#/$defs/b"}},"required":["a","b"]},"b":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"required":["a"]}}}`,
		`{"type":"array","items":{"$ref":"#"}}`, `{"type":"object","additionalProperties":{"$ref":"#"}}`,
		`{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#/properties/a"},"c":{"$ref":"#/properties/c/items","type":"array"}},"required":["a"]}`,
		`{"$schema":"http://json-schema.org/draft-04/schema#","type":"object","properties":{"a":{"type":"integer","exclusiveMaximum":true,"maximum":5}},"required":["a"]}`,
		`{"$id":"https://example.com/a","type":"object","properties":{"x":{"$ref":"b#c"}},"$defs":{"b":{"$id":"b","$anchor":"c","type":"string"}}}`,
		`{"type":"object","properties":{"a":false,"":{},"-":{},"a,b":{}}}`,
		`{"type":"integer","minimum":-1e400,"maximum":1e9999}`,
		doubling(12),
	} {
		f.Add("a.b", "A_B", "*/", "//go:embed\n`\r\x00", []byte(s), "", "map[string]any", true)
	}
	f.Fuzz(func(t *testing.T, name, id, title, description string, raw []byte, fallback, typ string, variable bool) {
		watch := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer watch.Stop()
		meta := schema.Meta{
			Spec:     schema.Spec{Name: name, ID: id, DisplayName: title, Description: description, Schema: raw},
			Variable: variable, Type: typ,
		}
		if variable {
			meta.Default = fallback
		}
		metas := []schema.Meta{meta, {Spec: schema.Spec{ID: "OTHER"}}}
		source, err := gotypes.Source("x", metas, gotypes.GeneratedFrom(name))
		if err != nil {
			return
		}
		checkSource(t, source)
		metas[0], metas[1] = metas[1], metas[0]
		if again, err := gotypes.Source("x", metas, gotypes.GeneratedFrom(name)); err != nil || !bytes.Equal(again, source) {
			t.Errorf("the same declarations in another order give another file: %v", err)
		}
	})
}

// doubling is a schema of n definitions, each of which has the next one twice.
func doubling(n int) string {
	var b bytes.Buffer
	b.WriteString(`{"allOf":[{"type":"object"},{"$ref":"#/$defs/d0"}],"type":"object","$defs":{`)
	for i := range n {
		next := `"#/$defs/d` + string(rune('0'+i+1)) + `"`
		b.WriteString(`"d` + string(rune('0'+i)) + `":{"properties":{"a":{"allOf":[{"$ref":` + next + `},{"minProperties":1}]},"b":{"anyOf":[{"$ref":` + next + `},{"$ref":` + next + `}]}}},`)
	}
	b.WriteString(`"d` + string(rune('0'+n)) + `":{"type":"object","properties":{"z":{"type":"string"}}}}}`)
	return b.String()
}

// FuzzFromPikku takes any file: nothing panics, and what is brought over can
// be written, unless two names are one in Go.
func FuzzFromPikku(f *testing.F) {
	f.Add([]byte(`{"a b":{"secretId":"A","schema":"S","rotationPeriod":"3weeks","allowedHosts":["x"]}}`), []byte(`{"type":"string","pattern":"(?=a)"}`))
	f.Add([]byte(`{"c":{"type":"wire","oauth2":{"appCredentialSecretId":"A","tokenSecretId":"B"}}}`), []byte(`true`))
	f.Add([]byte(`{"c":{"type":"wire","schema":"S","oauth2":{"appCredentialSecretId":"A","tokenSecretId":"B","authorizationUrl":"https://a.example","tokenUrl":"https://slack.com/api/oauth.v2.access","scopes":["a b"],"additionalParams":{"x":"y","state":"z"}}},"b":{"secretId":"B","allowedHosts":["*.a.example"]}}`), []byte(`{"properties":{"z":{}}}`))
	f.Add([]byte(`{"k":{"type":"singleton","schema":"S"},"K":{"type":"wire","schema":{"type":"object"}},"s":{"secretId":"K"},"t":{"secretId":"K_CREDENTIAL"},"1":{"type":"wire"},"x":{"type":"x"}}`), []byte(`{"type":"string","minLength":2}`))
	f.Add([]byte(`{"v":{"variableId":"V","schema":{"type":"object","properties":{"pattern":{"pattern":"\\p"}}}}}`), []byte(`[]`))
	f.Add([]byte(`{"v":{"secretId":"V","variableId":"V"},"":{"secretId":"-"}}`), []byte(``))
	f.Fuzz(func(t *testing.T, data, raw []byte) {
		moved, err := gotypes.FromPikku(data, fstest.MapFS{"S.schema.json": {Data: raw}})
		if err != nil {
			return
		}
		// Credentials are given names and ids beside each other and the secrets.
		set := &credentials.Set{Secrets: new(schema.Set)}
		for _, m := range moved.Secrets {
			schema.DeclareAt(set.Secrets, "", m.Variable, m.Spec)
		}
		for _, m := range moved.Credentials {
			if err := credentials.DeclareMeta(set, m).Check(); err != nil {
				t.Fatalf("%s was brought over, and can't be declared: %v", m.Name, err)
			}
		}
		source, err := gotypes.Source("x", nil, gotypes.WithCredentials(moved.Credentials))
		if err != nil {
			t.Fatalf("credentials were brought over, and can't be declared: %v", err)
		}
		checkSource(t, source)
		for _, m := range moved.Secrets { // each alone: two may have one name
			source, err := gotypes.Source("x", []schema.Meta{m})
			if err != nil {
				t.Fatalf("%s was brought over, and can't be declared: %v", m.ID, err)
			}
			checkSource(t, source)
		}
	})
}
