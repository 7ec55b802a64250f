//go:build !race

package vault_test

import (
	"fmt"
	"testing"

	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// What a handler in this process allocates counts for both.
func TestAGetAllocatesNoMoreThanTheBareClients(t *testing.T) {
	srv := vaulttest.Shared(t)
	for version, bareGet := range map[int]func(address, mount string) func() error{
		1: func(address, mount string) func() error {
			kv := bare(t, address, srv.RootToken).KVv1(mount)
			return func() error { _, err := kv.Get(t.Context(), benchID); return err }
		},
		2: func(address, mount string) func() error {
			kv := bare(t, address, srv.RootToken).KVv2(mount)
			return func() error { _, err := kv.Get(t.Context(), benchID); return err }
		},
	} {
		t.Run(fmt.Sprintf("KV version %d", version), func(t *testing.T) {
			kv := srv.MountKV(t, version)
			kv.Put(t, benchID, benchData)
			address := record(t, srv).URL
			store := open(t, vault.Config{Mount: kv.Mount, Lookup: settings(address, srv.RootToken)})
			defer store.Close()
			count := func(get func() error) float64 {
				return testing.AllocsPerRun(100, func() {
					if err := get(); err != nil {
						t.Fatal(err)
					}
				})
			}
			theirs := count(bareGet(address, kv.Mount))
			ours := count(func() error { _, err := store.Get(t.Context(), benchID); return err })
			t.Logf("%.0f allocations beside %.0f", ours, theirs)
			if ours > theirs {
				t.Errorf("a Get allocates %.0f times, the bare client's %.0f times", ours, theirs)
			}
		})
	}
}
