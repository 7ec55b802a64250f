package generate

import (
	"cmp"
	"fmt"
	"go/types"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/names"
	"github.com/lukko-dev/lukko/schema"
)

// A declared is a declaration as it is written out: a secret or a variable with
// meta, and else a credential with the secrets that it is kept in.
type declared struct {
	*variable
	meta       schema.Meta
	credential credentials.Meta
	secrets    []schema.Meta
	goName     string
}

// declarations are all that is written out, by name.
type declarations struct {
	values      []*declared // secrets and variables
	credentials []*declared
}

// label is the Name of the declaration.
func (d *declared) label() string { return cmp.Or(d.credential.Name, d.meta.Name) }

// what is the declaration in words.
func (d *declared) what() string {
	kind := "secret "
	switch {
	case d.kind.credential():
		kind = "credential "
	case d.meta.Variable:
		kind = "variable "
	}
	return kind + core.Printable(d.label())
}

// judge makes declarations of what the program told, and finds all that is wrong
// with them.
func (r *run) judge(found []*variable, told *answer) (all declarations, notes []string, err error) {
	var wrong []Problem
	var decls []*declared
	for i, v := range found {
		t := told.Declared[i]
		switch {
		case t.Nil:
			wrong = append(wrong, r.at(v.pos, "the variable "+v.name+" is nil once its package is initialized", "declare it where it is"))
		case t.Same != i:
			if !r.betterName(v, found[t.Same]) {
				continue
			}
			for _, d := range decls {
				if d.variable == found[t.Same] {
					d.variable = v
				}
			}
		case len(t.Wrong) > 0:
			for _, detail := range t.Wrong {
				wrong = append(wrong, r.at(v.pos, v.name+" is declared wrongly: "+detail, ""))
			}
		default:
			d := &declared{variable: v, meta: t.Meta, credential: t.Credential, secrets: t.Secrets}
			d.goName = names.Exported(d.label())
			decls = append(decls, d)
		}
	}
	slices.SortStableFunc(decls, func(a, b *declared) int {
		return cmp.Or(cmp.Compare(a.label(), b.label()), cmp.Compare(a.meta.ID, b.meta.ID))
	})
	for _, d := range decls {
		if d.kind.credential() {
			all.credentials = append(all.credentials, d)
		} else {
			all.values = append(all.values, d)
		}
	}
	var repeated []Problem
	all.values, repeated = r.once(all.values)
	wrong = append(wrong, repeated...)
	all.credentials, repeated = r.onceCredentials(all.credentials)
	wrong = append(wrong, repeated...)
	wrong = append(wrong, r.collisions(all)...)
	strays, notes := r.strays(told.Strays)
	wrong = append(wrong, strays...)
	if len(wrong) == 0 && len(decls) == 0 {
		return all, nil, r.nothingFound(nil)
	}
	return all, notes, problems(wrong)
}

// betterName reports whether one of two variables of the same declaration can
// be named by more packages.
func (r *run) betterName(v, than *variable) bool { return v.exported() && !than.exported() }

// once leaves out what another variable declares in the same way, as may be
// done, and finds what is declared in two ways. decls are by name and id.
func (r *run) once(decls []*declared) (kept []*declared, wrong []Problem) {
	ids := map[string]*declared{}
	for _, d := range decls {
		if len(kept) > 0 {
			last := kept[len(kept)-1]
			if last.meta.Name == d.meta.Name && last.meta.ID == d.meta.ID && last.meta.Variable == d.meta.Variable {
				if !types.Identical(last.typ, d.typ) {
					wrong = append(wrong, r.at(d.pos, fmt.Sprintf("the %s is declared with the Go type %s, and at %s with %s",
						d.what(), d.meta.Type, r.place(last), last.meta.Type), "use the one variable in both places, or give one of them another Name"))
				} else if !equalMeta(last.meta, d.meta) {
					wrong = append(wrong, r.at(d.pos, fmt.Sprintf("the %s is declared otherwise than at %s", d.what(), r.place(last)),
						"use the one variable in both places"))
				}
				continue
			}
		}
		kept = append(kept, d)
		other, twice := ids[d.meta.ID]
		switch {
		case !twice:
			ids[d.meta.ID] = d
		case other.meta.Variable != d.meta.Variable:
			wrong = append(wrong, r.at(d.pos, fmt.Sprintf("the id of the %s is at %s that of the %s", d.what(), r.place(other), other.what()), "use another id"))
		case string(other.meta.Schema) != string(d.meta.Schema) || other.meta.Text != d.meta.Text:
			wrong = append(wrong, r.at(d.pos, fmt.Sprintf("the id of the %s is declared at %s with another schema", d.what(), r.place(other)), "use one Go type for both"))
		}
	}
	return kept, wrong
}

// equalMeta reports whether two declarations of one name say the same.
func equalMeta(a, b schema.Meta) bool {
	return a.Optional == b.Optional && a.Text == b.Text && string(a.Schema) == string(b.Schema) && a.Default == b.Default &&
		a.AnyOf == b.AnyOf && a.OneOf == b.OneOf && slices.Equal(a.RequiredIn, b.RequiredIn) && a.Generate == b.Generate &&
		a.RotationPeriod == b.RotationPeriod && a.DisplayName == b.DisplayName && a.Description == b.Description && a.DocsURL == b.DocsURL
}

// place is where a declaration is, for people.
func (r *run) place(d *declared) string {
	return fmt.Sprintf("%s:%d", r.rel(d.pos.Filename), d.pos.Line)
}

// strays finds the declarations that no variable holds. Those of packages that
// were not named are worth a note only.
func (r *run) strays(all []stray) (wrong []Problem, notes []string) {
	for _, s := range all {
		if core.CheckID(s.Name) != nil {
			s.Name = "what" // stands there may be a value by mistake
		}
		name, line, _ := strings.Cut(s.Place, ":")
		at := ""
		for compiled, f := range r.watched.named {
			if strings.HasSuffix(compiled, "/"+name) && (at == "" || f < at) {
				at = f
			}
		}
		if at == "" {
			notes = append(notes, core.Printable(fmt.Sprintf("%s is declared at %s, in a package that was not named: name it too if the program needs it", s.Name, s.Place)))
			continue
		}
		p := Problem{
			File: r.rel(at), What: fmt.Sprintf("%s is declared, but no variable of its package holds the declaration", s.Name),
			Do: "declare it as a package's variable of its own: var X = schema.Declare[T](…)",
		}
		if s.Credential {
			p.Do = "declare it as a package's variable of its own: var X = credentials.Declare[T](…)"
		}
		_, _ = fmt.Sscanf(line, "%d", &p.Line)
		wrong = append(wrong, p)
	}
	slices.Sort(notes)
	return wrong, slices.Compact(notes)
}
