// Command tool declares what it is told, so that no id can be judged.
package main

import (
	"context"
	"os"

	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/schema"
)

func main() {
	svc := memory.With(nil)
	set := new(schema.Set)
	schema.DeclareAt(set, "a file", false, schema.Spec{ID: os.Args[1]})
	svc.Get(context.Background(), os.Args[1])
	svc.Get(context.Background(), "ANY")
}
