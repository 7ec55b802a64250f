package schema

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lukko-dev/lukko/core"
)

// Set holds declarations. The zero Set is empty and ready; it is safe for
// concurrent use and must not be copied after first use.
type Set struct {
	mu    sync.Mutex
	decls []Declared
	size  atomic.Int64
}

// Default is the set of [Declare] and [DeclareVariable].
var Default = new(Set)

func (s *Set) add(d Declared) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decls = append(s.decls, d)
	s.size.Store(int64(len(s.decls)))
}

func (s *Set) list() []Declared {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.decls)
}

// All yields the declarations, in the order in which they were made.
func (s *Set) All() iter.Seq[Declared] { return slices.Values(s.list()) }

// ByID returns the first declaration of an id.
func (s *Set) ByID(id string) (Declared, bool) {
	return s.find(func(d *definition) bool { return d.spec.ID == id })
}

// ByName returns the first declaration of a name.
func (s *Set) ByName(name string) (Declared, bool) {
	return s.find(func(d *definition) bool { return d.spec.Name == name })
}

func (s *Set) find(match func(*definition) bool) (Declared, bool) {
	for _, d := range s.list() {
		if match(d.base()) {
			return d, true
		}
	}
	return nil, false
}

// Check returns an [*Error] that lists every wrong declaration, and nil if
// all are right. One id with two schemas, one that is secret and variable, and
// one name for two ids are wrong, and both places are named; the same id with
// the same schema twice is fine.
func (s *Set) Check() error {
	var problems []Problem
	for _, d := range s.list() {
		problems = append(problems, d.base().check()...)
	}
	return errorOf(problems)
}

// Status is [Status] of all declarations of the set.
func (s *Set) Status(ctx context.Context, svc core.SecretService) ([]Report, error) {
	return Status(ctx, svc, s.list()...)
}

// crowd caches what is wrong with a declaration beside the others of its set,
// as of when the set had size declarations.
type crowd struct {
	mu       sync.Mutex
	size     int64
	problems []Problem
}

// conflicts returns what is wrong with d beside the others of the set.
func (s *Set) conflicts(d *definition) []Problem {
	size := s.size.Load()
	c := &d.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size == size {
		return c.problems
	}
	c.problems = nil
	for _, other := range s.list() {
		o := other.base()
		if o == d {
			continue
		}
		if what := conflict(d, o); what != "" {
			c.problems = append(c.problems, d.wrong(what+"; the other is at "+o.place))
		}
	}
	c.size = size
	return c.problems
}

// conflict says why a and b can't be in one set; empty if they can.
func conflict(a, b *definition) string {
	if a.spec.ID != b.spec.ID {
		switch {
		case a.spec.Name == b.spec.Name:
			return "the name stands for two ids"
		case a.spec.AnyOf != "" && a.spec.AnyOf == b.spec.OneOf || a.spec.OneOf != "" && a.spec.OneOf == b.spec.AnyOf:
			return "one group is declared by AnyOf and by OneOf"
		}
		return ""
	}
	if a.variable != b.variable {
		return "the id is declared as a secret and as a variable"
	}
	if a.spec.AnyOf != b.spec.AnyOf || a.spec.OneOf != b.spec.OneOf {
		return "the id is declared in two groups"
	}
	p, wrong := a.prepare()
	q, otherWrong := b.prepare()
	if len(wrong) > 0 || len(otherWrong) > 0 {
		return "" // which says more
	}
	if p.text != q.text || !bytes.Equal(p.schemaJSON(), q.schemaJSON()) {
		return "the id is declared with two schemas"
	}
	if !p.fallback.Equal(q.fallback) {
		return "the variable is declared with two defaults"
	}
	return ""
}
