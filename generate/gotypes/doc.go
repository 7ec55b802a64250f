// Package gotypes turns declarations that are not written in Go, of a
// lukko.yaml, a secrets_meta.json or another framework, into Go: a type for
// each JSON Schema and a variable for each declaration.
//
// The declarations keep the JSON Schema that they had, so what is valid stays
// what it was. The type holds what is valid, as a person would have written it:
//
//	object                         struct, or map[string]T where its names are open
//	string                         core.Value in a secret, string in a variable
//	integer                        int64, or json.Number where the schema's bounds go beyond
//	number                         float64, or json.Number where the bounds have more digits
//	boolean                        bool
//	array                          []T
//	T or null                      *T
//	what is of several types       any
//	a $ref, also a recursive one   a type of its own
//
// A member that is not required has omitempty, and is a pointer where its zero
// is a value of its own: a number, a bool, a struct. Of a text, an empty one
// is as good as none. A member with a default is always there.
//
// Where the schema allows more than the type holds, a value of that kind is
// an error that says so and never a loss: an integer beyond 64 bits, or a name
// that only one form of an anyOf declares, with another type in another form.
// A float64 keeps 17 digits of a number.
package gotypes
