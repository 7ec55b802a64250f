package vault_test

import (
	"cmp"
	"encoding/pem"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

const (
	manySecrets  = 100
	linkRTT      = 20 * time.Millisecond
	readersOfOne = 1000
)

// manyIDs puts so many secrets into a mount, and returns their ids.
func manyIDs(t testing.TB, kv vaulttest.KV, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("app/secret-%03d", i)
		kv.Put(t, ids[i], map[string]any{"password": fmt.Sprint("value of ", ids[i])})
	}
	return ids
}

// readMany reads all ids at once, and sees that each is there.
func readMany(t testing.TB, store *core.Store, ids []string) {
	t.Helper()
	got, err := store.GetMany(t.Context(), ids)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("%d of %d secrets, %v", len(got), len(ids), err)
	}
}

// gate is a front of a real server that speaks HTTP/2 or HTTP/1.1, and holds
// reads of secrets back until it is opened, so that what is in flight together can be
// counted.
type gate struct {
	URL    string
	CAFile string

	providertest.Gate // of reads

	mu     sync.Mutex
	asked  int // requests for anything else
	conns  int // opened ever
	protos map[string]bool
}

func newGate(t testing.TB, kv vaulttest.KV, secure bool) *gate {
	t.Helper()
	target, err := url.Parse(kv.Server().Address)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{protos: map[string]bool{}}
	onward := httputil.NewSingleHostReverseProxy(target)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.hold(r, "/v1/"+kv.Mount+"/")
		onward.ServeHTTP(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.conns++
		}
	}
	if secure {
		s.EnableHTTP2 = true
		s.StartTLS()
		g.CAFile = filepath.Join(t.TempDir(), "ca.pem")
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
		if err := os.WriteFile(g.CAFile, text, 0o600); err != nil {
			t.Fatal(err)
		}
	} else {
		s.Start()
	}
	g.URL = s.URL
	t.Cleanup(func() {
		g.Release()
		s.Close()
	})
	return g
}

func (g *gate) hold(r *http.Request, reads string) {
	g.mu.Lock()
	g.protos[r.Proto] = true
	if !strings.HasPrefix(r.URL.Path, reads) {
		g.asked++
		g.mu.Unlock()
		return
	}
	g.mu.Unlock()
	_ = g.Hold(r.Context())
}

func (g *gate) lookup(token string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if name == "VAULT_CACERT" && g.CAFile != "" {
			return g.CAFile, true
		}
		return settings(g.URL, token)(name)
	}
}

// What lies on the way to the last of many secrets, counted exactly: the
// setting up of connections, one question about the engine, and as many waves
// of reads as the concurrency asks for. Five round trips' time is promised, so that one is
// left for the work itself.
func TestManySecretsColdTakeFewRoundTrips(t *testing.T) {
	t.Parallel()
	kv := vaulttest.Shared(t).MountKV(t, 2)
	ids := manyIDs(t, kv, manySecrets)
	for _, c := range []struct {
		name        string
		secure      bool
		concurrency int // 0: the default
		setUp       int // round trips in which no request is under way
		most        int // round trips in all
	}{
		{name: "HTTP/1.1", setUp: 2, most: 4},                        // TCP for the question, and for the others
		{name: "HTTP/2.0 over TLS", secure: true, setUp: 2, most: 4}, // TCP, TLS
		{name: "HTTP/1.1, 8 at a time", concurrency: 8, setUp: 2, most: 16},
		{name: "HTTP/2.0 over TLS, 8 at a time", secure: true, concurrency: 8, setUp: 2, most: 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, kv, c.secure)
			store := open(t, vault.Config{Mount: kv.Mount, Concurrency: c.concurrency, Lookup: g.lookup(kv.Server().RootToken)})
			defer store.Close()
			done := make(chan struct{})
			go func() {
				defer close(done)
				readMany(t, store, ids)
			}()
			most := cmp.Or(c.concurrency, vault.DefaultConcurrency)
			waves := 0
			for left := len(ids); left > 0; waves++ {
				want := min(left, most)
				g.Wave(t, want)
				left -= want
			}
			<-done
			asked, conns, proto := g.seen()
			if n := c.setUp + asked + waves; n > c.most || asked != 1 {
				t.Errorf("%d round trips to set up connections, %d questions, %d waves of reads: want %d in all at most, and one question", c.setUp, asked, waves, c.most)
			}
			// That is what the round trips of setting up go by.
			if want, _, _ := strings.Cut(c.name, " "); proto != strings.TrimSuffix(want, ",") {
				t.Errorf("spoke %s", proto)
			}
			if limit := map[bool]int{false: most, true: 1}[c.secure]; conns > limit {
				t.Errorf("%d connections, want %d at most", conns, limit)
			}
		})
	}
}

// seen returns how many requests were no reads, how many connections there
// were, and what was spoken.
func (g *gate) seen() (asked, conns int, proto string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked, g.conns, strings.Join(slices.Sorted(maps.Keys(g.protos)), " and ")
}

func TestAThousandReadersOfOneSecretShareFewConnections(t *testing.T) {
	t.Parallel()
	plain := vaulttest.Shared(t)
	secure := vaulttest.StartTLS(t)
	for _, c := range []struct {
		name        string
		srv         *vaulttest.Server
		concurrency int // 0: the default
		kv          int // 0: asked
		most        int // connections, ever
	}{
		{name: "HTTP/1.1", srv: plain, most: vault.DefaultConcurrency},
		{name: "HTTP/1.1, the engine given", srv: plain, kv: 2, most: vault.DefaultConcurrency},
		{name: "HTTP/1.1, 8 at a time", srv: plain, concurrency: 8, most: 8},
		{name: "HTTP/2 over TLS", srv: secure, most: 1},
		// Nothing goes ahead of the readers and finds that one connection serves
		// all. The transport counts those that it drops then as gone before they are.
		{name: "HTTP/2 over TLS, the engine given", srv: secure, kv: 2, most: 2 * vault.DefaultConcurrency},
		{name: "HTTP/2 over TLS, 8 at a time", srv: secure, concurrency: 8, most: 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kv := c.srv.MountKV(t, 2)
			kv.Put(t, benchID, benchData)
			proxy := faultproxy.New(t, c.srv.Address)
			store := open(t, vault.Config{
				Mount: kv.Mount, KV: c.kv, Concurrency: c.concurrency,
				Lookup: through(c.srv, proxy),
			})
			defer store.Close()
			start := make(chan struct{})
			var readers sync.WaitGroup
			for range readersOfOne {
				readers.Go(func() {
					<-start
					if s, err := store.Get(t.Context(), benchID); err != nil || s.Value.IsZero() {
						t.Errorf("a reader got no value, %v", err)
					}
				})
			}
			close(start)
			readers.Wait()
			got := proxy.Connections()
			t.Logf("%d connections, %d at a time", got.Opened, got.Most)
			if got.Opened > c.most {
				t.Errorf("%d connections for %d readers, %d at a time; want %d at most", got.Opened, readersOfOne, got.Most, c.most)
			}
		})
	}
}

// through is an environment in which a proxy stands where the server is.
func through(srv *vaulttest.Server, proxy *faultproxy.Proxy) func(string) (string, bool) {
	scheme, _, _ := strings.Cut(srv.Address, "://")
	return func(name string) (string, bool) {
		if name == "VAULT_CACERT" && srv.CAFile != "" {
			return srv.CAFile, true
		}
		return settings(scheme+"://"+proxy.Addr(), srv.RootToken)(name)
	}
}

// The same as the count above, as a time: what a link of so many milliseconds
// costs, beyond what the machine needs without it.
func TestManySecretsColdOverALinkTakeFiveRoundTripsTime(t *testing.T) {
	t.Parallel()
	for name, srv := range map[string]*vaulttest.Server{"HTTP/1.1": vaulttest.Shared(t), "HTTP/2 over TLS": vaulttest.StartTLS(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kv := srv.MountKV(t, 2)
			ids := manyIDs(t, kv, manySecrets)
			proxy := faultproxy.New(t, srv.Address)
			near, far := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
			// A loaded machine makes single runs slow; the best of each is
			// little else than waiting.
			for round := 1; ; round++ {
				proxy.Delay(0)
				proxy.DelayConnect(0)
				near = min(near, coldRead(t, srv, proxy, kv, ids, 0))
				proxy.Delay(linkRTT)
				proxy.DelayConnect(linkRTT)
				far = min(far, coldRead(t, srv, proxy, kv, ids, 0))
				if far-near <= 5*linkRTT {
					t.Logf("round %d: %v, and %v without the link", round, far, near)
					return
				}
				if round == 10 {
					t.Fatalf("%v in the best of %d rounds, and %v without the link: that is more than 5 round trips of %v", far, round, near, linkRTT)
				}
			}
		})
	}
}

// coldRead is how long a new store takes to read many secrets.
func coldRead(t testing.TB, srv *vaulttest.Server, proxy *faultproxy.Proxy, kv vaulttest.KV, ids []string, concurrency int) time.Duration {
	t.Helper()
	start := time.Now()
	store := open(t, vault.Config{Mount: kv.Mount, Concurrency: concurrency, Lookup: through(srv, proxy)})
	readMany(t, store, ids)
	took := time.Since(start)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return took
}
