package env_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/env"
)

// settable is an environment that a test writes to behind the service's back.
type settable struct {
	mu   sync.Mutex
	vars map[string]string
}

func (s *settable) lookup(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.vars[name]
	return v, ok
}

func (s *settable) set(name, value string) error {
	if strings.Contains(value, "\x00") {
		return errors.ErrUnsupported // no environment can hold it
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vars[name] = value
	return nil
}

func TestConformance(t *testing.T) {
	for name, prefix := range map[string]string{"variables": "", "variables under a prefix": "SHOP_"} {
		t.Run(name, func(t *testing.T) {
			conformance.Run(t, conformance.Harness{
				Refuses: refuses(prefix),
				Open: func(testing.TB) conformance.Subject {
					e := &settable{vars: map[string]string{}}
					return conformance.Subject{
						Service: under(env.New(env.Config{Lookup: e.lookup}), prefix),
						Seed:    func(id string, v core.Value) error { return e.set(prefix+id, v.Reveal()) },
					}
				},
			})
		})
	}
	t.Run("files", func(t *testing.T) {
		conformance.Run(t, conformance.Harness{
			Refuses: refuses(""),
			Open: func(t testing.TB) conformance.Subject {
				e := &settable{vars: map[string]string{}}
				dir, n := t.TempDir(), 0
				return conformance.Subject{
					Service: env.New(env.Config{Lookup: e.lookup}),
					Seed: func(id string, v core.Value) error {
						if _, trimmed := core.TrimLine(v.RevealBytes()); trimmed {
							return errors.ErrUnsupported // its newline would go, as documented
						}
						e.mu.Lock()
						n++
						path := filepath.Join(dir, strconv.Itoa(n))
						e.mu.Unlock()
						if err := os.WriteFile(path, v.RevealBytes(), 0o600); err != nil {
							return err
						}
						return e.set(id+"_FILE", path)
					},
				}
			},
		})
	})
}

// refuses is what the README says of ids.
func refuses(prefix string) func(string) bool {
	return func(id string) bool {
		id = prefix + id
		return len(id) > core.MaxIDLen || strings.HasSuffix(id, "_FILE") || strings.HasPrefix(id, "LUKKO_") || strings.Contains(id, "=")
	}
}

func under(svc core.SecretService, prefix string) core.SecretService {
	if prefix == "" {
		return svc
	}
	return core.Prefix(svc, prefix)
}
