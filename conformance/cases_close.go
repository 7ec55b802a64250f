package conformance

import (
	"io"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

var closeCases = []Case{
	{
		Name:  "MUST/Close/then-every-call-is-closed",
		Rule:  "After Close every call is ErrClosed, and nothing is written.",
		Look:  "which methods don't look whether the service was closed; core.New does this for a Backend",
		needs: []need{needCloser},
		run: func(t *trial) {
			id, _ := t.someID("a")
			t.close()
			_, err := t.svc.Get(t.ctx, id)
			t.wantKind("Get after Close", err, core.ErrClosed)
			_, err = t.svc.GetMany(t.ctx, []string{id})
			t.wantIDKind("GetMany after Close", err, id, core.ErrClosed)
			_, err = t.svc.Stat(t.ctx, id)
			t.wantKind("Stat after Close", err, core.ErrClosed)
			if t.caps.Set {
				_, err = t.svc.Set(t.ctx, id, t.marks.value())
				t.wantKind("Set after Close", err, core.ErrClosed)
				_, err = t.svc.Set(t.ctx, id, t.marks.value(), core.IfChanged())
				t.wantKind("Set with IfChanged after Close", err, core.ErrClosed)
			}
			if t.caps.Delete {
				t.wantKind("Delete after Close", t.svc.Delete(t.ctx, id), core.ErrClosed)
			}
			if t.caps.List {
				_, err = collect(t.svc.List(t.ctx, ""))
				t.wantKind("List after Close", err, core.ErrClosed)
			}
			if t.caps.Versions {
				_, err = collect(t.svc.Versions(t.ctx, id))
				t.wantKind("Versions after Close", err, core.ErrClosed)
			}
		},
	},
	{
		Name:  "MUST/Close/twice-is-no-failure",
		Rule:  "Close may be called again, also at once from several goroutines, and returns what the first call returned.",
		Look:  "a channel that is closed twice, a lock that is taken twice",
		needs: []need{needCloser},
		run: func(t *trial) {
			_, _ = t.someID("a")
			t.closed = true // the case closes by itself
			c := t.raw.(io.Closer)
			errs := make([]error, 4)
			done := t.spawn(func() {
				var all sync.WaitGroup
				for i := range errs {
					all.Go(func() {
						defer t.caught("Close")
						errs[i] = c.Close()
					})
				}
				all.Wait()
			})
			if !t.ends(done) {
				t.fatalf("several Closes at once don't end")
			}
			for _, err := range append(errs, c.Close()) {
				if err != nil {
					t.errorf("Close failed: %v", err)
				}
			}
		},
	},
	{
		Name:  "MUST/Close/waits-for-calls-in-flight",
		Rule:  "Close returns only after the calls that began before it; those end as if there were no Close.",
		Look:  "whether Close takes away under a call what the call still needs",
		needs: []need{needCloser, needContent, hookHold},
		run: func(t *trial) {
			id, v := t.have("a")
			t.shown(map[string]core.Value{id: v})
			reached, release := t.sub.Hold(id)
			defer release()
			var got core.Secret
			var err error
			read := t.spawn(func() { got, err = t.svc.Get(t.ctx, id) })
			if !t.ends(reached) {
				t.fatalf("the call never reached the backend's Hold")
			}
			t.closed = true
			closing := make(chan struct{})
			closed := t.spawn(func() {
				close(closing)
				if err := t.raw.(io.Closer).Close(); err != nil {
					t.errorf("Close failed: %v", err)
				}
			})
			<-closing
			// A Close that waits can't end now, however long this is. One that
			// does not wait has the time to show it.
			grace := time.NewTimer(100 * time.Millisecond)
			defer grace.Stop()
			select {
			case <-closed:
				t.errorf("Close returned while a call was in flight")
			case <-grace.C:
			}
			release()
			if !t.ends(read) {
				t.fatalf("the call that was in flight does not end")
			}
			if err != nil {
				t.errorf("the call that was in flight when Close began failed: %v", err)
			} else if diff := difference(got.Value, v); diff != "" {
				t.errorf("the call that was in flight when Close began: %s", diff)
			}
			if !t.ends(closed) {
				t.errorf("Close does not return after the last call has ended")
			}
		},
	},
	{
		Name:  "MUST/Close/under-load",
		Rule:  "Calls beside a Close end as if there were none, or are ErrClosed; nothing else.",
		Look:  "whether Close takes away under a call what the call still needs. Run the suite with -race",
		needs: []need{needCloser, needContent},
		run: func(t *trial) {
			id, v := t.have("a")
			t.shown(map[string]core.Value{id: v})
			half := make(chan struct{})
			var begun sync.WaitGroup
			begun.Add(8)
			t.closed = true
			done := t.spawn(func() {
				t.together(9, func(n int) {
					if n == 8 {
						<-half
						if err := t.raw.(io.Closer).Close(); err != nil {
							t.errorf("Close beside calls failed: %v", err)
						}
						return
					}
					for i := range 200 {
						got, err := t.svc.Get(t.ctx, id)
						if i == 20 {
							begun.Done()
						}
						if err != nil {
							t.wantKind("Get beside Close", err, core.ErrClosed)
						} else if diff := difference(got.Value, v); diff != "" {
							t.errorf("Get beside Close: %s", diff)
						}
					}
				})
			})
			begunAll := t.spawn(begun.Wait)
			t.ends(begunAll)
			close(half)
			if !t.ends(done) {
				t.fatalf("calls beside a Close don't end")
			}
		},
	},
	{
		Name:  "MUST/Close/leaves-no-goroutine",
		Rule:  "When a service is closed, none of the goroutines that it began is left.",
		Look:  "what was begun when it was opened: a refresh, a renewal, a watcher. It needs a Close that stops it and waits for it",
		needs: []need{ownStore},
		run: func(t *trial) {
			id, _ := t.someID("a")
			_, _ = t.svc.Get(t.ctx, id)
			_, _ = t.svc.GetMany(t.ctx, []string{id, t.missing("x")})
			if t.caps.List {
				_, _ = collect(t.svc.List(t.ctx, ""))
			}
			t.afterwards = func() {
				// The goroutine of the case itself is one.
				if n, stack := t.goroutinesAtMost(1); n > 1 {
					t.errorf("%d goroutines are left after the service was closed; one of them:\n%s", n-1, stack)
				}
			}
		},
	},
}
