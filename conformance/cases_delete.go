package conformance

import (
	"fmt"
	"slices"

	"github.com/lukko-dev/lukko/core"
)

var deleteCases = []Case{
	{
		Name:  "MUST/Delete/removes",
		Rule:  "After Delete the secret is ErrNotFound in Get, Stat and Versions, absent from GetMany, and List omits it.",
		Look:  "what reads show of a secret that is marked as deleted",
		Cost:  Cost{Calls: 7},
		needs: []need{needContent, needDelete},
		run: func(t *trial) {
			id, _ := t.have("a")
			if err := t.svc.Delete(t.ctx, id); err != nil {
				t.fatalf("Delete failed: %v", err)
			}
			t.removed("after Delete", id)
		},
	},
	{
		Name:  "MUST/Delete/of-what-is-missing-is-not-found",
		Rule:  "Delete of an id that has no secret, or that was deleted, is ErrNotFound.",
		Look:  "whether Delete is silent about a mistyped id",
		Cost:  Cost{Calls: 4},
		needs: []need{needContent, needDelete},
		run: func(t *trial) {
			t.wantKind("Delete of a missing id", t.svc.Delete(t.ctx, t.missing("a")), core.ErrNotFound)
			id, _ := t.have("a")
			if err := t.svc.Delete(t.ctx, id); err != nil {
				t.fatalf("Delete failed: %v", err)
			}
			t.eventually(func() string {
				return kindFault("Delete of a deleted id", t.svc.Delete(t.ctx, id), core.ErrNotFound)
			})
		},
	},
	{
		Name:  "MUST/Delete/then-set-makes-a-new-version",
		Rule:  "Set after Delete stores the new value.",
		Look:  "whether a deleted secret can be set again, and whether something of the old one comes back",
		Cost:  Cost{Calls: 5},
		needs: []need{needSet, needDelete},
		run: func(t *trial) {
			id := t.id("a")
			old := t.marks.value()
			t.put(id, old)
			t.wantValue("after Set", id, old)
			if err := t.svc.Delete(t.ctx, id); err != nil {
				t.fatalf("Delete failed: %v", err)
			}
			v := t.marks.value()
			t.put(id, v)
			t.wantValue("after Delete and Set", id, v)
		},
	},
	{
		Name:  "SHOULD/Delete/versions-are-not-reused",
		Rule:  "A version that a delete removed never names another value of its id.",
		Look:  "where version names start after a delete. Where the vendor restarts its numbers, waive this and say so in the documentation: who kept a version's name from before reads another value by it",
		Cost:  Cost{Class: Full, Calls: 3, Secrets: 1},
		needs: []need{needSet, needDelete},
		run: func(t *trial) {
			id := t.fresh("versions") // whose first version is the first
			before := t.put(id, t.marks.value())
			if before.Version == "" {
				t.skipf("the service names no versions")
			}
			if err := t.svc.Delete(t.ctx, id); err != nil {
				t.fatalf("Delete failed: %v", err)
			}
			if after := t.put(id, t.marks.value()); after.Version == before.Version {
				t.errorf("the version %q named another value before the delete", after.Version)
			}
		},
	},
	{
		Name:  "MUST/Delete/leaves-others-alone",
		Rule:  "Delete removes the one id that it names, and none that begins with it or differs from it slightly.",
		Look:  "whether the vendor's call deletes by prefix or by pattern",
		Cost:  Cost{Class: Full, Calls: 7},
		needs: []need{needContent, needDelete},
		run: func(t *trial) {
			others := t.haves("near", "near_", "near_a", "nea")
			id, _ := t.have("near")
			delete(others, id)
			if err := t.svc.Delete(t.ctx, id); err != nil {
				t.fatalf("Delete failed: %v", err)
			}
			var ids []string
			for id := range others {
				ids = append(ids, id)
			}
			slices.Sort(ids)
			t.wantMany("after the delete of another id", ids, others)
		},
	},
	{
		Name:  "MUST/Delete/denied-is-not-missing",
		Rule:  "Delete of an id that the caller may not read works or is ErrPermissionDenied, never ErrNotFound.",
		Look:  "where Delete maps the vendor's answer for a missing right",
		needs: []need{needContent, needDelete, hookDeny},
		run: func(t *trial) {
			id, _ := t.have("a")
			t.do("Deny", t.sub.Deny(id))
			if err := t.svc.Delete(t.ctx, id); err != nil {
				t.wantKind("Delete of the denied id", err, core.ErrPermissionDenied)
			}
		},
	},
	{
		Name:  "MUST/Delete/outage-is-told-honestly",
		Rule:  "Delete while the backend can't be reached is ErrUnavailable if nothing was deleted, and ErrIndeterminate if it may have been.",
		Look:  "which failures of a delete are known to come before it, and which are not",
		needs: []need{needContent, needDelete, hookFail},
		run: func(t *trial) {
			id, v := t.have("a")
			restore := t.fail(core.ErrUnavailable)
			err := t.svc.Delete(t.ctx, id)
			t.wantKind("Delete during the outage", err, core.ErrUnavailable, core.ErrIndeterminate)
			restore()
			if kindFault("", err, core.ErrUnavailable) == "" {
				t.wantValue("after a Delete that said that nothing was deleted", id, v)
			}
		},
	},
	{
		Name:  "MUST/Purge/removes",
		Rule:  "Delete with Purge removes the secret like Delete, and its versions can't be read any more.",
		Look:  "whether Purge reaches the history too",
		Cost:  Cost{Calls: 10},
		needs: []need{needContent, needPurge},
		run: func(t *trial) {
			id := t.id("a")
			first := t.put(id, t.marks.value())
			second := first
			if t.caps.Set {
				second = t.put(id, t.marks.value())
			}
			if err := t.svc.Delete(t.ctx, id, core.Purge()); err != nil {
				t.fatalf("Delete with Purge failed: %v", err)
			}
			t.removed("after Delete with Purge", id)
			t.unreadable(id, first.Version, second.Version)
		},
	},
	{
		Name:  "MUST/Purge/works-on-deleted-ids",
		Rule:  "Delete with Purge works on an id that was deleted before.",
		Look:  "whether Purge looks for a secret that reads show",
		Cost:  Cost{Calls: 4},
		needs: []need{needSet, needPurge},
		run: func(t *trial) {
			id := t.id("a")
			info := t.put(id, t.marks.value())
			if err := t.svc.Delete(t.ctx, id); err != nil {
				t.fatalf("Delete failed: %v", err)
			}
			if err := t.svc.Delete(t.ctx, id, core.Purge()); err != nil {
				t.errorf("Delete with Purge of a deleted id failed: %v", err)
			}
			t.unreadable(id, info.Version)
		},
	},
	{
		Name:  "MUST/Purge/of-what-is-missing-is-not-found",
		Rule:  "Delete with Purge of an id that never had a secret is ErrNotFound.",
		Look:  "whether Purge is silent about a mistyped id",
		Cost:  Cost{Calls: 1},
		needs: []need{needPurge},
		run: func(t *trial) {
			t.wantKind("Delete with Purge of a missing id", t.svc.Delete(t.ctx, t.missing("a"), core.Purge()), core.ErrNotFound)
		},
	},
	{
		Name:  "MUST/Purge/then-set-starts-anew",
		Rule:  "Set after a purge stores the new value, and nothing of the old one comes back.",
		Look:  "whether a purged name is free at once",
		Cost:  Cost{Calls: 5},
		needs: []need{needSet, needPurge},
		run: func(t *trial) {
			id := t.id("a")
			t.put(id, t.marks.value())
			if err := t.svc.Delete(t.ctx, id, core.Purge()); err != nil {
				t.fatalf("Delete with Purge failed: %v", err)
			}
			v := t.marks.value()
			info := t.put(id, v)
			t.wantValue("after a purge and a Set", id, v)
			if t.caps.Versions {
				t.eventually(func() string {
					infos, err := collect(t.svc.Versions(t.ctx, id))
					if err != nil || len(infos) != 1 || infos[0].Version != info.Version {
						return fmt.Sprintf("after a purge and one Set, Versions yields %d versions, error %v", len(infos), err)
					}
					return ""
				})
			}
		},
	},
	{
		Name:  "SHOULD/Purge/versions-are-not-reused",
		Rule:  "A version that a purge removed never names another value of its id.",
		Look:  "where version names come from. Where the vendor restarts its numbers, waive this and say so in the documentation: a writer with IfVersion can then overwrite what it never read",
		Cost:  Cost{Calls: 4},
		needs: []need{needSet, needPurge},
		run: func(t *trial) {
			id := t.id("a")
			seen := map[string]bool{}
			for range 2 {
				info := t.put(id, t.marks.value())
				if info.Version == "" {
					t.skipf("the service names no versions")
				}
				if seen[info.Version] {
					t.errorf("the version %q named another value before the purge", info.Version)
				}
				seen[info.Version] = true
				if err := t.svc.Delete(t.ctx, id, core.Purge()); err != nil {
					t.fatalf("Delete with Purge failed: %v", err)
				}
			}
		},
	},
}

// removed checks that nothing shows a secret.
func (t *trial) removed(when, id string) {
	t.wantGone(when, id)
	t.eventually(func() string {
		_, err := t.svc.Stat(t.ctx, id)
		return kindFault(when+": Stat", err, core.ErrNotFound)
	})
	t.eventually(func() string {
		got, err := t.svc.GetMany(t.ctx, []string{id})
		if err != nil || len(got) > 0 {
			return fmt.Sprintf("%s: GetMany returned %d secrets, error %v", when, len(got), err)
		}
		return ""
	})
	if t.caps.Versions {
		t.eventually(func() string {
			infos, err := collect(t.svc.Versions(t.ctx, id))
			if len(infos) > 0 {
				return fmt.Sprintf("%s: Versions yielded %d versions", when, len(infos))
			}
			return kindFault(when+": Versions", err, core.ErrNotFound)
		})
	}
	if t.caps.List {
		t.eventually(func() string {
			infos, err := collect(t.svc.List(t.ctx, id))
			if err != nil {
				return fmt.Sprintf("%s: List failed: %v", when, err)
			}
			if slices.ContainsFunc(infos, func(i core.Info) bool { return i.ID == id }) {
				return when + ": List still shows it"
			}
			return ""
		})
	}
}

// unreadable checks that versions can't be read any more.
func (t *trial) unreadable(id string, versions ...string) {
	if !t.caps.AtVersion {
		return
	}
	for _, version := range versions {
		if version == "" {
			continue
		}
		t.eventually(func() string {
			_, err := t.svc.Get(t.ctx, id, core.AtVersion(version))
			return kindFault("Get of a version after a purge", err, core.ErrNotFound)
		})
	}
}
