package gotypes

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate/internal/names"
	"github.com/lukko-dev/lukko/schema"
)

// declaration is one variable of the file.
type declaration struct {
	schema.Meta
	goName   string // of the variable
	fallback string // the default that its schema does not say by itself
	asStored bool   // a core.Value can be declared with its schema, and is a document
	key      bool   // it is the key of a credential
}

// prepare checks the metas and puts them into order.
func prepare(metas []schema.Meta) ([]*declaration, error) {
	var decls []*declaration
	var wrong []string
	for _, m := range metas {
		d, faults := check(m)
		for _, f := range faults {
			wrong = append(wrong, called(m)+": "+f)
		}
		if len(faults) == 0 {
			decls = append(decls, d)
		}
	}
	sorted(decls)
	var kept []*declaration
next:
	for _, d := range decls {
		for _, other := range kept {
			switch what := conflict(other, d); what {
			case "":
			case again:
				continue next
			default:
				wrong = append(wrong, called(other.Meta)+" and "+called(d.Meta)+": "+what)
			}
		}
		kept = append(kept, d)
	}
	if len(wrong) > 0 {
		return nil, errors.New(strings.Join(wrong, "\n"))
	}
	return kept, nil
}

// called names a declaration in an error.
func called(m schema.Meta) string {
	name := m.Name
	if name == "" || core.CheckID(name) != nil {
		name = "a declaration"
	}
	if m.Place != "" {
		name = m.Place + ": " + name
	}
	return core.Printable(name)
}

// again is no conflict, but the same declaration another time.
const again = "again"

// conflict says why a and b can't be declared in one package.
func conflict(a, b *declaration) string {
	switch {
	case a.ID == b.ID && a.Variable != b.Variable:
		return "the id is declared as a secret and as a variable"
	case a.ID == b.ID && (a.Text != b.Text || !bytes.Equal(a.Schema, b.Schema)):
		return "the id is declared with two schemas"
	case a.Name == b.Name && a.ID == b.ID:
		return again
	case a.Name == b.Name:
		return "the name stands for two ids"
	case a.goName == b.goName:
		return "both names are " + a.goName + " in Go; rename one of them"
	}
	return ""
}

// check declares a meta, as the file that is made will, and returns what
// schema knows of it.
func check(m schema.Meta) (*declaration, []string) {
	spec := m.Spec
	spec.Default = ""
	text, err := declared(m.Variable, true, spec)
	asStored := err == nil && !text.Text
	var document schema.Meta
	if len(spec.Schema) == 0 || m.Text && text.Text {
		document = text
	} else {
		document, err = declared(m.Variable, false, spec)
	}
	d := &declaration{Meta: document, goName: names.Exported(document.Name), asStored: asStored}
	d.Type, d.Place = m.Type, m.Place
	if err == nil && m.Default != document.Default {
		d.fallback, spec.Default = m.Default, m.Default
		_, err = declared(m.Variable, document.Text, spec)
	}
	var refused *schema.Error
	if !errors.As(err, &refused) {
		return d, nil
	}
	var faults []string
	for _, p := range refused.Problems {
		faults = append(faults, p.Detail)
	}
	return nil, slices.Compact(faults)
}

// declared declares a spec, with its values handed out as they are stored or
// as any JSON.
func declared(variable, asStored bool, spec schema.Spec) (schema.Meta, error) {
	var d schema.Declared
	set := new(schema.Set)
	switch {
	case variable && asStored:
		d = schema.DeclareVariableIn[string](set, spec)
	case variable:
		d = schema.DeclareVariableIn[any](set, spec)
	case asStored:
		d = schema.DeclareIn[core.Value](set, spec)
	default:
		d = schema.DeclareIn[any](set, spec)
	}
	return d.Meta(), d.Check()
}
