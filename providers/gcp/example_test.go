package gcp_test

import (
	"context"
	"fmt"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/gcp"
)

// A store of the project that GOOGLE_CLOUD_PROJECT names, or of the credentials.
func ExampleNew() {
	store, err := gcp.New(gcp.Config{KeepVersions: 5, OldVersions: gcp.Destroy})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	// A version costs money each month: an equal value makes none.
	if _, err := store.Set(context.Background(), "STRIPE_API_KEY", core.String("sk_test_…"), core.IfChanged()); err != nil {
		fmt.Println(err)
	}
}

// The same by a URL.
func Example() {
	store, err := core.Open(context.Background(), "gcp:?keep_versions=5,destroy")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	secret, err := store.Get(context.Background(), "STRIPE_API_KEY")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(secret.Version)
}
