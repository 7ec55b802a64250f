package schema

import (
	"sync/atomic"

	"github.com/lukko-dev/lukko/core"
)

// Handle gives the current value of a loaded declaration. Reading it is one
// load of an atomic pointer: no lock, no allocation, no clock, and it never
// fails. It is safe for concurrent use, and goes on giving the last value
// after its [Loaded] was closed.
type Handle[T any] struct {
	state atomic.Pointer[state[T]] // never nil
	def   *definition
}

type state[T any] struct {
	value T
	ok    bool
}

// Get returns the current value: the last good one, whatever the store says
// now. It is the zero T for an optional secret that is absent, and if the
// declaration was not loaded. The copy shares what T points to (slices, maps,
// pointers) with every other; don't change that.
func (h *Handle[T]) Get() T { return h.state.Load().value }

// Lookup is Get, and tells whether there is a value.
func (h *Handle[T]) Lookup() (T, bool) {
	s := h.state.Load()
	return s.value, s.ok
}

// slot is a Handle without its type.
type slot interface {
	definition() *definition
	// put decodes a value and makes it the current one, unless there are
	// problems.
	put(value core.Value) []Problem
	// drop makes the current value an absent one.
	drop()
}

func newHandle[T any](d *definition) *Handle[T] {
	h := &Handle[T]{def: d}
	h.drop()
	return h
}

func (h *Handle[T]) definition() *definition { return h.def }
func (h *Handle[T]) drop()                   { h.state.Store(new(state[T])) }

func (h *Handle[T]) put(value core.Value) []Problem {
	v, problems := decode[T](h.def, value)
	if len(problems) == 0 {
		h.state.Store(&state[T]{value: v, ok: true})
	}
	return problems
}

// From returns the handle of d in what was loaded, always the same one. If d
// was not loaded its Get is the zero T, and loaded.Err says so.
func (d *Declaration[T]) From(loaded *Loaded) *Handle[T] {
	if h, ok := loaded.slotOf(d.def).(*Handle[T]); ok {
		return h
	}
	return newHandle[T](d.def)
}
