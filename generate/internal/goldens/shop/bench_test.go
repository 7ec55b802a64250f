package shop_test

import (
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate/internal/goldens/shop"
)

// What a generated getter of what was loaded costs, beside a function that does no
// more than return a copy of the same struct through a bare atomic pointer.
//
//bench:ratio BenchmarkLoadedGetter BenchmarkFloor 1.5
//bench:ratio BenchmarkLoadedGetterParallel BenchmarkFloorParallel 1.5

var (
	floor atomic.Pointer[shop.StripeCredentials]
	sink  shop.StripeCredentials
)

func getFloor() shop.StripeCredentials { return *floor.Load() }

func loaded(tb testing.TB) *shop.LoadedSecrets {
	tb.Helper()
	_, s := service(tb, map[string]string{shop.StripeID: stored, shop.HostileID: "x", shop.GitlabTokenID: "glpat_1", shop.BackupKeyID: "k"})
	l, err := s.Load(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	floor.Store(&shop.StripeCredentials{APIKey: core.String("sk_live_1"), WebhookSecret: core.String("whsec_1")})
	return l
}

func BenchmarkLoadedGetter(b *testing.B) {
	l := loaded(b)
	b.ReportAllocs()
	for b.Loop() {
		sink = l.Stripe()
	}
}

func BenchmarkFloor(b *testing.B) {
	loaded(b)
	b.ReportAllocs()
	for b.Loop() {
		sink = getFloor()
	}
}

func BenchmarkLoadedGetterParallel(b *testing.B) {
	l := loaded(b)
	b.RunParallel(func(pb *testing.PB) {
		got := l.Stripe()
		for pb.Next() {
			got = l.Stripe()
		}
		if got.APIKey.IsZero() {
			b.Error("there is no key")
		}
	})
}

func BenchmarkFloorParallel(b *testing.B) {
	loaded(b)
	b.RunParallel(func(pb *testing.PB) {
		got := getFloor()
		for pb.Next() {
			got = getFloor()
		}
		if got.APIKey.IsZero() {
			b.Error("there is no key")
		}
	})
}
