package vault_test

import (
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/providertest"
)

// connections returns how many goroutines serve connections.
func connections(g providertest.Goroutines) (n int) {
	for _, stack := range g.Stacks() {
		if strings.Contains(stack, "net/http.(*persistConn)") || strings.Contains(stack, "net/http.(*http2") {
			n++
		}
	}
	return n
}

// wantNoConnection is WantNone for those of connections, within a test that itself
// runs among them.
func wantNoConnection(t *testing.T, g providertest.Goroutines) {
	t.Helper()
	providertest.Until(t, "no goroutine of a connection is left", func() bool { return connections(g) == 0 })
}
