package vault_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/internal/vaulttest"
)

const conditionalWriters = 32

// long is n, or many in the long form of the tests.
func long(n, many int) int {
	if os.Getenv("LUKKO_TRIAL") == "1" {
		return many
	}
	return n
}

// A condition is what there is of an id before a round, and what the writers
// of the round ask for.
type condition struct {
	name string
	// wins says of a writer whether what it asks for is what there is.
	wins func(writer int) bool
	// prepare makes what there is, and gives the version that a writer names.
	prepare func(t *testing.T, r *race) (id, version string)
	// absent is asked for by the writers that win, in place of the version.
	absent bool
}

// A race is between writers over two stores, each with connections of its own.
type race struct {
	kv      vaulttest.KV
	stores  [2]*core.Store
	proxies [2]*faultproxy.HTTP
	direct  *core.Store
	last    string // an id that has a value
	number  int
}

func newRace(t *testing.T) *race {
	t.Helper()
	kv := vaulttest.Shared(t).MountKV(t, 2)
	keepAllVersions(t, kv)
	bed := bedOf(t, kv)
	r := &race{kv: kv}
	for i := range r.stores {
		r.proxies[i] = faultproxy.NewHTTP(t, kv.Server().Address)
		r.stores[i] = providertest.Closed(t, open(t, bed.config(r.proxies[i].Proxy)))
	}
	r.direct = providertest.Closed(t, open(t, bed.config(faultproxy.New(t, kv.Server().Address))))
	return r
}

func keepAllVersions(t testing.TB, kv vaulttest.KV) {
	t.Helper()
	if r := kv.Server().Do(t, "POST", kv.Mount+"/config", map[string]any{"max_versions": 100_000}); r.Status != http.StatusNoContent {
		t.Fatalf("status %d", r.Status)
	}
}

func (r *race) freshID() string {
	r.number++
	return fmt.Sprintf("race/%05d", r.number)
}

// current is the version of an id, seen by a store that meets no fault.
func (r *race) current(t *testing.T, id string) string {
	t.Helper()
	info, err := r.direct.Stat(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return info.Version
}

var conditions = []condition{
	{
		name: "over a version", wins: func(writer int) bool { return writer%4 != 3 },
		prepare: func(t *testing.T, r *race) (string, string) {
			if r.last == "" {
				r.last = r.freshID()
				r.kv.Put(t, r.last, map[string]any{"password": rand.Text()})
			}
			return r.last, r.current(t, r.last)
		},
	},
	{
		name: "where there is nothing", absent: true, wins: func(writer int) bool { return writer%4 != 3 },
		prepare: func(t *testing.T, r *race) (string, string) {
			return r.freshID(), r.current(t, r.last)
		},
	},
	{
		name: "after a delete", absent: true, wins: func(writer int) bool { return writer%4 != 3 },
		prepare: func(t *testing.T, r *race) (string, string) {
			id := r.freshID()
			r.kv.Put(t, id, map[string]any{"password": rand.Text()})
			version := r.current(t, id)
			r.kv.Delete(t, id)
			return id, version
		},
	},
}

// attempt is what a writer did.
type attempt struct {
	value   string
	version string
	err     error
}

// run lets all writers write at once.
func (r *race) run(t *testing.T, c condition, id, version string) []attempt {
	t.Helper()
	attempts := make([]attempt, conditionalWriters)
	start := make(chan struct{})
	var writers sync.WaitGroup
	for i := range attempts {
		attempts[i].value = rand.Text()
		option := core.IfVersion(version)
		if c.absent == c.wins(i) {
			option = core.IfAbsent()
		}
		writers.Go(func() {
			a := &attempts[i]
			<-start
			info, err := r.stores[i/2%2].Set(t.Context(), id, core.String(a.value), option)
			a.version, a.err = info.Version, err
		})
	}
	close(start)
	writers.Wait()
	return attempts
}

// newest is the value of an id and its number; empty and 0 if there is none.
func newest(t *testing.T, kv vaulttest.KV, id string) (value string, number int) {
	t.Helper()
	r := kv.Get(t, id)
	return valueOf(r), r.Int("data", "metadata", "version")
}

// valueOf is the text that an answer of the engine holds, as the store wrote it.
func valueOf(r vaulttest.Response) string {
	return r.Text("data", "data", "lukko_text")
}

// judge says what of a round is wrong. loses: answers may be lost.
func (r *race) judge(t *testing.T, c condition, id string, attempts []attempt, loses bool, outcomes map[string]int) {
	t.Helper()
	winners := 0
	written, number := newest(t, r.kv, id)
	for i, a := range attempts {
		switch {
		case a.err == nil:
			outcomes["written"]++
			winners++
			if !c.wins(i) {
				t.Errorf("%s: a writer whose condition does not hold was told that it wrote", c.name)
			}
			if a.value != written || !strings.HasPrefix(a.version, strconv.Itoa(number)+"-") {
				t.Errorf("%s: a writer was told that it wrote, and its value is not there", c.name)
			}
		case errors.Is(a.err, core.ErrConflict):
			outcomes["conflict"]++
			if a.value == written {
				t.Errorf("%s: a writer won, and was told that it lost", c.name)
			}
		case loses && errors.Is(a.err, core.ErrIndeterminate):
			outcomes["indeterminate"]++
		case loses && errors.Is(a.err, core.ErrUnavailable):
			outcomes["unavailable"]++
			if a.value == written {
				t.Errorf("%s: a writer won, and was told that nothing was written", c.name)
			}
		default:
			t.Errorf("%s: %v", c.name, a.err)
		}
	}
	if winners > 1 || winners == 0 && !loses {
		t.Errorf("%s: %d winners", c.name, winners)
	}
}

// TestOneConditionalWriterWinsEachRound holds over two stores with connections
// of their own, whatever the writers ask for.
func TestOneConditionalWriterWinsEachRound(t *testing.T) {
	t.Parallel()
	r := newRace(t)
	outcomes := map[string]int{}
	rounds := long(60, 1000)
	before := 0
	for n := range rounds {
		c := conditions[n%len(conditions)]
		id, version := c.prepare(t, r)
		_, before = newest(t, r.kv, id)
		attempts := r.run(t, c, id, version)
		r.judge(t, c, id, attempts, false, outcomes)
		if _, after := newest(t, r.kv, id); after != before+1 {
			t.Errorf("round %d, %s: the engine has version %d after version %d", n, c.name, after, before)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	for i := range r.proxies {
		if made := r.proxies[i].Connections().Opened; made == 0 {
			t.Error("a store has no connection of its own")
		}
	}
	t.Logf("%d rounds of %d writers: %v", rounds, conditionalWriters, outcomes)
}

// TestNoWinnerIsToldThatItLostWhenAnswersAreLost has the same writers, and a
// network that loses, cuts and refuses.
func TestNoWinnerIsToldThatItLostWhenAnswersAreLost(t *testing.T) {
	t.Parallel()
	r := newRace(t)
	outcomes := map[string]int{}
	for _, p := range r.proxies {
		misbehave(p, r.kv.Mount)
	}
	rounds := long(20, 300)
	for n := range rounds {
		c := conditions[n%len(conditions)]
		id, version := c.prepare(t, r)
		_, before := newest(t, r.kv, id)
		attempts := r.run(t, c, id, version)
		r.judge(t, c, id, attempts, true, outcomes)
		_, after := newest(t, r.kv, id)
		if after > before+1 {
			t.Errorf("round %d, %s: the engine has version %d after version %d", n, c.name, after, before)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if outcomes["indeterminate"] == 0 {
		t.Error("no answer was lost")
	}
	t.Logf("%d rounds of %d writers: %v", rounds, conditionalWriters, outcomes)
}

// misbehave makes a proxy lose, cut and refuse some of the writes.
func misbehave(p *faultproxy.HTTP, mount string) {
	for every, f := range map[int]faultproxy.Fault{
		5:  faultproxy.LoseAnswer,
		7:  faultproxy.CutBody(9, faultproxy.Reset),
		11: faultproxy.LoseRequest,
		13: faultproxy.Status(http.StatusTooManyRequests),
		17: faultproxy.CutBody(3, faultproxy.Close),
		19: faultproxy.Status(http.StatusServiceUnavailable),
	} {
		p.Do(faultproxy.Rule{Fault: f, Match: everyWrite(mount, every)})
	}
}

// everyWrite matches one in so many writes to a mount.
func everyWrite(mount string, n int) func(*http.Request) bool {
	var mu sync.Mutex
	seen := 0
	return func(r *http.Request) bool {
		if r.Method != http.MethodPut || !strings.HasPrefix(r.URL.Path, dataOf(mount, "")) {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		seen++
		return seen%n == 0
	}
}
