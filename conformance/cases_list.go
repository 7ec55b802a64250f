package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

var listCases = []Case{
	{
		Name:  "MUST/List/yields-each-id-once",
		Rule:  "List yields every secret under the prefix, each once.",
		Look:  "how pages are put together: the last item of one and the first of the next, and an empty last page",
		Cost:  Cost{Calls: 6},
		needs: []need{needContent, needList},
		run: func(t *trial) {
			want := t.haves("a", "b", "c", "d", "e")
			t.wantList("", t.base(), want)
		},
	},
	{
		Name:  "MUST/List/prefix-is-bytes",
		Rule:  "A list's prefix is the first bytes of ids: \"ab\" is one of \"ab\", \"abc\" and \"ab_c\", and not of \"a\", \"b_ab\" or \"AB\".",
		Look:  "whether the prefix is taken for a folder, a word, a pattern, or a part anywhere in the id",
		Cost:  Cost{Class: Full, Calls: 9, Secrets: 7},
		needs: []need{needContent, needList},
		run: func(t *trial) {
			base := t.base() + "l_"
			under := map[string]core.Value{}
			for _, name := range []string{"ab", "abc", "ab_c", "ab_d_e", "a", "b_ab"} {
				v := t.marks.value()
				t.put(base+name, v)
				if strings.HasPrefix(name, "ab") {
					under[base+name] = v
				}
			}
			t.wantList("a prefix that is an id", base+"ab", under)
			t.wantList("a prefix that ends in a word", base+"ab_", map[string]core.Value{base + "ab_c": {}, base + "ab_d_e": {}})
			t.wantList("a prefix that is one id whole", base+"ab_d_e", map[string]core.Value{base + "ab_d_e": {}})
		},
	},
	{
		Name:  "MUST/List/prefix-holds-special-bytes",
		Rule:  "A list's prefix may hold every byte of an id; none of them is a wildcard.",
		Look:  "whether '.', '+', '_' or '/' in a prefix means something to the vendor's filter",
		needs: []need{needContent, needList, ownStore},
		run: func(t *trial) {
			pairs := [][2]string{{"s.a", "sxa"}, {"s_b", "sxb"}, {"s/c", "sxc"}, {"s+d", "ssd"}, {"s-e", "sxe"}, {"s:f", "sxf"}, {"s=g", "sxg"}, {"s@h", "sxh"}}
			for _, p := range pairs {
				if t.refuses(p[0]) {
					continue
				}
				t.put(p[0], t.marks.value())
				t.put(p[1], t.marks.value())
				t.wantList(fmt.Sprintf("the prefix %q", p[0][:2]), p[0][:2], map[string]core.Value{p[0]: {}})
				t.wantList(fmt.Sprintf("the prefix %q", p[0]), p[0], map[string]core.Value{p[0]: {}})
			}
		},
	},
	{
		Name:  "MUST/List/of-nothing-is-empty",
		Rule:  "List under a prefix that no id has yields nothing, and no error.",
		Look:  "whether an empty answer, or a folder that is not there, is taken for a failure",
		Cost:  Cost{Calls: 1},
		needs: []need{needList},
		run: func(t *trial) {
			infos, err := collect(t.svc.List(t.ctx, t.missing("x")))
			if err != nil || len(infos) > 0 {
				t.errorf("List under a prefix that no id has: %d secrets, error %v", len(infos), err)
			}
		},
	},
	{
		Name:  "MUST/List/of-an-empty-store-is-empty",
		Rule:  "List of a store that holds nothing yields nothing, and no error.",
		Look:  "what the backend's answer is before the first write",
		needs: []need{needList, ownStore},
		run: func(t *trial) {
			infos, err := collect(t.svc.List(t.ctx, ""))
			if err != nil || len(infos) > 0 {
				t.errorf("List of an empty store: %d secrets, error %v", len(infos), err)
			}
		},
	},
	{
		Name:   "MUST/List/pages-past-100",
		Rule:   "List yields more than 100 secrets, each once.",
		Look:   "whether the listing stops at its first page",
		Cost:   Cost{Class: Full, Calls: 2 * 121},
		needs:  []need{needContent, needList},
		run:    func(t *trial) { t.pages(121) },
		shared: 121,
	},
	{
		Name:   "MUST/List/pages-past-1000",
		Rule:   "List yields more than 1,000 secrets, each once.",
		Look:   "whether the listing stops at a limit of the vendor, or at a second page",
		Cost:   Cost{Class: Full, Calls: 2 * 1030},
		needs:  []need{needContent, needList},
		run:    func(t *trial) { t.pages(1030) },
		shared: 1030,
	},
	{
		Name:  "MUST/List/may-be-left",
		Rule:  "A range over List may be left at any time; the next one starts anew, and the service works on.",
		Look:  "what the iterator holds while it is suspended: a lock, a connection, a cursor",
		Cost:  Cost{Calls: 12},
		needs: []need{needContent, needList},
		run: func(t *trial) {
			want := t.haves("a", "b", "c")
			t.wantList("", t.base(), want) // which waits until it is settled
			for n := 1; n <= 3; n++ {
				seq := t.svc.List(t.ctx, t.base())
				for range 2 {
					seen := 0
					for range seq {
						if seen++; seen == n {
							break
						}
					}
				}
			}
			t.wantList("after ranges that were left", t.base(), want)
			if t.caps.Set {
				t.have("a")
			}
		},
	},
	{
		Name:  "MUST/List/starts-anew",
		Rule:  "An iterator of List can be ranged over again, and shows then what there is then.",
		Look:  "whether the first range uses up the iterator, or its result is kept",
		Cost:  Cost{Class: Full, Calls: 6, Secrets: 1},
		needs: []need{needSet, needList},
		run: func(t *trial) {
			want := t.haves("a", "b")
			seq := t.svc.List(t.ctx, t.base())
			check := func(when string) {
				t.eventually(func() string {
					infos, err := collect(seq)
					return t.listFault(when, t.base(), infos, err, want)
				})
			}
			check("the first range")
			check("the second range")
			id, v := t.fresh("a"), t.marks.value()
			t.put(id, v)
			want[id] = v
			check("a range after another write")
		},
	},
	{
		Name:  "MUST/List/calls-in-the-loop",
		Rule:  "The body of a range over List may call the service, reads and writes alike.",
		Look:  "whether the iterator holds a lock while the body runs",
		Cost:  Cost{Class: Full, Calls: 7},
		needs: []need{needContent, needList},
		run: func(t *trial) {
			want := t.haves("a", "b")
			seen := 0
			done := t.spawn(func() {
				for info, err := range t.svc.List(t.ctx, t.base()) {
					if _, mine := want[info.ID]; err != nil || !mine {
						continue
					}
					seen++
					if _, err := t.svc.Get(t.ctx, info.ID); err != nil && t.caps.Settle == 0 {
						t.errorf("Get in the loop failed: %v", err)
					}
					if t.caps.Set {
						if _, err := t.svc.Set(t.ctx, info.ID, t.marks.value()); err != nil {
							t.errorf("Set in the loop failed: %v", err)
						}
					}
				}
			})
			if !t.ends(done) {
				t.fatalf("a range whose body calls the service does not end")
			}
			if seen != len(want) && t.caps.Settle == 0 {
				t.errorf("a range whose body calls the service saw %d of %d secrets", seen, len(want))
			}
		},
	},
	{
		Name:  "MUST/List/a-wrong-prefix-is-invalid-id",
		Rule:  "List under a prefix that can't begin an id is ErrInvalidID, and the prefix is not repeated in the error.",
		Look:  "whether a prefix is checked; core.New does this for a Backend",
		Cost:  Cost{Calls: 3},
		needs: []need{needList},
		run: func(t *trial) {
			for _, prefix := range []string{t.base() + "no id " + t.marks.text(), t.base() + "x*", strings.Repeat("p", core.MaxIDLen+1)} {
				infos, err := collect(t.svc.List(t.ctx, prefix))
				if len(infos) > 0 {
					t.errorf("List under a wrong prefix yielded %d secrets", len(infos))
				}
				t.wantKind("List under a wrong prefix", err, core.ErrInvalidID)
			}
		},
	},
	{
		Name:  "MUST/List/an-outage-is-an-error",
		Rule:  "List while the backend can't be reached ends in ErrUnavailable; it is never an empty or a shorter list.",
		Look:  "whether a failed page ends the loop without a word",
		needs: []need{needContent, needList, hookFail},
		run: func(t *trial) {
			want := t.haves("a", "b")
			restore := t.fail(core.ErrUnavailable)
			_, err := collect(t.svc.List(t.ctx, ""))
			t.wantKind("List during the outage", err, core.ErrUnavailable)
			restore()
			t.wantList("after the outage", "", want)
		},
	},
	{
		Name:  "MUST/List/an-outage-on-the-way-is-an-error",
		Rule:  "List that fails on the way ends in an error, and is never a shorter list.",
		Look:  "whether the failure of a later page is reported",
		needs: []need{needContent, needList, hookFail},
		run: func(t *trial) {
			for i := range 250 { // more than most vendors' page
				t.put(fmt.Sprintf("l%d", i), t.marks.value())
			}
			if t.caps.Settle > 0 {
				t.eventually(func() string {
					infos, err := collect(t.svc.List(t.ctx, ""))
					if err != nil || len(infos) < 250 {
						return fmt.Sprintf("List yielded %d of 250 secrets before the outage, error %v", len(infos), err)
					}
					return ""
				})
			}
			seen, restore := 0, func() {}
			var last error
			for _, err := range t.svc.List(t.ctx, "") {
				if last = err; err != nil {
					break
				}
				if seen++; seen == 1 {
					restore = t.fail(core.ErrUnavailable)
				}
			}
			restore()
			if seen < 250 && last == nil {
				t.errorf("List failed on the way, yielded %d of 250 secrets, and no error", seen)
			}
			if last != nil && seen < 250 {
				t.wantKind("List that failed on the way", last, core.ErrUnavailable)
			}
		},
	},
	{
		Name: "MUST/List/what-is-unreadable-hides-nothing",
		Rule: "A secret that is denied or damaged is listed, or is in a BatchError at the end; the others are listed.",
		Look: "whether the listing stops at what it can't read, or leaves it out",
		needs: []need{needContent, needList, {name: "hook Deny or Corrupt", hook: true, unmet: func(t *trial) string {
			if t.sub.Deny == nil && t.sub.Corrupt == nil {
				return "the harness offers neither Deny nor Corrupt"
			}
			return ""
		}}},
		run: func(t *trial) {
			want := t.haves("a", "b", "c", "d")
			t.shown(want)
			bad := map[string]error{}
			if t.sub.Deny != nil {
				t.do("Deny", t.sub.Deny("b"))
				bad["b"] = core.ErrPermissionDenied
			}
			if t.sub.Corrupt != nil {
				t.do("Corrupt", t.sub.Corrupt("c"))
				bad["c"] = core.ErrCorrupt
			}
			infos, err := collect(t.svc.List(t.ctx, ""))
			var batch *core.BatchError
			if err != nil && !errors.As(err, &batch) {
				t.errorf("List ended in %v; want a *core.BatchError of what could not be read", err)
			}
			for id := range want {
				listed := slices.ContainsFunc(infos, func(i core.Info) bool { return i.ID == id })
				reported := batch != nil && batch.ByID[id] != nil
				switch {
				case listed && reported:
					t.errorf("List yielded %q and reported it as unreadable", id)
				case !listed && !reported:
					t.errorf("List left out %q", id)
				case reported && bad[id] == nil:
					t.errorf("List reported %q, which can be read", id)
				case reported:
					t.wantKind("List of "+id, batch.ByID[id], bad[id])
				}
			}
		},
	},
	{
		Name:  "MUST/List/ends-with-its-context",
		Rule:  "A range over List ends in the context's error when its context ends, and is never just a shorter list.",
		Look:  "whether the loop over pages stops without a word",
		Cost:  Cost{Calls: 4},
		needs: []need{needContent, needList},
		run: func(t *trial) {
			t.haves("a", "b", "c")
			ctx, cancel := context.WithCancel(t.ctx)
			defer cancel()
			seen, after := 0, 0
			var last error
			for _, err := range t.svc.List(ctx, t.base()) {
				if last = err; err != nil {
					break
				}
				if seen++; seen > 1 {
					after++
				}
				cancel()
			}
			switch {
			case seen == 0 && last == nil:
				if t.caps.Settle == 0 {
					t.errorf("List yielded nothing")
				}
			case !errors.Is(last, context.Canceled):
				t.errorf("the context ended after the first of the secrets; List yielded %d more, and then the error %v; want context.Canceled", after, last)
			}
		},
	},
}

// pages stores n secrets and lists them.
func (t *trial) pages(n int) {
	want := map[string]core.Value{}
	for i := range n {
		id, v := t.have(fmt.Sprintf("p%d", i))
		want[id] = v
	}
	t.wantList(fmt.Sprintf("of %d secrets", n), t.base(), want)
}

// wantList checks that a List yields these ids, each once, and no others
// where the store is the case's own.
func (t *trial) wantList(when, prefix string, want map[string]core.Value) {
	t.eventually(func() string {
		infos, err := collect(t.svc.List(t.ctx, prefix))
		return t.listFault(when, prefix, infos, err, want)
	})
}

func (t *trial) listFault(when, prefix string, infos []core.Info, err error, want map[string]core.Value) string {
	if when != "" {
		when += ": "
	}
	if err != nil {
		return fmt.Sprintf("%sList failed: %v", when, err)
	}
	seen := map[string]int{}
	for _, info := range infos {
		if seen[info.ID]++; seen[info.ID] > 1 {
			return fmt.Sprintf("%sList yielded %q twice", when, info.ID)
		}
		if !strings.HasPrefix(info.ID, prefix) {
			return fmt.Sprintf("%sList yielded %q, which does not begin with %q", when, info.ID, prefix)
		}
		if _, ok := want[info.ID]; !ok && t.suite.live == nil {
			return fmt.Sprintf("%sList yielded %q, which should not be there", when, info.ID)
		}
	}
	var missed []string
	for id := range want {
		if seen[id] == 0 {
			missed = append(missed, id)
		}
	}
	if len(missed) > 0 {
		slices.Sort(missed)
		return fmt.Sprintf("%sList left out %d of %d secrets, among them %q", when, len(missed), len(want), missed[0])
	}
	return ""
}
