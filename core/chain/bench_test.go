package chain_test

import (
	"fmt"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/core/memory"
)

// BenchmarkGet compares a Get through a chain with one of its layer alone.
func BenchmarkGet(b *testing.B) {
	const id = "STRIPE_CREDENTIALS_OF_PRODUCTION"
	store := memory.With(map[string]string{id: "1"})
	services := []struct {
		name string
		svc  core.SecretService
	}{{"layer", store}}
	for _, depth := range []int{1, 2, 3} {
		var layers []chain.Layer
		for i := range depth - 1 {
			layers = append(layers, chain.Layer{Name: fmt.Sprintf("empty-%d", i), Service: memory.New(memory.Config{})})
		}
		c, err := chain.New(chain.Config{Layers: append(layers, chain.Layer{Name: "last", Service: store})})
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		services = append(services, struct {
			name string
			svc  core.SecretService
		}{fmt.Sprintf("chain/in-layer-%d", depth), c})
	}
	for _, s := range services {
		b.Run(s.name, func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.svc.Get(ctx, id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGetMany compares a batch of 100 ids, half of them in each of two
// layers, with one of a single layer.
func BenchmarkGetMany(b *testing.B) {
	var ids []string
	half := []map[string]string{{}, {}}
	all := map[string]string{}
	for i := range 100 {
		id := fmt.Sprintf("SECRET_%03d", i)
		ids = append(ids, id)
		half[i%2][id], all[id] = "1", "1"
	}
	c, err := chain.New(chain.Config{Layers: []chain.Layer{
		{Name: "a", Service: memory.With(half[0])}, {Name: "b", Service: memory.With(half[1])},
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for _, s := range []struct {
		name string
		svc  core.SecretService
	}{{"layer", memory.With(all)}, {"chain", c}} {
		b.Run(s.name, func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if got, err := s.svc.GetMany(ctx, ids); err != nil || len(got) != len(ids) {
					b.Fatal(len(got), err)
				}
			}
		})
	}
}
