package vault_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
)

// stored is all versions of an id: their numbers by their values.
func stored(t *testing.T, kv vaulttest.KV, id string) map[string][]int {
	t.Helper()
	all, _ := kv.Metadata(t, id).Field("data", "versions").(map[string]any)
	found := map[string][]int{}
	for text := range all {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal("a version that is no number")
		}
		value := valueOf(kv.GetVersion(t, id, n))
		found[value] = append(found[value], n)
	}
	return found
}

// A ledger is what a writer was told of its writes to an id that is its own, in their
// order.
type ledger struct {
	id      string
	entries []entry
}

type entry struct {
	value   string
	version string
	err     error
}

const ledgerWriters = 8

// keepLedgers lets writers write, each so many values, one after another, to an id
// of its own.
func keepLedgers(t *testing.T, store *core.Store, writes int, more func() bool) []*ledger {
	t.Helper()
	ledgers := make([]*ledger, ledgerWriters)
	var writers sync.WaitGroup
	for i := range ledgers {
		l := &ledger{id: fmt.Sprintf("writer/%d", i)}
		ledgers[i] = l
		writers.Go(func() {
			for n := 0; n < writes || more != nil && more(); n++ {
				e := entry{value: rand.Text()}
				ctx, cancel := context.WithTimeout(t.Context(), providertest.FailLimit)
				info, err := store.Set(ctx, l.id, core.String(e.value))
				cancel()
				e.version, e.err = info.Version, err
				l.entries = append(l.entries, e)
			}
		})
	}
	writers.Wait()
	return ledgers
}

// compare holds a ledger to what the engine has, seen from outside.
func (l *ledger) compare(t *testing.T, kv vaulttest.KV, outcomes map[string]int) {
	t.Helper()
	there := stored(t, kv, l.id)
	last := 0 // the version of the last write that was acknowledged
	for i, e := range l.entries {
		numbers := there[e.value]
		delete(there, e.value)
		switch {
		case e.err == nil:
			outcomes["written"]++
			if len(numbers) != 1 || !strings.HasPrefix(e.version, strconv.Itoa(numbers[0])+"-") {
				t.Errorf("%s, write %d: acknowledged as a version, and is in the versions %v", l.id, i, numbers)
			}
		case errors.Is(e.err, core.ErrIndeterminate):
			outcomes["indeterminate"]++
			if len(numbers) > 1 {
				t.Errorf("%s, write %d: done twice", l.id, i)
			}
			outcomes["indeterminate and there"] += len(numbers)
		case errors.Is(e.err, core.ErrUnavailable):
			outcomes["not written"]++
			if len(numbers) > 0 {
				t.Errorf("%s, write %d: %v; and yet it is there", l.id, i, e.err)
			}
		default:
			t.Errorf("%s, write %d: %v", l.id, i, e.err)
		}
		if errors.Is(e.err, context.DeadlineExceeded) || errors.Is(e.err, context.Canceled) {
			t.Errorf("%s, write %d: %v, though the caller's context has not ended", l.id, i, e.err)
		}
		for _, n := range numbers {
			if n < last {
				t.Errorf("%s, write %d: version %d, before a write that had been acknowledged before it", l.id, i, n)
			}
			if e.err == nil {
				last = n
			}
		}
	}
	if len(there) > 0 {
		t.Errorf("%s: %d versions that nobody wrote", l.id, len(there))
	}
}

func compareAll(t *testing.T, kv vaulttest.KV, ledgers []*ledger) map[string]int {
	t.Helper()
	outcomes := map[string]int{}
	for _, l := range ledgers {
		l.compare(t, kv, outcomes)
	}
	t.Logf("%d writers: %v", len(ledgers), outcomes)
	if outcomes["written"] == 0 {
		t.Error("nothing was written")
	}
	return outcomes
}

func TestNoWriteIsLostOrDoubledByTheNetwork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		srv  *vaulttest.Server
		deal func(p *faultproxy.HTTP, mount string)
	}{
		{"HTTP/1.1, one request at a time is met", vaulttest.Shared(t), misbehave},
		{"HTTP/1.1, all connections are reset", vaulttest.Shared(t), func(p *faultproxy.HTTP, mount string) {
			// In the moment that a write passes, so that each meets some others in flight.
			now := everyWrite(mount, 9)
			p.Do(faultproxy.Rule{Match: func(r *http.Request) bool {
				if now(r) {
					go p.Disconnect(faultproxy.Reset)
				}
				return false
			}})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kv := c.srv.MountKV(t, 2)
			keepAllVersions(t, kv)
			proxy := faultproxy.NewHTTP(t, c.srv.Address)
			store := providertest.Closed(t, open(t, bedOf(t, kv).config(proxy.Proxy)))
			if _, err := store.Capabilities(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.deal(proxy, kv.Mount)
			got := compareAll(t, kv, keepLedgers(t, store, long(30, 500), nil))
			if got["indeterminate"] == 0 {
				t.Error("no answer was lost")
			}
		})
	}
}

// HTTP/2 has all writers on one connection, which is cut under them.
func TestNoWriteIsLostOrDoubledWhenHTTP2IsCut(t *testing.T) {
	t.Parallel()
	kv := vaulttest.StartTLS(t).MountKV(t, 2)
	keepAllVersions(t, kv)
	proxy := faultproxy.New(t, kv.Server().Address)
	store := providertest.Closed(t, open(t, bedOf(t, kv).config(proxy)))
	if _, err := store.Capabilities(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Each connection ends after so many bytes of answers, its handshake among
	// them; a new one begins the count anew.
	stop := make(chan struct{})
	var cutter sync.WaitGroup
	cutter.Go(func() {
		for opened := 0; ; {
			select {
			case <-stop:
				return
			default:
			}
			if now := proxy.Connections().Opened; now != opened {
				opened = now
				proxy.Cut(20_000, faultproxy.Reset)
			}
			time.Sleep(time.Millisecond)
		}
	})
	ledgers := keepLedgers(t, store, long(30, 500), nil)
	close(stop)
	cutter.Wait()
	compareAll(t, kv, ledgers)
	if made := proxy.Connections().Opened; made < 2 {
		t.Error("the connection was never cut")
	}
}

// The server itself goes away and comes back, in each of its ways.
func TestNoWriteIsLostOrDoubledByAnOutageOfTheServer(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Start(t)
	kv := srv.MountKV(t, 2)
	keepAllVersions(t, kv)
	_, address, _ := strings.Cut(srv.Address, "://")
	store := providertest.Closed(t, open(t, bedOf(t, kv).byRole(address)))
	if _, err := store.Capabilities(t.Context()); err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	done := make(chan []*ledger)
	go func() { done <- keepLedgers(t, store, 1, func() bool { return !over.Load() }) }()
	for range long(5, 15) {
		srv.Restart(t)
		srv.Seal(t)
		srv.Unseal(t)
		srv.Stop(t)
		srv.StartAgain(t)
	}
	over.Store(true)
	got := compareAll(t, kv, <-done)
	if got["not written"]+got["indeterminate"] == 0 {
		t.Error("no write met the outage")
	}
}

// Each login lives for a moment only: writers go on over the ends of many.
func TestNoWriteIsLostOrDoubledWhenLoginsEnd(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	kv := srv.MountKV(t, 2)
	keepAllVersions(t, kv)
	proxy := faultproxy.NewHTTP(t, srv.Address)
	bed := faultBed{kv, srv.AppRole(t, vaulttest.Role{
		Policies: []string{srv.Policy(t, writerPolicy(kv))}, TTL: time.Second, MaxTTL: time.Second,
	})}
	store := providertest.Closed(t, open(t, bed.config(proxy.Proxy)))
	end := time.Now().Add(3 * time.Second)
	got := compareAll(t, kv, keepLedgers(t, store, 1, func() bool { return time.Now().Before(end) }))
	if got["indeterminate"]+got["not written"] > 0 {
		t.Error("a write failed for the end of a login")
	}
	logins := 0
	for _, r := range proxy.Requests() {
		if strings.HasSuffix(r.Path, "/login") {
			logins++
		}
	}
	if logins < 2 {
		t.Errorf("%d logins", logins)
	}
}
