package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
)

// plan is how the values of a declaration are validated and decoded. It is
// made once.
type plan struct {
	plain  bool      // the Go type is the stored bytes as they are
	text   bool      // what is validated is one string, not a document
	schema *compiled // nil: any bytes are valid

	fallback  core.Value // of a variable that is not set; zero if it has none
	generator *generator // nil if no value can be made
}

func (p *plan) schemaJSON() []byte {
	if p.schema == nil {
		return nil
	}
	return p.schema.canonical
}

// prepare makes the plan at first use, and finds what is wrong with the
// declaration alone.
func (d *definition) prepare() (*plan, []Problem) {
	d.once.Do(func() {
		p, details := d.makePlan()
		for _, detail := range details {
			d.own = append(d.own, d.wrong(detail))
		}
		if len(d.own) == 0 {
			d.plan = p
		}
	})
	return d.plan, d.own
}

func (d *definition) makePlan() (p *plan, wrong []string) {
	defer func() {
		if recover() != nil { // a method of the type that describes its schema
			wrong = append(wrong, "the schema of the Go type can't be inferred")
		}
	}()
	var invalid *core.Error
	if errors.As(core.CheckID(d.spec.ID), &invalid) {
		wrong = append(wrong, invalid.Hint)
	}
	if d.spec.Name != d.spec.ID && !isName(d.spec.Name) {
		wrong = append(wrong, `a name is letters, digits, "_", "-" and ".", beginning with a letter`)
	}
	if d.spec.RotationPeriod < 0 {
		wrong = append(wrong, "the rotation period is negative")
	}
	wrong = append(wrong, d.spec.requirementFaults()...)
	if u := d.spec.DocsURL; u != "" && !strings.HasPrefix(u, "https://") && !strings.HasPrefix(u, "http://") {
		wrong = append(wrong, "DocsURL begins with https:// or http://")
	}
	// One written by hand is a core.Value since that is how it is handed out.
	if fault := typeFault(d.typ, d.variable && !d.hand); fault != "" {
		return nil, append(wrong, fault)
	}
	p = &plan{plain: isPlain(d.typ)}
	raw := []byte(d.spec.Schema)
	if len(raw) == 0 && !p.plain {
		var fault string
		if raw, fault = infer(d.typ); fault != "" {
			return nil, append(wrong, fault)
		}
	}
	if len(raw) > 0 {
		var fault string
		if p.schema, fault = compile(raw); fault != "" {
			return nil, append(wrong, fault)
		}
	}
	switch {
	case !p.plain, d.form == formDocument:
	case p.schema == nil, d.form == formText, slices.Contains(p.schema.types, "string"):
		p.text = true
	case len(p.schema.types) > 0:
	case p.schema.ofText:
		p.text = true
	default:
		wrong = append(wrong, `the schema lacks its "type", which says whether the stored bytes are a text ("string") or a JSON document`)
	}
	if len(wrong) > 0 {
		return p, wrong
	}
	for _, fault := range []string{p.makeDefault(d), p.makeGenerator(d)} {
		if fault != "" {
			wrong = append(wrong, fault)
		}
	}
	return p, wrong
}

// read validates a stored value. The tree is what was validated, with its
// defaults; it is nil where any bytes are valid.
func (p *plan) read(stored string) (tree any, problems []fault) {
	if p.schema == nil {
		return nil, nil
	}
	if p.text {
		if !utf8.ValidString(stored) {
			return nil, []fault{{rule: RuleUnicode, detail: "it is no valid UTF-8"}}
		}
		return stored, p.schema.validate(stored)
	}
	tree, faults := parse([]byte(stored))
	if tree == nil && len(faults) > 0 {
		return nil, faults
	}
	return tree, append(faults, p.check(tree)...)
}

// check fills a tree's defaults in and validates it.
func (p *plan) check(tree any) []fault {
	if !p.schema.fill(tree) {
		return []fault{{rule: RuleEffort, detail: "the defaults of the schema have no end"}}
	}
	return p.schema.validate(tree)
}

// decodeInto decodes a stored value into what ptr points to, a *T.
func (d *definition) decodeInto(value core.Value, ptr any) []Problem {
	p, wrong := d.prepare()
	if len(wrong) > 0 {
		return wrong
	}
	if value.IsZero() {
		return []Problem{d.problem("", "minLength", "it is empty", core.ErrInvalidValue)}
	}
	tree, faults := p.decodeInto(value, ptr)
	return d.invalid(faults, tree)
}

// decodeInto validates a stored value and decodes it into what ptr points to.
// The tree is what was validated.
func (p *plan) decodeInto(value core.Value, ptr any) (tree any, faults []fault) {
	stored := value.Reveal()
	tree, faults = p.read(stored)
	if len(faults) > 0 {
		return tree, faults
	}
	if !p.plain {
		return tree, decodeTree(tree, reflect.ValueOf(ptr).Elem())
	}
	switch ptr := ptr.(type) {
	case *core.Value:
		*ptr = value
	case *string:
		*ptr = stored
	default:
		v := reflect.ValueOf(ptr).Elem()
		if v.Kind() == reflect.String {
			v.SetString(stored)
		} else {
			v.SetBytes([]byte(stored))
		}
	}
	return tree, nil
}

// invalid makes problems of faults of a tree.
func (d *definition) invalid(faults []fault, tree any) []Problem {
	var problems []Problem
	for _, f := range faults {
		shown := ""
		if d.plan.schema != nil {
			shown = d.plan.schema.shown(f.path, tree)
		}
		problems = append(problems, d.problem(shown, f.rule, f.detail, core.ErrInvalidValue))
	}
	// By what is shown: the order of what is not would tell of it.
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Rule, b.Rule))
	})
	return problems
}

// decodeTree decodes a valid tree into v. What encoding/json sees holds only
// the names that v declares, spelled as they are declared: it folds case, and
// would take one for another.
func decodeTree(tree any, v reflect.Value) []fault {
	s := shaper{}
	shaped := s.shape(v.Type(), tree, nil)
	if len(s.faults) > 0 {
		return s.faults
	}
	dec := json.NewDecoder(bytes.NewReader(write(shaped)))
	dec.UseNumber()
	if err := dec.Decode(v.Addr().Interface()); err != nil {
		// A method of the type, whose text may quote what it refused.
		return []fault{{rule: RuleDecode, detail: "the Go type " + v.Type().String() + " refuses it"}}
	}
	return nil
}
