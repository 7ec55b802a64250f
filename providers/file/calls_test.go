package file_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/core"
)

// counting is an identity that counts what it is asked.
type counting struct {
	age.Identity
	calls atomic.Int64
	// together is the largest number of calls at a time, where wait is set:
	// each call then waits for another one.
	running, together atomic.Int64
	wait              chan struct{}
}

func (c *counting) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	c.calls.Add(1)
	n := c.running.Add(1)
	defer c.running.Add(-1)
	for {
		most := c.together.Load()
		if n <= most || c.together.CompareAndSwap(most, n) {
			break
		}
	}
	if c.wait != nil {
		select {
		case c.wait <- struct{}{}:
		case <-c.wait:
		}
	}
	return c.Identity.Unwrap(stanzas)
}

func TestOnlyReadsOfValuesDecrypt(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "owner")
	c := &counting{Identity: p.identity}
	p.identities = []age.Identity{c}
	s := p.init(filepath.Join(t.TempDir(), "store"))
	first := set(t, s, "A", "one", core.IfAbsent())
	second := set(t, s, "A", "two", core.IfVersion(first.Version))
	if _, err := s.Set(t.Context(), "A", core.String("x"), core.IfVersion(first.Version)); !errors.Is(err, core.ErrConflict) {
		t.Error(err)
	}
	if _, err := s.Set(t.Context(), "A", core.String("x"), core.IfAbsent()); !errors.Is(err, core.ErrConflict) {
		t.Error(err)
	}
	for _, o := range [][]core.GetOption{nil, {core.AtVersion(first.Version)}, {core.AtVersion(second.Version)}} {
		if _, err := s.Stat(t.Context(), "A", o...); err != nil {
			t.Error(err)
		}
	}
	list(t, s, "")
	versions(t, s, "A")
	for range s.History(t.Context(), "A") {
	}
	if _, err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	set(t, s, "B", "x")
	if err := s.Delete(t.Context(), "B"); err != nil {
		t.Error(err)
	}
	if n := c.calls.Load(); n != 0 {
		t.Errorf("writes, conditions, Stat, Versions, List and Check decrypted %d times", n)
	}
	wantValue(t, s, "A", "two")
	wantValue(t, s, "A", "one", core.AtVersion(first.Version))
	if n := c.calls.Load(); n != 2 {
		t.Errorf("two reads decrypted %d times", n)
	}
	if _, err := s.SyncRecipients(t.Context()); err != nil {
		t.Error(err)
	}
	if n := c.calls.Load(); n != 2 {
		t.Errorf("a sync with nothing to do decrypted %d times", n-2)
	}
}

func TestGetManyUsesTheCores(t *testing.T) {
	t.Parallel()
	cores := runtime.GOMAXPROCS(0)
	if cores < 2 {
		leftOut(t, "it needs two cores")
	}
	p := newPerson(t, "owner")
	c := &counting{Identity: p.identity}
	p.identities = []age.Identity{c}
	s := p.init(filepath.Join(t.TempDir(), "store"))
	var ids []string
	for i := range 8 {
		ids = append(ids, fmt.Sprint("S", i))
		set(t, s, ids[i], "x")
	}
	// Every call waits for another one to be there at the same time.
	c.wait = make(chan struct{})
	got, err := s.GetMany(t.Context(), append(ids, "MISSING"))
	if err != nil || len(got) != 8 {
		t.Fatalf("GetMany returned %d secrets, %v", len(got), err)
	}
	if n := c.together.Load(); n < 2 || n > int64(cores) {
		t.Errorf("%d secrets were decrypted at a time, want between 2 and %d", n, cores)
	}
}

// A writer replaces one secret for ever, with one earlier version kept; no
// reader ever misses what must be there.
func TestReadersNeverMissWhatIsThereWhileAWriterReplacesIt(t *testing.T) {
	t.Parallel()
	reads := int64(2_000)
	if os.Getenv("LUKKO_TRIAL") == "1" {
		reads = 100_000
	}
	p := newPerson(t, "owner")
	p.history = 1
	dir := filepath.Join(memoryDir(t), "store")
	writer := p.init(dir)
	set(t, writer, "shop/A", "0")
	number := func(version string) (n int64) {
		_, _ = fmt.Sscanf(version, "%d-", &n)
		return n
	}

	var done, missed atomic.Int64
	var writes int64
	stop := make(chan struct{})
	var all, readers sync.WaitGroup
	all.Go(func() {
		for i := int64(1); ; i++ {
			select {
			case <-stop:
				writes = i
				return
			default:
			}
			if _, err := writer.Set(t.Context(), "shop/A", core.String(fmt.Sprint(i))); err != nil {
				t.Errorf("Set failed: %v", err)
				return
			}
		}
	})
	for i := range 4 {
		s := p.open(dir)
		readers.Go(func() {
			for n := i; done.Add(1) <= reads && !t.Failed(); n++ {
				switch n % 4 {
				case 0:
					got, err := s.Get(t.Context(), "shop/A")
					if err != nil {
						t.Errorf("Get: %v", err)
						return
					}
					if v := got.Value.Reveal(); number(got.Version) != 0 && v == "" {
						t.Error("Get returned no value")
					}
				case 1:
					info, err := s.Stat(t.Context(), "shop/A")
					if err != nil {
						t.Errorf("Stat: %v", err)
						return
					}
					// With one kept, a version is gone only after two more.
					old, err := s.Get(t.Context(), "shop/A", core.AtVersion(info.Version))
					if err == nil && old.Version == info.Version {
						continue
					}
					now, statErr := s.Stat(t.Context(), "shop/A")
					if statErr != nil || !errors.Is(err, core.ErrNotFound) || number(now.Version) < number(info.Version)+2 {
						t.Errorf("Get of version %s, with %s current after it: %v", info.Version, now.Version, err)
						return
					}
					missed.Add(1)
				case 2:
					seen := map[string]bool{}
					for info, err := range s.Versions(t.Context(), "shop/A") {
						if err != nil || seen[info.Version] {
							t.Errorf("Versions yields %q, %v", info.Version, err)
							return
						}
						seen[info.Version] = true
					}
					if len(seen) == 0 {
						t.Error("Versions yields nothing")
					}
				case 3:
					n := 0
					for info, err := range s.List(t.Context(), "shop/") {
						if err != nil || info.ID != "shop/A" {
							t.Errorf("List yields %q, %v", info.ID, err)
							return
						}
						n++
					}
					if n != 1 {
						t.Errorf("List yields %d secrets, want 1", n)
					}
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	all.Wait()
	t.Logf("%d reads by 4 readers beside %d writes at history limit 1: 0 false \"not found\" (%d versions were rightly gone)", reads, writes, missed.Load())
}

func TestAtMostTheConfiguredHistoryIsKept(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{0: 11, 1: 2, 3: 4} {
		p := newPerson(t, "owner")
		p.history = limit
		s := p.init(filepath.Join(t.TempDir(), "store"))
		var all []string
		for i := range 15 {
			all = append([]string{set(t, s, "A", fmt.Sprint(i)).Version}, all...)
		}
		got := versions(t, s, "A")
		if len(got) != want {
			t.Errorf("with History %d Versions yields %d, want %d", limit, len(got), want)
		}
		for i, v := range got {
			if v != all[i] {
				t.Errorf("with History %d version %d is %s, want %s", limit, i, v, all[i])
			}
			wantValue(t, s, "A", fmt.Sprint(14-i), core.AtVersion(v))
		}
		if err := s.Delete(t.Context(), "A"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Rollback(t.Context(), "A", all[0]); err != nil {
			t.Errorf("with History %d a deleted secret does not come back: %v", limit, err)
		}
	}
}

func TestOneOfManyWritersWinsAcrossStores(t *testing.T) {
	t.Parallel()
	p, s := newStore(t)
	base := set(t, s, "A", "x")
	var won atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		other := p.open(s.Dir())
		for range 4 {
			all.Go(func() {
				_, err := other.Set(t.Context(), "A", core.String("y"), core.IfVersion(base.Version))
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, core.ErrConflict) {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if n := won.Load(); n != 1 {
		t.Errorf("%d of 32 writers won, want 1", n)
	}
}
