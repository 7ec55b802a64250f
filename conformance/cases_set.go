package conformance

import (
	"errors"
	"fmt"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

var setCases = []Case{
	{
		Name:  "MUST/Set/returns-the-info-of-its-version",
		Rule:  "Set returns the Info of the version that it made: the version that Get then returns.",
		Look:  "what Set puts into Version, and whether Get reads the same field",
		Cost:  Cost{Calls: 4},
		needs: []need{needSet},
		run: func(t *trial) {
			for range 2 {
				id, v := t.id("a"), t.marks.value()
				info := t.put(id, v)
				t.eventually(func() string {
					got, err := t.svc.Get(t.ctx, id)
					if err != nil {
						return fmt.Sprintf("Get failed: %v", err)
					}
					if diff := difference(got.Value, v); diff != "" {
						return diff
					}
					if got.Version != info.Version {
						return fmt.Sprintf("Set returned the version %q, and Get %q", info.Version, got.Version)
					}
					return ""
				})
			}
		},
	},
	{
		Name:  "MUST/Set/refuses-values-of-no-legal-size",
		Rule:  "A value that is empty, or larger than 64 KiB, is ErrInvalidValue, and nothing is written.",
		Look:  "whether sizes are checked before anything is sent; core.New does this for a Backend",
		Cost:  Cost{Class: Full, Calls: 7},
		needs: []need{needSet},
		run: func(t *trial) {
			id, v := t.have("a")
			for _, wrong := range []core.Value{{}, core.String(strings.Repeat("x", core.MaxValueLen+1))} {
				for _, id := range []string{id, t.missing("a")} {
					_, err := t.svc.Set(t.ctx, id, wrong)
					t.wantKind(fmt.Sprintf("Set of %d bytes", wrong.Len()), err, core.ErrInvalidValue)
				}
			}
			t.unchanged("after refused writes", id, &v)
			t.unchanged("after refused writes", t.missing("a"), nil)
		},
	},
	{
		Name:  "MUST/Set/denied-writes-nothing",
		Rule:  "Set of an id that the caller may not read writes or is ErrPermissionDenied; it is never another kind.",
		Look:  "where Set maps the vendor's answer for a missing right, and whether it reads first",
		needs: []need{needSet, hookDeny},
		run: func(t *trial) {
			id, _ := t.have("a")
			t.do("Deny", t.sub.Deny(id))
			if _, err := t.svc.Set(t.ctx, id, t.marks.value()); err != nil {
				t.wantKind("Set of the denied id", err, core.ErrPermissionDenied)
			}
		},
	},
	{
		Name:  "MUST/Set/outage-is-told-honestly",
		Rule:  "Set while the backend can't be reached is ErrUnavailable if nothing was written, and ErrIndeterminate if it may have been.",
		Look:  "which failures of a write are known to come before it, and which are not",
		needs: []need{needSet, hookFail},
		run:   func(t *trial) { t.failedWrite(core.ErrUnavailable, core.ErrUnavailable, core.ErrIndeterminate) },
	},
	{
		Name:  "MUST/Set/full-is-exhausted",
		Rule:  "Set that finds a full disk or a used-up quota is ErrExhausted, and nothing is written; reads go on.",
		Look:  "where the vendor's answers for quotas and limits are mapped",
		needs: []need{needSet, hookFail},
		run:   func(t *trial) { t.failedWrite(core.ErrExhausted, core.ErrExhausted) },
	},
	{
		Name:  "MUST/Set/expired-credential-is-unauthenticated",
		Rule:  "Set with a credential that is missing, wrong or expired is ErrUnauthenticated, and nothing is written.",
		Look:  "where Set maps the vendor's answer for a bad credential",
		needs: []need{needSet, hookFail},
		run:   func(t *trial) { t.failedWrite(core.ErrUnauthenticated, core.ErrUnauthenticated) },
	},
	{
		Name:  "MUST/Set/over-a-corrupt-secret-heals-it",
		Rule:  "Set over a secret whose stored form does not verify stores the new value, or says ErrCorrupt and stores nothing.",
		Look:  "whether a write needs to read what it replaces",
		needs: []need{needSet, hookCorrupt},
		run: func(t *trial) {
			id, _ := t.have("a")
			t.do("Corrupt", t.sub.Corrupt(id))
			v := t.marks.value()
			if _, err := t.svc.Set(t.ctx, id, v); err != nil {
				t.wantKind("Set over a damaged secret", err, core.ErrCorrupt)
				return
			}
			t.wantValue("after a write over a damaged secret", id, v)
		},
	},
	{
		Name:  "MUST/IfChanged/an-equal-value-makes-no-version",
		Rule:  "Set with IfChanged of an equal value succeeds, returns the current Info, and makes no new version.",
		Look:  "whether IfChanged is ignored, which costs money where versions are billed",
		Cost:  Cost{Calls: 5},
		needs: []need{needSet},
		run: func(t *trial) {
			id, v := t.id("a"), t.marks.value()
			first := t.put(id, v)
			if problem := t.settle(func() string { return t.shows(id, v) }); problem != "" {
				t.fatalf("%s", problem)
			}
			t.makesNoVersion("Set with IfChanged of an equal value", id, v, first)
		},
	},
	{
		Name:  "MUST/IfChanged/an-equal-object-makes-no-version",
		Rule:  "Set with IfChanged of the JSON object that is there, with other spacing, order of names, escapes or spelling of numbers, makes no new version; with another number it does, be it in the 17th digit.",
		Look:  "whether IfChanged compares bytes, or numbers as floats; core.Equivalent compares as the contract does, and core.New by it",
		Cost:  Cost{Calls: 8},
		needs: []need{needSet},
		run: func(t *trial) {
			id, user := t.id("a"), t.marks.text()
			object := core.String(`{"user":"` + user + `","rate":1.5,"serial":90071992547409920,"path":"/a","list":[1,{"b":null,"c":true}]}`)
			again := core.String(`{ "list": [1, {"c": true, "b": null}], "path": "\/\u0061",` + "\n" +
				`"serial": 90071992547409920, "rate": 1.50, "user": "` + user + `" }`)
			other := core.String(strings.Replace(object.Reveal(), "90071992547409920", "90071992547409921", 1))
			first := t.put(id, object)
			if problem := t.settle(func() string { return t.shows(id, object) }); problem != "" {
				t.fatalf("%s", problem)
			}
			t.makesNoVersion("Set with IfChanged of an equal object", id, again, first)
			t.wantValue("after Set with IfChanged of an equal object", id, object)
			info, err := t.svc.Set(t.ctx, id, other, core.IfChanged())
			if err != nil {
				t.fatalf("Set with IfChanged of an object with another number failed: %v", err)
			}
			if first.Version != "" && info.Version == first.Version {
				t.errorf("Set with IfChanged of an object with another number returned the version that was there, %q", info.Version)
			}
			t.wantValue("after Set with IfChanged of an object with another number", id, other)
		},
	},
	{
		Name:  "MUST/IfChanged/another-value-is-written",
		Rule:  "Set with IfChanged of another value writes it, and of an id that has none creates it.",
		Look:  "how the current value is read and compared: all of it, and exactly",
		Cost:  Cost{Calls: 8, Secrets: 1},
		needs: []need{needSet},
		run: func(t *trial) {
			id, v := t.have("a")
			// The values differ in their last byte only, then in length only.
			for _, other := range []string{v.Reveal()[:v.Len()-1] + "!", v.Reveal()[:v.Len()-1]} {
				other := core.String(other)
				if problem := t.settle(func() string { return t.shows(id, v) }); problem != "" {
					t.fatalf("%s", problem)
				}
				if _, err := t.svc.Set(t.ctx, id, other, core.IfChanged()); err != nil {
					t.fatalf("Set with IfChanged failed: %v", err)
				}
				v = other
			}
			t.wantValue("after Set with IfChanged", id, v)
			id, v = t.fresh("a"), t.marks.value()
			if _, err := t.svc.Set(t.ctx, id, v, core.IfChanged()); err != nil {
				t.fatalf("Set with IfChanged of a new id failed: %v", err)
			}
			t.wantValue("after Set with IfChanged of a new id", id, v)
		},
	},
	{
		Name: "MUST/IfChanged/conditions-are-checked-first",
		Rule: "With IfChanged beside IfAbsent or IfVersion, a condition that does not hold is ErrConflict, also if the value is equal.",
		Look: "whether an equal value returns before the condition was looked at",
		Cost: Cost{Calls: 5},
		needs: []need{needSet, {name: "IfAbsent or IfVersion", unmet: func(t *trial) string {
			if t.caps.IfAbsent || t.caps.IfVersion {
				return ""
			}
			return "the service claims neither IfAbsent nor IfVersion"
		}}},
		run: func(t *trial) {
			id, v := t.id("a"), t.marks.value()
			old := t.put(id, t.marks.value())
			t.put(id, v)
			if problem := t.settle(func() string { return t.shows(id, v) }); problem != "" {
				t.fatalf("%s", problem)
			}
			if t.caps.IfAbsent {
				_, err := t.svc.Set(t.ctx, id, v, core.IfChanged(), core.IfAbsent())
				t.wantKind("Set with IfChanged and IfAbsent of an equal value", err, core.ErrConflict)
			}
			if t.caps.IfVersion {
				_, err := t.svc.Set(t.ctx, id, v, core.IfChanged(), core.IfVersion(old.Version))
				t.wantKind("Set with IfChanged and another IfVersion of an equal value", err, core.ErrConflict)
			}
		},
	},
}

// makesNoVersion writes with IfChanged what is equal to the current value,
// whose Info is given.
func (t *trial) makesNoVersion(what, id string, equal core.Value, current core.Info) {
	info, err := t.svc.Set(t.ctx, id, equal, core.IfChanged())
	if err != nil {
		t.fatalf("%s failed: %v", what, err)
	}
	if info.Version != current.Version {
		t.errorf("%s returned the version %q; the current one is %q", what, info.Version, current.Version)
	}
	stat, err := t.svc.Stat(t.ctx, id)
	if err != nil || stat.Version != current.Version {
		t.errorf("after %s the current version is %q (error %v); before it was %q", what, stat.Version, err, current.Version)
	}
	if current.Version == "" && !current.Created.IsZero() && !stat.Created.Equal(current.Created) {
		t.errorf("%s stored it again", what)
	}
	if t.caps.Versions {
		infos, err := collect(t.svc.Versions(t.ctx, id))
		if err != nil {
			t.errorf("Versions failed: %v", err)
		}
		if len(infos) > 0 && infos[0].Version != current.Version {
			t.errorf("after %s Versions has a newer version than the one that was equal", what)
		}
	}
}

// shows says why Get does not show that value.
func (t *trial) shows(id string, want core.Value) string {
	got, err := t.svc.Get(t.ctx, id)
	if err != nil {
		return fmt.Sprintf("Get(%q) failed: %v", id, err)
	}
	if diff := difference(got.Value, want); diff != "" {
		return fmt.Sprintf("Get(%q): %s", id, diff)
	}
	return ""
}

// failedWrite writes while the backend fails, and holds what the error says
// against what reads show afterwards.
func (t *trial) failedWrite(failure error, allowed ...error) {
	id, before := t.have("a")
	after := t.marks.value()
	restore := t.fail(failure)
	_, err := t.svc.Set(t.ctx, id, after)
	t.wantKind("Set while the backend fails", err, allowed...)
	restore()
	if err != nil && !errors.Is(err, core.ErrIndeterminate) {
		t.wantValue("after a Set that said that nothing was written", id, before)
	} else {
		t.eventually(func() string {
			if t.shows(id, before) == "" {
				return ""
			}
			if problem := t.shows(id, after); problem != "" {
				return "after a Set that may have been written: " + problem
			}
			return ""
		})
	}
	v := t.marks.value()
	t.put(id, v)
	t.wantValue("when the backend works again", id, v)
}
