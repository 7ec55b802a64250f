package schema

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// tagKinds says for each keyword of a jsonschema tag which types of JSON it
// is for: the reflector drops what it does not know or can't place without a
// word, and with it the check that somebody relies on. "" is any.
var tagKinds = map[string]string{
	"title": "", "description": "", "type": "", "anchor": "",
	"oneof_required": "", "anyof_required": "", "oneof_ref": "", "anyof_ref": "", "oneof_type": "", "anyof_type": "",
	"default": "string number boolean array", "example": "string number array", "enum": "string number array",
	"minLength": "string array", "maxLength": "string array", "pattern": "string array", "format": "string array",
	"readOnly": "string array", "writeOnly": "string array",
	"multipleOf": "number array", "minimum": "number array", "maximum": "number array",
	"exclusiveMinimum": "number array", "exclusiveMaximum": "number array",
	"minItems": "array", "maxItems": "array", "uniqueItems": "array",
}

// tagFault says which jsonschema tag of a type would be dropped; empty if
// none.
func tagFault(t reflect.Type, seen map[reflect.Type]bool) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		if seen[t] {
			return "" // a list of itself
		}
		seen[t] = true
		t = t.Elem()
	}
	if seen[t] || t.Kind() != reflect.Struct || t == valueType || decodesItself(t) {
		return ""
	}
	seen[t] = true
	for _, one := range fieldsOf(t).list {
		sf := t.FieldByIndex(one.index)
		for _, tag := range splitTag(sf.Tag.Get("jsonschema")) {
			if fault := oneTagFault(tag, sf.Type); fault != "" {
				return "field " + t.Name() + "." + sf.Name + ": " + fault
			}
		}
		if fault := tagFault(one.typ, seen); fault != "" {
			return fault
		}
	}
	return ""
}

func oneTagFault(tag string, t reflect.Type) string {
	name, text, ok := strings.Cut(tag, "=")
	if !ok {
		if tag == "" || tag == "-" || tag == "required" || tag == "nullable" {
			return ""
		}
		return "its jsonschema tag has a keyword that is unknown or lacks =; in a pattern a comma is written \\\\,"
	}
	kinds, known := tagKinds[name]
	if !known {
		return "its jsonschema tag has a keyword that is unknown; use Spec.Schema for what tags can't say"
	}
	kind := tagKind(t)
	if kinds == "" || kind == "" {
		return ""
	}
	if !slices.Contains(strings.Fields(kinds), kind) {
		return "the jsonschema keyword " + name + " does not fit its type"
	}
	switch name {
	case "minLength", "maxLength", "minItems", "maxItems":
		if _, err := strconv.ParseUint(text, 10, 63); err != nil {
			return "the jsonschema keyword " + name + " is a whole number"
		}
	case "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		if !isNumber(text) {
			return "the jsonschema keyword " + name + " is a number"
		}
	case "default", "enum", "example":
		if kind == "number" && !isNumber(text) || kind == "boolean" && text != "true" && text != "false" {
			return "the jsonschema keyword " + name + " is a " + kind
		}
	}
	return ""
}

// tagKind is the type of JSON whose keywords a tag on a t may hold; "object"
// where tags reach none, and empty where nothing can be said.
func tagKind(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Implements(describesItselfType), t.Implements(aliasType), t.Kind() == reflect.Interface:
		return ""
	case t == timeType, t == valueType:
		return "string"
	}
	if s := mapped(t); s != nil {
		if s.Type == "integer" {
			return "number"
		}
		return s.Type
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Struct, reflect.Map:
		return "object"
	default:
		return "number"
	}
}

// splitTag splits a tag at its commas, but for those after a backslash.
func splitTag(tag string) []string {
	const escaped = "\x00"
	parts := strings.Split(strings.ReplaceAll(tag, `\,`, escaped), ",")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], escaped, ",")
	}
	return parts
}
