package guide

import (
	"os"
	"strings"
	"testing"
)

// TestTheGuidesBackendIsShort holds what the guide says of its size: lines of
// code after the imports, without comments.
func TestTheGuidesBackendIsShort(t *testing.T) {
	t.Parallel()
	const most = 60
	source, err := os.ReadFile("backend.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(source), "\n)\n")
	if !found {
		t.Fatal("backend.go has no imports")
	}
	n := 0
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	if n > most {
		t.Errorf("backend.go has %d lines of code; docs/write-a-backend.md says at most %d", n, most)
	}
}
