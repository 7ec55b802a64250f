package policy_test

import (
	"fmt"
	"log"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/generate/policy"
	"github.com/lukko-dev/lukko/schema"
)

func Example() {
	c, err := config.Parse("lukko.yaml", []byte(`
environments:
  production: vault:///secret?prefix=shop/&kv=2
secrets:
  STRIPE: {}
  SESSION_KEY: {}
`))
	if err != nil {
		log.Fatal(err)
	}
	env, err := c.Environment("production")
	if err != nil {
		log.Fatal(err)
	}
	var metas []schema.Meta
	for d := range c.Declarations.All() {
		metas = append(metas, d.Meta())
	}
	rules, err := policy.Vault(policy.Input{Metas: metas, Environment: env, Write: []string{"SESSION_KEY"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(rules))
	// Output:
	// # What the program needs, for the environment "production".
	//
	// # the store vault
	// path "secret/data/shop/SESSION_KEY" { capabilities = ["create", "read", "update"] }
	// path "secret/data/shop/STRIPE" { capabilities = ["read"] }
}
