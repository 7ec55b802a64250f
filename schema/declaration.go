package schema

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"sync"

	"github.com/lukko-dev/lukko/core"
)

// Declaration is a declared secret or variable of the Go type T. It is made
// once, by [Declare] and its siblings, mostly as a package's variable. Its
// methods are safe for concurrent use and cost no more than the service's
// call and the work on the value: the schema is compiled once, at first use.
type Declaration[T any] struct {
	def *definition
}

var _ Declared = (*Declaration[int])(nil)

// Declare declares a secret in [Default]. It never panics: what is wrong with
// the declaration is an error of every use and of [Set.Check].
func Declare[T any](spec Spec) *Declaration[T] {
	return declare[T](Default, spec, false, callerPlace())
}

// DeclareIn declares a secret in a set of one's own.
func DeclareIn[T any](set *Set, spec Spec) *Declaration[T] {
	return declare[T](set, spec, false, callerPlace())
}

// DeclareVariable declares a variable in [Default]: configuration that is no
// secret, so that tools may show its value. The same id can't be a secret
// too, and its type can't hold a [core.Value], which is never shown.
func DeclareVariable[T any](spec Spec) *Declaration[T] {
	return declare[T](Default, spec, true, callerPlace())
}

// DeclareVariableIn declares a variable in a set of one's own.
func DeclareVariableIn[T any](set *Set, spec Spec) *Declaration[T] {
	return declare[T](set, spec, true, callerPlace())
}

// DeclareAt declares a secret, or a variable, that is written down elsewhere
// than in Go, at a place such as "lukko.yaml:12". Its values are handed out as
// they are stored; spec.Schema says what is valid.
func DeclareAt(set *Set, place string, variable bool, spec Spec) *Declaration[core.Value] {
	return declareByHand(set, place, variable, spec, formOfSchema)
}

// DeclareMeta is [DeclareAt] for what another declaration's Meta says, such as
// one that was read from metadata: at its Place, and where it has a Schema, a
// text or a JSON document as its Text says and whatever the schema does.
func DeclareMeta(set *Set, m Meta) *Declaration[core.Value] {
	f := formOfSchema
	switch {
	case len(m.Schema) == 0:
	case m.Text:
		f = formText
	default:
		f = formDocument
	}
	return declareByHand(set, m.Place, m.Variable, m.Spec, f)
}

func declareByHand(set *Set, place string, variable bool, spec Spec, f form) *Declaration[core.Value] {
	d := declare[core.Value](nil, spec, variable, place)
	d.def.set, d.def.hand, d.def.form = set, true, f
	if set != nil {
		set.add(d)
	}
	return d
}

// form is what the stored bytes are, where that is not for the schema to say.
type form int

const (
	formOfSchema form = iota
	formText
	formDocument
)

func declare[T any](set *Set, spec Spec, variable bool, place string) *Declaration[T] {
	def := &definition{
		spec:     spec,
		variable: variable,
		place:    place,
		typ:      reflect.TypeFor[T](),
		set:      set,
	}
	if def.spec.Name == "" {
		def.spec.Name = spec.ID
	}
	def.spec.Schema = slices.Clone(spec.Schema)
	def.spec.RequiredIn = slices.Clone(spec.RequiredIn)
	d := &Declaration[T]{def: def}
	if set != nil {
		set.add(d)
	}
	return d
}

// callerPlace is where the exported function that calls it was called.
func callerPlace() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return ""
	}
	return shortPlace(file, line)
}

func (d *Declaration[T]) base() *definition { return d.def }
func (d *Declaration[T]) newSlot() slot     { return newHandle[T](d.def) }

// Meta returns what tools know of the declaration.
func (d *Declaration[T]) Meta() Meta { return d.def.meta() }

// Check returns an [*Error] that matches [ErrDeclaration] if the declaration
// is wrong, alone or beside the others of its set.
func (d *Declaration[T]) Check() error { return errorOf(d.def.check()) }

// Validate returns an [*Error] that lists all that is wrong with a value as
// it would be stored: it matches core.ErrInvalidValue, or [ErrDeclaration].
// It also finds what the schema allows and T can't hold.
func (d *Declaration[T]) Validate(value core.Value) error {
	if problems := d.def.check(); len(problems) > 0 {
		return errorOf(problems)
	}
	_, problems := decode[T](d.def, value)
	return errorOf(problems)
}

// Get returns the current value. A missing one is an [*Error] that matches
// core.ErrNotFound, also of an optional declaration, and for a variable its
// default, if it has one; an invalid one matches core.ErrInvalidValue; what
// the service could not tell stays what it is.
func (d *Declaration[T]) Get(ctx context.Context, svc core.SecretService, opts ...core.GetOption) (T, error) {
	value, _, err := d.get(ctx, svc, opts...)
	return value, err
}

// Lookup is Get for what may be absent: a missing value without a default is
// false and no error.
func (d *Declaration[T]) Lookup(ctx context.Context, svc core.SecretService, opts ...core.GetOption) (value T, ok bool, err error) {
	value, _, err = d.get(ctx, svc, opts...)
	if err != nil {
		if isMissing(err) {
			err = nil
		}
		return value, false, err
	}
	return value, true, nil
}

// Status tells about the declaration's value; see [Status].
func (d *Declaration[T]) Status(ctx context.Context, svc core.SecretService) (Report, error) {
	reports, err := Status(ctx, svc, d)
	return reports[0], err
}

// Bind is [Load] for one declaration: a handle that follows rotation, and
// that its owner closes.
func (d *Declaration[T]) Bind(ctx context.Context, svc core.SecretService) (*Bound[T], error) {
	loaded, err := Load(ctx, svc, d)
	if err != nil {
		return nil, err
	}
	return &Bound[T]{Handle: d.From(loaded), Loaded: loaded}, nil
}

// Bound is the handle of a single declaration, with what keeps it current.
type Bound[T any] struct {
	*Handle[T]
	*Loaded
}

// definition is a declaration without its Go type as a parameter.
type definition struct {
	spec     Spec
	variable bool
	place    string
	typ      reflect.Type
	set      *Set
	hand     bool // written down elsewhere than in Go
	form     form

	once  sync.Once
	plan  *plan     // how values are validated and decoded; nil if own is not
	own   []Problem // what is wrong with the declaration alone
	crowd crowd     // what is wrong beside others
}

func (d *definition) meta() Meta {
	m := Meta{
		Spec:     d.spec,
		Variable: d.variable,
		Type:     typeName(d.typ),
		Place:    d.place,
	}
	m.Schema = nil
	m.RequiredIn = slices.Clone(m.RequiredIn)
	if p, problems := d.prepare(); len(problems) == 0 {
		m.Schema = slices.Clone(p.schemaJSON())
		m.Text = p.text
		m.Default = p.fallback.Reveal()
	}
	if core.CheckID(m.ID) == nil && !core.IsPortable(m.ID) {
		m.Warnings = append(m.Warnings, notPortable)
	}
	return m
}

const notPortable = "the id is not portable: some backends can't hold it; " +
	"letters, digits and underscores, not beginning with a digit, at most 100, fit everywhere"

// check returns what is wrong with the declaration, alone or beside others.
func (d *definition) check() []Problem {
	if _, problems := d.prepare(); len(problems) > 0 {
		return problems
	}
	if d.set == nil {
		return nil
	}
	return d.set.conflicts(d)
}

// problem makes a problem of this declaration.
func (d *definition) problem(pointer, rule, detail string, err error) Problem {
	return Problem{
		Name: d.spec.Name, ID: d.spec.ID, Place: d.place,
		Pointer: pointer, Rule: rule, Detail: detail, Err: err,
	}
}

// wrong makes a problem of a declaration that is wrong.
func (d *definition) wrong(detail string) Problem {
	p := d.problem("", RuleDeclaration, detail, ErrDeclaration)
	if core.CheckID(p.ID) != nil {
		p.ID = "" // what lands there by mistake is often a value
	}
	if !isName(p.Name) && core.CheckID(p.Name) != nil {
		p.Name = ""
	}
	return p
}
