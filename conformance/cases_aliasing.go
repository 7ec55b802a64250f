package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

var aliasingCases = []Case{
	{
		Name:  "MUST/Aliasing/values-stay-what-they-were",
		Rule:  "A value that was returned stays what it was, whatever is read, written or deleted afterwards.",
		Look:  "whether a value is made of a buffer that is used again, or of stored bytes that change in place",
		Cost:  Cost{Class: Full, Calls: 18},
		needs: []need{needContent},
		run: func(t *trial) {
			want := t.haves("a", "b", "c")
			ids := []string{t.id("a"), t.id("b"), t.id("c")}
			t.wantMany("before", ids, want)
			kept := map[string]core.Value{}
			copies := map[string]string{}
			for _, id := range ids {
				got, err := t.svc.Get(t.ctx, id)
				if err != nil {
					t.fatalf("Get failed: %v", err)
				}
				kept[id] = got.Value
				copies[id] = strings.Clone(got.Value.Reveal())
			}
			many, err := t.svc.GetMany(t.ctx, ids)
			if err != nil {
				t.fatalf("GetMany failed: %v", err)
			}
			for _, id := range ids {
				if t.caps.Set {
					t.have("a")
					t.have("b")
				}
				_, _ = t.svc.Get(t.ctx, id)
			}
			if t.caps.Delete && t.caps.Set {
				_ = t.svc.Delete(t.ctx, ids[2])
			}
			for _, id := range ids {
				if kept[id].Reveal() != copies[id] {
					t.errorf("the value that Get returned for %q changed afterwards", id)
				}
				if many[id].Value.Reveal() != copies[id] {
					t.errorf("the value that GetMany returned for %q changed afterwards", id)
				}
			}
		},
	},
	{
		Name:  "MUST/Aliasing/the-callers-ids-stay",
		Rule:  "GetMany neither changes the caller's slice of ids nor keeps it.",
		Look:  "whether ids are sorted or compacted in place",
		Cost:  Cost{Calls: 4},
		needs: []need{needContent},
		run: func(t *trial) {
			want := t.haves("a", "b")
			ids := []string{t.id("b"), t.missing("z"), t.id("a"), t.id("b"), t.missing("y")}
			before := slices.Clone(ids)
			t.wantMany("", ids, want)
			if !slices.Equal(ids, before) {
				t.errorf("GetMany changed the slice of ids that it was given")
			}
			for i := range ids {
				ids[i] = t.missing("overwritten")
			}
			t.wantMany("after the first slice was overwritten", before, want)
		},
	},
	{
		Name:  "MUST/Aliasing/returned-maps-are-the-callers",
		Rule:  "The map that GetMany returns is the caller's own: changing it changes no later answer.",
		Look:  "whether a map is kept or shared between callers",
		Cost:  Cost{Calls: 6},
		needs: []need{needContent},
		run: func(t *trial) {
			want := t.haves("a", "b")
			ids := []string{t.id("a"), t.id("b")}
			t.wantMany("", ids, want)
			got, err := t.svc.GetMany(t.ctx, ids)
			if err != nil {
				t.fatalf("GetMany failed: %v", err)
			}
			delete(got, ids[0])
			got[ids[1]] = core.Secret{Info: core.Info{ID: "overwritten"}, Value: core.String("overwritten")}
			got[t.missing("x")] = core.Secret{}
			t.wantMany("after an earlier map was changed", ids, want)
			t.wantValue("after an earlier map was changed", ids[1], want[ids[1]])
		},
	},
	{
		Name:  "MUST/Aliasing/infos-stay-what-they-were",
		Rule:  "What a range over List or Versions yielded stays what it was.",
		Look:  "whether the iterator reuses what it yields",
		Cost:  Cost{Class: Full, Calls: 9},
		needs: []need{needContent, needList},
		run: func(t *trial) {
			want := t.haves("a", "b", "c")
			t.wantList("", t.base(), want)
			kept := map[string]string{}
			for info, err := range t.svc.List(t.ctx, t.base()) {
				if err != nil {
					t.fatalf("List failed: %v", err)
				}
				kept[info.ID] = strings.Clone(info.ID)
			}
			for range 2 {
				_, _ = collect(t.svc.List(t.ctx, t.base()))
				_, _ = t.svc.Get(t.ctx, t.missing("some_other_id"))
			}
			for id, copied := range kept {
				if id != copied {
					t.errorf("an ID that List yielded changed afterwards")
				}
			}
			for id := range want {
				if _, ok := kept[id]; !ok {
					t.errorf("an ID that List yielded is not found any more: %s", fmt.Sprint(id))
				}
			}
		},
	},
}
