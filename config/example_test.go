package config_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	_ "github.com/lukko-dev/lukko/core/memory" // for memory: URLs
)

// A program that says itself where the file is. Most call Open, which finds it.
func ExampleConfig_Open() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "lukko.yaml")
	err = os.WriteFile(path, []byte(`
environments:
  development: "memory:"
secrets:
  STRIPE_CREDENTIALS:
    schema:
      type: object
      required: [apiKey]
      properties:
        apiKey: {type: string, pattern: ^sk_}
`), 0o600)
	if err != nil {
		log.Fatal(err)
	}

	c, err := config.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	store, err := c.Open(ctx, "development")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	for d := range c.Declarations.All() {
		fmt.Println(d.Validate(core.String(`{"apiKey":"pk_live_1"}`)))
	}
	_, err = store.Set(ctx, "STRIPE_CREDENTIALS", core.String(`{"apiKey":"sk_live_1"}`))
	fmt.Println(store.Environment.Name, err)

	// Output:
	// schema: STRIPE_CREDENTIALS: /apiKey: pattern: it must match ^sk_
	// development <nil>
}

// What a tool does that changes a variable. Comments and all else stay.
func ExampleSetVariable() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "lukko.yaml")
	err = os.WriteFile(path, []byte(`environments:
  development: file:secrets
  production: vault:///secret  # in Frankfurt
`), 0o600)
	if err != nil {
		log.Fatal(err)
	}

	set, err := config.SetVariable(path, "production", "LOG_LEVEL", "warn")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.Place)
	edited, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(edited))

	// Output:
	// lukko.yaml:6
	// environments:
	//   development: file:secrets
	//   production:
	//     stores: vault:///secret  # in Frankfurt
	//     variables:
	//       LOG_LEVEL: warn
}
