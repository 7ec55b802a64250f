package gotypes_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
)

// invented makes JSON Schemas at random, each with a way to make documents
// that are valid by it.
type invented struct {
	r    *rand.Rand
	old  bool // draft 7
	defs map[string]any
	made map[string]sample
	want int // definitions that may still be made
}

// sample makes a document. It is false where it would be deeper than left.
type sample func(left int) (any, bool)

type object = map[string]any

// invent returns a schema, and documents.
func invent(r *rand.Rand) (schema any, doc sample) {
	in := &invented{r: r, old: r.IntN(5) == 0, defs: object{}, made: map[string]sample{}, want: r.IntN(4)}
	schema, doc = in.schema(3)
	root, ok := schema.(object)
	if !ok {
		return schema, doc
	}
	if in.old {
		root["$schema"] = "http://json-schema.org/draft-07/schema#"
	}
	if len(in.defs) > 0 {
		if _, ok := root["$ref"]; ok && in.old { // beside which draft 7 sees nothing
			root = object{"$schema": root["$schema"], "allOf": []any{object{"$ref": root["$ref"]}}}
		}
		root[in.keyword()] = in.defs
	}
	return root, doc
}

func (in *invented) keyword() string {
	if in.old {
		return "definitions"
	}
	return "$defs"
}

func (in *invented) odds(n int) bool { return in.r.IntN(n) == 0 }

func pick[T any](in *invented, from ...T) T { return from[in.r.IntN(len(from))] }

func (in *invented) schema(depth int) (any, sample) {
	kinds := []func(int) (any, sample){in.text, in.text, in.number, in.boolean, in.any, in.text, in.number}
	if depth > 0 {
		kinds = append(kinds, in.object, in.object, in.object, in.openObject, in.array, in.array, in.nullable, in.ref, in.union, in.both, in.groups, in.forms)
	}
	s, doc := pick(in, kinds...)(depth)
	if o, ok := s.(object); ok && in.odds(4) {
		if _, isRef := o["$ref"]; !isRef || !in.old {
			o["description"] = pick(in, "What it is.", "*/ }\n//go:embed x\n\n\tpackage y", "a\x00b\u2028c\u202e`d`", "- a\n- b\n\n1. c\n\n# D\n\n\tcode", "日本 \U0001F511 [x]: http://example.com")
		}
	}
	return s, doc
}

func always(values ...any) func(in *invented) sample {
	return func(in *invented) sample {
		return func(int) (any, bool) { return pick(in, values...), true }
	}
}

func (in *invented) text(int) (any, sample) {
	switch in.r.IntN(7) {
	case 0:
		return object{"enum": []any{"live", "test"}}, always("live", "test")(in)
	case 1:
		return object{"const": "sig`"}, always("sig`")(in)
	case 2:
		return object{"type": "string", "pattern": "^sk_`?[a-z]*$", "minLength": number(1)}, always("sk_a", "sk_`")(in)
	case 3:
		return object{"type": "string", "format": "date-time"}, always("2020-02-03T04:05:06Z")(in)
	case 4:
		return object{"anyOf": []any{object{"type": "string", "maxLength": number(3)}, object{"enum": []any{"other"}}}}, always("a", "other")(in)
	case 5:
		return object{"type": "string", "default": "x"}, always("x", "", "y")(in)
	}
	return object{"type": "string"}, always("", "a", "null", "12", "ü\x00\u2028🔑", "[REDACTED")(in)
}

func number(n any) json.Number { return json.Number(fmt.Sprint(n)) }

func (in *invented) number(int) (any, sample) {
	switch in.r.IntN(8) {
	case 0:
		return object{"type": "integer", "minimum": number(1), "maximum": number(65535)}, always(number(1), number("8.08e3"), number("80.0"))(in)
	case 1:
		return object{"type": "integer", "maximum": number("340282366920938463463374607431768211455")},
			always(number(0), number("340282366920938463463374607431768211455"), number("-99999999999999999999"))(in)
	case 2:
		return object{"type": "integer", "default": number(3)}, always(number(0), number(3), number(-7))(in)
	case 3:
		return object{"enum": []any{number(1), number(2), number("5.0")}}, always(number(1), number(5))(in)
	case 4:
		return object{"enum": []any{number("0.5"), number(2)}}, always(number("0.5"), number("2.0"))(in)
	case 5:
		return object{"type": "number", "exclusiveMinimum": number(0)}, always(number("0.25"), number("1e300"))(in)
	case 6:
		return object{"type": []any{"integer", "number"}}, always(number(0), number("-1.5"))(in)
	}
	if in.odds(2) {
		return object{"type": "number"}, always(number(0), number("-0"), number("1234567.8901"), number("12e2"))(in)
	}
	return object{"type": "integer"}, always(number(0), number("-0"), number("9223372036854775807"), number("12e2"))(in)
}

func (in *invented) boolean(int) (any, sample) {
	if in.odds(4) {
		return object{"const": true}, always(true)(in)
	}
	return object{"type": "boolean"}, always(true, false)(in)
}

// any is what no Go type but any holds.
func (in *invented) any(int) (any, sample) {
	values := always(nil, true, "a", number("12345678901234567890.5"), object{"b": []any{nil}}, []any{})(in)
	switch in.r.IntN(4) {
	case 0:
		return object{"type": []any{"string", "integer"}}, always("a", number(7), number("98765432109876543210"))(in)
	case 1:
		return object{"enum": []any{"a", number(1), nil}}, always("a", number(1), nil)(in)
	case 2:
		return object{"type": "null"}, always(nil)(in)
	}
	return pick[any](in, object{}, true, object{"not": object{"const": "never"}}), values
}

var memberNames = []string{
	"apiKey", "API_KEY", "api-key", "a", "A", "type", "2nd", "x-y", "ü", "a b", "id", "ID", "value", "世界", "json", "core", "String", "q%", "$x", "under_score",
	"apiKey2",
}

// awkward are names that no tag can hold.
var awkward = []string{"", "-", "a,b", "`", `"`, `\`, "'", "a\nb", "omitempty,"}

// members makes some properties.
func (in *invented) members(depth int) (properties object, required []any, doc sample) {
	properties = object{}
	samples := map[string]sample{}
	needed := map[string]bool{}
	for range 1 + in.r.IntN(5) {
		name := pick(in, memberNames...)
		if in.odds(60) {
			name = pick(in, awkward...)
		}
		if _, there := properties[name]; there {
			continue
		}
		properties[name], samples[name] = in.schema(depth - 1)
		if in.odds(2) {
			required, needed[name] = append(required, name), true
		}
	}
	return properties, required, func(left int) (any, bool) {
		o := object{}
		for _, name := range slices.Sorted(maps.Keys(samples)) { // in one order, so that a seed stands for one trial
			s := samples[name]
			if !needed[name] && (left <= 0 || in.odds(2)) {
				continue
			}
			v, ok := s(left - 1)
			if ok {
				o[name] = v
			} else if needed[name] {
				return nil, false
			}
		}
		return o, true
	}
}

func (in *invented) object(depth int) (any, sample) {
	properties, required, doc := in.members(depth)
	s := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	switch in.r.IntN(3) {
	case 0:
		s["additionalProperties"] = false
	case 1:
		s["additionalProperties"] = true
	}
	return s, doc
}

// openObject is an object whose names are not known.
func (in *invented) openObject(depth int) (any, sample) {
	of, value := in.schema(depth - 1)
	if o, ok := of.(object); !ok || len(o) == 0 || len(o) == 1 && o["description"] != nil {
		of, value = in.text(depth) // of anything: the names are allowed, and not declared
	}
	doc := func(left int) (any, bool) {
		o := object{}
		for range in.r.IntN(3) {
			if v, ok := value(left - 1); ok {
				o["x"+strconv.Itoa(in.r.IntN(9))] = v
			}
		}
		return o, true
	}
	switch in.r.IntN(4) {
	case 0:
		return object{"type": "object", "patternProperties": object{"^x": of}, "additionalProperties": false}, doc
	case 1:
		return object{"type": "object", "patternProperties": object{"^x": of}}, doc
	case 2:
		other, more := in.schema(depth - 1)
		return object{"type": "object", "properties": object{"y": other}, "additionalProperties": of}, func(left int) (any, bool) {
			o, _ := doc(left)
			if v, ok := more(left - 1); ok && in.odds(2) {
				o.(object)["y"] = v
			}
			return o, true
		}
	}
	return object{"type": "object", "additionalProperties": of}, doc
}

func (in *invented) array(depth int) (any, sample) {
	of, item := in.schema(depth - 1)
	if in.odds(4) {
		second, other := in.schema(depth - 1)
		s := object{"type": "array", "prefixItems": []any{of, second}, "items": pick[any](in, false, of)}
		if in.old {
			s = object{"type": "array", "items": []any{of, second}, "additionalItems": pick[any](in, false, of)}
		}
		return s, func(left int) (any, bool) {
			a, ok := item(left - 1)
			b, too := other(left - 1)
			return []any{a, b}, ok && too
		}
	}
	return object{"type": "array", "items": of}, func(left int) (any, bool) {
		a := []any{}
		for range in.r.IntN(3) {
			if v, ok := item(left - 1); ok && left > 0 {
				a = append(a, v)
			}
		}
		return a, true
	}
}

func (in *invented) nullable(depth int) (any, sample) {
	s, doc := in.schema(depth - 1)
	null := object{"type": "null"}
	forms := []any{s, null}
	if in.odds(2) {
		forms = []any{null, s}
	}
	return object{pick(in, "anyOf", "oneOf"): forms}, func(left int) (any, bool) {
		if in.odds(3) {
			return nil, true
		}
		v, ok := doc(left)
		if !ok {
			v = nil
		}
		return v, true
	}
}

// ref refers to a definition, or to the whole.
func (in *invented) ref(depth int) (any, sample) {
	if in.want > 0 {
		in.want--
		name := pick(in, "node", "API_KEY", "address/of~", "Ünit", "2") + strconv.Itoa(in.want)
		in.defs[name] = true // it may refer to itself
		in.made[name] = func(left int) (any, bool) { return nil, false }
		s, doc := in.schema(depth)
		if in.odds(2) {
			properties, required, members := in.members(depth)
			s, doc = object{"type": "object", "properties": properties, "required": append([]any{}, required...)}, members
		}
		in.defs[name], in.made[name] = s, doc
		return in.refTo(name)
	}
	var all []string
	for i := range 4 {
		for _, name := range []string{"node", "API_KEY", "address/of~", "Ünit", "2"} {
			if name += strconv.Itoa(i); in.defs[name] != nil {
				all = append(all, name)
			}
		}
	}
	if len(all) == 0 {
		return in.text(depth)
	}
	return in.refTo(pick(in, all...))
}

func (in *invented) refTo(name string) (any, sample) {
	pointer := map[byte]string{'a': "address~1of~0", 195: "%C3%9Cnit"}[name[0]]
	if pointer == "" {
		pointer = name
	} else {
		pointer += name[len(name)-1:]
	}
	return object{"$ref": "#/" + in.keyword() + "/" + pointer}, func(left int) (any, bool) {
		if left <= 0 {
			return nil, false
		}
		return in.made[name](left - 1)
	}
}

// union is one of several objects, told by a member.
func (in *invented) union(depth int) (any, sample) {
	var forms []any
	var docs []sample
	for i := range 2 + in.r.IntN(2) {
		properties, required, doc := in.members(depth - 1)
		kind := "k" + strconv.Itoa(i)
		delete(properties, "kind")
		properties["kind"] = object{"const": kind}
		forms = append(forms, object{
			"type": "object", "properties": properties, "required": append(required, "kind"), "additionalProperties": false,
		})
		docs = append(docs, func(left int) (any, bool) {
			v, ok := doc(left)
			if ok {
				v.(object)["kind"] = kind
			}
			return v, ok
		})
	}
	return object{pick(in, "anyOf", "oneOf"): forms}, func(left int) (any, bool) { return docs[in.r.IntN(len(docs))](left) }
}

// both is two schemas at once.
func (in *invented) both(depth int) (any, sample) {
	s, doc := in.object(depth)
	delete(s.(object), "additionalProperties")
	first := s
	if in.odds(2) {
		first, doc = in.ref(depth)
	}
	return object{"allOf": []any{first, object{"description": "x"}, object{"minProperties": number(0)}}}, doc
}

// groups are members of which some must be there.
func (in *invented) groups(depth int) (any, sample) {
	properties, _, doc := in.members(depth)
	var forms []any
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		forms = append(forms, object{"required": []any{name}})
	}
	return object{"type": "object", "properties": properties, "anyOf": forms}, doc
}

// forms say more of a member under a condition.
func (in *invented) forms(depth int) (any, sample) {
	s, doc := in.object(depth)
	o := s.(object)
	delete(o, "additionalProperties")
	o["if"] = object{"required": []any{"a"}}
	o["then"] = object{"properties": object{"extra": object{"type": "string"}}}
	return o, doc
}
