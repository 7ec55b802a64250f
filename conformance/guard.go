package conformance

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lukko-dev/lukko/core"
)

// guard passes every call on as it is, counts it, remembers which ids were
// written, and holds what comes back against the rules of all calls.
type guard struct {
	svc core.SecretService
	t   *trial

	shared *counts // live: one for the whole check

	calls   atomic.Int64
	polls   atomic.Int64
	polling atomic.Bool

	mu     sync.Mutex
	ids    map[string]bool // that got a secret
	inside map[string]int  // calls in flight
}

// counts is what a whole check has done.
type counts struct {
	calls atomic.Int64
	mu    sync.Mutex
	made  map[string]bool // ids that got a secret, or may have
	tried map[string]bool // ids that a Set was called for
}

// forTrial is a guard with counts of its own, in a live check.
func (g *guard) forTrial(t *trial) *guard {
	return &guard{svc: g.svc, t: t, shared: g.shared}
}

// over is the same watch over another connection.
func (g *guard) over(svc core.SecretService) *guard {
	return &guard{svc: svc, t: g.t, shared: g.shared}
}

func (g *guard) enter(op string) (leave func()) {
	if g.polling.Load() {
		g.polls.Add(1)
	} else {
		g.calls.Add(1)
		if g.shared != nil {
			g.shared.calls.Add(1)
		}
	}
	g.mu.Lock()
	if g.inside == nil {
		g.inside = map[string]int{}
	}
	g.inside[op]++
	g.mu.Unlock()
	return func() {
		g.mu.Lock()
		if g.inside[op]--; g.inside[op] == 0 {
			delete(g.inside, op)
		}
		g.mu.Unlock()
	}
}

// current names the calls in flight.
func (g *guard) current() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.inside) == 0 {
		return "no call"
	}
	return fmt.Sprint(slices.Sorted(maps.Keys(g.inside)))
}

func (g *guard) written() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.ids)
}

// trying is called before a Set, so that clean-up finds what a Set left that
// never returned, or that failed and wrote nevertheless.
func (g *guard) trying(id string) {
	if g.shared != nil {
		g.shared.mu.Lock()
		g.shared.tried[id] = true
		g.shared.mu.Unlock()
	}
}

// wrote is called after a Set that wrote, or may have.
func (g *guard) wrote(id string) {
	g.mu.Lock()
	if g.ids == nil {
		g.ids = map[string]bool{}
	}
	g.ids[id] = true
	g.mu.Unlock()
	if g.shared != nil {
		g.shared.mu.Lock()
		g.shared.made[id] = true
		g.shared.mu.Unlock()
	}
}

// broken notes that a rule of all calls does not hold.
func (g *guard) broken(rule, format string, args ...any) {
	g.t.suite.ledger.note(rule, g.t.marks.scrub("in "+g.t.c.Name+": "+fmt.Sprintf(format, args...)))
}

func (g *guard) Get(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
	defer g.enter("Get")()
	secret, err := g.svc.Get(ctx, id, opts...)
	g.result(ctx, "Get", id, secret.Info, err, read)
	if err != nil && !secret.Value.IsZero() {
		g.broken(ruleNothingBesideError, "Get(%q) returned a value beside the error %v", id, err)
	}
	return secret, err
}

func (g *guard) GetMany(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
	defer g.enter("GetMany")()
	asked := slices.Clone(ids)
	got, err := g.svc.GetMany(ctx, ids, opts...)
	g.batch(ctx, asked, got, err)
	return got, err
}

func (g *guard) Stat(ctx context.Context, id string, opts ...core.GetOption) (core.Info, error) {
	defer g.enter("Stat")()
	info, err := g.svc.Stat(ctx, id, opts...)
	g.result(ctx, "Stat", id, info, err, read)
	return info, err
}

func (g *guard) Set(ctx context.Context, id string, value core.Value, opts ...core.SetOption) (core.Info, error) {
	defer g.enter("Set")()
	if core.CheckID(id) == nil {
		g.trying(id)
	}
	info, err := g.svc.Set(ctx, id, value, opts...)
	if err == nil || errors.Is(err, core.ErrIndeterminate) {
		g.wrote(id)
	}
	g.result(ctx, "Set", id, info, err, write)
	return info, err
}

func (g *guard) Delete(ctx context.Context, id string, opts ...core.DeleteOption) error {
	defer g.enter("Delete")()
	err := g.svc.Delete(ctx, id, opts...)
	if err != nil {
		g.failed(ctx, "Delete", id, err, write)
	}
	return err
}

func (g *guard) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return g.iterate(ctx, "List", "", g.svc.List(ctx, prefix))
}

func (g *guard) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return g.iterate(ctx, "Versions", id, g.svc.Versions(ctx, id))
}

func (g *guard) Capabilities(ctx context.Context) (core.Capabilities, error) {
	defer g.enter("Capabilities")()
	c, err := g.svc.Capabilities(ctx)
	if err != nil {
		g.failed(ctx, "Capabilities", "", err, read)
	}
	return c, err
}

// iterate watches one range over an iterator. id is that of Versions.
func (g *guard) iterate(ctx context.Context, op, id string, seq iter.Seq2[core.Info, error]) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		defer g.enter(op)()
		failed := false
		for info, err := range seq { // which panics if seq goes on after yield said no
			if failed {
				g.broken(ruleErrorLast, "%s yielded another pair after an error", op)
			}
			if err != nil {
				failed = true
				if info != (core.Info{}) {
					g.broken(ruleErrorLast, "%s yielded an Info beside the error %v", op, err)
				}
				g.failed(ctx, op, id, err, read)
			} else {
				want := id
				if op == "List" {
					want = info.ID
				}
				g.info(op, want, info)
			}
			if !yield(info, err) {
				return
			}
		}
	}
}
