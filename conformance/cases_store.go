package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/lukko-dev/lukko/core"
)

var storeCases = []Case{
	{
		Name:  "MUST/Store/second-connection-sees-writes",
		Rule:  "What one connection writes and deletes another one sees, and the version is the same.",
		Look:  "what is cached without being asked",
		needs: []need{needSet, hookSecond},
		run: func(t *trial) {
			second := t.second()
			id, v := t.id("a"), t.marks.value()
			info := t.put(id, v)
			t.eventually(func() string {
				got, err := second.Get(t.ctx, id)
				if err != nil {
					return fmt.Sprintf("Get by the second connection failed: %v", err)
				}
				if got.Version != info.Version {
					return fmt.Sprintf("the first connection wrote the version %q, and the second reads %q", info.Version, got.Version)
				}
				return difference(got.Value, v)
			})
			v = t.marks.value()
			if _, err := second.Set(t.ctx, id, v); err != nil {
				t.fatalf("Set by the second connection failed: %v", err)
			}
			t.wantValue("after a write by the second connection", id, v)
			if t.caps.Delete {
				if err := second.Delete(t.ctx, id); err != nil {
					t.fatalf("Delete by the second connection failed: %v", err)
				}
				t.wantGone("after a delete by the second connection", id)
			}
		},
	},
	{
		Name: "MUST/Store/conditions-hold-across-connections",
		Rule: "Of the writers of two connections under one condition exactly one succeeds.",
		Look: "whether the condition is kept by a lock of the process alone",
		needs: []need{needSet, hookSecond, {name: "IfAbsent or IfVersion", unmet: func(t *trial) string {
			if t.caps.IfAbsent || t.caps.IfVersion {
				return ""
			}
			return "the service claims neither IfAbsent nor IfVersion"
		}}},
		run: func(t *trial) {
			second := t.second()
			for turn := range t.races {
				id := fmt.Sprintf("race%d", turn)
				condition := core.IfAbsent()
				if t.caps.IfVersion {
					condition = core.IfVersion(t.put(id, t.marks.value()).Version)
				}
				values, errs := make([]core.Value, 16), make([]error, 16)
				ready := make(chan struct{})
				var all sync.WaitGroup
				for i := range values {
					svc := t.svc
					if i%2 == 1 {
						svc = second
					}
					values[i] = t.marks.value()
					all.Go(func() {
						defer t.caught("Set")
						<-ready
						_, errs[i] = svc.Set(t.ctx, id, values[i], condition)
					})
				}
				close(ready)
				all.Wait()
				won := -1
				for i, err := range errs {
					switch {
					case err == nil && won >= 0:
						t.fatalf("two writers were told that they won, of two connections or of one")
					case err == nil:
						won = i
					default:
						t.wantKind("Set of a loser", err, core.ErrConflict, core.ErrUnavailable, core.ErrIndeterminate)
					}
				}
				if won < 0 {
					t.fatalf("none of the writers of two connections won")
				}
				t.wantValue("after a race of two connections", id, values[won])
			}
		},
	},
	{
		Name:  "MUST/Store/reopening-keeps-everything",
		Rule:  "A store that is closed and opened again has the same secrets, versions and deletes, and no version is used again.",
		Look:  "what is kept in memory alone: counters above all",
		needs: []need{needSet, hookReopen},
		run: func(t *trial) {
			id, v := t.id("a"), t.marks.value()
			var seen []string
			for range 2 {
				seen = append(seen, t.put(id, v).Version)
			}
			gone, _ := t.have("gone")
			if t.caps.Delete {
				if err := t.svc.Delete(t.ctx, gone); err != nil {
					t.fatalf("Delete failed: %v", err)
				}
			}
			t.shown(map[string]core.Value{id: v})
			t.close()
			again, err := t.sub.Reopen()
			if err != nil {
				t.fatalf("the harness's Reopen failed: %v", err)
			}
			defer func() {
				if err := closeService(again); err != nil {
					t.errorf("closing the reopened service failed: %v", err)
				}
			}()
			t.svc = t.svc.over(again)
			got, err := t.svc.Get(t.ctx, id)
			if err != nil {
				t.fatalf("Get after reopening failed: %v", err)
			}
			if diff := difference(got.Value, v); diff != "" {
				t.errorf("Get after reopening: %s", diff)
			}
			if last := seen[len(seen)-1]; got.Version != last {
				t.errorf("the version was %q, and after reopening it is %q", last, got.Version)
			}
			if t.caps.Delete {
				t.wantGone("after reopening", gone)
			}
			if t.caps.Versions {
				infos, err := collect(t.svc.Versions(t.ctx, id))
				if err != nil || len(infos) == 0 || infos[0].Version != got.Version {
					t.errorf("after reopening Versions yielded %d versions, error %v; the first should be the current one", len(infos), err)
				}
			}
			next := t.put(id, t.marks.value())
			for _, version := range seen {
				if version == next.Version && version != "" {
					t.errorf("after reopening a write got the version %q again", version)
				}
			}
		},
	},
	{
		Name: "MUST/Goroutines/calls-leave-none-behind",
		Rule: "A call that has returned, also one whose context ended, leaves no goroutine behind; what runs in the background does not grow with the calls.",
		Look: "goroutines that wait on a channel that nobody reads or closes, above all where a context ended or a range was left",
		Cost: Cost{Class: Full, Calls: 4*24*8 + 1},
		run: func(t *trial) {
			id, _ := t.someID("a")
			round := func() {
				for i := range 24 {
					// Every third call has a context that has ended, and every
					// third one that ends on the way.
					call := func(f func(context.Context)) {
						ctx, cancel := context.WithCancel(t.ctx)
						defer cancel()
						switch i % 3 {
						case 1:
							cancel()
							f(ctx)
						case 2:
							f(newFading(ctx, 1+i/3%2))
						default:
							f(ctx)
						}
					}
					call(func(ctx context.Context) { _, _ = t.svc.Get(ctx, id) })
					call(func(ctx context.Context) { _, _ = t.svc.Get(ctx, t.missing("x")) })
					call(func(ctx context.Context) { _, _ = t.svc.GetMany(ctx, []string{id, t.missing("x"), t.missing("y")}) })
					call(func(ctx context.Context) { _, _ = t.svc.Stat(ctx, id) })
					call(func(ctx context.Context) {
						for range t.svc.List(ctx, t.base()) {
							break
						}
					})
					call(func(ctx context.Context) {
						for range t.svc.Versions(ctx, id) {
							break
						}
					})
					if t.caps.Set {
						call(func(ctx context.Context) { _, _ = t.svc.Set(ctx, id, t.marks.value()) })
					}
					if t.caps.IfAbsent {
						call(func(ctx context.Context) { _, _ = t.svc.Set(ctx, id, t.marks.value(), core.IfAbsent()) })
					}
				}
			}
			round() // what is made once is made now
			before, _ := goroutines(t.label)
			for range 3 {
				round()
			}
			const some = 6 // a pool may grow a little; a leak grows by one a call
			if after, stack := t.goroutinesAtMost(before + some); after > before+some {
				t.errorf("%d goroutines were left after many calls, and %d after three times as many; one of them:\n%s", before, after, stack)
			}
		},
	},
}

// second opens another connection, which is closed with the case.
func (t *trial) second() *guard {
	svc, err := t.sub.Second()
	if errors.Is(err, errors.ErrUnsupported) {
		t.skipf("the harness can't open a second connection: %v", err)
	}
	if err != nil {
		t.fatalf("the harness's Second failed: %v", err)
	}
	t.alsoClose = append(t.alsoClose, svc)
	return t.svc.over(svc)
}
