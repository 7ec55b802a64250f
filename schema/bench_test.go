package schema_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// What a handle's Get costs, beside a function that does no more than return
// a copy of the same struct through a bare atomic pointer.
//
//bench:ratio BenchmarkHot BenchmarkFloor 1.5
//bench:ratio BenchmarkHotFour BenchmarkFloorFour
//bench:ratio BenchmarkHotParallel BenchmarkFloorParallel 1.5

// fourStrings is twice as large as a struct of two Values is, twice over.
type fourStrings struct {
	A, B, C, D string
}

var (
	floor     atomic.Pointer[StripeCredentials]
	floorFour atomic.Pointer[fourStrings]

	sink     StripeCredentials
	sinkFour fourStrings
)

func getFloor() StripeCredentials { return *floor.Load() }
func getFloorFour() fourStrings   { return *floorFour.Load() }

// bound returns a handle of a declaration whose stored value is given.
func bound[T any](tb testing.TB, stored string) *schema.Handle[T] {
	tb.Helper()
	d := schema.DeclareIn[T](new(schema.Set), schema.Spec{ID: "ID"})
	loaded, err := schema.Loader{Service: newFake(map[string]string{"ID": stored}).service(), Every: -1}.Load(context.Background(), d)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = loaded.Close() })
	return d.From(loaded)
}

const (
	storedStripe = `{"apiKey":"sk_test_4eC39HqLyjWDarjtT1zdp7dc","webhookSecret":"whsec_1"}`
	storedFour   = `{"A":"a","B":"b","C":"c","D":"d"}`
)

func BenchmarkHot(b *testing.B) {
	h := bound[StripeCredentials](b, storedStripe)
	b.ReportAllocs()
	for b.Loop() {
		sink = h.Get()
	}
}

func BenchmarkFloor(b *testing.B) {
	floor.Store(&StripeCredentials{APIKey: core.String("sk_test"), WebhookSecret: core.String("whsec")})
	b.ReportAllocs()
	for b.Loop() {
		sink = getFloor()
	}
}

func BenchmarkHotFour(b *testing.B) {
	h := bound[fourStrings](b, storedFour)
	b.ReportAllocs()
	for b.Loop() {
		sinkFour = h.Get()
	}
}

func BenchmarkFloorFour(b *testing.B) {
	floorFour.Store(&fourStrings{"a", "b", "c", "d"})
	b.ReportAllocs()
	for b.Loop() {
		sinkFour = getFloorFour()
	}
}

// The parallel pair shows that cores don't wait for each other. Each core
// keeps what it got to itself: a sink that they share would be the bottleneck.

func BenchmarkHotParallel(b *testing.B) {
	h := bound[StripeCredentials](b, storedStripe)
	b.RunParallel(func(pb *testing.PB) {
		got := h.Get()
		for pb.Next() {
			got = h.Get()
		}
		if got.APIKey.IsZero() {
			b.Error("there is no key")
		}
	})
}

func BenchmarkFloorParallel(b *testing.B) {
	floor.Store(&StripeCredentials{APIKey: core.String("sk_test"), WebhookSecret: core.String("whsec")})
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

var sinkValue StripeCredentials

// BenchmarkGet is one typed read: the service's call, the validation and the
// decoding.
func BenchmarkGet(b *testing.B) {
	d := declare[StripeCredentials](schema.Spec{ID: "ID"})
	svc := newFake(map[string]string{"ID": storedStripe}).service()
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if sinkValue, err = d.Get(ctx, svc); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAHandlesGetAllocatesNothing(t *testing.T) {
	h := bound[StripeCredentials](t, storedStripe)
	four := bound[fourStrings](t, storedFour)
	for name, read := range map[string]func(){
		"Get of two Values":    func() { sink = h.Get() },
		"Lookup of two Values": func() { sink, _ = h.Lookup() },
		"Get of four strings":  func() { sinkFour = four.Get() },
	} {
		if n := testing.AllocsPerRun(1000, read); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
	if sink.APIKey.Reveal() != "sk_test_4eC39HqLyjWDarjtT1zdp7dc" || sinkFour.D != "d" {
		t.Error("the handles do not give what is stored")
	}
}
