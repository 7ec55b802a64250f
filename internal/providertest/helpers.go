package providertest

import (
	"crypto/rand"
	"io"
	"testing"
	"time"
)

// Until waits for a condition, for at most 20 seconds, and asks it every few
// milliseconds. In vain, it ends the test.
func Until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 20 s in vain until %s", what)
		}
	}
}

// Closed returns a store that is closed with its test, which fails if that does.
func Closed[Store io.Closer](t testing.TB, store Store) Store {
	t.Helper()
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// Canary returns a value that no output may have.
func Canary() string { return "CANARY-" + rand.Text() }
