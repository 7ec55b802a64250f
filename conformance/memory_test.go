package conformance_test

import (
	"testing"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
)

// overMemory is a harness over the store in memory, with every hook that it
// has. wrap makes what is tested of it.
func overMemory(config memory.Config, wrap func(*memory.Store) core.SecretService) conformance.Harness {
	return conformance.Harness{
		Open: func(testing.TB) conformance.Subject { return memorySubject(memory.New(config), wrap) },
	}
}

func memorySubject(store *memory.Store, wrap func(*memory.Store) core.SecretService) conformance.Subject {
	return conformance.Subject{
		Service: wrap(store),
		Deny: func(id string) error {
			store.Inject(memory.Fault{ID: id, Err: core.ErrPermissionDenied})
			return nil
		},
		Fail: func(kind error) func() { return store.Inject(memory.Fault{Err: kind}) },
	}
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	conformance.Run(t, overMemory(memory.Config{}, func(s *memory.Store) core.SecretService { return s }))
}
