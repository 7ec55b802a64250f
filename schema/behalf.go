package schema

import (
	"reflect"
	"runtime"

	"github.com/lukko-dev/lukko/core"
)

// The functions of this file are for packages that declare secrets as part of
// what they declare themselves, and that read and write them.

// DeclareFor is [DeclareIn] at a place that the caller says, such as that of
// [CallerPlace]. A nil set is none: then the declaration is right or wrong by
// itself alone.
func DeclareFor[T any](set *Set, place string, spec Spec) *Declaration[T] {
	return declare[T](set, spec, false, place)
}

// CallerPlace is a place as [Meta] has it: where the function was called that
// calls CallerPlace. skip is how many more callers to go up; 0 is none.
func CallerPlace(skip int) string {
	_, file, line, ok := runtime.Caller(2 + skip)
	if !ok {
		return ""
	}
	return shortPlace(file, line)
}

// At is the same declaration for another id: what holds of the one holds of
// the other, and what was compiled is shared. It is of no set, and costs one
// small allocation, so that it may be made for a single use.
func (d *Declaration[T]) At(id string) *Declaration[T] {
	p, wrong := d.def.prepare()
	def := &definition{
		spec: d.def.spec, variable: d.def.variable, place: d.def.place,
		typ: reflect.TypeFor[T](), hand: d.def.hand, form: d.def.form,
	}
	def.spec.ID = id
	if len(wrong) == 0 && core.CheckID(id) == nil {
		def.once.Do(func() { def.plan = p })
	}
	return &Declaration[T]{def: def}
}

// Decode returns what a stored value stands for. An invalid one is an [*Error]
// that lists all that is wrong and matches core.ErrInvalidValue; a wrong
// declaration matches [ErrDeclaration].
func (d *Declaration[T]) Decode(value core.Value) (T, error) {
	if problems := d.def.check(); len(problems) > 0 {
		return *new(T), errorOf(problems)
	}
	v, problems := decode[T](d.def, value)
	return v, errorOf(problems)
}

// Encode returns what is stored of a value, after it was validated, decoded
// and compared as it would be read back. The errors are those of Decode.
func (d *Declaration[T]) Encode(value T) (core.Value, error) {
	if problems := d.def.check(); len(problems) > 0 {
		return core.Value{}, errorOf(problems)
	}
	stored, _, problems := encode(d.def, &value)
	if len(problems) > 0 {
		return core.Value{}, errorOf(problems)
	}
	return stored, nil
}
