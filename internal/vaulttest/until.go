package vaulttest

import (
	"testing"
	"time"
)

// Until waits for a condition, for at most 20 seconds, and asks it every few
// milliseconds.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 20 s in vain until %s", what)
		}
	}
}
