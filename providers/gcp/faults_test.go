package gcp_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/gcp"
	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// A world is a fake with one secret, behind a proxy of faults.
type world struct {
	*gcptest.Server
	proxy *faultproxy.Proxy
	store *core.Store
}

func newWorld(t testing.TB, cfg gcp.Config) world {
	t.Helper()
	srv := gcptest.New(t)
	srv.Seed("a", []byte("1"))
	proxy := faultproxy.New(t, srv.Listen())
	cfg.Endpoint, cfg.Project, cfg.Lookup = proxy.Addr(), gcptest.ProjectID, bare
	store, err := gcp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return world{srv, proxy, store}
}

// warm makes the connection.
func (w world) warm(t testing.TB) {
	t.Helper()
	if _, err := w.store.Get(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
}

// made is how many versions there are; -1 without a secret.
func (w world) made() int {
	versions, exists := w.Versions("a")
	if !exists {
		return -1
	}
	return len(versions)
}

// eachCall runs a test for each operation, and sees that it leaves no goroutine.
func eachCall(t *testing.T, cfg gcp.Config, run func(t *testing.T, c call, w world)) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, cfg) // which asks nothing yet: what it starts later is the store's
			g := providertest.NewGoroutines()
			g.Do(func() { run(t, c, w) })
			if err := w.store.Close(); err != nil {
				t.Error(err)
			}
			g.WantNone(t)
		})
	}
}

func TestABlackHoleEndsWithItsCallersDeadline(t *testing.T) {
	t.Parallel()
	for _, cold := range []bool{false, true} {
		t.Run(fmt.Sprintf("cold %t", cold), func(t *testing.T) {
			t.Parallel()
			eachCall(t, gcp.Config{}, func(t *testing.T, c call, w world) {
				if !cold {
					w.warm(t)
				}
				restore := w.proxy.BlackHole()
				defer restore()
				late, err := providertest.Within(providertest.HangLimit, func(ctx context.Context) error { return c.do(ctx, w.store, "a") })
				if late > providertest.Overtime || late < 0 {
					t.Errorf("the call ended %v after its deadline", late)
				}
				if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, core.ErrUnavailable) {
					t.Errorf("%v, want the context's error", err)
				}
				if doubt := errors.Is(err, core.ErrIndeterminate); doubt != (c.write && !cold) {
					t.Errorf("%v: indeterminate is %t", err, doubt)
				}
			})
		})
	}
}

func TestTheStoresOwnLimitIsNotTheCallers(t *testing.T) {
	t.Parallel()
	eachCall(t, gcp.Config{Timeout: 300 * time.Millisecond}, func(t *testing.T, c call, w world) {
		w.warm(t)
		defer w.proxy.BlackHole()()
		err := c.do(t.Context(), w.store, "a")
		want := core.ErrUnavailable
		if c.write {
			want = core.ErrIndeterminate
		}
		if core.KindOf(err) != want || errors.Is(err, context.DeadlineExceeded) { //nolint:errorlint // a kind is the sentinel itself
			t.Errorf("%v, want %v and no context's error", err, want)
		}
		expectKind(t, err, want, "limit (timeout in the URL) of 300ms")
	})
}

// The connection is reset in place of the answer, before and after the service has
// done what it was asked.
func TestALostAnswerDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after the effect %t", after), func(t *testing.T) {
			t.Parallel()
			eachCall(t, gcp.Config{}, func(t *testing.T, c call, w world) {
				w.warm(t)
				hit := w.Inject(gcptest.Fault{Method: c.method, After: after, Cut: true})
				err := c.do(t.Context(), w.store, "a")
				if hit.Hits() != 1 {
					t.Fatalf("the fault struck %d times", hit.Hits())
				}
				switch {
				case !c.write:
					if err != nil {
						t.Errorf("a read is tried again: %v", err)
					}
				case c.name == "delete" && after:
					if err != nil || w.made() != -1 {
						t.Errorf("a delete whose secret is gone: %v", err)
					}
				default:
					if !errors.Is(err, core.ErrIndeterminate) || core.KindOf(err) != core.ErrIndeterminate { //nolint:errorlint // as above
						t.Errorf("%v, want ErrIndeterminate", err)
					}
					want := 1
					if after {
						want = 2
					}
					if got := w.made(); got != want {
						t.Errorf("there are %d versions, want %d", got, want)
					}
				}
				w.warmAgain(t, c)
			})
		})
	}
}

// warmAgain sees that the store works after a fault.
func (w world) warmAgain(t testing.TB, c call) {
	t.Helper()
	if _, err := w.store.Get(t.Context(), "a"); err != nil && (c.name != "delete" || !errors.Is(err, core.ErrNotFound)) {
		t.Errorf("a read after the fault: %v", err)
	}
}

// A reset by the network, with the request on its way or delivered.
func TestAResetLeavesAWriteInDoubtAndAReadAlone(t *testing.T) {
	t.Parallel()
	eachCall(t, gcp.Config{}, func(t *testing.T, c call, w world) {
		w.warm(t)
		held := w.Inject(gcptest.Fault{Method: c.method, Wait: make(chan struct{})})
		go func() {
			<-held.Reached()
			w.proxy.Disconnect(faultproxy.Reset)
		}()
		err := c.do(t.Context(), w.store, "a")
		if c.write != errors.Is(err, core.ErrIndeterminate) || !c.write && err != nil {
			t.Errorf("%v", err)
		}
		if got := w.made(); got != 1 {
			t.Errorf("there are %d versions, want 1", got)
		}
	})
}

func throttled(t testing.TB, wait time.Duration) *status.Status {
	t.Helper()
	st, err := status.New(codes.ResourceExhausted, "").WithDetails(
		protoadapt.MessageV1Of(&errdetails.ErrorInfo{Reason: "RATE_LIMIT_EXCEEDED", Domain: "googleapis.com"}),
		protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestWhatIsThrottledForAWhileSucceedsOnce(t *testing.T) {
	t.Parallel()
	eachCall(t, gcp.Config{}, func(t *testing.T, c call, w world) {
		w.Inject(gcptest.Fault{Method: c.method, Times: 2, Status: throttled(t, 0)})
		if err := c.do(t.Context(), w.store, "a"); err != nil {
			t.Errorf("%v", err)
		}
		if n := w.CountCalls(c.method); n != 3 {
			t.Errorf("%d calls of %s, want 3", n, c.method)
		}
		if want := map[string]int{"set": 2, "delete": -1}[c.name]; c.write && w.made() != want {
			t.Errorf("there are %d versions, want %d", w.made(), want)
		}
	})
}

func TestRetriesAreCountedAndBounded(t *testing.T) {
	t.Parallel()
	for retries, want := range map[int]int{0: 1 + gcp.DefaultRetries, -1: 1, 1: 2, 3: 4} {
		t.Run(fmt.Sprint(retries), func(t *testing.T) {
			t.Parallel()
			eachCall(t, gcp.Config{Retries: retries}, func(t *testing.T, c call, w world) {
				w.Inject(gcptest.Fault{Method: c.method, Times: -1, Status: status.New(codes.Unavailable, "")})
				err := c.do(t.Context(), w.store, "a")
				if err == nil {
					t.Fatal("no error")
				}
				want := want
				if c.write {
					want = 1 // the service had it
				}
				if n := w.CountCalls(c.method); n != want {
					t.Errorf("%d calls, want %d", n, want)
				}
			})
		})
	}
}

func TestARetryThatCannotComeInTimeIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	eachCall(t, gcp.Config{}, func(t *testing.T, c call, w world) {
		w.Inject(gcptest.Fault{Method: c.method, Times: -1, Status: throttled(t, time.Hour)})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := c.do(ctx, w.store, "a")
		if core.KindOf(err) != core.ErrUnavailable || ctx.Err() != nil { //nolint:errorlint // a kind is the sentinel itself
			t.Errorf("%v", err)
		}
		if n := w.CountCalls(c.method); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
	})
}

func TestHalfOfABatchFailsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gcp.Config{Retries: -1})
	providertest.Closed(t, w.store)
	var ids []string
	for i := range 20 {
		half := []string{"good", "bad"}[i%2]
		id := fmt.Sprintf("%s-%02d", half, i)
		w.Seed(id, []byte(id))
		ids = append(ids, id)
	}
	w.Inject(gcptest.Fault{Method: "AccessSecretVersion", Resource: "projects/*/secrets/bad-*/versions/*", Times: -1, Status: status.New(codes.Internal, "")})
	got, err := w.store.GetMany(t.Context(), append(ids, "missing"))
	batch := (*core.BatchError)(nil)
	if !errors.As(err, &batch) || len(batch.ByID) != 10 || len(got) != 10 {
		t.Fatalf("%d secrets and %v, want ten of each", len(got), err)
	}
	for _, id := range ids {
		if id[0] == 'g' && got[id].Value.Reveal() != id {
			t.Errorf("%s is missing", id)
		}
		if id[0] == 'b' && !errors.Is(batch.ByID[id], core.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", id, batch.ByID[id])
		}
	}
}

// A connection that says nothing for a while is left for a new one, so that one dead
// connection costs one call.
func TestADeadConnectionCostsOneCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gcp.Config{})
	providertest.Closed(t, w.store)
	w.warm(t)
	before := w.proxy.Connections().Opened
	restore := w.proxy.BlackHole()
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 1100*time.Millisecond)
		_, err := w.store.Get(ctx, "a")
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	if opened := w.proxy.Connections().Opened - before; opened != 1 {
		t.Errorf("the second call went over %d new connections, want 1", opened)
	}
	restore()
	w.warm(t)
}

// Where the service comes back, the next call finds it: gRPC's own pause between
// attempts to connect is not waited for.
func TestTheNextCallFindsAServiceThatIsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gcp.Config{Retries: -1})
	providertest.Closed(t, w.store)
	restore := w.proxy.Refuse()
	for range 5 {
		if _, err := w.store.Get(t.Context(), "a"); !errors.Is(err, core.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	restore()
	w.warm(t)
}

func TestACallAfterCloseIsErrClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gcp.Config{})
	w.warm(t)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		if err := c.do(t.Context(), w.store, "a"); !errors.Is(err, core.ErrClosed) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
