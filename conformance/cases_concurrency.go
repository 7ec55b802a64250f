package conformance

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/lukko-dev/lukko/core"
)

var concurrencyCases = []Case{
	{
		Name:  "MUST/Concurrency/reads-do-not-mix",
		Rule:  "Concurrent reads each return the secret of the id that they asked for.",
		Look:  "what calls share: a buffer, a map, a client that is not safe for concurrent use. Run the suite with -race",
		Cost:  Cost{Class: Full, Calls: 16*40 + 9},
		needs: []need{needContent},
		run: func(t *trial) {
			want := map[string]core.Value{}
			var ids []string
			for i := range 8 {
				id, v := t.have(fmt.Sprintf("a%d", i))
				want[id] = v
				ids = append(ids, id)
			}
			t.wantMany("before", ids, want)
			t.together(16, func(n int) {
				for i := range 20 {
					id := ids[(n+i)%len(ids)]
					got, err := t.svc.Get(t.ctx, id)
					if err != nil {
						t.errorf("Get beside others failed: %v", err)
						return
					}
					if diff := difference(got.Value, want[id]); diff != "" {
						t.errorf("Get beside others: %s", diff)
						return
					}
					many, err := t.svc.GetMany(t.ctx, ids)
					if err != nil {
						t.errorf("GetMany beside others failed: %v", err)
						return
					}
					if fault := manyFault("beside others", many, want); fault != "" {
						t.errorf("%s", fault)
						return
					}
				}
			})
		},
		shared: 8,
	},
	{
		Name:  "MUST/Concurrency/reads-and-writes-are-whole",
		Rule:  "A read beside writes returns one whole value that was written to its id, and nothing is missing in between.",
		Look:  "whether a write is visible in halves, or deletes before it writes. Run the suite with -race",
		Cost:  Cost{Class: Full, Calls: 16*30 + 2},
		needs: []need{needSet},
		run: func(t *trial) {
			ids := []string{t.id("a"), t.id("b")}
			// Values of very different sizes, as halves of equal ones may fit.
			value := func(id string, n int) core.Value {
				return core.String(id + "|" + strings.Repeat(fmt.Sprint(n%10), 1+n*n*40%9000) + "|" + id)
			}
			for _, id := range ids {
				t.put(id, value(id, 0))
			}
			whole := func(id string, v core.Value) bool {
				s, ok := strings.CutPrefix(v.Reveal(), id+"|")
				s, ok2 := strings.CutSuffix(s, "|"+id)
				return ok && ok2 && s == strings.Repeat(s[:1], len(s))
			}
			for _, id := range ids {
				t.wantValue("before", id, value(id, 0))
			}
			t.together(16, func(n int) {
				for i := range 15 {
					id := ids[i%2]
					if n%4 == 0 {
						if _, err := t.svc.Set(t.ctx, id, value(id, n+i)); err != nil {
							t.wantKind("Set beside others", err, core.ErrUnavailable, core.ErrIndeterminate, core.ErrConflict)
						}
						continue
					}
					got, err := t.svc.Get(t.ctx, id)
					switch {
					case err != nil:
						t.errorf("Get beside writes failed: %v", err)
						return
					case !whole(id, got.Value):
						t.errorf("Get beside writes returned a value that nobody wrote to this id, of %d bytes", got.Value.Len())
						return
					}
				}
			})
		},
	},
	{
		Name:  "MUST/Concurrency/everything-at-once",
		Rule:  "All methods may be called at once; errors are those that the others' calls explain.",
		Look:  "maps and caches without a lock, locks that wait for each other. Run the suite with -race",
		Cost:  Cost{Class: Full, Calls: 12 * 12 * 2},
		needs: []need{needContent},
		run: func(t *trial) {
			ids := []string{t.id("a"), t.id("b"), t.id("c")}
			t.haves("a", "b", "c")
			explained := func(what string, err error) {
				if err == nil {
					return
				}
				var batch *core.BatchError
				if errors.As(err, &batch) {
					return
				}
				t.wantKind(what+" beside others", err, core.ErrNotFound, core.ErrConflict, core.ErrUnavailable, core.ErrIndeterminate)
			}
			t.together(12, func(n int) {
				for i := range 12 {
					runtime.Gosched() // so that no role is over before another begins
					id := ids[(n+i)%len(ids)]
					var err error
					switch n % 6 {
					case 0:
						_, err = t.svc.Get(t.ctx, id)
						explained("Get", err)
					case 1:
						_, err = t.svc.GetMany(t.ctx, ids)
						explained("GetMany", err)
					case 2:
						_, err = t.svc.Stat(t.ctx, id)
						explained("Stat", err)
					case 3:
						if t.caps.Set {
							_, err = t.svc.Set(t.ctx, id, t.marks.value())
							explained("Set", err)
						}
					case 4:
						if t.caps.List {
							_, err = collect(t.svc.List(t.ctx, t.base()))
							explained("List", err)
						}
						if t.caps.Versions {
							_, err = collect(t.svc.Versions(t.ctx, id))
							explained("Versions", err)
						}
					case 5:
						if t.caps.Delete && t.caps.Set {
							explained("Delete", t.svc.Delete(t.ctx, id))
						}
						_, _ = t.svc.Capabilities(t.ctx)
					}
				}
			})
			if t.caps.Set {
				id, v := t.have("a")
				t.wantValue("after everything at once", id, v)
			}
		},
	},
}

// together runs f n times at once, and ends the case if they don't end.
func (t *trial) together(n int, f func(int)) {
	ready := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			defer t.caught("a call")
			<-ready
			f(i)
		})
	}
	close(ready)
	all.Wait()
}
