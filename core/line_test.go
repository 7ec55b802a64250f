package core_test

import (
	"testing"

	"github.com/lukko-dev/lukko/core"
)

func TestOneLineOfTextLosesItsNewline(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in, want string
		trimmed  bool
	}{
		{"key\n", "key", true},
		{"key\r\n", "key", true},
		{"a\tb \n", "a\tb ", true},
		{"schlüssel\n", "schlüssel", true},
		{"\n", "", true},
		{"key", "key", false},
		{"", "", false},
		{"key\r", "key\r", false},
		{"key\n\n", "key\n\n", false},
		{"two\nlines\n", "two\nlines\n", false},
		{"two\r\nlines\r\n", "two\r\nlines\r\n", false},
		{"\xff\n", "\xff\n", false},
		{"a\x00\n", "a\x00\n", false},
		{"a\x1b\n", "a\x1b\n", false},
	} {
		got, trimmed := core.TrimLine([]byte(test.in))
		if string(got) != test.want || trimmed != test.trimmed {
			t.Errorf("TrimLine(%q) = %q, %v, want %q, %v", test.in, got, trimmed, test.want, test.trimmed)
		}
	}
}
