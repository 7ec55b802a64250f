package schema

import (
	"reflect"
	"strings"
	"testing"
)

// A type like this one does not pass go vet, and so can't be written down
// here.
func TestATagOnAFieldThatIsNotExportedIsWrong(t *testing.T) {
	t.Parallel()
	typ := reflect.StructOf([]reflect.StructField{
		{Name: "Shown", Type: reflect.TypeFor[string]()},
		{Name: "hidden", PkgPath: "example.com/p", Type: reflect.TypeFor[string](), Tag: `json:"hidden"`},
	})
	if fault := typeFault(typ, false); !strings.Contains(fault, "not exported") {
		t.Errorf("got %q", fault)
	}
}
