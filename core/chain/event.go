package chain

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lukko-dev/lukko/core"
)

// Reason is why an Event was reported.
type Reason string

const (
	// FellThrough: a layer failed, and a call went on without it, since the
	// kind of its failure is in FallThrough. Err is the failure.
	FellThrough Reason = "fell through"

	// NotListed: a layer can't list, so a List is without its secrets. Err
	// matches errors.ErrUnsupported.
	NotListed Reason = "not listed"

	// Uncovered: after a Delete the next Get of the id is answered by this
	// layer. If Err is set the layer could not be asked, and may answer.
	Uncovered Reason = "uncovered"
)

// Event is what a chain reports to OnFallThrough: one for each id of a batch.
type Event struct {
	Reason Reason
	Op     string // the operation, as core.Error names it: "get", "get many", …
	Layer  string // the layer that it is about
	ID     string // the id; empty for what a list does with a whole layer
	Err    error  // an *core.Error; nil where nothing failed
}

// String is one line for a log. It holds no value.
func (e Event) String() string {
	s := fmt.Sprintf("%s %q: layer %q %s", e.Op, e.ID, e.Layer, e.Reason)
	if e.ID == "" {
		s = fmt.Sprintf("%s: layer %q %s", e.Op, e.Layer, e.Reason)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (b *backend) report(reason Reason, op string, l *layer, id string, err error) {
	if b.hook == nil {
		return
	}
	b.hook(Event{Reason: reason, Op: op, Layer: l.name, ID: id, Err: err})
}

// passes reports whether a read goes on past a failure that is not "not
// found".
func (b *backend) passes(ctx context.Context, err error) bool {
	// A context's error is of no kind; also what a layer made of the end of the
	// caller's context is not passed over.
	return ctx.Err() == nil && slices.Contains(b.fallThrough, core.KindOf(err))
}

// notFound is asked of each layer that doesn't have an id, so it first looks
// for what a Store returns: KindOf allocates.
func notFound(err error) bool {
	if e, ok := err.(*core.Error); ok && e.Kind == core.ErrNotFound { //nolint:errorlint // a kind is the sentinel itself
		return true
	}
	return core.KindOf(err) == core.ErrNotFound //nolint:errorlint // as above
}

// refusesID reports whether a layer can't hold an id. Then it doesn't have it:
// where reads pass over that, it is as good as "not found".
func refusesID(err error) bool {
	return core.KindOf(err) == core.ErrInvalidID //nolint:errorlint // as above
}

func unsupported(err error) bool {
	return core.KindOf(err) == errors.ErrUnsupported //nolint:errorlint // as above
}

// blame names the layer in an error of a write. An error that the front would
// not recognize as ours is left alone, since what it does not say of the write
// must not be made up.
func (l *layer) blame(err error) error {
	below, ok := err.(*core.Error) //nolint:errorlint // what is around one may have a meaning
	if !ok {
		return err
	}
	return l.located(below)
}

func (l *layer) located(below *core.Error) *core.Error {
	e := *below
	e.Hint = l.hint(below.Hint)
	return &e
}

// fault is blame for a read, and makes an error of core of any: it goes to
// the hook too, which must see no text of others.
func (l *layer) fault(ctx context.Context, err error) *core.Error {
	if below, ok := err.(*core.Error); ok { //nolint:errorlint // as above
		return l.located(below)
	}
	if ended := ctx.Err(); ended != nil {
		return &core.Error{Err: ended, Hint: l.hint("")}
	}
	kind := core.KindOf(err)
	if kind == nil {
		kind = core.ErrUnavailable
	}
	return &core.Error{Kind: kind, Hint: l.hint(fmt.Sprintf("an error of type %T", err))}
}

func (l *layer) hint(more string) string {
	if more == "" {
		return fmt.Sprintf("in layer %q", l.name)
	}
	return fmt.Sprintf("in layer %q: %s", l.name, more)
}
