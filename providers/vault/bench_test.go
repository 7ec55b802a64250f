package vault_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// A read beside that of the API client: from the real server, and from a
// handler that costs next to nothing, which shows the client's own share.
//
//bench:ratio BenchmarkGet/server BenchmarkBareKVv2Get/server 1.15
//bench:ratio BenchmarkGetV1/server BenchmarkBareKVv1Get/server 1.15
//bench:ratio BenchmarkGet/handler BenchmarkBareKVv2Get/handler 1.15
//bench:ratio BenchmarkGetV1/handler BenchmarkBareKVv1Get/handler 1.15

const (
	benchID = "stripe/credentials"
)

var benchData = map[string]any{
	"apiKey":        "sk_test_0123456789abcdef0123456789abcdef",
	"webhookSecret": "whsec_0123456789abcdef0123456789abcdef",
}

// settings are an environment with an address and a token.
func settings(address, token string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		switch name {
		case "VAULT_ADDR":
			return address, true
		case "VAULT_TOKEN":
			return token, true
		}
		return "", false
	}
}

// bare is the API client as programs make it.
func bare(t testing.TB, address, token string) *api.Client {
	t.Helper()
	cfg := api.DefaultConfig()
	cfg.Address = address
	client, err := api.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	client.SetToken(token)
	return client
}

// overBoth runs a benchmark of a read over the real server, and over a handler
// that gives the same answers.
func overBoth(b *testing.B, version int, run func(b *testing.B, kv vaulttest.KV, address string)) {
	srv := vaulttest.Shared(b)
	kv := srv.MountKV(b, version)
	kv.Put(b, benchID, benchData)
	b.Run("server", func(b *testing.B) { run(b, kv, srv.Address) })
	recorded := record(b, srv)
	b.Run("handler", func(b *testing.B) { run(b, kv, recorded.URL) })
}

// record serves each answer of a server that it has got once, from memory.
func record(b testing.TB, srv *vaulttest.Server) *httptest.Server {
	type kept struct {
		header http.Header
		body   []byte
	}
	answers := map[string]kept{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := answers[r.URL.Path] // requests come one after the other
		if !ok {
			resp := srv.Do(b, r.Method, r.URL.Path[len("/v1/"):], nil)
			a = kept{resp.Header, resp.Body}
			answers[r.URL.Path] = a
		}
		for name, values := range a.header {
			w.Header()[name] = values
		}
		_, _ = w.Write(a.body)
	}))
	b.Cleanup(h.Close)
	return h
}

func benchGet(b *testing.B, version int) {
	overBoth(b, version, func(b *testing.B, kv vaulttest.KV, address string) {
		store := open(b, vault.Config{Mount: kv.Mount, Lookup: settings(address, kv.Server().RootToken)})
		defer store.Close()
		if _, err := store.Get(b.Context(), benchID); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := store.Get(b.Context(), benchID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGet(b *testing.B)   { benchGet(b, 2) }
func BenchmarkGetV1(b *testing.B) { benchGet(b, 1) }

func BenchmarkBareKVv2Get(b *testing.B) {
	overBoth(b, 2, func(b *testing.B, kv vaulttest.KV, address string) {
		bareKV := bare(b, address, kv.Server().RootToken).KVv2(kv.Mount)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bareKV.Get(b.Context(), benchID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBareKVv1Get(b *testing.B) {
	overBoth(b, 1, func(b *testing.B, kv vaulttest.KV, address string) {
		bareKV := bare(b, address, kv.Server().RootToken).KVv1(kv.Mount)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bareKV.Get(b.Context(), benchID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Many secrets that a program reads as it starts, with all that this takes:
// from making the store to closing it.
func BenchmarkManyCold(b *testing.B) {
	for name, srv := range map[string]*vaulttest.Server{"http1": vaulttest.Shared(b), "http2_tls": vaulttest.StartTLS(b)} {
		kv := srv.MountKV(b, 2)
		ids := manyIDs(b, kv, manySecrets)
		for _, concurrency := range []int{8, 64, 128} {
			b.Run(fmt.Sprintf("%s/concurrency=%d", name, concurrency), func(b *testing.B) {
				proxy := faultproxy.New(b, srv.Address)
				proxy.Delay(linkRTT)
				proxy.DelayConnect(linkRTT)
				best := time.Hour
				for b.Loop() {
					best = min(best, coldRead(b, srv, proxy, kv, ids, concurrency))
				}
				b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
			})
		}
	}
}

// A List of many secrets with large values, none of which it reads.
func BenchmarkList10000(b *testing.B) {
	const secrets = 10_000
	srv := vaulttest.Shared(b)
	kv := srv.MountKV(b, 2)
	store := open(b, vault.Config{Mount: kv.Mount, Lookup: settings(srv.Address, srv.RootToken)})
	defer store.Close()
	value := core.String(strings.Repeat("x", 4<<10))
	var writers sync.WaitGroup
	for first := range 8 {
		writers.Go(func() {
			for i := first; i < secrets; i += 8 {
				if _, err := store.Set(b.Context(), fmt.Sprintf("team-%02d/secret-%05d", i%50, i), value); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	var peak uint64
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range store.List(b.Context(), "") {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n%1000 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}
		if n != secrets {
			b.Fatalf("%d secrets, want %d", n, secrets)
		}
	}
	b.ReportMetric(float64(peak)/(1<<20), "peak-MiB")
}
