package guide

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	conformance.Run(t, conformance.Harness{
		Open: func(t testing.TB) conformance.Subject {
			kv := newKV() // a stand-in for the service, fresh and empty
			server := httptest.NewServer(kv)
			t.Cleanup(server.Close)
			return conformance.Subject{
				Provider: "kv",
				Backend:  &Backend{URL: server.URL, Token: core.String(token), Client: server.Client()},
				// What follows is optional, and each line brings more cases.
				Seed: func(id string, v core.Value) error { return kv.put(id, v.RevealBytes()) },
				Deny: func(id string) error { return kv.answer("/keys/"+id, http.StatusForbidden) },
				Fail: func(kind error) (restore func()) {
					for status, k := range kinds {
						if errors.Is(k, kind) {
							return kv.fail(status)
						}
					}
					return nil
				},
				Hold: kv.hold,
			}
		},
	})
}
