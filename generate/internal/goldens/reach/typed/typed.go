// Package typed is where what several packages declare is generated. Its own names are
// those that the generated file would like to use.
package typed

func billing() string { return schema + reflect }

const schema, reflect = "schema", "reflect"

var _ = billing
