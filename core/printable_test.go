package core_test

import (
	"testing"

	"github.com/lukko-dev/lukko/core"
)

func TestPrintableDropsWhatDoesNotPrint(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                    "",
		"plain text, ä 😀":     "plain text, ä 😀",
		"a\x1b[2Jb\r\nc\td":   "a[2Jbcd",
		"e\u202ef\u0085g\x00": "efg",
	} {
		if got := core.Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}
