package conformance

import (
	"errors"
	"fmt"
	"slices"

	"github.com/lukko-dev/lukko/core"
)

var batchCases = []Case{
	{
		Name:  "MUST/GetMany/each-id-its-own-value",
		Rule:  "GetMany returns for each id the secret that Get returns for it, whatever the order.",
		Look:  "how the answers of a batch are matched to what was asked: by name, not by position",
		Cost:  Cost{Calls: 6},
		needs: []need{needContent},
		run: func(t *trial) {
			want := map[string]core.Value{}
			var ids []string
			for i := range t.big(4, 24) {
				id, v := t.have(fmt.Sprintf("a%d", (i*7)%24))
				want[id] = v
				ids = append(ids, id)
			}
			t.wantMany("in the order of the writes", ids, want)
			slices.Reverse(ids)
			t.wantMany("in reverse", ids, want)
		},
		FullCost: Cost{Calls: 26}, shared: 24,
	},
	{
		Name:  "MUST/GetMany/missing-is-absent",
		Rule:  "An id that has no secret is absent from what GetMany returns, and no error.",
		Look:  "whether a missing id fails the batch, gets an empty secret, or shifts its neighbours",
		Cost:  Cost{Calls: 4},
		needs: []need{needContent},
		run: func(t *trial) {
			want := t.haves("a", "b")
			ids := []string{t.missing("x"), t.id("a"), t.missing("y"), t.id("b"), t.missing("z")}
			t.wantMany("among missing ids", ids, want)
			t.wantMany("of missing ids alone", []string{t.missing("x"), t.missing("y")}, nil)
		},
	},
	{
		Name:  "MUST/GetMany/repeated-ids-are-one",
		Rule:  "Repeated ids are read once and returned once.",
		Look:  "whether a repeated id fails the batch, as some vendors do; core.New takes them out for a Backend",
		Cost:  Cost{Calls: 3},
		needs: []need{needContent},
		run: func(t *trial) {
			want := t.haves("a", "b")
			t.wantMany("with repeated ids", []string{t.id("a"), t.id("b"), t.id("a"), t.id("a")}, want)
		},
	},
	{
		Name: "MUST/GetMany/of-nothing-is-empty",
		Rule: "GetMany of no ids returns nothing, and no error.",
		Look: "whether an empty batch is sent to the vendor, or read as \"all\"",
		Cost: Cost{Calls: 2},
		run: func(t *trial) {
			for _, ids := range [][]string{nil, {}} {
				got, err := t.svc.GetMany(t.ctx, ids)
				if err != nil || len(got) > 0 {
					t.errorf("GetMany of no ids: %d secrets, error %v", len(got), err)
				}
			}
		},
	},
	{
		Name: "MUST/GetMany/an-invalid-id-fails-the-whole",
		Rule: "GetMany with an id that is no id is ErrInvalidID as a whole, and the id is not repeated in the error.",
		Look: "whether ids are checked before anything is sent; core.New does this for a Backend",
		Cost: Cost{Calls: 1},
		run: func(t *trial) {
			got, err := t.svc.GetMany(t.ctx, []string{t.missing("a"), "no id " + t.marks.text()})
			var batch *core.BatchError
			if got != nil || errors.As(err, &batch) {
				t.errorf("GetMany returned a map of %d and an error of type %T; want a failure of the whole", len(got), err)
			}
			t.wantKind("GetMany with an invalid id", err, core.ErrInvalidID)
		},
	},
	{
		Name:  "MUST/GetMany/denied-is-not-missing",
		Rule:  "An id that the caller may not read is in the BatchError as ErrPermissionDenied, and the others are returned.",
		Look:  "whether the batch swallows what the vendor reports beside its answers",
		needs: []need{needContent, hookDeny},
		run: func(t *trial) {
			want := t.haves("a", "b", "c")
			t.do("Deny", t.sub.Deny(t.id("b")))
			t.wantManyBut("with a denied id", []string{t.id("a"), t.id("b"), t.id("c"), t.missing("x")}, want,
				t.id("b"), core.ErrPermissionDenied)
		},
	},
	{
		Name:  "MUST/GetMany/corrupt-hides-no-others",
		Rule:  "An id whose stored form does not verify is in the BatchError as ErrCorrupt, and the others are returned.",
		Look:  "whether one damaged secret fails the batch, or vanishes from it",
		needs: []need{needContent, hookCorrupt},
		run: func(t *trial) {
			want := t.haves("a", "b", "c")
			t.do("Corrupt", t.sub.Corrupt(t.id("b")))
			t.wantManyBut("with a damaged secret", []string{t.id("a"), t.id("b"), t.id("c"), t.missing("x")}, want,
				t.id("b"), core.ErrCorrupt)
		},
	},
	{
		Name:  "MUST/GetMany/outage-is-unavailable",
		Rule:  "While the backend can't be reached every id of a GetMany is ErrUnavailable, by itself or as a whole; none is taken to be missing.",
		Look:  "whether the batch swallows its own failure",
		needs: []need{needContent, hookFail},
		run: func(t *trial) {
			want := t.haves("a", "b")
			ids := []string{t.id("a"), t.id("b"), t.missing("x")}
			restore := t.fail(core.ErrUnavailable)
			got, err := t.svc.GetMany(t.ctx, ids)
			if len(got) > 0 {
				t.errorf("GetMany returned %d secrets during the outage", len(got))
			}
			for _, id := range ids {
				t.wantIDKind("GetMany during the outage, "+id, err, id, core.ErrUnavailable)
			}
			restore()
			t.wantMany("after the outage", ids, want)
		},
	},
	{
		Name:  "MUST/GetMany/of-many",
		Rule:  "GetMany of more ids than a vendor takes in one call returns them all.",
		Look:  "how a batch is cut to the vendor's limit, the last, smaller piece above all",
		Cost:  Cost{Class: Full, Calls: 152},
		needs: []need{needContent},
		run: func(t *trial) {
			want := map[string]core.Value{}
			ids := []string{t.missing("first")}
			for i := range 151 {
				id, v := t.have(fmt.Sprintf("many%d", i))
				want[id] = v
				ids = append(ids, id)
			}
			t.wantMany("of 152 ids", append(ids, t.missing("last")), want)
		},
		shared: 151,
	},
	{
		Name:  "MUST/GetMany/at-version",
		Rule:  "GetMany with AtVersion returns that version, or nothing where the id has none of that name.",
		Look:  "whether the batch drops the option",
		Cost:  Cost{Calls: 3},
		needs: []need{needSet, needAtVersion},
		run: func(t *trial) {
			id, old := t.id("a"), t.marks.value()
			info := t.put(id, old)
			t.have("a")
			t.eventually(func() string {
				got, err := t.svc.GetMany(t.ctx, []string{id}, core.AtVersion(info.Version))
				switch {
				case err != nil:
					return fmt.Sprintf("GetMany with AtVersion failed: %v", err)
				case len(got) == 0:
					return "" // not kept; MUST/AtVersion has the rest
				}
				return difference(got[id].Value, old)
			})
		},
	},
}

// wantMany checks that a GetMany returns exactly these secrets.
func (t *trial) wantMany(when string, ids []string, want map[string]core.Value) {
	t.eventually(func() string {
		got, err := t.svc.GetMany(t.ctx, ids)
		if err != nil {
			return fmt.Sprintf("%s: GetMany failed: %v", when, err)
		}
		return manyFault(when, got, want)
	})
}

// wantManyBut checks that a GetMany returns these secrets but for one, which
// is in the BatchError with a kind.
func (t *trial) wantManyBut(when string, ids []string, want map[string]core.Value, bad string, kind error) {
	delete(want, bad)
	t.eventually(func() string {
		got, err := t.svc.GetMany(t.ctx, ids)
		var batch *core.BatchError
		if !errors.As(err, &batch) {
			return fmt.Sprintf("%s: GetMany returned an error of type %T (%v); want a *core.BatchError", when, err, err)
		}
		if fault := kindFault(when+": "+bad, batch.ByID[bad], kind); fault != "" {
			return fault
		}
		if len(batch.ByID) > 1 {
			return fmt.Sprintf("%s: GetMany reports %d ids as failed; want one", when, len(batch.ByID))
		}
		return manyFault(when, got, want)
	})
}

func manyFault(when string, got map[string]core.Secret, want map[string]core.Value) string {
	for id, v := range want {
		secret, ok := got[id]
		if !ok {
			return fmt.Sprintf("%s: GetMany left out %q", when, id)
		}
		if diff := difference(secret.Value, v); diff != "" {
			return fmt.Sprintf("%s: GetMany, %q: %s", when, id, diff)
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%s: GetMany returned %d secrets; want %d", when, len(got), len(want))
	}
	return ""
}
