package vault_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
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

// works fails the test if an id that is there can't be read at once.
func works(t *testing.T, store *core.Store, id, when string) {
	t.Helper()
	_, err := providertest.Within(providertest.FailLimit/4, func(ctx context.Context) error { return get(ctx, store, work{id: id}) })
	if err != nil {
		t.Errorf("%s: %v", when, err)
	}
}

// A strander passes bytes between clients and a server. Connections that it has
// stranded are open, and nothing passes any more; new ones pass. So it is when a
// firewall or a load balancer has forgotten a connection.
type strander struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	conns []net.Conn
	holes []chan struct{} // closed to strand a connection
	wg    sync.WaitGroup
}

func newStrander(t *testing.T, srv *vaulttest.Server) *strander {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, server, _ := strings.Cut(srv.Address, "://")
	s := &strander{listener: l, server: server}
	s.wg.Go(s.accept)
	t.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		for _, c := range s.conns {
			_ = c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return s
}

func (s *strander) accept() {
	for {
		client, err := s.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", s.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		hole := make(chan struct{})
		s.mu.Lock()
		s.conns = append(s.conns, client, server)
		s.holes = append(s.holes, hole)
		s.mu.Unlock()
		s.wg.Go(func() { pour(server, client, hole) })
		s.wg.Go(func() { pour(client, server, hole) })
	}
}

// pour passes bytes on until the connection is stranded, and then into nothing.
func pour(to, from net.Conn, hole <-chan struct{}) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-hole:
			_, _ = io.Copy(io.Discard, from)
			return
		default:
		}
		if n > 0 {
			_, _ = to.Write(buf[:n])
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// strand strands what is open, and says how many connections that were.
func (s *strander) strand() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.holes)
	for _, hole := range s.holes {
		close(hole)
	}
	s.holes = nil
	return n
}

// byToken is that of a store with a token, at an address of loopback.
func (b faultBed) byToken(address string) vault.Config {
	srv := b.kv.Server()
	scheme, _, _ := strings.Cut(srv.Address, "://")
	return vault.Config{Mount: b.kv.Mount, Lookup: environ(map[string]string{
		"VAULT_ADDR": scheme + "://" + address, "VAULT_CACERT": srv.CAFile, "VAULT_TOKEN": srv.RootToken,
	}).lookup}
}

// Of connections that died without a word, at most one call notices.
func TestDeadConnectionsCostOneCall(t *testing.T) {
	t.Parallel()
	for protocol, srv := range map[string]*vaulttest.Server{"HTTP/1.1": vaulttest.Shared(t), "HTTP/2 over TLS": vaulttest.StartTLS(t)} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			b := newFaultBed(t, srv)
			way := newStrander(t, srv)
			store := providertest.Closed(t, open(t, b.byToken(way.listener.Addr().String())))
			var ids []string
			for i := range 32 {
				ids = append(ids, fmt.Sprintf("many/%d", i))
				b.kv.Put(t, ids[i], map[string]any{"password": rand.Text()})
			}
			readMany(t, store, ids)
			if n := way.strand(); protocol == "HTTP/1.1" && n < 2 {
				t.Fatalf("%d connections are open", n)
			}
			_, err := providertest.Within(providertest.HangLimit, func(ctx context.Context) error { return get(ctx, store, work{id: "other"}) })
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("over a dead connection: %v", err)
			}
			for range 3 {
				works(t, store, "other", "a call after the one over a dead connection")
			}
		})
	}
}

// A call over a dead connection of HTTP/2, and with time enough, is told by a ping
// and sent again.
func TestDeadHTTP2ConnectionIsFoundByAPing(t *testing.T) {
	t.Parallel()
	if long(0, 1) == 0 {
		t.Skip("takes 10 s: LUKKO_TRIAL=1 runs it")
	}
	b := newFaultBed(t, vaulttest.StartTLS(t))
	way := newStrander(t, b.kv.Server())
	store := providertest.Closed(t, open(t, b.byToken(way.listener.Addr().String())))
	works(t, store, "other", "the first call")
	way.strand()
	start := time.Now()
	_, err := providertest.Within(2*providertest.FailLimit, func(ctx context.Context) error { return get(ctx, store, work{id: "other"}) })
	t.Logf("%v", time.Since(start))
	if err != nil {
		t.Error(err)
	}
}

// What many wait for is asked again where no answer comes: the next caller is
// not held up by the last one's dead connection.
func TestAnswerThatNeverComesHoldsUpNoOtherCaller(t *testing.T) {
	t.Parallel()
	b := newFaultBed(t, vaulttest.Shared(t))
	for name, prefix := range map[string]string{"the login": "/v1/auth/approle/login", "the first question": "/v1/sys/internal/ui/mounts/"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := faultproxy.NewHTTP(t, b.kv.Server().Address)
			store := providertest.Closed(t, open(t, b.config(proxy.Proxy)))
			proxy.Do(faultproxy.Rule{Match: faultproxy.To("", prefix), Times: 1, Fault: faultproxy.KeepAnswer})
			// One caller has all the time in the world, and one does not.
			patient := make(chan error, 1)
			go func() { patient <- get(t.Context(), store, work{id: "other"}) }()
			providertest.Until(t, "the first caller's request is there", func() bool {
				for _, r := range proxy.Requests() {
					if r.Fault == "KeepAnswer" {
						return true
					}
				}
				return false
			})
			works(t, store, "other", "a caller beside one who gets no answer")
			if err := <-patient; err != nil {
				t.Errorf("the one who got no answer: %v", err)
			}
		})
	}
}

func TestCloseIsPromptInABlackHole(t *testing.T) {
	t.Parallel()
	for protocol, srv := range map[string]*vaulttest.Server{"HTTP/1.1": vaulttest.Shared(t), "HTTP/2 over TLS": vaulttest.StartTLS(t)} {
		b := newFaultBed(t, srv)
		for _, c := range []struct {
			name string
			cfg  func(p *faultproxy.Proxy) vault.Config
			cold bool
			most time.Duration
		}{
			{"with a login to give back", b.config, false, 2 * time.Second},
			{"before the login", b.config, true, 0},
			{"with a token that is not its own", func(p *faultproxy.Proxy) vault.Config { return b.byToken(p.Addr()) }, false, 0},
			{"before the first question", func(p *faultproxy.Proxy) vault.Config { return b.byToken(p.Addr()) }, true, 0},
		} {
			t.Run(protocol+", "+c.name, func(t *testing.T) {
				t.Parallel()
				proxy := faultproxy.New(t, srv.Address)
				mine := providertest.NewGoroutines()
				mine.Do(func() {
					store := open(t, c.cfg(proxy))
					if !c.cold {
						works(t, store, "other", "before the fault")
					}
					defer proxy.BlackHole()() // which lasts longer than the store
					for _, call := range []func(context.Context) error{
						func(ctx context.Context) error { return get(ctx, store, work{id: "other"}) },
						func(ctx context.Context) error { return list(ctx, store, work{id: "other"}) },
					} {
						if _, err := providertest.Within(providertest.HangLimit/2, call); !errors.Is(err, context.DeadlineExceeded) {
							t.Errorf("in a black hole: %v", err)
						}
					}
					start := time.Now()
					if err := store.Close(); err != nil {
						t.Error(err)
					}
					// Some seconds more are a busy machine's; what has no bound takes a minute.
					if took := time.Since(start); took > c.most+5*time.Second {
						t.Errorf("Close took %v", took)
					}
					wantNoConnection(t, mine)
				})
			})
		}
	}
}

// 429 for a while is waited for, as long as the server asks, and not if it asks
// for longer than there is time.
func TestTooManyRequestsForAWhile(t *testing.T) {
	t.Parallel()
	b := newFaultBed(t, vaulttest.Shared(t))
	for _, c := range []struct {
		name  string
		fault faultproxy.Fault
		times int
		least time.Duration
	}{
		{"without Retry-After", faultproxy.Status(http.StatusTooManyRequests), 2, 100 * time.Millisecond},
		{"with Retry-After", faultproxy.Status(http.StatusTooManyRequests, "Retry-After", "1"), 1, time.Second},
	} {
		for _, op := range operations {
			if op.name != "get" && op.name != "set" && op.name != "purge" && op.name != "the login of a get" {
				continue
			}
			t.Run(op.name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				x := b.prepare(t, 70, op)
				x.store = providertest.Closed(t, open(t, b.config(x.proxy.Proxy)))
				x.proxy.Do(faultproxy.Rule{
					Fault: c.fault, Times: c.times,
					Match: func(r *http.Request) bool {
						return r.Method == op.method() && strings.HasPrefix(r.URL.Path, op.path(b.kv.Mount, x.work.id))
					},
				})
				start := time.Now()
				if x.run(fault{}); x.err != nil {
					t.Error(x.err)
				}
				if took := time.Since(start); took < c.least {
					t.Errorf("asked again after %v", took)
				}
				if after := state(t, b.kv, x.work.id); op.write && after != op.after {
					t.Errorf("there is %s afterwards; want %s", after, op.after)
				}
			})
		}
	}
}

// The server is sealed, and stopped, and comes back: what a caller is told, and
// that the next call works.
func TestOutagesOfTheServer(t *testing.T) {
	t.Parallel()
	for protocol, start := range map[string]func(testing.TB) *vaulttest.Server{"HTTP/1.1": vaulttest.Start, "HTTP/2 over TLS": vaulttest.StartTLS} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			b := newFaultBed(t, srv)
			for _, outage := range []struct {
				name      string
				away, end func(testing.TB)
			}{
				{"sealed", srv.Seal, srv.Unseal},
				{"stopped", srv.Stop, srv.StartAgain},
			} {
				var trials []*trial
				for i, op := range operations {
					x := b.prepare(t, i, op)
					_, address, _ := strings.Cut(srv.Address, "://")
					x.store = providertest.Closed(t, open(t, b.byRole(address)))
					if !op.cold {
						works(t, x.store, "other", "before the outage")
					}
					trials = append(trials, x)
				}
				outage.away(t)
				f := fault{name: outage.name, refused: true, network: func(*faultproxy.Proxy) func() { return nil }}
				// What a client sends before it knows that its connection is gone may have
				// arrived, for all it knows: so a read comes first.
				providertest.Together(trials, func(x *trial) {
					_, _ = providertest.Within(providertest.FailLimit, func(ctx context.Context) error { return get(ctx, x.store, work{id: "other"}) })
					x.run(f)
				})
				outage.end(t)
				for _, x := range trials {
					if wrong := x.op.wrong(f, x.err); wrong != "" {
						t.Errorf("%s, %s: %s", outage.name, x.op.name, wrong)
					}
					if got := state(t, b.kv, x.work.id); got != x.op.before {
						t.Errorf("%s, %s: there is %s afterwards; want %s", outage.name, x.op.name, got, x.op.before)
					}
					works(t, x.store, "other", outage.name+", "+x.op.name+": the next call")
				}
			}
		})
	}
}

// A server that has come back without its client knowing: a connection that idles is
// gone, and the next call finds that out without failing.
func TestRestartIsNoErrorOfTheNextRead(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Start(t)
	b := newFaultBed(t, srv)
	store := providertest.Closed(t, open(t, b.config(faultproxy.New(t, srv.Address))))
	for range 3 {
		works(t, store, "other", "before a restart")
		srv.Restart(t)
		works(t, store, "other", "after a restart")
	}
}

// While a mount is gone nothing is "not found", and nothing is written. When it
// is back, empty, the next call works.
func TestMountThatIsDeletedAndMountedAgain(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Start(t)
	b := newFaultBed(t, srv)
	store := providertest.Closed(t, open(t, b.byToken(strings.TrimPrefix(srv.Address, "http://"))))
	var before core.Info
	for _, id := range []string{"other", "again"} {
		var err error
		if before, err = store.Set(t.Context(), id, core.String(rand.Text())); err != nil {
			t.Fatal(err)
		}
	}
	if r := srv.Do(t, "DELETE", "sys/mounts/"+b.kv.Mount, nil); r.Status != http.StatusNoContent {
		t.Fatalf("status %d", r.Status)
	}
	w := work{id: "again", version: before.Version, value: core.String(rand.Text())}
	for _, op := range operations {
		if op.cold {
			continue
		}
		err := op.call(t.Context(), store, w)
		if !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("%s, without the mount: %v; want the kind %v", op.name, err, core.ErrUnavailable)
		}
	}
	srv.MountKVAt(t, b.kv.Mount, 2)
	providertest.Until(t, "the mount is ready", func() bool {
		return srv.Do(t, "GET", b.kv.Mount+"/config", nil).Status == http.StatusOK
	})
	if err := get(t.Context(), store, w); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a get of what went with the mount: %v", err)
	}
	if err := setIfVersion(t.Context(), store, w); !errors.Is(err, core.ErrConflict) {
		t.Errorf("a set over a version that went with the mount: %v", err)
	}
	after, err := store.Set(t.Context(), w.id, w.value)
	if err != nil || after.Version == before.Version {
		t.Errorf("the first set in the new mount: the version %s after %s, %v", after.Version, before.Version, err)
	}
}

// A delete whose answer was lost is done if what it deleted is seen to be gone,
// and else nobody knows.
func TestDeleteWhoseAnswerIsLostIsDoneIfThatIsSeen(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for _, version := range []int{2, 1} {
		kv := srv.MountKV(t, version)
		b := faultBed{kv: kv}
		for _, c := range []struct {
			name string
			opts []core.DeleteOption
			loss faultproxy.Fault
			seen bool // afterwards
			want error
			gone bool
		}{
			{"done and seen", nil, faultproxy.LoseAnswer, true, nil, true},
			{"done and not seen", nil, faultproxy.LoseAnswer, false, core.ErrIndeterminate, true},
			{"not done, and seen", nil, faultproxy.LoseRequest, true, core.ErrIndeterminate, false},
			{"purge, done and seen", []core.DeleteOption{core.Purge()}, faultproxy.LoseAnswer, true, nil, true},
			{"purge, done and not seen", []core.DeleteOption{core.Purge()}, faultproxy.LoseAnswer, false, core.ErrIndeterminate, true},
			{"purge, not done, and seen", []core.DeleteOption{core.Purge()}, faultproxy.LoseRequest, true, core.ErrIndeterminate, false},
		} {
			if version == 1 && len(c.opts) > 0 {
				continue
			}
			t.Run(fmt.Sprintf("KV version %d, %s", version, c.name), func(t *testing.T) {
				t.Parallel()
				id := strings.ToLower(rand.Text())
				kv.Put(t, id, map[string]any{"password": rand.Text()})
				proxy := faultproxy.NewHTTP(t, srv.Address)
				store := providertest.Closed(t, open(t, b.byToken(proxy.Addr())))
				to := func(methods ...string) func(*http.Request) bool {
					return func(r *http.Request) bool {
						return slices.Contains(methods, r.Method) && strings.HasSuffix(r.URL.Path, "/"+id)
					}
				}
				proxy.Do(faultproxy.Rule{Match: to(http.MethodDelete), Fault: c.loss})
				if !c.seen {
					proxy.Do(faultproxy.Rule{Match: to(http.MethodGet), Skip: 1, Fault: faultproxy.LoseRequest})
				}
				if err := store.Delete(t.Context(), id, c.opts...); core.KindOf(err) != c.want { //nolint:errorlint // a kind is the sentinel itself
					t.Errorf("%v; want the kind %v", err, c.want)
				}
				if gone := kv.Get(t, id).Status == http.StatusNotFound; gone != c.gone {
					t.Errorf("gone: %v; want %v", gone, c.gone)
				}
			})
		}
	}
}

// KV version 1 has no conditions: a set is done once, or may have been.
func TestSetOfVersion1WhoseAnswerIsLostMayHaveBeenDone(t *testing.T) {
	t.Parallel()
	kv := vaulttest.Shared(t).MountKV(t, 1)
	for _, c := range []struct {
		name  string
		fault faultproxy.Fault
		want  error
		there bool
	}{
		{"answer lost", faultproxy.LoseAnswer, core.ErrIndeterminate, true},
		{"request lost", faultproxy.LoseRequest, core.ErrIndeterminate, false},
		{"too many requests", faultproxy.Status(http.StatusTooManyRequests), core.ErrUnavailable, false},
		{"a gateway has no server", faultproxy.Status(http.StatusBadGateway), core.ErrIndeterminate, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			id := strings.ToLower(rand.Text())
			proxy := faultproxy.NewHTTP(t, kv.Server().Address)
			store := providertest.Closed(t, open(t, faultBed{kv: kv}.byToken(proxy.Addr())))
			proxy.Do(faultproxy.Rule{Match: faultproxy.To(http.MethodPut, "/v1/"+kv.Mount), Fault: c.fault})
			if _, err := store.Set(t.Context(), id, core.String(rand.Text())); core.KindOf(err) != c.want { //nolint:errorlint // a kind is the sentinel itself
				t.Errorf("%v; want the kind %v", err, c.want)
			}
			delivered := 0
			for _, r := range proxy.Requests() {
				if r.Method == http.MethodPut && r.Delivered {
					delivered++
				}
			}
			if there := kv.Get(t, id).Status == http.StatusOK; there != c.there || delivered > 1 {
				t.Errorf("there: %v, want %v; sent to the server %d times", there, c.there, delivered)
			}
		})
	}
}
