package conformance

import (
	"context"

	"github.com/lukko-dev/lukko/core"
)

// errorCases report what the guard found in all calls, after a round of their
// own, so that each of them means something when it runs alone.
var errorCases = []Case{
	{
		Name: ruleCoreError,
		Rule: "Every error is a *core.Error, or a *core.BatchError of them.",
		Look: "calls that return an error of their own or of the vendor; core.New wraps those of a Backend",
		Cost: Cost{Calls: 24},
		run:  (*trial).reported,
	},
	{
		Name: ruleNamed,
		Rule: "An error names the operation, the provider, and the id that the caller asked for; not the one that it has below a decorator.",
		Look: "where Op, Provider and ID are filled in",
		Cost: Cost{},
		run:  (*trial).reported,
	},
	{
		Name: ruleOneKind,
		Rule: "An error matches exactly one kind, or none and the caller's context; a BatchError matches none by itself.",
		Look: "errors that wrap several others, and ErrIndeterminate beside a kind that is safe to retry",
		Cost: Cost{},
		run:  (*trial).reported,
	},
	{
		Name: ruleReadsDetermined,
		Rule: "No read is ErrIndeterminate.",
		Look: "where an error of no kind is mapped",
		Cost: Cost{},
		run:  (*trial).reported,
	},
	{
		Name: ruleContextErrors,
		Rule: "An error matches context.Canceled or context.DeadlineExceeded only when the caller's own context has ended; a client's own time limit is ErrUnavailable.",
		Look: "time limits of clients and connections below",
		Cost: Cost{},
		run:  (*trial).reported,
	},
	{
		Name: ruleNothingBesideError,
		Rule: "A Get that fails returns no value beside its error.",
		Look: "whether a secret is returned that did not verify",
		Cost: Cost{},
		run:  (*trial).reported,
	},
	{
		Name: ruleOnePlace,
		Rule: "Each id of a GetMany is in the map, in the BatchError, or in neither if it is not found, and in one place only; a call that failed as a whole has no map.",
		Look: "how results and errors of a batch are put together",
		Cost: Cost{},
		run:  (*trial).reported,
	},
	{
		Name: ruleErrorLast,
		Rule: "An error is the last pair of a range, with nothing beside it.",
		Look: "whether the iterator goes on after an error",
		Cost: Cost{},
		run:  (*trial).reported,
	},
	{
		Name: ruleInfoID,
		Rule: "Every Info has the id that the caller asked for.",
		Look: "decorators that rename, and backends that return the vendor's full name",
		Cost: Cost{},
		run:  (*trial).reported,
	},
}

var leakCases = []Case{
	{
		Name: ruleErrorLeak,
		Rule: "No error shows a value or a part of one, by any verb, as JSON, or anywhere in its chain.",
		Look: "vendors' errors and answers that quote what they were sent; decoders' errors that quote their input",
		Cost: Cost{},
		run:  (*trial).reported,
	},
	{
		Name: ruleInfoLeak,
		Rule: "No Info shows a value or a part of one: not in its Version, and not in its Source.",
		Look: "what Version and Source are made of",
		Cost: Cost{},
		run:  (*trial).reported,
	},
	{
		Name:  "MUST/Leaks/logs-hold-no-value",
		Rule:  "Nothing that is logged shows a value or a part of one.",
		Look:  "debug logs of requests, answers and structs",
		needs: []need{ownStore},
		run: func(t *trial) {
			t.everyPath()
			t.close()
			if leaked, lines := t.suite.ledger.leakedLines(); leaked > 0 {
				t.errorf("%d of %d lines of the log show a value, or a part of one", leaked, lines)
			}
		},
	},
}

// reported runs a round of calls, and then reports what is known of the rule
// that the case is named after.
func (t *trial) reported() {
	// A live check has made the round once, and need not pay for it again.
	if l := t.suite.live; l == nil || l.rounds.Add(1) == 1 {
		t.everyPath()
	}
	t.suite.ledger.verdict(t)
}

// everyPath makes a call of each kind, most of which fail. What comes back is
// the guard's affair.
func (t *trial) everyPath() {
	id, _ := t.someID("a")
	missing := t.missing("a")
	wrong := "no id " + t.marks.text()
	ended, cancel := context.WithCancel(t.ctx)
	cancel()
	for _, ctx := range []context.Context{t.ctx, ended} {
		_, _ = t.svc.Get(ctx, id)
		_, _ = t.svc.Get(ctx, missing)
		_, _ = t.svc.GetMany(ctx, []string{id, missing})
		_, _ = t.svc.Set(ctx, id, t.marks.value(), core.IfVersion("no-such-version"))
		_, _ = collect(t.svc.Versions(ctx, missing))
	}
	_, _ = t.svc.Get(t.ctx, wrong)
	_, _ = t.svc.Stat(t.ctx, missing)
	_, _ = t.svc.GetMany(t.ctx, []string{id, wrong})
	_, _ = t.svc.Get(t.ctx, id, core.AtVersion("no-such-version"))
	_, _ = t.svc.Set(t.ctx, id, t.marks.value(), core.IfAbsent())
	_, _ = t.svc.Set(t.ctx, wrong, t.marks.value())
	_ = t.svc.Delete(t.ctx, missing)
	_ = t.svc.Delete(t.ctx, wrong)
	_, _ = collect(t.svc.List(t.ctx, missing))
	_, _ = collect(t.svc.List(t.ctx, wrong))
	if t.sub.Deny != nil && t.caps.Set {
		other, _ := t.have("denied")
		if t.sub.Deny(other) == nil {
			_, _ = t.svc.Get(t.ctx, other)
			_, _ = t.svc.Set(t.ctx, other, t.marks.value())
		}
	}
	if t.sub.Corrupt != nil && t.caps.Set {
		other, _ := t.have("damaged")
		if t.sub.Corrupt(other) == nil {
			_, _ = t.svc.Get(t.ctx, other)
			_, _ = t.svc.GetMany(t.ctx, []string{id, other})
			_, _ = collect(t.svc.List(t.ctx, t.base()))
		}
	}
	if t.sub.Fail != nil {
		for _, kind := range []error{core.ErrUnavailable, core.ErrUnauthenticated, core.ErrExhausted} {
			if restore := t.sub.Fail(kind); restore != nil {
				_, _ = t.svc.Get(t.ctx, id)
				_, _ = t.svc.GetMany(t.ctx, []string{id, missing})
				_, _ = t.svc.Set(t.ctx, id, t.marks.value())
				_ = t.svc.Delete(t.ctx, missing)
				_, _ = collect(t.svc.List(t.ctx, t.base()))
				restore()
			}
		}
	}
}
