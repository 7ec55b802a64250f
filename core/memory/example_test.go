package memory_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
)

// chargeKey is code of an application, which takes any SecretService.
func chargeKey(ctx context.Context, secrets core.SecretService) (string, error) {
	secret, err := secrets.Get(ctx, "STRIPE_API_KEY")
	switch {
	case errors.Is(err, core.ErrUnavailable):
		return "", errors.New("payments are down, try later")
	case err != nil:
		return "", err
	}
	return secret.Value.Reveal(), nil
}

// A test gives the application a store that holds what it needs, and then
// makes it fail.
func Example() {
	ctx := context.Background()
	store := memory.With(map[string]string{"STRIPE_API_KEY": "sk_test_1"})
	fmt.Println(chargeKey(ctx, store))

	heal := store.Inject(memory.Fault{Err: core.ErrUnavailable})
	fmt.Println(chargeKey(ctx, store))

	heal()
	store.Inject(memory.Fault{ID: "STRIPE_API_KEY", Err: core.ErrPermissionDenied})
	fmt.Println(chargeKey(ctx, store))
	// Output:
	// sk_test_1 <nil>
	//  payments are down, try later
	//  memory get "STRIPE_API_KEY": permission denied
}

// A write whose answer is lost may have happened. Code that reads again finds
// out.
func ExampleFault_cut() {
	ctx := context.Background()
	store := memory.New(memory.Config{})
	store.Inject(memory.Fault{Op: "set", Times: 1, Cut: memory.CutAfter})

	_, err := store.Set(ctx, "TOKEN", core.String("t1"))
	fmt.Println(errors.Is(err, core.ErrIndeterminate))

	there, err := core.Has(ctx, store, "TOKEN")
	fmt.Println(there, err)
	// Output:
	// true
	// true <nil>
}
