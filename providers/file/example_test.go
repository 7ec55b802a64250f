package file_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

func Example() {
	ctx := context.Background()
	home, err := os.MkdirTemp("", "lukko-example-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(home)

	// A program needs Dir alone; UserDir keeps the example out of your folders.
	cfg := file.Config{Dir: filepath.Join(home, "secrets"), UserDir: filepath.Join(home, "user")}

	// Once: an identity, and a store that it reads.
	path, err := file.IdentityPath(cfg)
	if err != nil {
		log.Fatal(err)
	}
	me, err := file.CreateIdentity(path, file.IdentityOptions{})
	if err != nil {
		log.Fatal(err)
	}
	me.Name = "me"
	if err := file.Init(ctx, cfg, me); err != nil {
		log.Fatal(err)
	}

	store, err := file.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	first, err := store.Set(ctx, "STRIPE_CREDENTIALS", core.String("sk_test_1"))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := store.Set(ctx, "STRIPE_CREDENTIALS", core.String("sk_test_2"), core.IfVersion(first.Version)); err != nil {
		log.Fatal(err)
	}
	if _, err := store.Rollback(ctx, "STRIPE_CREDENTIALS", first.Version); err != nil {
		log.Fatal(err)
	}
	secret, err := store.Get(ctx, "STRIPE_CREDENTIALS")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(secret.Value, secret.Value.Reveal(), secret.Version[:2])
	// Output: [REDACTED] sk_test_1 3-
}
