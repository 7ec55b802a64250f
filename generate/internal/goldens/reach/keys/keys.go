// Package keys is one of two of that name.
package keys

import "github.com/lukko-dev/lukko/schema"

type Key struct {
	Text string `json:"text"`
}

// Declare stands between schema.Declare and the variable.
func Declare[T any](name string) *schema.Declaration[T] {
	return schema.Declare[T](schema.Spec{Name: name, ID: "keys/" + name})
}

var First = Declare[Key]("first")
