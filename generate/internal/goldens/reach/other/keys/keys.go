// Package keys is the other one of that name.
package keys

import one "github.com/lukko-dev/lukko/generate/internal/goldens/reach/keys"

type Key struct {
	Number int `json:"number"`
}

// Second is a declaration in a package that imports no schema.
var Second = one.Declare[map[string]Key]("second")
