package gotypes_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/generate/gotypes"
	"github.com/lukko-dev/lukko/schema"
)

// chosenCases are schemas that were got wrong once, or are easily got wrong,
// each with a document. They are tested with those made at random.
var chosenCases = []struct{ schema, doc string }{
	// Structs that hold each other, which Go must not hold by value.
	{
		`{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"b":{"$ref":"#/$defs/b"}},"required":["b"]},` +
			`"b":{"type":"object","properties":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]},"c":{"$ref":"#/$defs/a"}},"required":["a"]}}}`,
		`{"b":{"a":null,"c":{"b":{"a":null}}}}`,
	},
	{`{"type":"object","properties":{"self":{"$ref":"#"}},"required":["self"]}`, ``},
	{`{"type":"array","items":{"$ref":"#"}}`, `[[],[[]]]`},
	{`{"type":"object","additionalProperties":{"$ref":"#"}}`, `{"a":{"b":{}}}`},
	// An empty text where there is a default that is filled in, or may be.
	{`{"type":"array","prefixItems":[{"type":"object","properties":{"a":{"type":"string","default":"x"}}},{"type":"object","properties":{"b":{"type":"string"}}}]` +
		`,"items":false}`, `[{"a":""},{"b":"c"}]`},
	{`{"type":"object","properties":{"n":{"anyOf":[{"type":"object","properties":{"a":{"type":"integer","default":3}}},{"type":"null"}]}}}`, `{"n":{}}`},
	{`{"type":"object","properties":{"a":{"type":"integer","default":3},"b":{"type":["integer","null"],"default":null}}}`, `{"a":0}`},
	// A form that says nothing of its members beside one that does.
	{`{"type":"object","properties":{"x":{"oneOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false},` +
		`{"type":"object","not":{"required":["a"]}}]}}}`, `{"x":{"b":[1]}}`},
	// A $ref makes its siblings void, or does not.
	{
		`{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"$ref":"#/definitions/n","type":"string"}},"definitions":{"n":{"type":"integer"}}}`,
		`{"a":5}`,
	},
	{`{"type":"object","properties":{"a":{"$ref":"#/$defs/n","minLength":1}},"$defs":{"n":{"type":"string"}}}`, `{"a":"b"}`},
	// References that are not from the root, or not by a pointer.
	{`{"type":"object","properties":{"x":{"$id":"https://example.com/x","$ref":"#/$defs/n","$defs":{"n":{"type":"integer"}}}},"$defs":{"n":{"type":"string"}}}`, `{"x":5}`},
	{`{"type":"object","properties":{"x":{"$ref":"#n"}},"$defs":{"a":{"$anchor":"n","type":"integer"}}}`, `{"x":5}`},
	// Digits that a float64 has not.
	{`{"type":"object","properties":{"a":{"type":"number","maximum":18446744073709551615}}}`, `{"a":18446744073709551615}`},
	{
		`{"type":"object","properties":{"a":{"type":"integer","maximum":18446744073709551615},"b":{"type":"integer","maximum":18446744073709551615}}}`,
		`{"a":18446744073709551615}`,
	},
	// Names that only a condition speaks of, and one that nothing describes.
	{`{"type":"object","properties":{"a":{"type":"string"}},"required":["z"],"if":{"required":["a"]},"then":{"properties":{"b":{"type":"boolean"}}},` +
		`"dependentSchemas":{"b":{"properties":{"c":{"type":"integer"}}}}}`, `{"a":"x","b":false,"c":0,"z":{"y":1}}`},
	// What prints as something else than it is.
	{`{"type":"object","description":"\u202e\u2066","properties":{"a":{"enum":["\u202e` + "`" + `\u0000\ud83d\udd11"]}}}`, `{"a":"\u202e` + "`" + `\u0000🔑"}`},
}

func chosen(t *testing.T) (metas []schema.Meta, trips []trip, wanted []any) {
	t.Helper()
	for i, c := range chosenCases {
		id := "CHOSEN_" + strconv.Itoa(i)
		spec := schema.Spec{ID: id, Name: "case.chosen." + strconv.Itoa(i), Schema: []byte(c.schema)}
		metas = append(metas, schema.Meta{Spec: spec})
		if c.doc == "" {
			continue // no document can be valid
		}
		want, err := schema.DeclareIn[any](new(schema.Set), spec).Get(t.Context(), memory.With(map[string]string{id: c.doc}))
		if err != nil {
			t.Fatalf("%v\n%s", err, c.schema)
		}
		trips, wanted = append(trips, trip{ID: id, Doc: c.doc}), append(wanted, want)
	}
	return metas, trips, wanted
}

// A list of itself is one of anything, and not one of lists of lists.
func TestAListOfItselfIsAListOfAnything(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`{"type":"array","items":{"$ref":"#"}}`:                 "schema.Declare[[]any](",
		`{"type":"object","additionalProperties":{"$ref":"#"}}`: "schema.Declare[map[string]any](",
	} {
		source, err := gotypes.Source("x", []schema.Meta{{Spec: schema.Spec{ID: "A", Schema: []byte(raw)}}})
		if err != nil || !strings.Contains(string(source), want) {
			t.Errorf("it is not %s: %v\n%s", want, err, source)
		}
	}
}
