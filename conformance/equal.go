package conformance

import (
	"fmt"

	"github.com/lukko-dev/lukko/core"
)

// difference says how what came back differs from what was stored, without
// showing either; empty where it may come back so, see [core.Equivalent].
func difference(got, want core.Value) string {
	if core.Equivalent(got, want) {
		return ""
	}
	g, w := got.Reveal(), want.Reveal()
	if rewritable(w) {
		if !rewritable(g) {
			return fmt.Sprintf("a JSON object of %d bytes came back as %d bytes that are no such object", len(w), len(g))
		}
		return fmt.Sprintf("a JSON object of %d bytes came back as another object, of %d bytes", len(w), len(g))
	}
	at := 0
	for at < len(g) && at < len(w) && g[at] == w[at] {
		at++
	}
	return fmt.Sprintf("another value came back: %d bytes in place of %d, the first difference is at byte %d", len(g), len(w), at)
}

// rewritable reports whether a value is a JSON object that may come back
// rewritten: then, and only then, a space behind it makes no difference.
func rewritable(s string) bool { return core.Equivalent(core.String(s), core.String(s+" ")) }
