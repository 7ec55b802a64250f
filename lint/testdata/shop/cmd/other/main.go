// Command other uses what the shop doesn't, and goes through the set, so that
// nothing is unread here.
package main

import (
	"context"

	"example.com/shop/secrets"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/schema"
)

func main() {
	svc := memory.With(nil)
	secrets.Elsewhere.Get(context.Background(), svc)
	for d := range schema.Default.All() {
		svc.Get(context.Background(), d.Meta().ID)
	}
}
