package credentials

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

// The clients are looked at from inside: nothing outside tells how many there
// are.
func TestClientsThatNobodyHoldsAreBoundedAndForgotten(t *testing.T) {
	t.Parallel()
	set := new(Set)
	c := DeclarePerUserIn[oauth2.Token](set, Spec{
		Name: "github", SecretID: "APP", TokenSecretID: "TOKENS",
		OAuth2: &oauth2.Settings{AuthURL: "https://auth.example.com/a", TokenURL: "https://auth.example.com/t"},
	})
	store, err := New(Config{Secrets: memory.New(memory.Config{}), Set: set, Clients: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const many = 1000
	for i := range many {
		if _, err := c.Client(store, fmt.Sprint("user", i)); err != nil {
			t.Fatal(err)
		}
		store.clients.mu.Lock()
		recent := store.clients.recent.Len()
		store.clients.mu.Unlock()
		if recent > 4 {
			t.Fatalf("%d are kept", recent)
		}
	}
	known := func() int {
		store.clients.mu.Lock()
		defer store.clients.mu.Unlock()
		return len(store.clients.byKey)
	}
	for deadline := time.Now().Add(30 * time.Second); known() > 4; { // cleanups run by themselves after a collection
		if time.Now().After(deadline) {
			t.Fatalf("%d are known still", known())
		}
		runtime.GC()
		runtime.Gosched()
	}
	// The last ones are still the same.
	first, err := c.Client(store, fmt.Sprint("user", many-1))
	if err != nil {
		t.Fatal(err)
	}
	again, err := c.Client(store, fmt.Sprint("user", many-1))
	if err != nil || again != first {
		t.Errorf("another client: %v", err)
	}
}

// A cleanup that had a way to its own client would keep it for ever.
func TestClientsOfAStoreThatHasGoneAreForgotten(t *testing.T) {
	t.Parallel()
	set := new(Set)
	c := DeclarePerUserIn[oauth2.Token](set, Spec{
		Name: "github", SecretID: "APP", TokenSecretID: "TOKENS",
		OAuth2: &oauth2.Settings{AuthURL: "https://auth.example.com/a", TokenURL: "https://auth.example.com/t"},
	})
	for name, end := range map[string]func(*Store) error{
		"closed":     (*Store).Close,
		"not closed": func(*Store) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := func() weak.Pointer[oauth2.Client] {
				store, err := New(Config{Secrets: memory.New(memory.Config{}), Set: set})
				if err != nil {
					t.Fatal(err)
				}
				client, err := c.Client(store, "alice")
				if err != nil {
					t.Fatal(err)
				}
				if err := end(store); err != nil {
					t.Fatal(err)
				}
				return weak.Make(client)
			}()
			for deadline := time.Now().Add(30 * time.Second); held.Value() != nil; {
				if time.Now().After(deadline) {
					t.Fatal("the client is kept still")
				}
				runtime.GC()
				runtime.Gosched()
			}
		})
	}
}
