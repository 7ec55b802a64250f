package core_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/lukko-dev/lukko/core"
	_ "github.com/lukko-dev/lukko/core/memory" // for memory: URLs
)

func ExampleOpen() {
	ctx := context.Background()
	store, err := core.Open(ctx, "memory:?prefix=shop/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()

	if _, err := store.Set(ctx, "STRIPE_API_KEY", core.String("sk_live_…")); err != nil {
		fmt.Println(err)
		return
	}
	secret, err := store.Get(ctx, "STRIPE_API_KEY")
	fmt.Println(secret.Value, err)

	_, err = store.Get(ctx, "NO_SUCH_SECRET")
	fmt.Println(errors.Is(err, core.ErrNotFound))

	_, err = core.Open(ctx, "vault://vault.example.com")
	fmt.Println(err)
	// Output:
	// [REDACTED] <nil>
	// true
	// open: unsupported operation: this program does not link the scheme; add import _ "github.com/lukko-dev/lukko/providers/vault"
}

func ExampleValue() {
	config := struct{ Password core.Value }{core.String("hunter2")}
	fmt.Printf("%v %+v %q\n", config, config, config.Password)
	fmt.Println("dial with", len(config.Password.Reveal()), "bytes")
	// Output:
	// {[REDACTED]} {Password:[REDACTED]} [REDACTED]
	// dial with 7 bytes
}
