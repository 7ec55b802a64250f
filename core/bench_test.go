package core_test

import (
	"context"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// fixed is the cheapest backend there can be: what it costs to call it is
// what the front is measured against.
type fixed struct{ secret core.Secret }

func (f *fixed) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return f.secret, nil
}

func (f *fixed) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{AtVersion: true}, nil
}

const benchID = "SHOP_PRODUCTION_STRIPE_API_KEY_1" // 32 bytes

func newFixed() *fixed {
	return &fixed{core.Secret{Info: core.Info{Version: "v1", Source: "fixed"}, Value: core.String("x")}}
}

var sink core.Secret

// BenchmarkBackendGet is the floor of BenchmarkStoreGet: the same backend
// without the front.
func BenchmarkBackendGet(b *testing.B) {
	var backend core.Backend = newFixed()
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		sink, _ = backend.Get(ctx, benchID, core.GetOptions{})
	}
}

//bench:extra BenchmarkStoreGet/no_option BenchmarkBackendGet 60

// BenchmarkStoreGet is a Get through the front, with a context that can end,
// as one of a request can.
func BenchmarkStoreGet(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var svc core.SecretService = core.New("fixed", newFixed())
	for _, bench := range []struct {
		name string
		opts []core.GetOption
	}{
		{"no option", nil},
		{"AtVersion", []core.GetOption{core.AtVersion("v1")}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink, _ = svc.Get(ctx, benchID, bench.opts...)
			}
		})
	}
}
