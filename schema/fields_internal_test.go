package schema

import (
	"reflect"
	"strings"
	"testing"
)

// Types like these do not pass go vet and staticcheck, and so can't be written
// down here.
func TestTagsThatEncodingJSONIgnoresAreWrong(t *testing.T) {
	t.Parallel()
	for says, f := range map[string]reflect.StructField{
		"not exported": {Name: "hidden", PkgPath: "example.com/p", Type: reflect.TypeFor[string](), Tag: `json:"hidden"`},
		"an option that encoding/json does not know": {Name: "Typo", Type: reflect.TypeFor[string](), Tag: `json:"typo,omitempy"`},
		"ignores the name":                           {Name: "Quote", Type: reflect.TypeFor[string](), Tag: `json:"a\\b"`},
		"ignores the name in its json tag":           {Name: "Dash", Type: reflect.TypeFor[string](), Tag: `json:"-,"`},
	} {
		typ := reflect.StructOf([]reflect.StructField{{Name: "Shown", Type: reflect.TypeFor[string]()}, f})
		if fault := typeFault(typ, false); !strings.Contains(fault, says) {
			t.Errorf("%s: got %q", says, fault)
		}
	}
}
