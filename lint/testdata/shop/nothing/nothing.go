// Command nothing declares nothing, so any id is as good as another.
package main

import (
	"context"
	"os"

	"github.com/lukko-dev/lukko/core/memory"
)

func main() {
	svc := memory.With(nil)
	svc.Get(context.Background(), "ANY")
	svc.Get(context.Background(), os.Args[1])
	svc.Get(context.Background(), "not even an id")
}
