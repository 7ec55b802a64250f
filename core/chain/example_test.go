package chain_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

// A local override is asked before the cloud, which is opened when the
// override does not have the id.
func Example() {
	ctx := context.Background()
	local := memory.With(map[string]string{"STRIPE_API_KEY": "sk_test_mine"})

	secrets, err := chain.New(chain.Config{
		Layers: []chain.Layer{
			{Name: "local", Service: local},
			{Name: "cloud", Open: func(context.Context) (core.SecretService, error) {
				fmt.Println("(logging in to the cloud)")
				return memory.With(map[string]string{"STRIPE_API_KEY": "sk_test_team", "DB_PASSWORD": "hunter2"}), nil
			}},
		},
		WriteTo: "local",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer secrets.Close()

	for _, id := range []string{"STRIPE_API_KEY", "DB_PASSWORD"} {
		secret, err := secrets.Get(ctx, id)
		fmt.Println(id, "from", secret.Source, "at version", secret.Version, err)
	}
	// Output:
	// STRIPE_API_KEY from local at version local:1 <nil>
	// (logging in to the cloud)
	// DB_PASSWORD from cloud at version cloud:1 <nil>
}

// A layer that is down is passed over only where the program says so, and
// each time is reported.
func ExampleConfig_fallThrough() {
	ctx := context.Background()
	vault := memory.New(memory.Config{})
	vault.Inject(memory.Fault{Err: core.ErrUnavailable})
	aws := memory.With(map[string]string{"DB_PASSWORD": "hunter2"})

	secrets, err := chain.New(chain.Config{
		Layers:        []chain.Layer{{Name: "vault", Service: vault}, {Name: "aws", Service: aws}},
		FallThrough:   []error{core.ErrUnavailable},
		OnFallThrough: func(e chain.Event) { fmt.Println(e) },
	})
	if err != nil {
		log.Fatal(err)
	}
	defer secrets.Close()

	secret, err := secrets.Get(ctx, "DB_PASSWORD")
	fmt.Println(secret.Source, err)

	_, err = secrets.Get(ctx, "SMTP_PASSWORD") // which aws doesn't have, and vault might
	fmt.Println(errors.Is(err, core.ErrNotFound), errors.Is(err, core.ErrUnavailable))
	// Output:
	// get "DB_PASSWORD": layer "vault" fell through: memory get "DB_PASSWORD": unavailable: in layer "vault"
	// aws <nil>
	// get "SMTP_PASSWORD": layer "vault" fell through: memory get "SMTP_PASSWORD": unavailable: in layer "vault"
	// false true
}

func ExampleOpen() {
	ctx := context.Background()
	secrets, err := chain.Open(ctx, "memory:") // in a program: "env:", "file:secrets"
	if err != nil {
		log.Fatal(err)
	}
	defer secrets.Close()

	info, err := secrets.Set(ctx, "DB_PASSWORD", core.String("hunter2"))
	fmt.Println(info.Source, info.Version, err)
	// Output: memory memory:1 <nil>
}

func ExampleChain_Explain() {
	ctx := context.Background()
	secrets, err := chain.New(chain.Config{Layers: []chain.Layer{
		{Name: "local", Service: memory.With(map[string]string{"A": "1"})},
		{Name: "team", Service: memory.With(map[string]string{"A": "2", "B": "2"})},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer secrets.Close()

	explanations, err := secrets.Explain(ctx, "A", "B", "C")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range explanations {
		switch {
		case e.Err != nil:
			fmt.Println(e.ID, "is answered by no layer:", core.KindOf(e.Err))
		case len(e.Shadowed) > 0:
			fmt.Println(e.ID, "is answered by", e.Layer, "and shadowed in", e.Shadowed)
		default:
			fmt.Println(e.ID, "is answered by", e.Layer)
		}
	}
	// Output:
	// A is answered by local and shadowed in [team]
	// B is answered by team
	// C is answered by no layer: not found
}
