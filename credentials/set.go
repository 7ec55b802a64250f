package credentials

import (
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lukko-dev/lukko/schema"
)

// Set holds declarations. It is safe for concurrent use and must not be
// copied after first use.
type Set struct {
	// Secrets is where the secrets are declared that the credentials are kept
	// in; nil is nowhere. It must not be changed after the first declaration.
	Secrets *schema.Set

	mu    sync.Mutex
	decls []Declared
	size  atomic.Int64
}

// Default is the set of [Declare] and [DeclarePerUser]. Its Secrets are
// [schema.Default].
var Default = &Set{Secrets: schema.Default}

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

// ByName returns the first declaration of a name.
func (s *Set) ByName(name string) (Declared, bool) {
	for _, d := range s.list() {
		if d.base().spec.Name == name {
			return d, true
		}
	}
	return nil, false
}

// Check returns a [*schema.Error] that lists every wrong declaration, and nil
// if all are right. One name with another schema, kind or settings is wrong,
// and both places are named; the same again is fine. So are two credentials
// that would meet at one id.
func (s *Set) Check() error {
	var problems []schema.Problem
	for _, d := range s.list() {
		problems = append(problems, d.base().problems()...)
	}
	return errorOf(problems)
}

// named returns one declaration of each name, in their order.
func (s *Set) named() []Declared {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(s.list()), func(d Declared) bool {
		name := d.base().spec.Name
		was := seen[name]
		seen[name] = true
		return was
	})
}

// errorOf returns an error that lists the problems; nil if there are none.
func errorOf(problems []schema.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &schema.Error{Problems: problems}
}
