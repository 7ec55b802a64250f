package chain

import (
	"context"
	"fmt"

	"github.com/lukko-dev/lukko/core"
)

// Explanation says where a secret comes from.
type Explanation struct {
	ID string

	// Layer is the one that answers; empty if none does.
	Layer string

	// Shadowed are the other layers that have the id. No Get reaches them.
	Shadowed []string

	// Failed is, by layer, why some could not tell whether they have the id;
	// nil if all could.
	Failed map[string]error

	// Err is nil if a layer answers. Else it is what a Get fails with: it
	// matches ErrNotFound where all layers could tell and none has the id.
	Err error
}

// Explain says which layer answers each id, and which others have it too, in
// the order of ids. It asks every layer, and so opens all of them, by Stat: it
// reads no value. What a layer fails with is in the Explanation, and nothing
// is reported to OnFallThrough.
//
// The error is an *core.Error: an invalid id, the end of ctx, or ErrClosed.
func (c *Chain) Explain(ctx context.Context, ids ...string) ([]Explanation, error) {
	const op = "explain"
	for i, id := range ids {
		if core.CheckID(id) != nil {
			return nil, &core.Error{Op: op, Provider: provider, Kind: core.ErrInvalidID, Hint: fmt.Sprintf("the id at index %d is no id", i)}
		}
	}
	b := c.backend
	if !b.explaining.enter() {
		return nil, &core.Error{Op: op, Provider: provider, Kind: core.ErrClosed, Hint: "the chain was closed before this call"}
	}
	defer b.explaining.leave()

	answers := make([][]error, len(b.layers)) // by layer and index of the id
	for i, l := range b.layers {
		answers[i] = core.Each(ctx, len(ids), core.BatchConcurrency, func(n int) error { return l.stat(ctx, ids[n]) })
		if err := ctx.Err(); err != nil {
			return nil, &core.Error{Op: op, Provider: provider, Err: err}
		}
	}
	explanations := make([]Explanation, len(ids))
	for n, id := range ids {
		e := &explanations[n]
		e.ID = id
		var missed misses
		decided := false
		for i, l := range b.layers {
			err := answers[i][n]
			if err != nil && !notFound(err) {
				if e.Failed == nil {
					e.Failed = map[string]error{}
				}
				e.Failed[l.name] = named(l.fault(ctx, err), id)
			}
			switch {
			case decided && err == nil:
				e.Shadowed = append(e.Shadowed, l.name)
			case decided:
			case err == nil:
				e.Layer, decided = l.name, true
			default:
				if end := b.judge(ctx, &missed, l, err); end != nil {
					e.Err, decided = named(end, id), true
				}
			}
		}
		if !decided {
			e.Err = named(missed.answer(b), id)
		}
	}
	return explanations, nil
}

// named puts the id into an error, as the front does in other calls.
func named(below *core.Error, id string) error {
	e := *below
	e.ID = id
	if e.Op == "" {
		e.Op = "explain"
	}
	if e.Provider == "" {
		e.Provider = provider
	}
	return &e
}
