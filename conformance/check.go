package conformance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// CheckOption is an option of [Check].
type CheckOption func(*checking)

type checking struct {
	full     bool
	prefix   string
	waive    map[string]string
	announce func(Estimate) error
	each     func(Result)
}

// FullCheck runs the full cases too, with the sizes that [Run] has: over a
// thousand secrets and many thousand calls.
func FullCheck() CheckOption { return func(c *checking) { c.full = true } }

// WithPrefix begins every id with prefix, which the check follows by random
// letters. The default is "lukko_check_". Where rights are given by name, it
// is what they name. Together they are at most 50 bytes.
func WithPrefix(prefix string) CheckOption { return func(c *checking) { c.prefix = prefix } }

// WithWaivers excuses SHOULD cases, as [Harness].Waive does.
func WithWaivers(waive map[string]string) CheckOption { return func(c *checking) { c.waive = waive } }

// WithEstimate calls announce before anything is stored. An error from it
// ends the check, and Check returns it.
func WithEstimate(announce func(Estimate) error) CheckOption {
	return func(c *checking) { c.announce = announce }
}

// WithProgress calls each after each case.
func WithProgress(each func(Result)) CheckOption { return func(c *checking) { c.each = each } }

const (
	defaultPrefix = "lukko_check_"
	randomLen     = 10
	maxPrefix     = 50
	sharedSecrets = 5 // that all cheap cases share
	// neverMade is how many ids at most a Set is tried for that must fail.
	// Clean-up looks after them as well.
	neverMade = 2
	// cleanupTime bounds the clean-up, which must go on when the check's own
	// context has ended.
	cleanupTime = time.Minute
)

// Check tests a live service by using it: under a prefix with a random end,
// in at most 10 secrets and 300 calls unless [FullCheck] is given. Where the
// service claims Settle, reads after writes are polled for up to that long,
// beside those calls. To see the listing turn pages, give it a service whose
// page size is 2, where the vendor's API has one.
//
// It removes what it stored, by Purge where that is claimed, also when ctx
// ends: for that it takes up to a minute more, with a context of its own. The
// report names what could not be removed.
//
// The error tells why the check could not be done: the service does not tell
// its capabilities, an option is wrong ([core.ErrInvalidOption]), or ctx
// ended, which it then matches. What the check found is in the report alone.
func Check(ctx context.Context, svc core.SecretService, opts ...CheckOption) (Report, error) {
	o := checking{prefix: defaultPrefix}
	for _, opt := range opts {
		opt(&o)
	}
	if problems := waiverProblems(o.waive); len(problems) > 0 {
		return Report{}, invalidOption(strings.Join(problems, "; "))
	}
	prefix := o.prefix + strings.ToLower(rand.Text()[:randomLen]) + "_"
	if core.CheckID(prefix) != nil || len(prefix) > maxPrefix {
		return Report{}, invalidOption(fmt.Sprintf("with its random end the prefix must be an id of at most %d bytes", maxPrefix))
	}

	s := &suite{harness: Harness{Waive: o.waive}}
	count := &counts{made: map[string]bool{}, tried: map[string]bool{}}
	s.live = &live{prefix: prefix, full: o.full, svc: &guard{svc: svc, shared: count}}
	count.calls.Add(1)
	caps, err := svc.Capabilities(ctx)
	if err != nil {
		return Report{}, err
	}
	s.live.caps = caps
	s.live.secrets = sharedBy(o.full, caps)

	report := Report{Prefix: prefix, Recoverable: caps.Delete && !caps.Purge}
	report.Estimate = estimate(o.full, caps)
	if o.announce != nil {
		if err := o.announce(report.Estimate); err != nil {
			return report, err
		}
	}
	for _, c := range all {
		r := Result{Case: c, Outcome: Skipped}
		switch {
		case ctx.Err() != nil:
			r.Reason = "the check was interrupted before"
		case c.Cost.Class == Offline:
			r.Reason = "it needs a store of its own, or a hook: Run has it"
		case c.Cost.Class == Full && !o.full:
			r.Reason = "it is not among the cheap cases; a full check has it"
		default:
			r = s.waive(s.try(ctx, nil, c))
		}
		report.Results = append(report.Results, r)
		if o.each != nil {
			o.each(r)
		}
	}
	report.Left = cleanUp(ctx, svc, caps, count)
	report.Calls = int(count.calls.Load())
	report.Secrets = len(count.made)
	if err := ctx.Err(); err != nil {
		report.Interrupted = true
		return report, fmt.Errorf("conformance: the check was interrupted: %w", err)
	}
	return report, nil
}

func invalidOption(hint string) error {
	return &core.Error{Op: "check", Provider: "conformance", Kind: core.ErrInvalidOption, Hint: hint}
}

// estimate adds up what the cases that will run take at most.
func estimate(full bool, caps core.Capabilities) Estimate {
	e := Estimate{Calls: 1} // Capabilities
	shared := sharedBy(full, caps)
	as := &trial{suite: &suite{live: &live{full: full}}, caps: caps}
	for _, c := range all {
		cost := c.Cost
		if full {
			cost = c.FullCost
		}
		if !c.runs(full, as) {
			continue
		}
		e.Cases++
		e.Calls += cost.Calls
		e.Secrets += cost.Secrets
	}
	if !caps.Set {
		e.Secrets = 0
		return e
	}
	e.Secrets += shared
	e.Calls += e.Secrets + neverMade // to remove them
	return e
}

// runs reports whether a case is part of a live check of what as knows.
func (c Case) runs(full bool, as *trial) bool {
	return c.Cost.Class != Offline && (full || c.Cost.Class != Full) &&
		!slices.ContainsFunc(c.needs, func(n need) bool { return n.unmet(as) != "" })
}

// sharedBy is how many secrets the cases of a live check share.
func sharedBy(full bool, caps core.Capabilities) int {
	shared := sharedSecrets
	if !full {
		return shared
	}
	as := &trial{suite: &suite{live: &live{full: full}}, caps: caps}
	for _, c := range all {
		if c.runs(full, as) {
			shared = max(shared, c.shared)
		}
	}
	return shared
}

// cleanUp removes every secret that a write may have made.
func cleanUp(ctx context.Context, svc core.SecretService, caps core.Capabilities, count *counts) (left []string) {
	count.mu.Lock()
	ids := slices.Sorted(maps.Keys(count.tried))
	count.mu.Unlock()
	ctx, cancel := quietly(ctx, cleanupTime)
	defer cancel()
	var opts []core.DeleteOption
	if caps.Purge {
		opts = append(opts, core.Purge())
	}
	for _, id := range ids {
		if !caps.Delete {
			if count.made[id] {
				left = append(left, id)
			}
			continue
		}
		count.calls.Add(1)
		if err := svc.Delete(ctx, id, opts...); err != nil && !errors.Is(err, core.ErrNotFound) {
			left = append(left, id)
		}
	}
	return left
}
