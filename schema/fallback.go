package schema

import (
	"reflect"

	"github.com/lukko-dev/lukko/core"
)

// makeDefault finds the value of a variable that is not set, and says what is
// wrong with it.
func (p *plan) makeDefault(d *definition) (fault string) {
	given := d.spec.Default
	switch {
	case !d.variable && given != "":
		return "a secret has no Default: its value would stand in the source"
	case !d.variable:
		return ""
	case given == "" && p.schema != nil:
		v, ok := defaultOf(p.schema.root)
		if !ok {
			return ""
		}
		if text, isText := v.(string); p.text && isText {
			given = text
		} else {
			given = string(write(v))
		}
	}
	if given == "" {
		return ""
	}
	if d.spec.AnyOf != "" || d.spec.OneOf != "" || len(d.spec.RequiredIn) > 0 {
		return "a variable with a default is never missing, so AnyOf, OneOf and RequiredIn are not for it"
	}
	if len(given) > core.MaxValueLen {
		return "the default is too long for a value"
	}
	fallback := core.String(given)
	tree, faults := p.decodeInto(fallback, reflect.New(d.typ).Interface())
	if len(faults) > 0 {
		where := ""
		if p.schema != nil {
			where = at(p.schema.shown(faults[0].path, tree))
		}
		return "the default is invalid" + where + ": " + faults[0].rule
	}
	p.fallback = fallback
	return ""
}
