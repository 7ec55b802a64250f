package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

type (
	embedsValue struct {
		core.Value
		Other string `json:"other"`
	}
	embedsValuePointer struct {
		*core.Value
	}
	nestedEmbedding struct {
		Inner []map[string]embedsValue `json:"inner"`
	}
	twoFieldsOneName struct {
		A string
		B string `json:"A"`
	}
	base     struct{ ID string }
	shadowed struct {
		base
		ID string
	}
	allHidden    struct{ _ string }
	inlineOption struct {
		A base `json:"a,inline"`
	}
	quotedString struct {
		A string `json:"a,string"`
	}
	ring     *ring
	embedsA  struct{ *EmbedsB }
	EmbedsB  struct{ *embedsC }
	embedsC  struct{ *EmbedsB }
	listOf   []listOf
	mapOf    map[string]mapOf
	treeNode struct {
		Name  string      `json:"name"`
		Left  *treeNode   `json:"left,omitempty"`
		Right *treeNode   `json:"right,omitempty"`
		More  []*treeNode `json:"more,omitempty"`
	}
	embedsPointerToHidden struct{ *base }
	unknownTag            struct {
		A core.Value `json:"a" jsonschema:"patern=^sk_"`
	}
	commaInPattern struct {
		A core.Value `json:"a" jsonschema:"pattern=^[a-z]{1,3}$"`
	}
	tagThatDoesNotFit struct {
		A int `json:"a" jsonschema:"pattern=^sk_"`
	}
	tagThatIsNoNumber struct {
		A string `json:"a" jsonschema:"minLength=ten"`
	}
	badPattern struct {
		A string `json:"a" jsonschema:"pattern=("`
	}
	badDefault struct {
		A string `json:"a" jsonschema:"minLength=5,default=x"`
	}
)

// describer panics while its schema is inferred.
type describer struct{ A string }

func (describer) JSONSchemaAlias() any { panic("sk_canary") }

func doubling(n int) string {
	var b strings.Builder
	b.WriteString(`{"type":"object","$ref":"#/$defs/d0","$defs":{`)
	for i := range n {
		fmt.Fprintf(&b, `"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `"d%d":{"type":"object"}}}`, n)
	return b.String()
}

func doublingProperties(n int) string {
	var b strings.Builder
	b.WriteString(`{"type":"object","$ref":"#/$defs/d0","$defs":{`)
	for i := range n {
		fmt.Fprintf(&b, `"d%d":{"properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%d"}}},`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, `"d%d":{"type":"object"}}}`, n)
	return b.String()
}

// declarer declares in a set, so that tables can hold declarations of many
// types.
type declarer func(*schema.Set, schema.Spec) schema.Declared

func as[T any](set *schema.Set, spec schema.Spec) schema.Declared {
	return schema.DeclareIn[T](set, spec)
}

func variable[T any](set *schema.Set, spec schema.Spec) schema.Declared {
	return schema.DeclareVariableIn[T](set, spec)
}

func TestAWrongDeclarationIsAnErrorAndNeverAPanic(t *testing.T) {
	t.Parallel()
	raw := func(s string) schema.Spec { return schema.Spec{ID: "ID", Schema: json.RawMessage(s)} }
	id := schema.Spec{ID: "ID"}
	for name, test := range map[string]struct {
		declare declarer
		spec    schema.Spec
		says    string
	}{
		"an embedded Value":                       {as[embedsValue], id, "embedded core.Value"},
		"an embedded pointer to a Value":          {as[embedsValuePointer], id, "embedded core.Value"},
		"an embedded Value within":                {as[nestedEmbedding], id, "embedded core.Value"},
		"two fields of one name":                  {as[twoFieldsOneName], id, "same JSON name"},
		"a field that shadows another":            {as[shadowed], id, "same JSON name"},
		"no exported field":                       {as[allHidden], id, "no field that encoding/json sees"},
		"the json option inline":                  {as[inlineOption], id, "option that encoding/json does not know"},
		"the json option string on a string":      {as[quotedString], id, "numbers and bools"},
		"an embedded pointer that is hidden":      {as[embedsPointerToHidden], id, "not exported"},
		"a pointer to itself":                     {as[ring], id, "pointer to itself"},
		"a struct that embeds itself":             {as[embedsA], id, "embed"},
		"a channel":                               {as[chan int], id, "chan"},
		"a func":                                  {as[func()], id, "func"},
		"a complex number":                        {as[complex128], id, "complex128"},
		"a field with a method set":               {as[struct{ R fmt.Stringer }], id, "interface"},
		"a map with keys that are no text":        {as[map[float64]string], id, "keys"},
		"a url.URL":                               {as[struct{ U url.URL }], id, "format=uri"},
		"a type whose schema panics":              {as[describer], id, "can't be inferred"},
		"a jsonschema keyword that is unknown":    {as[unknownTag], id, "unknown"},
		"a comma in a pattern":                    {as[commaInPattern], id, "comma"},
		"a keyword that does not fit":             {as[tagThatDoesNotFit], id, "does not fit"},
		"a keyword that is no number":             {as[tagThatIsNoNumber], id, "whole number"},
		"a pattern that does not compile":         {as[badPattern], id, "the schema is wrong"},
		"a default that is not allowed":           {as[badDefault], id, "the default at /properties/a"},
		"a variable of a Value":                   {variable[core.Value], id, "variable"},
		"a variable with a Value in it":           {variable[StripeCredentials], id, "variable"},
		"no id":                                   {as[string], schema.Spec{Name: "x"}, "the id is empty"},
		"an id that is none":                      {as[string], schema.Spec{ID: "a b"}, "the id"},
		"a name that is none":                     {as[string], schema.Spec{ID: "ID", Name: "my key"}, "a name is"},
		"a negative rotation period":              {as[string], schema.Spec{ID: "ID", RotationPeriod: -time.Second}, "negative"},
		"a DocsURL that is no web page":           {as[string], schema.Spec{ID: "ID", DocsURL: "javascript:alert(1)"}, "DocsURL"},
		"a schema that is no JSON":                {as[base], raw(`{`), "no JSON"},
		"a schema with a repeated keyword":        {as[base], raw(`{"type":"object","type":"string"}`), "twice"},
		"a schema that is a list":                 {as[base], raw(`[]`), "JSON object"},
		"a type that does not exist":              {as[base], raw(`{"type":"strin"}`), "the schema is wrong at /type"},
		"a pattern that is no regular expression": {as[string], raw(`{"type":"string","pattern":"["}`), "the schema is wrong"},
		"a remote $ref":                           {as[base], raw(`{"$ref":"https://example.com/schema.json"}`), "leads out"},
		"a remote $ref within":                    {as[base], raw(`{"properties":{"a":{"$ref":"http://example.com/a"}}}`), "leads out"},
		"a $ref to a file":                        {as[base], raw(`{"$ref":"file:///etc/passwd"}`), "leads out"},
		"a remote $schema":                        {as[base], raw(`{"$schema":"https://example.com/meta"}`), "leads out"},
		"a $ref to nothing":                       {as[base], raw(`{"$ref":"#/$defs/missing"}`), "resolve"},
		"a $ref to itself":                        {as[base], raw(`{"$ref":"#"}`), "without end"},
		"a $dynamicRef":                           {as[base], raw(`{"$dynamicAnchor":"n","properties":{"a":{"$dynamicRef":"#n"}}}`), "$dynamicRef"},
		"a schema that explodes":                  {as[base], raw(doubling(30)), "explodes"},
		"a schema that explodes in its members":   {as[base], raw(doublingProperties(40)), "explodes"},
		"a schema that is too large":              {as[base], raw(`{"title":"` + strings.Repeat("x", schema.MaxSchemaLen) + `"}`), "bytes"},
		"a number that explodes":                  {as[int], raw(`{"type":"integer","maximum":1e999999999}`), "exponent"},
		"a default without end":                   {as[base], raw(`{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"c":{"$ref":"#/$defs/n","default":{}}}}}}`), "without end"},
		"bytes whose schema lacks a type":         {as[core.Value], raw(`{"properties":{"a":{}}}`), `lacks its "type"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var set schema.Set
			start := time.Now()
			d := test.declare(&set, test.spec)
			svc := newFake(map[string]string{"ID": `{}`}).service()
			_, statusErr := schema.Status(context.Background(), svc, d)
			_, loadErr := schema.Load(context.Background(), svc, d)
			for use, err := range map[string]error{
				"Check": d.Check(), "Set.Check": set.Check(), "Validate": d.Validate(core.String("{}")),
				"Status": statusErr, "Load": loadErr,
			} {
				if !errors.Is(err, schema.ErrDeclaration) {
					t.Fatalf("%s: got %v, want ErrDeclaration", use, err)
				}
				if text := err.Error(); !strings.Contains(text, test.says) || !strings.Contains(text, "declaration_test.go:") {
					t.Errorf("%s: %q does not say %q and the place", use, text, test.says)
				}
				if strings.Contains(err.Error(), "canary") {
					t.Errorf("%s repeats a panic's text", use)
				}
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if string(d.Meta().Schema) != "" {
				t.Error("the metadata of a wrong declaration has a schema")
			}
		})
	}
}

func TestATypeMayHoldItself(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]schema.Declared{
		"a list":   declare[listOf](schema.Spec{ID: "ID"}),
		"a map":    declare[mapOf](schema.Spec{ID: "ID"}),
		"a struct": declare[treeNode](schema.Spec{ID: "ID"}),
	} {
		if err := d.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	d := declare[treeNode](schema.Spec{ID: "ID"})
	got := problems(t, d.Validate(core.String(`{"name":"a","left":{"name":"b","right":{"name":1}},"more":[{},{"name":"c"}]}`)))
	if len(got) != 2 || got[0].Pointer != "/left/right/name" || got[1].Pointer != "/more/0/name" {
		t.Errorf("got %v", got)
	}
}

func TestEveryUseOfAWrongDeclarationIsAnErrorBeforeAnyCall(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := declare[embedsValue](schema.Spec{ID: "ID"})
	f := newFake(nil)
	svc := f.service()
	_, getErr := d.Get(ctx, svc)
	_, _, lookupErr := d.Lookup(ctx, svc)
	_, bindErr := d.Bind(ctx, svc)
	report, statusErr := d.Status(ctx, svc)
	for use, err := range map[string]error{
		"Get": getErr, "Lookup": lookupErr, "Bind": bindErr, "Status": statusErr,
		"Set":    d.Set(ctx, svc, embedsValue{}),
		"Update": d.Update(ctx, svc, func(*embedsValue) error { t.Error("Update calls its function"); return nil }),
	} {
		if !errors.Is(err, schema.ErrDeclaration) {
			t.Errorf("%s: got %v, want ErrDeclaration", use, err)
		}
	}
	if report.State != schema.StateWrong {
		t.Errorf("the state is %q", report.State)
	}
	if f.gets+f.batches+f.writes > 0 {
		t.Error("the service was called")
	}
}

func TestOneIDHasOneDeclaration(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first, second declarer
		a, b          schema.Spec
		says          string // empty: it is fine
	}{
		"the same schema twice": {as[StripeCredentials], as[StripeCredentials], schema.Spec{Name: "a", ID: "ID"}, schema.Spec{Name: "b", ID: "ID"}, ""},
		"the same declaration twice": {
			as[StripeCredentials], as[StripeCredentials],
			schema.Spec{Name: "a", ID: "ID"},
			schema.Spec{Name: "a", ID: "ID"},
			"",
		},
		"the same schema written in another way": {
			as[StripeCredentials], as[StripeCredentials],
			schema.Spec{ID: "ID", Schema: json.RawMessage(`{"type":"object","required":["apiKey"]}`)},
			schema.Spec{ID: "ID", Schema: json.RawMessage(`{ "required": ["apiKey"], "type": "object" }`)},
			"",
		},
		"two schemas":           {as[StripeCredentials], as[base], schema.Spec{ID: "ID"}, schema.Spec{ID: "ID"}, "two schemas"},
		"text and document":     {as[string], as[base], schema.Spec{ID: "ID"}, schema.Spec{ID: "ID"}, "two schemas"},
		"secret and variable":   {as[string], variable[string], schema.Spec{ID: "ID"}, schema.Spec{ID: "ID"}, "secret and as a variable"},
		"one name for two ids":  {as[string], as[string], schema.Spec{Name: "n", ID: "A"}, schema.Spec{Name: "n", ID: "B"}, "name stands for two ids"},
		"two names for one id":  {as[string], as[string], schema.Spec{Name: "n", ID: "A"}, schema.Spec{Name: "m", ID: "A"}, ""},
		"two ids and two names": {as[string], as[string], schema.Spec{ID: "A"}, schema.Spec{ID: "B"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var set schema.Set
			first := test.first(&set, test.a)
			if err := first.Check(); err != nil {
				t.Fatalf("the first one alone is wrong: %v", err)
			}
			second := test.second(&set, test.b)
			for who, err := range map[string]error{"the first": first.Check(), "the second": second.Check(), "the set": set.Check()} {
				if test.says == "" {
					if err != nil {
						t.Errorf("%s: %v", who, err)
					}
					continue
				}
				if !errors.Is(err, schema.ErrDeclaration) {
					t.Fatalf("%s: got %v, want ErrDeclaration", who, err)
				}
				text := err.Error()
				for _, want := range []string{test.says, first.Meta().Place, second.Meta().Place} {
					if !strings.Contains(text, want) {
						t.Errorf("%s: %q does not contain %q", who, text, want)
					}
				}
			}
		})
	}
}

func TestASetChecksAllAtOnce(t *testing.T) {
	t.Parallel()
	var set schema.Set
	schema.DeclareIn[embedsValue](&set, schema.Spec{ID: "FIRST"})
	schema.DeclareIn[string](&set, schema.Spec{ID: "FINE"})
	schema.DeclareIn[chan int](&set, schema.Spec{ID: "SECOND"})
	got := problems(t, set.Check())
	if len(got) != 2 || got[0].ID != "FIRST" || got[1].ID != "SECOND" {
		t.Errorf("got %v", got)
	}
}

var defaultSecret = schema.Declare[string](schema.Spec{Name: "test", ID: "SCHEMA_TEST_DEFAULT"})

var defaultVariable = schema.DeclareVariable[int](schema.Spec{ID: "SCHEMA_TEST_VARIABLE"})

func TestMetadataIsThereForTools(t *testing.T) {
	t.Parallel()
	m := defaultSecret.Meta()
	if m.Name != "test" || m.ID != "SCHEMA_TEST_DEFAULT" || m.Variable || !m.Text || m.Type != "string" || len(m.Warnings) != 0 {
		t.Errorf("got %+v", m)
	}
	if !strings.HasPrefix(m.Place, "schema/declaration_test.go:") {
		t.Errorf("the place is %q", m.Place)
	}
	v := defaultVariable.Meta()
	if v.Name != v.ID || !v.Variable || v.Text || !strings.Contains(string(v.Schema), `"integer"`) {
		t.Errorf("got %+v with schema %s", v, v.Schema)
	}
	found, ok := schema.Default.ByID("SCHEMA_TEST_DEFAULT")
	if !ok || found != schema.Declared(defaultSecret) {
		t.Error("the default set does not find it by its id")
	}
	if found, ok = schema.Default.ByName("test"); !ok || found != schema.Declared(defaultSecret) {
		t.Error("the default set does not find it by its name")
	}
	if _, ok = schema.Default.ByID("NOT_THERE"); ok {
		t.Error("the set finds what is not there")
	}
	var set schema.Set
	spec := schema.Spec{
		Name: "db", ID: "DB", DisplayName: "Database", Description: "the main one", DocsURL: "https://example.com",
		Optional: true, RotationPeriod: time.Hour, Schema: json.RawMessage(`{"type":"string", "minLength":3}`),
	}
	by := schema.DeclareAt(&set, "lukko.yaml:12", false, spec)
	m = by.Meta()
	if m.Place != "lukko.yaml:12" || m.DisplayName != "Database" || m.Description != "the main one" || m.DocsURL != "https://example.com" ||
		!m.Optional || m.RotationPeriod != time.Hour || !m.Text || string(m.Schema) != `{"minLength":3,"type":"string"}` {
		t.Errorf("got %+v with schema %s", m, m.Schema)
	}
	m.Schema[0] = 'x'
	spec.Schema[0] = 'x'
	if string(by.Meta().Schema) != `{"minLength":3,"type":"string"}` {
		t.Error("a caller's change of a schema reaches the declaration")
	}
	var ids []string
	for d := range set.All() {
		ids = append(ids, d.Meta().ID)
	}
	if len(ids) != 1 || ids[0] != "DB" {
		t.Errorf("the set yields %v", ids)
	}
}

func TestAnIDThatIsNotPortableIsAWarning(t *testing.T) {
	t.Parallel()
	d := declare[string](schema.Spec{ID: "shop/stripe"})
	if w := d.Meta().Warnings; len(w) != 1 || !strings.Contains(w[0], "not portable") {
		t.Errorf("got %v", w)
	}
	if err := d.Check(); err != nil {
		t.Errorf("it is an error: %v", err)
	}
	f := newFake(nil)
	f.fail("shop/stripe", core.ErrInvalidID)
	_, err := d.Get(context.Background(), f.service())
	if !errors.Is(err, core.ErrInvalidID) || !strings.Contains(err.Error(), "not portable") {
		t.Errorf("a backend that can't hold it: %v", err)
	}
}

func TestValidateNeedsNoGoType(t *testing.T) {
	t.Parallel()
	var set schema.Set
	schema.DeclareAt(&set, "lukko.yaml:1", false, schema.Spec{ID: "DOC", Schema: json.RawMessage(`{"type":"object","required":["a"]}`)})
	schema.DeclareAt(&set, "lukko.yaml:2", false, schema.Spec{ID: "TEXT", Schema: json.RawMessage(`{"type":"string","pattern":"^sk_"}`)})
	schema.DeclareAt(&set, "lukko.yaml:3", false, schema.Spec{ID: "ANY"})
	schema.DeclareAt(&set, "lukko.yaml:4", true, schema.Spec{ID: "PORT", Schema: json.RawMessage(`{"type":"integer"}`)})
	for name, test := range map[string]struct {
		id, value string
		valid     bool
	}{
		"a document":                {"DOC", `{"a":1}`, true},
		"a document that lacks":     {"DOC", `{}`, false},
		"no document":               {"DOC", `a`, false},
		"a text":                    {"TEXT", `sk_1`, true},
		"a text in quotes":          {"TEXT", `"sk_1"`, false},
		"another text":              {"TEXT", `pk_1`, false},
		"bytes that are no UTF-8":   {"ANY", "\xff\x00", true},
		"text that is no UTF-8":     {"TEXT", "sk_\xff", false},
		"a number":                  {"PORT", `5432`, true},
		"a number that is a string": {"PORT", `"5432"`, false},
		"nothing":                   {"ANY", ``, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, ok := set.ByID(test.id)
			if !ok {
				t.Fatal("it is not declared")
			}
			err := d.Validate(core.String(test.value))
			if test.valid != (err == nil) {
				t.Fatalf("got %v", err)
			}
			if err != nil && !errors.Is(err, core.ErrInvalidValue) {
				t.Errorf("%v does not match ErrInvalidValue", err)
			}
		})
	}
}
