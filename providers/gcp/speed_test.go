package gcp_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

const (
	manySecrets = 100
	linkRTT     = 20 * time.Millisecond
)

func seedMany(srv *gcptest.Server, n, size int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("secret-%05d", i)
		srv.Seed(ids[i], []byte(strings.Repeat("x", size)))
	}
	return ids
}

// All reads of a batch are in flight together, over one connection: so they take one
// round trip, and the connection those that TCP and HTTP/2 take.
func TestAHundredSecretsAreReadInOneWaveOverOneConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gcp.Config{})
	providertest.Closed(t, w.store)
	ids := seedMany(w.Server, manySecrets, 100)
	release := make(chan struct{})
	held := w.Inject(gcptest.Fault{Method: "AccessSecretVersion", Times: -1, Wait: release})
	done := make(chan error, 1)
	go func() {
		got, err := w.store.GetMany(t.Context(), ids)
		if err == nil && len(got) != len(ids) {
			err = fmt.Errorf("%d of %d secrets", len(got), len(ids))
		}
		done <- err
	}()
	providertest.Until(t, "all reads are in flight before one is answered", func() bool { return held.Hits() == manySecrets })
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if opened := w.proxy.Connections().Opened; opened != 1 {
		t.Errorf("%d connections were opened, want 1", opened)
	}
	if n := len(w.Calls()); n != manySecrets {
		t.Errorf("%d calls, want %d", n, manySecrets)
	}
}

func TestNoMoreRequestsAreInFlightThanAreAllowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gcp.Config{Concurrency: 7})
	providertest.Closed(t, w.store)
	ids := seedMany(w.Server, manySecrets, 1)
	release := make(chan struct{})
	held := w.Inject(gcptest.Fault{Method: "AccessSecretVersion", Times: 7, Wait: release})
	done := make(chan error, 1)
	go func() {
		_, err := w.store.GetMany(t.Context(), ids)
		done <- err
	}()
	providertest.Until(t, "seven are in flight", func() bool { return held.Hits() == 7 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := w.store.Get(ctx, "a"); err == nil {
		t.Error("an eighth request was sent")
	}
	if n := w.CountCalls("AccessSecretVersion"); n != 7 {
		t.Errorf("%d calls, want 7", n)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The memory of a listing is that of its page, however many secrets there are, and
// whatever hangs on each.
func TestAListOfTenThousandTakesConstantMemory(t *testing.T) {
	const secrets, ends = 10_000, 1000
	srv := gcptest.New(t)
	store := over(t, srv.Endpoint, gcp.Config{})
	seedMany(srv, secrets, 1)
	live := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	// What others hold for a moment is no growth: of the last looks the least counts.
	early, late := uint64(0), uint64(math.MaxUint64)
	n := 0
	for _, err := range store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		switch n++; {
		case n%500 != 250:
		case n <= ends:
			early = max(early, live())
		case n > secrets-ends:
			late = min(late, live())
		}
	}
	if n != secrets {
		t.Fatalf("%d secrets, want %d", n, secrets)
	}
	// To keep the names alone would take more.
	if grown := int64(late) - int64(early); grown > 256<<10 {
		t.Errorf("the heap grew by %d bytes from the first %d of %d secrets to the last", grown, ends, secrets)
	}
}

// coldRead reads many secrets with a store that has no connection yet.
func coldRead(t testing.TB, proxy *faultproxy.Proxy, ids []string) time.Duration {
	t.Helper()
	began := time.Now()
	store, err := gcp.New(gcp.Config{Endpoint: proxy.Addr(), Project: gcptest.ProjectID, Lookup: bare})
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.GetMany(t.Context(), ids)
	took := time.Since(began)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("%d of %d secrets, %v", len(got), len(ids), err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return took
}

// Many secrets that a program reads as it starts, over a link of 20 ms.
func BenchmarkManyCold(b *testing.B) {
	for _, size := range []int{100, 16 << 10} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			srv := gcptest.New(b)
			ids := seedMany(srv, manySecrets, size)
			proxy := faultproxy.New(b, srv.Listen())
			proxy.Delay(linkRTT)
			proxy.DelayConnect(linkRTT)
			best := time.Hour
			for b.Loop() {
				best = min(best, coldRead(b, proxy, ids))
			}
			b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
			b.ReportMetric(float64(best)/float64(linkRTT), "round-trips")
		})
	}
}
