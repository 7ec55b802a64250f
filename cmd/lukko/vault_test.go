package main

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lukko-dev/lukko/internal/vaulttest"
)

// Each script has VAULT_ADDR and VAULT_TOKEN of the real server, a mount of
// version 2 in MOUNT and one of version 1 in MOUNT1.
func TestVaultScripts(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	sealed := sync.OnceValue(func() *vaulttest.Server {
		s := vaulttest.Start(t)
		s.Seal(t)
		return s
	})
	p := scripts("testdata/vault")
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		env.Setenv("VAULT_ADDR", srv.Address)
		env.Setenv("VAULT_TOKEN", srv.RootToken)
		env.Setenv("MOUNT", srv.MountKV(t, 2).Mount)
		env.Setenv("MOUNT1", srv.MountKV(t, 1).Mount)
		return setup(env)
	}
	kv := func(ts *testscript.TestScript) vaulttest.KV { return srv.KV(ts.Getenv("MOUNT"), 2) }

	// stored wants a field of a secret, as Vault keeps it: stored PATH FIELD VALUE.
	p.Cmds["stored"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 3 {
			ts.Fatalf("usage: stored PATH FIELD VALUE")
		}
		if kv(ts).Data(t, args[0])[args[1]] != args[2] {
			ts.Fatalf("the field %s of %s is not what is wanted", args[1], args[0])
		}
	}
	// put stores a field as others do, without Lukko: put PATH FIELD VALUE.
	p.Cmds["put"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 3 {
			ts.Fatalf("usage: put PATH FIELD VALUE")
		}
		kv(ts).Put(t, args[0], map[string]any{args[1]: args[2]})
	}
	// token sets VAULT_TOKEN to one that may do this: token PATH CAPABILITIES.
	p.Cmds["token"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: token PATH CAPABILITIES")
		}
		rules := `path "` + args[0] + `" { capabilities = ["` + strings.ReplaceAll(args[1], ",", `","`) + `"] }`
		policy := srv.Policy(t, rules)
		ts.Setenv("VAULT_TOKEN", srv.Token(t, vaulttest.Role{Policies: []string{policy}, TTL: 10 * time.Minute}))
	}
	// mkconfig puts the script's mount into a lukko.yaml: mkconfig FILE.
	p.Cmds["mkconfig"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: mkconfig FILE")
		}
		text := strings.ReplaceAll(ts.ReadFile(args[0]), "$MOUNT", ts.Getenv("MOUNT"))
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
	}
	// sealed sets VAULT_ADDR to that of a server that is sealed.
	p.Cmds["sealed"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 0 {
			ts.Fatalf("usage: sealed")
		}
		ts.Setenv("VAULT_ADDR", sealed().Address)
	}
	testscript.Run(t, p)
}
