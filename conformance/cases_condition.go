package conformance

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

const (
	writers = 32 // that race

	// Races are run one after the other, as one may end well by luck. A slow
	// store widens the window by itself, so fewer do.
	mostRaces   = 12
	fewestRaces = 3
	raceTime    = 2 * time.Second
)

var conditionCases = []Case{
	{
		Name:  "MUST/IfAbsent/creates-once",
		Rule:  "Set with IfAbsent creates a secret; where the id has a value it is ErrConflict and writes nothing.",
		Look:  "whether IfAbsent reaches the vendor's own create-only call",
		Cost:  Cost{Calls: 4, Secrets: 1},
		needs: []need{needSet, needIfAbsent},
		run: func(t *trial) {
			id, v := t.fresh("a"), t.marks.value()
			if _, err := t.svc.Set(t.ctx, id, v, core.IfAbsent()); err != nil {
				t.fatalf("Set with IfAbsent of a new id failed: %v", err)
			}
			_, err := t.svc.Set(t.ctx, id, t.marks.value(), core.IfAbsent())
			t.wantKind("Set with IfAbsent over a value", err, core.ErrConflict)
			_, err = t.svc.Set(t.ctx, id, v, core.IfAbsent())
			t.wantKind("Set with IfAbsent of the value that is there", err, core.ErrConflict)
			t.wantValue("after Set with IfAbsent", id, v)
		},
	},
	{
		Name:  "MUST/IfAbsent/after-a-delete",
		Rule:  "After a delete the id has no value: Set with IfAbsent creates it once, and after that is ErrConflict. Where a deleted secret bars its name, it is ErrConflict and nothing is written.",
		Look:  "what the vendor keeps of a deleted secret, and whether it counts as absent",
		Cost:  Cost{Calls: 6},
		needs: []need{needSet, needDelete, needIfAbsent},
		run: func(t *trial) {
			id := t.id("a")
			t.put(id, t.marks.value())
			if err := t.svc.Delete(t.ctx, id); err != nil {
				t.fatalf("Delete failed: %v", err)
			}
			t.wantGone("after a delete", id)
			v := t.marks.value()
			if _, err := t.svc.Set(t.ctx, id, v, core.IfAbsent()); err != nil {
				t.wantKind("Set with IfAbsent after a delete", err, core.ErrConflict)
				t.wantGone("after a Set with IfAbsent that said conflict", id)
				t.notef("a deleted secret bars its name from IfAbsent here")
				return
			}
			_, err := t.svc.Set(t.ctx, id, t.marks.value(), core.IfAbsent())
			t.wantKind("Set with IfAbsent after another that created", err, core.ErrConflict)
			t.wantValue("after Set with IfAbsent", id, v)
		},
	},
	{
		Name:  "MUST/IfAbsent/one-winner",
		Rule:  "Of any number of concurrent Sets with IfAbsent exactly one succeeds, the others are ErrConflict, and the winner's value is stored.",
		Look:  "whether the check and the write are one step of the backend",
		Cost:  Cost{Class: Full, Calls: 4 * (writers + 1), Secrets: 4}, // a cheap check has one race, that of IfVersion
		needs: []need{needSet, needIfAbsent},
		run: func(t *trial) {
			for i := range t.races {
				id := t.fresh(fmt.Sprintf("race%d", i))
				if !t.race(id, core.IfAbsent()) {
					return
				}
			}
		},
	},
	{
		Name:  "MUST/IfAbsent/one-winner-after-a-delete",
		Rule:  "Of any number of concurrent Sets with IfAbsent on a deleted id at most one succeeds, and its value is stored.",
		Look:  "what the condition is when a deleted secret is there: the vendor's version number goes on",
		Cost:  Cost{Class: Full, Calls: 4 * (writers + 4), Secrets: 4},
		needs: []need{needSet, needDelete, needIfAbsent},
		run: func(t *trial) {
			for i := range t.races {
				id := t.fresh(fmt.Sprintf("race%d", i))
				t.put(id, t.marks.value())
				if err := t.svc.Delete(t.ctx, id); err != nil {
					t.fatalf("Delete failed: %v", err)
				}
				t.wantGone("after a delete", id)
				if !t.race(id, core.IfAbsent()) {
					return
				}
			}
		},
	},
	{
		Name:  "MUST/IfVersion/writes-over-its-version",
		Rule:  "Set with IfVersion of the current version writes, and makes another version.",
		Look:  "which version the condition is compared with",
		Cost:  Cost{Calls: 5},
		needs: []need{needSet, needIfVersion},
		run: func(t *trial) {
			id := t.id("a")
			info := t.put(id, t.marks.value())
			for range 2 {
				v := t.marks.value()
				next, err := t.svc.Set(t.ctx, id, v, core.IfVersion(info.Version))
				if err != nil {
					t.fatalf("Set with IfVersion of the current version failed: %v", err)
				}
				if next.Version == info.Version || next.Version == "" {
					t.fatalf("Set with IfVersion(%q) returned the version %q", info.Version, next.Version)
				}
				info = next
				if problem := t.settle(func() string { return t.shows(id, v) }); problem != "" {
					t.fatalf("%s", problem)
				}
			}
		},
	},
	{
		Name:  "MUST/IfVersion/another-version-conflicts",
		Rule:  "Set with IfVersion of a version that is not the current one is ErrConflict and writes nothing.",
		Look:  "whether the condition is ignored, or compared loosely (as numbers, or by a part of it)",
		Cost:  Cost{Calls: 7},
		needs: []need{needSet, needIfVersion},
		run: func(t *trial) {
			id, v := t.id("a"), t.marks.value()
			old := t.put(id, t.marks.value())
			current := t.put(id, v)
			for _, version := range []string{old.Version, current.Version + "0", "0" + current.Version, "no-such-version"} {
				_, err := t.svc.Set(t.ctx, id, t.marks.value(), core.IfVersion(version))
				t.wantKind("Set with another IfVersion", err, core.ErrConflict)
			}
			t.wantValue("after refused writes", id, v)
		},
	},
	{
		Name:  "MUST/IfVersion/of-what-is-missing-conflicts",
		Rule:  "Set with IfVersion of an id that has no value, or that was deleted, is ErrConflict and creates nothing.",
		Look:  "whether a missing secret satisfies the condition, or is ErrNotFound",
		Cost:  Cost{Calls: 6},
		needs: []need{needSet, needIfVersion},
		run: func(t *trial) {
			id := t.missing("a")
			_, err := t.svc.Set(t.ctx, id, t.marks.value(), core.IfVersion("1"))
			t.wantKind("Set with IfVersion of a missing id", err, core.ErrConflict)
			t.wantGone("after a refused write", id)
			if !t.caps.Delete {
				return
			}
			id = t.id("a")
			info := t.put(id, t.marks.value())
			if err := t.svc.Delete(t.ctx, id); err != nil {
				t.fatalf("Delete failed: %v", err)
			}
			_, err = t.svc.Set(t.ctx, id, t.marks.value(), core.IfVersion(info.Version))
			t.wantKind("Set with IfVersion of a deleted version", err, core.ErrConflict)
			t.wantGone("after a refused write", id)
		},
	},
	{
		Name:     "MUST/IfVersion/one-winner",
		Rule:     "Of any number of concurrent Sets with the same IfVersion exactly one succeeds, the others are ErrConflict, and the winner's value is stored.",
		Look:     "whether the comparison and the write are one step of the backend",
		Cost:     Cost{Calls: 6, Secrets: 1},
		FullCost: Cost{Calls: 4 * (writers + 2), Secrets: 4},
		needs:    []need{needSet, needIfVersion},
		run: func(t *trial) {
			for i := range t.races {
				id := t.fresh(fmt.Sprintf("race%d", i))
				info := t.put(id, t.marks.value())
				if !t.race(id, core.IfVersion(info.Version)) {
					return
				}
			}
		},
	},
	{
		Name:  "MUST/IfVersion/loses-no-update",
		Rule:  "Writers that read, change and write with IfVersion, and try again on ErrConflict, lose no update.",
		Look:  "whether a condition can hold over a version that it did not name",
		Cost:  Cost{Class: Full, Calls: 2*16*8 + 3, Secrets: 1},
		needs: []need{needSet, needIfVersion},
		run:   (*trial).noLostUpdate,
	},
	{
		Name:  "MUST/IfVersion/holds-beside-other-writes",
		Rule:  "A Set with IfVersion never succeeds over a version that it did not name, also beside Sets without a condition.",
		Look:  "whether unconditional writes take part in whatever makes the comparison and the write one step",
		Cost:  Cost{Class: Full, Calls: 4 * 18, Secrets: 4},
		needs: []need{needSet, needIfVersion, needVersions},
		run:   (*trial).besideOthers,
	},
}

// races numbers the races to run.
func (t *trial) races(yield func(int) bool) {
	most := mostRaces
	if l := t.suite.live; l != nil {
		most = t.big(1, 4)
	}
	start := time.Now()
	for i := range most {
		if i >= fewestRaces && time.Since(start) > raceTime || !yield(i) {
			return
		}
	}
}

// race lets writers write under the same condition at once, and checks that
// one of them won. It returns false if something was wrong.
func (t *trial) race(id string, condition core.SetOption) bool {
	n := t.big(4, writers)
	values := make([]core.Value, n)
	infos := make([]core.Info, n)
	errs := make([]error, n)
	ready := make(chan struct{})
	var standing, all sync.WaitGroup
	for i := range n {
		values[i] = t.marks.value()
		standing.Add(1)
		all.Go(func() {
			defer t.caught("Set")
			standing.Done()
			<-ready // so that they begin together, and not as they are made
			infos[i], errs[i] = t.svc.Set(t.ctx, id, values[i], condition)
		})
	}
	standing.Wait()
	close(ready)
	all.Wait()

	var won, unknown, lost []int
	for i, err := range errs {
		switch {
		case err == nil:
			won = append(won, i)
		case errors.Is(err, core.ErrIndeterminate):
			unknown = append(unknown, i)
		default:
			lost = append(lost, i)
			if fault := kindFault("Set of a loser", err, core.ErrConflict, core.ErrUnavailable, core.ErrExhausted); fault != "" {
				t.errorf("%s", fault)
				return false
			}
		}
	}
	if len(won) > 1 {
		t.errorf("%d of %d concurrent writers were told that they won", len(won), n)
		return false
	}
	if len(won) == 0 && len(unknown) == 0 {
		if slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, core.ErrConflict) }) {
			t.skipf("the backend could not be reached by %d writers at once", n)
		}
		// A deleted secret may bar its name.
		got, err := t.svc.Get(t.ctx, id)
		if err == nil && slices.ContainsFunc(values, func(v core.Value) bool { return v.Equal(got.Value) }) {
			t.errorf("all of %d concurrent writers were told that they lost, and one of their values is stored", n)
			return false
		}
		if err == nil || !errors.Is(err, core.ErrNotFound) || t.c.Name != "MUST/IfAbsent/one-winner-after-a-delete" {
			t.errorf("none of %d concurrent writers won", n)
			return false
		}
		return true
	}
	problem := t.settle(func() string {
		got, err := t.svc.Get(t.ctx, id)
		if err != nil {
			return fmt.Sprintf("Get after a race failed: %v", err)
		}
		for _, i := range slices.Concat(won, unknown) {
			if got.Value.Equal(values[i]) {
				if len(won) == 1 && i != won[0] {
					return "a writer won, and the value of another is stored, whose outcome was unknown"
				}
				if errs[i] == nil && got.Version != infos[i].Version {
					return fmt.Sprintf("the winner got the version %q, and stored is %q", infos[i].Version, got.Version)
				}
				return ""
			}
		}
		for _, i := range lost {
			if got.Value.Equal(values[i]) {
				return "the value of a writer is stored that was told that it lost"
			}
		}
		return "after a race the value is none of the writers'"
	})
	if problem != "" {
		t.errorf("%s", problem)
		return false
	}
	return true
}

// besideOthers lets writers write with and without a condition at once. In the
// history, the version that a conditional write made must follow the one that
// it named.
func (t *trial) besideOthers() {
	for turn := range t.races {
		id := t.fresh(fmt.Sprintf("beside%d", turn))
		named := t.put(id, t.marks.value()).Version
		infos, errs := make([]core.Info, 8), make([]error, 8)
		t.together(16, func(n int) {
			if n%2 == 0 {
				_, _ = t.svc.Set(t.ctx, id, t.marks.value())
				return
			}
			infos[n/2], errs[n/2] = t.svc.Set(t.ctx, id, t.marks.value(), core.IfVersion(named))
		})
		for i, err := range errs {
			if err != nil {
				t.wantKind("Set of a loser", err, core.ErrConflict, core.ErrUnavailable, core.ErrIndeterminate, core.ErrExhausted)
				continue
			}
			t.eventually(func() string {
				all, err := collect(t.svc.Versions(t.ctx, id))
				if err != nil {
					return fmt.Sprintf("Versions failed: %v", err)
				}
				at := slices.IndexFunc(all, func(v core.Info) bool { return v.Version == infos[i].Version })
				if at >= 0 && at+1 < len(all) && all[at+1].Version != named {
					return fmt.Sprintf("a Set with IfVersion(%q) succeeded over the version %q", named, all[at+1].Version)
				}
				return "" // or it is not kept any more
			})
		}
	}
}

// noLostUpdate lets writers count up in one secret. Every success is one
// step, so in the end the count must be the number of successes.
func (t *trial) noLostUpdate() {
	const steps = 8
	n := t.big(4, 16)
	id := t.fresh("counter")
	count := func(i int) core.Value { return core.String(fmt.Sprintf("%s-count-%d", t.marks.head, i)) }
	t.put(id, count(0))
	t.wantValue("before", id, count(0))
	var mu sync.Mutex
	done := map[string]int{count(0).Reveal(): 1} // how often each count was written
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			defer t.caught("Set")
			for range steps {
				got, err := t.svc.Get(t.ctx, id)
				if err != nil {
					t.errorf("Get failed: %v", err)
					return
				}
				var at int
				if _, err := fmt.Sscanf(got.Value.Reveal(), t.marks.head+"-count-%d", &at); err != nil {
					t.errorf("a value came back that nobody wrote")
					return
				}
				next := count(at + 1)
				_, err = t.svc.Set(t.ctx, id, next, core.IfVersion(got.Version))
				switch {
				case err == nil:
					mu.Lock()
					done[next.Reveal()]++
					mu.Unlock()
				case errors.Is(err, core.ErrConflict):
				case errors.Is(err, core.ErrExhausted):
					return // some vendors bound the versions of a day; what was written till then must hold
				default:
					t.errorf("Set with IfVersion failed: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	if len(done) == 1 {
		t.errorf("not one of all writers made a step")
	}
	for _, times := range done {
		if times > 1 {
			t.errorf("%d writers made the same step: an update was lost", times)
			return
		}
	}
	t.wantValue("after all steps", id, count(len(done)-1))
}
