package conformance

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/lukko-dev/lukko/core"
)

var contextCases = []Case{
	{
		Name: "MUST/Context/ended-before-the-call",
		Rule: "A call whose context has ended before it does nothing, and its error matches the context's; a write is not indeterminate then.",
		Look: "whether the context is looked at before the work begins; core.New does this for a Backend",
		Cost: Cost{Calls: 23},
		run: func(t *trial) {
			id, before := t.someID("a")
			cancelled, cancel := context.WithCancel(t.ctx)
			cancel()
			late, cancel := context.WithDeadline(t.ctx, time.Now().Add(-time.Second))
			defer cancel()
			for _, ctx := range []context.Context{cancelled, late} {
				want := ctx.Err()
				check := func(what string, err error) {
					t.wantKind(what+" with a context that has ended", err, want)
					if errors.Is(err, core.ErrIndeterminate) {
						t.errorf("%s with a context that has ended says that it may have happened: %v", what, err)
					}
				}
				_, err := t.svc.Get(ctx, id)
				check("Get", err)
				_, err = t.svc.Stat(ctx, id)
				check("Stat", err)
				_, err = t.svc.GetMany(ctx, []string{id})
				check("GetMany", err)
				if t.caps.Set {
					_, err = t.svc.Set(ctx, id, t.marks.value())
					check("Set", err)
					_, err = t.svc.Set(ctx, t.missing("a"), t.marks.value())
					check("Set of a new id", err)
					_, err = t.svc.Set(ctx, id, t.marks.value(), core.IfChanged())
					check("Set with IfChanged", err)
				}
				if t.caps.Delete {
					check("Delete", t.svc.Delete(ctx, id))
				}
				if t.caps.Purge {
					check("Delete with Purge", t.svc.Delete(ctx, id, core.Purge()))
				}
				if t.caps.List {
					_, err = collect(t.svc.List(ctx, t.base()))
					check("List", err)
				}
				if t.caps.Versions {
					_, err = collect(t.svc.Versions(ctx, id))
					check("Versions", err)
				}
			}
			t.unchanged("after calls whose context had ended", id, before)
			t.unchanged("after calls whose context had ended", t.missing("a"), nil)
		},
	},
	{
		Name:  "MUST/Context/set-cut-in-flight",
		Rule:  "A Set whose context ends on the way has written all or nothing. Its error matches the context's; unless it also matches ErrIndeterminate, nothing was written.",
		Look:  "what the backend says of a write that it can't know the end of, and whether it goes on after its context ended",
		Cost:  Cost{Calls: 3 * 4},
		needs: []need{needSet},
		run: func(t *trial) {
			for i := range t.big(3, 24) {
				id, before := t.have("a")
				after := t.marks.value()
				ctx := newFading(t.ctx, i+1)
				_, err := t.svc.Set(ctx, id, after)
				ctx.end()
				t.cutWrite(ctx, id, err, &before, after)
			}
		},
		FullCost: Cost{Calls: 24 * 4},
	},
	{
		Name:  "MUST/Context/create-cut-in-flight",
		Rule:  "A Set of a new id whose context ends on the way has created the secret with its whole value, or not at all; no empty shell is left.",
		Look:  "whether creating takes two steps, and what is there between them",
		Cost:  Cost{Class: Full, Calls: 16 * 4, Secrets: 16},
		needs: []need{needSet},
		run: func(t *trial) {
			for i := range 16 {
				id, after := t.fresh(fmt.Sprintf("a%d", i)), t.marks.value()
				ctx := newFading(t.ctx, i+1)
				_, err := t.svc.Set(ctx, id, after)
				ctx.end()
				t.cutWrite(ctx, id, err, nil, after)
			}
		},
	},
	{
		Name:  "MUST/Context/delete-cut-in-flight",
		Rule:  "A Delete whose context ends on the way has deleted or not. Its error matches the context's; unless it also matches ErrIndeterminate, nothing was deleted.",
		Look:  "what the backend says of a delete that it can't know the end of",
		Cost:  Cost{Class: Full, Calls: 16 * 4},
		needs: []need{needContent, needDelete},
		run: func(t *trial) {
			for i := range 16 {
				id, before := t.have("a")
				ctx := newFading(t.ctx, i+1)
				err := t.svc.Delete(ctx, id)
				ctx.end()
				t.cutDelete(ctx, id, err, before)
			}
		},
	},
	{
		Name:  "MUST/Context/reads-cut-in-flight",
		Rule:  "A read whose context ends on the way returns its result, or an error that matches the context's; a secret is never missing because of it.",
		Look:  "whether a cancelled request is mapped to ErrNotFound, or leaves a batch without some of its ids",
		Cost:  Cost{Class: Full, Calls: 83},
		needs: []need{needContent},
		run: func(t *trial) {
			want := t.haves("a", "b")
			ids := []string{t.id("a"), t.id("b")}
			t.wantMany("before", ids, want)
			t.shown(want)
			for i := range 16 {
				ctx := newFading(t.ctx, i+1)
				got, err := t.svc.Get(ctx, ids[0])
				if err != nil {
					t.wantKind("Get whose context ended on the way", err, ctx.Err())
				} else if diff := difference(got.Value, want[ids[0]]); diff != "" {
					t.errorf("Get whose context ended on the way: %s", diff)
				}
				ctx = newFading(t.ctx, i+1)
				if _, err := t.svc.Stat(ctx, ids[0]); err != nil {
					t.wantKind("Stat whose context ended on the way", err, ctx.Err())
				}
				ctx = newFading(t.ctx, i+1)
				many, err := t.svc.GetMany(ctx, ids)
				var batch *core.BatchError
				errors.As(err, &batch)
				for _, id := range ids {
					_, found := many[id]
					switch {
					case found:
					case err == nil:
						t.errorf("GetMany whose context ended on the way left out %q, as if it were missing", id)
					case batch != nil && batch.ByID[id] == nil:
						t.errorf("GetMany whose context ended on the way has %q in no place, as if it were missing", id)
					default:
						t.wantIDKind("GetMany whose context ended on the way", err, id, context.Canceled)
					}
				}
				if t.caps.List {
					ctx = newFading(t.ctx, i+1)
					infos, err := collect(t.svc.List(ctx, t.base()))
					if err != nil {
						t.wantKind("List whose context ended on the way", err, context.Canceled)
					} else if len(infos) < len(want) {
						t.errorf("List whose context ended on the way yielded %d of %d secrets, and no error", len(infos), len(want))
					}
				}
				if t.caps.Versions {
					ctx = newFading(t.ctx, i+1)
					infos, err := collect(t.svc.Versions(ctx, ids[0]))
					if err != nil {
						t.wantKind("Versions whose context ended on the way", err, context.Canceled)
					} else if len(infos) == 0 {
						t.errorf("Versions whose context ended on the way yielded nothing, and no error")
					}
				}
			}
		},
	},
	{
		Name:  "MUST/Context/a-waiting-read-obeys",
		Rule:  "A Get that waits for the backend returns soon after its context ends, with the context's error: Canceled or DeadlineExceeded, as it ended.",
		Look:  "whether the request is made with the caller's context",
		needs: []need{needContent, hookHold},
		run: func(t *trial) {
			id, v := t.have("a")
			t.held(id, func(ctx context.Context) error {
				_, err := t.svc.Get(ctx, id)
				return err
			}, func(ctx context.Context, err error) {
				t.wantKind("Get whose context ended while it waited", err, ctx.Err())
			})
			t.wantValue("after reads that were cut", id, v)
		},
	},
	{
		Name:  "MUST/Context/a-waiting-write-obeys",
		Rule:  "A Set that waits for the backend returns soon after its context ends; its error matches the context's, and ErrIndeterminate unless nothing was written.",
		Look:  "whether the request is made with the caller's context, and how its failure is told",
		needs: []need{needSet, hookHold},
		run: func(t *trial) {
			id, before := t.have("a")
			var after core.Value
			t.held(id, func(ctx context.Context) error {
				after = t.marks.value()
				_, err := t.svc.Set(ctx, id, after)
				return err
			}, func(ctx context.Context, err error) {
				t.cutWrite(ctx, id, err, &before, after)
				id, before = t.have("a")
			})
		},
	},
	{
		Name: "MUST/Context/is-not-kept",
		Rule: "A context that ends after its call changes nothing for later calls with other contexts.",
		Look: "whether the first context is kept: in a client, a connection, a login, a background refresh",
		Cost: Cost{Calls: 8},
		run: func(t *trial) {
			id, _ := t.someID("a")
			ctx, cancel := context.WithCancel(t.ctx)
			_, first := t.svc.Get(ctx, id)
			_, err := t.svc.GetMany(ctx, []string{id})
			if err != nil && first == nil {
				t.errorf("GetMany failed: %v", err)
			}
			_, _ = t.svc.Capabilities(ctx)
			cancel()
			for range 2 {
				_, err = t.svc.Get(t.ctx, id)
				if (err == nil) != (first == nil) && t.caps.Settle == 0 {
					t.errorf("Get answered %v, and after its context had ended, with another, %v", first, err)
				}
			}
			if _, err := t.svc.Capabilities(t.ctx); err != nil {
				t.errorf("Capabilities failed after the context of an earlier call had ended: %v", err)
			}
			if t.caps.Set {
				t.have("a")
			}
		},
	},
}

// fading is a context that ends when it is looked at for the nth time. So a
// call is cut at each point where it looks, whatever the machine's speed. One
// that is never looked at so often does not end by itself.
type fading struct {
	context.Context
	left   atomic.Int64
	cancel context.CancelFunc
}

func newFading(parent context.Context, n int) *fading {
	f := &fading{}
	f.Context, f.cancel = context.WithCancel(parent)
	f.left.Store(int64(n))
	return f
}

func (f *fading) look() {
	if f.left.Add(-1) < 0 {
		f.cancel()
	}
}

func (f *fading) end() { f.cancel() }

func (f *fading) Err() error {
	f.look()
	return f.Context.Err()
}

func (f *fading) Done() <-chan struct{} {
	f.look()
	return f.Context.Done()
}

// cutWrite holds what a write that may have been cut says against what reads
// show. before is nil where the id had no value. ctx has ended by now.
func (t *trial) cutWrite(ctx context.Context, id string, err error, before *core.Value, after core.Value) {
	if err != nil {
		t.wantKind("Set whose context ended on the way", err, context.Canceled, context.DeadlineExceeded)
	}
	switch {
	case err == nil:
		t.wantValue("after a Set that succeeded", id, after)
	case !errors.Is(err, core.ErrIndeterminate):
		t.unchanged("after a Set that was cut, and did not say that it may have happened", id, before)
	default:
		t.eventually(func() string {
			got, err := t.svc.Get(t.ctx, id)
			switch {
			case err == nil && difference(got.Value, after) == "":
				return ""
			case before == nil:
				return kindFault("after a create that was cut: Get", err, core.ErrNotFound)
			case err != nil:
				return fmt.Sprintf("after a Set that was cut: Get failed: %v", err)
			case difference(got.Value, *before) != "":
				return "after a Set that was cut the value is neither the old nor the new one"
			}
			return ""
		})
		if before == nil {
			t.noShell(id)
		}
	}
	_ = ctx
}

// noShell checks that an id that Get does not find is not listed either.
func (t *trial) noShell(id string) {
	if !t.caps.List || t.caps.Settle > 0 {
		return
	}
	if _, err := t.svc.Get(t.ctx, id); !errors.Is(err, core.ErrNotFound) {
		return
	}
	infos, _ := collect(t.svc.List(t.ctx, id))
	for _, info := range infos {
		if info.ID == id {
			t.errorf("after a create that was cut, List shows a secret that Get does not find")
		}
	}
}

// cutDelete is cutWrite for a delete.
func (t *trial) cutDelete(ctx context.Context, id string, err error, before core.Value) {
	switch {
	case err == nil:
		t.wantGone("after a Delete that succeeded", id)
	case !errors.Is(err, context.Canceled):
		t.errorf("Delete whose context ended on the way: got the error %q; want one that matches %q", err, context.Canceled)
	case !errors.Is(err, core.ErrIndeterminate):
		t.wantValue("after a Delete that was cut, and did not say that it may have happened", id, before)
	default:
		if got, err := t.svc.Get(t.ctx, id); t.caps.Settle > 0 {
			// It may show anything for so long.
		} else if err != nil {
			t.wantKind("after a Delete that was cut: Get", err, core.ErrNotFound)
		} else if diff := difference(got.Value, before); diff != "" {
			t.errorf("after a Delete that was cut: %s", diff)
		}
	}
	_ = ctx
}

// held runs a call twice, ends its context while the backend holds it, once
// by a cancel and once by a deadline, and checks its error.
func (t *trial) held(id string, call func(context.Context) error, check func(context.Context, error)) {
	for _, how := range []string{"cancel", "deadline"} {
		reached, release := t.sub.Hold(id)
		ctx, end := context.WithCancel(t.ctx)
		if how == "deadline" {
			// The deadline is pulled in by hand, so that it can't come before
			// the call has begun.
			ctx = newDeadline(ctx)
		}
		var err error
		done := t.spawn(func() { err = call(ctx) })
		if !t.ends(reached) {
			end()
			release()
			t.fatalf("the call never reached the backend's Hold")
		}
		end()
		if !t.ends(done) {
			release()
			<-done
			t.fatalf("the call went on after its context had ended (%s)", how)
		}
		release()
		check(ctx, err)
	}
}

// deadline is a context whose end looks like that of a deadline.
type deadline struct{ context.Context }

func newDeadline(ctx context.Context) context.Context { return deadline{ctx} }

func (d deadline) Err() error {
	if d.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

// Value hides the context below, so that one derived from this takes the end
// from Err.
func (d deadline) Value(any) any { return nil }
