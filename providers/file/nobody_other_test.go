//go:build unix && !linux

package file_test

import "testing"

func asNobody(t *testing.T, _ func()) {
	t.Helper()
	leftOut(t, "it acts as another user; run it as root on Linux")
}
