package conformance

import (
	"fmt"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

var getCases = []Case{
	{
		Name:  "MUST/Get/returns-what-was-stored",
		Rule:  "Get returns the value that was stored last, also right after an earlier read, and with Fresh.",
		Look:  "which version Get asks for, and whether anything between is cached",
		Cost:  Cost{Calls: 5},
		needs: []need{needContent},
		run: func(t *trial) {
			id, v := t.have("a")
			t.wantValue("after the first write", id, v)
			if t.caps.Set {
				id, v = t.have("a")
				t.wantValue("after the second write", id, v)
			}
			t.eventually(func() string {
				got, err := t.svc.Get(t.ctx, id, core.Fresh())
				if err != nil {
					return fmt.Sprintf("Get with Fresh failed: %v", err)
				}
				return difference(got.Value, v)
			})
		},
	},
	{
		Name: "MUST/Get/missing-is-not-found",
		Rule: "Get of an id that has no secret is ErrNotFound.",
		Look: "how the backend tells \"there is none\" from its other failures, and whether it returns an empty value",
		Cost: Cost{Calls: 2},
		run: func(t *trial) {
			id := t.missing("a")
			_, err := t.svc.Get(t.ctx, id)
			t.wantKind("Get", err, core.ErrNotFound)
			_, err = t.svc.Get(t.ctx, id, core.Fresh())
			t.wantKind("Get with Fresh", err, core.ErrNotFound)
		},
	},
	{
		Name:  "MUST/Get/denied-is-not-missing",
		Rule:  "Get of an id that the caller may not read is ErrPermissionDenied, never ErrNotFound.",
		Look:  "where the vendor's answer for a missing right is mapped",
		needs: []need{needContent, hookDeny},
		run: func(t *trial) {
			id, _ := t.have("a")
			other, v := t.have("b")
			t.do("Deny", t.sub.Deny(id))
			_, err := t.svc.Get(t.ctx, id)
			t.wantKind("Get of the denied id", err, core.ErrPermissionDenied)
			t.wantValue("beside a denied id", other, v)
		},
	},
	{
		Name:  "MUST/Get/outage-is-unavailable",
		Rule:  "Get while the backend can't be reached is ErrUnavailable, for ids that exist and for ids that don't; afterwards it works again.",
		Look:  "where network errors and 5xx answers are mapped",
		needs: []need{needContent, hookFail},
		run: func(t *trial) {
			id, v := t.have("a")
			restore := t.fail(core.ErrUnavailable)
			for _, id := range []string{id, t.missing("a")} {
				_, err := t.svc.Get(t.ctx, id)
				t.wantKind(fmt.Sprintf("Get(%q) during the outage", id), err, core.ErrUnavailable)
			}
			restore()
			t.wantValue("after the outage", id, v)
		},
	},
	{
		Name:  "MUST/Get/expired-credential-is-unauthenticated",
		Rule:  "Get with a credential that is missing, wrong or expired is ErrUnauthenticated; never ErrNotFound, and not ErrPermissionDenied.",
		Look:  "where the vendor's answer for a bad credential is mapped",
		needs: []need{needContent, hookFail},
		run: func(t *trial) {
			id, v := t.have("a")
			restore := t.fail(core.ErrUnauthenticated)
			_, err := t.svc.Get(t.ctx, id)
			t.wantKind("Get with a bad credential", err, core.ErrUnauthenticated)
			restore()
			t.wantValue("with a good credential again", id, v)
		},
	},
	{
		Name:  "MUST/Get/corrupt-is-corrupt",
		Rule:  "Get of a secret whose stored form does not verify is ErrCorrupt, and other secrets still read.",
		Look:  "whether damage is taken for a missing secret, an outage, or a value",
		needs: []need{needContent, hookCorrupt},
		run: func(t *trial) {
			id, _ := t.have("a")
			other, v := t.have("b")
			t.do("Corrupt", t.sub.Corrupt(id))
			t.eventually(func() string {
				_, err := t.svc.Get(t.ctx, id)
				return kindFault("Get of the damaged secret", err, core.ErrCorrupt)
			})
			t.wantValue("beside a damaged secret", other, v)
		},
	},
	{
		Name:  "MUST/Get/empty-is-not-found",
		Rule:  "A secret that others stored with an empty value is ErrNotFound in Get, and absent from GetMany.",
		Look:  "whether an empty value is returned as a value; core.New does this for a Backend",
		needs: []need{hookSeed},
		run: func(t *trial) {
			id := t.id("a")
			t.seed(id, core.Value{})
			_, err := t.svc.Get(t.ctx, id)
			t.wantKind("Get of an empty value", err, core.ErrNotFound)
			got, err := t.svc.GetMany(t.ctx, []string{id})
			if err != nil || len(got) > 0 {
				t.errorf("GetMany of an empty value: %d secrets, error %v; want neither", len(got), err)
			}
		},
	},
	{
		Name:  "MUST/Get/oversized-is-invalid-value",
		Rule:  "A secret that others stored with more than 64 KiB is ErrInvalidValue, in Get and in GetMany.",
		Look:  "whether a value is cut or returned over the limit; core.New does this for a Backend",
		needs: []need{hookSeed},
		run: func(t *trial) {
			id := t.id("a")
			t.seed(id, core.String(strings.Repeat("x", core.MaxValueLen+1)))
			_, err := t.svc.Get(t.ctx, id)
			t.wantKind("Get of an oversized value", err, core.ErrInvalidValue)
			_, err = t.svc.GetMany(t.ctx, []string{id})
			t.wantIDKind("GetMany of an oversized value", err, id, core.ErrInvalidValue)
		},
	},
	{
		Name:  "MUST/Get/reads-what-others-wrote",
		Rule:  "A secret that was written by another tool reads by its own name, in Get, GetMany and Stat.",
		Look:  "whether the backend reads only its own format",
		needs: []need{hookSeed},
		run: func(t *trial) {
			id, v := t.id("a"), t.marks.value()
			t.seed(id, v)
			t.wantValue("after a write by another tool", id, v)
			t.eventually(func() string {
				got, err := t.svc.GetMany(t.ctx, []string{id})
				if err != nil || len(got) != 1 {
					return fmt.Sprintf("GetMany returned %d secrets, error %v", len(got), err)
				}
				return difference(got[id].Value, v)
			})
			t.eventually(func() string {
				if _, err := t.svc.Stat(t.ctx, id); err != nil {
					return fmt.Sprintf("Stat failed: %v", err)
				}
				return ""
			})
		},
	},
	{
		Name:  "MUST/Stat/agrees-with-get",
		Rule:  "Stat returns the Info that Get returns.",
		Look:  "whether both read the same version, and fill in the same fields",
		Cost:  Cost{Calls: 3},
		needs: []need{needContent},
		run: func(t *trial) {
			id, _ := t.have("a")
			t.eventually(func() string {
				got, err := t.svc.Get(t.ctx, id)
				if err != nil {
					return fmt.Sprintf("Get failed: %v", err)
				}
				info, err := t.svc.Stat(t.ctx, id)
				if err != nil {
					return fmt.Sprintf("Stat failed: %v", err)
				}
				if !sameInfo(info, got.Info) {
					return fmt.Sprintf("Stat returned %+v, and Get %+v", info, got.Info)
				}
				return ""
			})
		},
	},
	{
		Name: "MUST/Stat/missing-is-not-found",
		Rule: "Stat of an id that has no secret is ErrNotFound.",
		Look: "how Stat tells \"there is none\" from its other failures",
		Cost: Cost{Calls: 1},
		run: func(t *trial) {
			_, err := t.svc.Stat(t.ctx, t.missing("a"))
			t.wantKind("Stat", err, core.ErrNotFound)
		},
	},
	{
		Name:  "MUST/Stat/denied-is-not-missing",
		Rule:  "Stat of an id whose value the caller may not read works or is ErrPermissionDenied, never ErrNotFound.",
		Look:  "where Stat maps the vendor's answer for a missing right",
		needs: []need{needContent, hookDeny},
		run: func(t *trial) {
			id, v := t.have("a")
			t.shown(map[string]core.Value{id: v})
			t.do("Deny", t.sub.Deny(id))
			if _, err := t.svc.Stat(t.ctx, id); err != nil {
				t.wantKind("Stat of the denied id", err, core.ErrPermissionDenied)
			}
		},
	},
	{
		Name:  "MUST/Stat/outage-is-unavailable",
		Rule:  "Stat while the backend can't be reached is ErrUnavailable.",
		Look:  "where Stat maps network errors and 5xx answers",
		needs: []need{needContent, hookFail},
		run: func(t *trial) {
			id, _ := t.have("a")
			defer t.fail(core.ErrUnavailable)()
			_, err := t.svc.Stat(t.ctx, id)
			t.wantKind("Stat during the outage", err, core.ErrUnavailable)
		},
	},
}

// fail turns on a failure of the whole backend, and returns what turns it
// off.
func (t *trial) fail(kind error) (restore func()) {
	restore = t.sub.Fail(kind)
	if restore == nil {
		t.skipf("the harness can't make the backend fail with %q", kind)
	}
	return restore
}

func sameInfo(a, b core.Info) bool {
	return a.ID == b.ID && a.Version == b.Version && a.Source == b.Source && a.Created.Equal(b.Created)
}
