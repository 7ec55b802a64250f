package main

import (
	"bytes"
	"testing"
)

func TestTablesAreAlignedAndHoldNoControlCharacters(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	table(&b, "  ", [][]string{{"a\x1b[2J", "b\n"}, {"é\u202ecc", "\r", ""}})
	if got, want := b.String(), "  a[2J  b\n  écc\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
