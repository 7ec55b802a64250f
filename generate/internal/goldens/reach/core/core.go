// Package core is called as one that the generated file needs.
package core

import "github.com/lukko-dev/lukko/schema"

type Schema struct {
	Core float64 `json:"core"`
}

var Context = schema.DeclareIn[Schema](new(schema.Set), schema.Spec{Name: "context", ID: "CONTEXT"})
