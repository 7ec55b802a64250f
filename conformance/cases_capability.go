package conformance

import (
	"errors"
	"fmt"

	"github.com/lukko-dev/lukko/core"
)

var capabilityCases = []Case{
	{
		Name: "MUST/Capabilities/are-consistent",
		Rule: "Capabilities answers the same each time, and claims no option of a call that it does not claim.",
		Look: "Capabilities: Purge needs Delete, IfAbsent and IfVersion need Set, Settle is not negative, and the answer is remembered",
		Cost: Cost{Calls: 2},
		run: func(t *trial) {
			for range 2 {
				c, err := t.svc.Capabilities(t.ctx)
				switch {
				case err != nil:
					t.errorf("Capabilities failed: %v", err)
				case c != t.caps:
					t.errorf("Capabilities answered %+v at first and %+v later", t.caps, c)
				}
			}
			c := t.caps
			if c.Purge && !c.Delete {
				t.errorf("Purge is claimed without Delete")
			}
			if (c.IfAbsent || c.IfVersion) && !c.Set {
				t.errorf("a condition of Set is claimed without Set")
			}
			if c.Settle < 0 {
				t.errorf("Settle is negative: %v", c.Settle)
			}
		},
	},
	{
		Name:  "MUST/Capabilities/unclaimed-set-is-unsupported",
		Rule:  "A Set that is not claimed answers errors.ErrUnsupported, with every option, and changes nothing.",
		Look:  "whether Set does something although Capabilities denies it, or fails with another kind",
		Cost:  Cost{Calls: 6},
		needs: []need{noSet},
		run: func(t *trial) {
			id, before := t.someID("a")
			for _, opts := range [][]core.SetOption{nil, {core.IfChanged()}, {core.IfAbsent()}, {core.IfVersion("1")}} {
				_, err := t.svc.Set(t.ctx, id, t.marks.value(), opts...)
				t.wantKind(fmt.Sprintf("Set with %d options", len(opts)), err, errors.ErrUnsupported)
			}
			t.unchanged("after Set", id, before)
		},
	},
	{
		Name:  "MUST/Capabilities/unclaimed-delete-is-unsupported",
		Rule:  "A Delete that is not claimed answers errors.ErrUnsupported and deletes nothing.",
		Look:  "whether Delete does something although Capabilities denies it, or fails with another kind",
		Cost:  Cost{Calls: 5},
		needs: []need{noDelete},
		run: func(t *trial) {
			id, before := t.someID("a")
			t.wantKind("Delete", t.svc.Delete(t.ctx, id), errors.ErrUnsupported)
			t.wantKind("Delete with Purge", t.svc.Delete(t.ctx, id, core.Purge()), errors.ErrUnsupported)
			t.unchanged("after Delete", id, before)
		},
	},
	{
		Name:  "MUST/Capabilities/unclaimed-purge-is-unsupported",
		Rule:  "A Purge that is not claimed answers errors.ErrUnsupported and deletes nothing, not even recoverably.",
		Look:  "whether Delete ignores the option Purge",
		Cost:  Cost{Calls: 3},
		needs: []need{needContent, needDelete, noPurge},
		run: func(t *trial) {
			id, v := t.have("a")
			t.wantKind("Delete with Purge", t.svc.Delete(t.ctx, id, core.Purge()), errors.ErrUnsupported)
			t.unchanged("after Delete with Purge", id, &v)
		},
	},
	{
		Name:  "MUST/Capabilities/unclaimed-list-is-unsupported",
		Rule:  "A List that is not claimed yields one pair, with errors.ErrUnsupported.",
		Look:  "whether List yields nothing, which would read as an empty store",
		Cost:  Cost{Calls: 1},
		needs: []need{noList},
		run: func(t *trial) {
			infos, err := collect(t.svc.List(t.ctx, t.base()))
			if len(infos) > 0 {
				t.errorf("List yielded %d secrets", len(infos))
			}
			t.wantKind("List", err, errors.ErrUnsupported)
		},
	},
	{
		Name:  "MUST/Capabilities/unclaimed-versions-is-unsupported",
		Rule:  "A Versions that is not claimed yields one pair, with errors.ErrUnsupported, also for an id that has no secret.",
		Look:  "whether Versions yields nothing, or ErrNotFound",
		Cost:  Cost{Calls: 3},
		needs: []need{noVersions},
		run: func(t *trial) {
			id, _ := t.someID("a")
			for _, id := range []string{id, t.missing("a")} {
				infos, err := collect(t.svc.Versions(t.ctx, id))
				if len(infos) > 0 {
					t.errorf("Versions yielded %d versions", len(infos))
				}
				t.wantKind("Versions", err, errors.ErrUnsupported)
			}
		},
	},
	{
		Name:  "MUST/Capabilities/unclaimed-at-version-is-unsupported",
		Rule:  "AtVersion, where it is not claimed, answers errors.ErrUnsupported in Get, GetMany and Stat, and never the current value.",
		Look:  "whether reads ignore the option AtVersion",
		Cost:  Cost{Calls: 4},
		needs: []need{noAtVersion},
		run: func(t *trial) {
			id, _ := t.someID("a")
			_, err := t.svc.Get(t.ctx, id, core.AtVersion("1"))
			t.wantKind("Get with AtVersion", err, errors.ErrUnsupported)
			_, err = t.svc.Stat(t.ctx, id, core.AtVersion("1"))
			t.wantKind("Stat with AtVersion", err, errors.ErrUnsupported)
			got, err := t.svc.GetMany(t.ctx, []string{id}, core.AtVersion("1"))
			if len(got) > 0 {
				t.errorf("GetMany with AtVersion returned a secret")
			}
			t.wantIDKind("GetMany with AtVersion", err, id, errors.ErrUnsupported)
		},
	},
	{
		Name:  "MUST/Capabilities/unclaimed-if-absent-is-unsupported",
		Rule:  "IfAbsent, where it is not claimed, answers errors.ErrUnsupported and writes nothing.",
		Look:  "whether Set ignores the option IfAbsent, or does it by reading first",
		Cost:  Cost{Calls: 5},
		needs: []need{needSet, noIfAbsent},
		run: func(t *trial) {
			id, v := t.have("a")
			for _, id := range []string{id, t.missing("a")} {
				_, err := t.svc.Set(t.ctx, id, t.marks.value(), core.IfAbsent())
				t.wantKind("Set with IfAbsent", err, errors.ErrUnsupported)
			}
			t.unchanged("after Set with IfAbsent", id, &v)
			t.unchanged("after Set with IfAbsent", t.missing("a"), nil)
		},
	},
	{
		Name:  "MUST/Capabilities/unclaimed-if-version-is-unsupported",
		Rule:  "IfVersion, where it is not claimed, answers errors.ErrUnsupported and writes nothing.",
		Look:  "whether Set ignores the option IfVersion, or does it by reading first",
		Cost:  Cost{Calls: 4},
		needs: []need{needSet, noIfVersion},
		run: func(t *trial) {
			id, v := t.have("a")
			info, err := t.svc.Stat(t.ctx, id)
			if err != nil {
				t.fatalf("Stat failed: %v", err)
			}
			version := info.Version
			if version == "" {
				version = "1"
			}
			_, err = t.svc.Set(t.ctx, id, t.marks.value(), core.IfVersion(version))
			t.wantKind("Set with IfVersion", err, errors.ErrUnsupported)
			t.unchanged("after Set with IfVersion", id, &v)
		},
	},
}

// someID is an id with a secret where one can be stored, and its value; else
// one without.
func (t *trial) someID(name string) (string, *core.Value) {
	if !t.caps.Set && t.sub.Seed == nil {
		return t.missing(name), nil
	}
	id, v := t.have(name)
	return id, &v
}

// unchanged checks that id still has that value; nil: that it still has none.
func (t *trial) unchanged(when, id string, want *core.Value) {
	if want == nil {
		t.wantGone(when, id)
		return
	}
	t.wantValue(when, id, *want)
}

// collect ranges to the end.
func collect(seq func(func(core.Info, error) bool)) (infos []core.Info, err error) {
	for info, e := range seq {
		if e != nil {
			err = e
			continue
		}
		infos = append(infos, info)
	}
	return infos, err
}

// wantIDKind checks that one id of a GetMany failed with a kind, be it by
// itself or because the whole call did.
func (t *trial) wantIDKind(what string, err error, id string, kinds ...error) {
	if fault := idKindFault(what, err, id, kinds...); fault != "" {
		t.errorf("%s", fault)
	}
}

func idKindFault(what string, err error, id string, kinds ...error) string {
	var batch *core.BatchError
	if errors.As(err, &batch) {
		if batch.ByID[id] == nil {
			return fmt.Sprintf("%s: the BatchError says nothing of %q", what, id)
		}
		err = batch.ByID[id]
	}
	return kindFault(what, err, kinds...)
}
