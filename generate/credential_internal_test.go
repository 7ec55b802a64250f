package generate

import (
	"reflect"
	"slices"
	"testing"

	"github.com/lukko-dev/lukko/credentials"
)

// A credential whose method hid one of the store would take it away.
func TestEveryMethodOfTheStoreIsOneThatNoCredentialMayBecome(t *testing.T) {
	t.Parallel()
	store := reflect.TypeFor[*credentials.Store]()
	if store.NumMethod() == 0 {
		t.Fatal("there are none, so this test says nothing")
	}
	for m := range store.Methods() {
		if !slices.Contains(ownCredentialMethods, m.Name) {
			t.Errorf("%s is not among them", m.Name)
		}
	}
}
