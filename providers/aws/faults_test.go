package aws_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// An operation is what a caller asks of a store, and the request of it that a fault
// meets, each time that it is sent.
type operation struct {
	name   string
	target string
	write  bool
	looks  bool // another request comes first, which a fault of the network meets
	seen   bool // what it did can be seen, or proved, afterwards
	call   func(ctx context.Context, s *core.Store, w work) error
}

// work is what a call works with.
type work struct {
	id, fresh string // with a value, and without
	version   string
	value     core.Value
}

func setting(fresh bool, opts func(w work) []core.SetOption) func(context.Context, *core.Store, work) error {
	return func(ctx context.Context, s *core.Store, w work) error {
		id := w.id
		if fresh {
			id = w.fresh
		}
		_, err := s.Set(ctx, id, w.value, opts(w)...)
		return err
	}
}

func ranging(all func(yield func(core.Info, error) bool)) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

var operations = []operation{
	{name: "get", target: "GetSecretValue", call: func(ctx context.Context, s *core.Store, w work) error {
		_, err := s.Get(ctx, w.id)
		return err
	}},
	{name: "get of a version", target: "GetSecretValue", call: func(ctx context.Context, s *core.Store, w work) error {
		_, err := s.Get(ctx, w.id, core.AtVersion(w.version))
		return err
	}},
	{name: "get many", target: "BatchGetSecretValue", call: func(ctx context.Context, s *core.Store, w work) error {
		got, err := s.GetMany(ctx, []string{w.id, "other"})
		if err != nil && got != nil {
			return errors.New("a batch that failed as a whole has secrets all the same")
		}
		return err
	}},
	{name: "stat", target: "DescribeSecret", call: func(ctx context.Context, s *core.Store, w work) error {
		_, err := s.Stat(ctx, w.id)
		return err
	}},
	{name: "list", target: "ListSecrets", call: func(ctx context.Context, s *core.Store, w work) error { return ranging(s.List(ctx, w.id)) }},
	{name: "versions", target: "ListSecretVersionIds", call: func(ctx context.Context, s *core.Store, w work) error { return ranging(s.Versions(ctx, w.id)) }},
	{name: "the look of a conditional set", target: "DescribeSecret", call: setting(false, ifVersion)},
	{name: "the look of a delete", target: "DescribeSecret", call: func(ctx context.Context, s *core.Store, w work) error { return s.Delete(ctx, w.id) }},

	{name: "set", target: "PutSecretValue", write: true, call: setting(false, plainly)},
	{name: "set of a new one", target: "CreateSecret", write: true, looks: true, call: setting(true, plainly)},
	{name: "set if absent", target: "CreateSecret", write: true, call: setting(true, func(work) []core.SetOption { return []core.SetOption{core.IfAbsent()} })},
	{name: "the put of a set if version", target: "PutSecretValue", write: true, looks: true, call: setting(false, ifVersion)},
	{name: "the move of a set if version", target: "UpdateSecretVersionStage", write: true, looks: true, seen: true, call: setting(false, ifVersion)},
	{name: "delete", target: "DeleteSecret", write: true, looks: true, seen: true, call: func(ctx context.Context, s *core.Store, w work) error { return s.Delete(ctx, w.id) }},
	{name: "purge", target: "DeleteSecret", write: true, looks: true, seen: true, call: func(ctx context.Context, s *core.Store, w work) error { return s.Delete(ctx, w.id, core.Purge()) }},
}

func plainly(work) []core.SetOption     { return nil }
func ifVersion(w work) []core.SetOption { return []core.SetOption{core.IfVersion(w.version)} }

// A fault is what the network does.
type fault struct {
	name    string
	rule    func() (f faultproxy.Fault, free func()) // what the operation's request meets
	network func(*faultproxy.Proxy) (restore func()) // what everything meets

	hangs   bool // nothing comes until the caller's deadline
	arrives bool // the server gets the request
	refused bool // the client knows that the server does nothing
}

func just(f faultproxy.Fault) func() (faultproxy.Fault, func()) {
	return func() (faultproxy.Fault, func()) { return f, func() {} }
}

func heldUp() (faultproxy.Fault, func()) {
	until := make(chan struct{})
	return faultproxy.Hold(until), sync.OnceFunc(func() { close(until) })
}

var faults = []fault{
	{name: "the request is lost", rule: just(faultproxy.LoseRequest)},
	{name: "the answer is lost", rule: just(faultproxy.LoseAnswer), arrives: true},
	{name: "the answer never comes", rule: just(faultproxy.KeepAnswer), hangs: true, arrives: true},
	{name: "the request is held up", rule: heldUp, hangs: true},
	{name: "the answer is cut by a reset", rule: just(faultproxy.CutBody(9, faultproxy.Reset)), arrives: true},
	{name: "the answer is cut by a close", rule: just(faultproxy.CutBody(9, faultproxy.Close)), arrives: true},
	{name: "too many requests", rule: just(faultproxy.Status(http.StatusTooManyRequests)), refused: true},
	{name: "a gateway has no server", rule: just(faultproxy.Status(http.StatusServiceUnavailable))},
	{name: "a gateway shows a page", rule: just(faultproxy.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>Something is wrong.</html>", http.StatusBadGateway)
	})))},
	{name: "a black hole", network: (*faultproxy.Proxy).BlackHole, hangs: true},
	{name: "nobody listens", network: func(p *faultproxy.Proxy) func() {
		restore := p.Refuse()
		p.Disconnect(faultproxy.Reset)
		return restore
	}},
	{name: "answers are lost", arrives: true, network: func(p *faultproxy.Proxy) func() { return p.Cut(0, faultproxy.Reset) }},
	{name: "answers are cut in their head", arrives: true, network: func(p *faultproxy.Proxy) func() { return p.Cut(12, faultproxy.Close) }},
}

// wrong says what is wrong with the error of an operation that met a fault.
func (op operation) wrong(f fault, err error) string {
	changes := op.write && !(op.looks && f.network != nil)
	if changes && op.looks && op.name == "set of a new one" && f.network != nil {
		changes = true
	}
	wanted := core.ErrUnavailable
	switch {
	case op.name == "set of a new one" && f.network != nil:
		wanted = core.ErrIndeterminate // its put comes first, and may have changed something
		if f.name == "nobody listens" {
			return oneOf(err, core.ErrUnavailable, core.ErrIndeterminate)
		}
	case changes && op.seen && f.arrives && !f.hangs:
		if err != nil {
			return fmt.Sprintf("%v; want no error, as it was done and can be seen", err)
		}
		return ""
	case changes && f.name == "nobody listens":
		// What is sent before the client knows that its connection is gone may have arrived,
		// for all it knows.
		return oneOf(err, core.ErrUnavailable, core.ErrIndeterminate)
	case changes && !f.refused:
		wanted = core.ErrIndeterminate
	case f.hangs:
		wanted = nil // the context's error alone
	}
	return providertest.Wrong(err, core.KindOf(err), wanted, f.hangs)
}

func oneOf(err error, kinds ...error) string {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return ""
		}
	}
	return fmt.Sprintf("%v; want one of %v", err, kinds)
}

func TestEveryOperationMeetsEveryFault(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			providertest.OnTime(t, operations, func(op operation) string { return op.name }, func(ops []operation) []operation {
				return meet(t, f, ops)
			})
		})
	}
}

// A trial is one operation that meets one fault.
type trial struct {
	op      operation
	work    work
	proxy   *faultproxy.HTTP
	store   *core.Store
	restore func()
	err     error
	late    time.Duration
}

// meet lets the operations meet a fault, each with a secret, a store and a proxy of
// its own, and returns those that were late.
func meet(t *testing.T, f fault, ops []operation) (late []operation) {
	t.Helper()
	fake := awstest.New(t)
	if _, err := fake.Set("other", "value"); err != nil {
		t.Fatal(err)
	}
	mine := providertest.NewGoroutines()
	var trials []*trial
	for i, op := range ops {
		x := &trial{op: op, proxy: faultproxy.NewHTTP(t, fake.URL())}
		x.work = work{id: fmt.Sprintf("id/%d", i), fresh: fmt.Sprintf("fresh/%d", i), value: core.String(providertest.Canary())}
		var err error
		if x.work.version, err = fake.Set(x.work.id, "before"); err != nil {
			t.Fatal(err)
		}
		mine.Do(func() {
			cfg := settings(fake, x.proxy.URL())
			cfg.Retries = 1
			if x.store, err = aws.New(t.Context(), cfg); err == nil {
				_, err = x.store.Get(t.Context(), "other")
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		trials = append(trials, x)
	}
	for _, x := range trials {
		if f.network != nil {
			x.restore = f.network(x.proxy.Proxy)
			continue
		}
		meets, free := f.rule()
		stop := x.proxy.Do(faultproxy.Rule{Fault: meets, Match: func(r *http.Request) bool {
			return strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+x.op.target)
		}})
		x.restore = func() { stop(); free() }
	}
	mine.Do(func() {
		providertest.Together(trials, func(x *trial) {
			limit := providertest.FailLimit
			if f.hangs {
				limit = providertest.HangLimit
			}
			x.late, x.err = providertest.Within(limit, func(ctx context.Context) error { return x.op.call(ctx, x.store, x.work) })
		})
	})
	for _, x := range trials {
		x.restore()
	}
	mine.Do(func() {
		// As soon as the fault is gone, the next call works.
		providertest.Together(trials, func(x *trial) {
			if _, err := providertest.Within(providertest.FailLimit/4, func(ctx context.Context) error {
				_, err := x.store.Get(ctx, "other")
				return err
			}); err != nil {
				t.Errorf("%s: the next call, after the fault: %v", x.op.name, err)
			}
			if err := x.store.Close(); err != nil {
				t.Errorf("%s: close: %v", x.op.name, err)
			}
		})
	})
	mine.WantNone(t)
	for _, x := range trials {
		if wrong := x.op.wrong(f, x.err); wrong != "" {
			t.Errorf("%s: %s", x.op.name, wrong)
		}
		if x.err != nil && strings.Contains(x.err.Error(), "CANARY") {
			t.Errorf("%s: the error holds the value", x.op.name)
		}
		if x.op.target != "DeleteSecret" {
			if n := kept(t, fake, x.work.id); n > 2 {
				t.Errorf("%s: %d versions of two writes", x.op.name, n)
			}
		}
		if x.late > providertest.Overtime {
			late = append(late, x.op)
			t.Logf("%s: ended %v after the caller's deadline", x.op.name, x.late)
		}
	}
	return late
}
