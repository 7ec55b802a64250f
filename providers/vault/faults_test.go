package vault_test

import (
	"context"
	"crypto/rand"
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
	"github.com/lukko-dev/lukko/internal/vaulttest"
	"github.com/lukko-dev/lukko/providers/vault"
)

// An operation is what a caller asks of a store, and the one request of it that
// a fault meets.
type operation struct {
	name  string
	cold  bool // the first call of its store, for which it logs in and asks for the engine
	write bool // the request that is met may change something
	looks bool // the operation reads before it sends that request
	bare  bool // the answer has no body
	seen  bool // what it did can be seen afterwards, whoever did it
	skip  int  // so many requests of the kind that is met come first, and change nothing

	before string // what there is of its id: "a value", "nothing" or "a deleted value"
	after  string // what there is once the server has served the request
	path   func(mount, id string) string
	call   func(ctx context.Context, s *core.Store, w work) error
}

// work is what a call works with.
type work struct {
	id      string
	version string // the current one, where there is a value
	value   core.Value
}

func (w work) many() []string { return []string{w.id, w.id + "/1", w.id + "/2", w.id + "/3"} }

func dataOf(mount, id string) string     { return "/v1/" + mount + "/data/" + id }
func metadataOf(mount, id string) string { return "/v1/" + mount + "/metadata/" + id }
func loginOf(string, string) string      { return "/v1/auth/approle/login" }
func questionOf(string, string) string   { return "/v1/sys/internal/ui/mounts/" }

func get(ctx context.Context, s *core.Store, w work) error {
	secret, err := s.Get(ctx, w.id)
	if err == nil && secret.Value.IsZero() {
		err = errors.New("no error and no value")
	}
	return err
}

func set(opts ...core.SetOption) func(context.Context, *core.Store, work) error {
	return func(ctx context.Context, s *core.Store, w work) error {
		_, err := s.Set(ctx, w.id, w.value, opts...)
		return err
	}
}

// getMany reads ids of which a fault meets the first half, and gives the first
// one's error if the others are where they belong.
func getMany(ctx context.Context, s *core.Store, w work) error {
	ids := w.many()
	got, err := s.GetMany(ctx, ids)
	batch := (*core.BatchError)(nil)
	if !errors.As(err, &batch) {
		if err != nil && got != nil {
			return errors.New("a batch that failed as a whole has secrets all the same")
		}
		return err
	}
	for _, id := range ids {
		_, ok := got[id]
		if (batch.ByID[id] != nil) == ok {
			return errors.New("an id of a batch is not in exactly one place")
		}
	}
	if first, second := core.KindOf(batch.ByID[ids[0]]), core.KindOf(batch.ByID[ids[1]]); first != second { //nolint:errorlint // a kind is the sentinel itself
		return errors.New("two ids of a batch met the same and failed differently")
	}
	return batch.ByID[ids[0]]
}

func list(ctx context.Context, s *core.Store, w work) error {
	for info, err := range s.List(ctx, w.id+"/") {
		if err != nil {
			return err
		}
		if !strings.HasPrefix(info.ID, w.id) {
			return errors.New("a listing has what it was not asked for")
		}
	}
	return nil
}

func versions(ctx context.Context, s *core.Store, w work) error {
	for _, err := range s.Versions(ctx, w.id) {
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	aValue   = "a value"
	deleted  = "a deleted value"
	nothing  = "nothing"
	twoMore  = "two values"
	afterOne = "a deleted value, and another"
)

var operations = []operation{
	{name: "get", before: aValue, path: dataOf, call: get},
	{name: "get of a version", before: aValue, path: dataOf, call: func(ctx context.Context, s *core.Store, w work) error {
		_, err := s.Get(ctx, w.id, core.AtVersion(w.version))
		return err
	}},
	{name: "get many", before: aValue, path: dataOf, call: getMany},
	{name: "stat", before: aValue, path: metadataOf, call: func(ctx context.Context, s *core.Store, w work) error {
		_, err := s.Stat(ctx, w.id)
		return err
	}},
	{name: "list", before: aValue, path: metadataOf, call: list},
	{name: "versions", before: aValue, path: metadataOf, call: versions},
	{name: "capabilities", cold: true, before: aValue, path: questionOf, call: func(ctx context.Context, s *core.Store, _ work) error {
		_, err := s.Capabilities(ctx)
		return err
	}},
	{name: "the login of a get", cold: true, before: aValue, path: loginOf, call: get},
	{name: "the login of a set", cold: true, before: aValue, path: loginOf, call: set()},
	{name: "the first question of a get", cold: true, before: aValue, path: questionOf, call: get},
	{name: "the first question of a set", cold: true, before: aValue, path: questionOf, call: set()},
	{name: "the first question of a delete", cold: true, before: aValue, path: questionOf, call: remove()},
	{name: "the look of a conditional set", before: aValue, path: metadataOf, call: setIfVersion},
	{name: "the look of a delete", before: aValue, path: metadataOf, call: remove()},

	{name: "set", write: true, before: aValue, after: twoMore, path: dataOf, call: set()},
	{name: "set if absent", write: true, before: nothing, after: aValue, path: dataOf, call: set(core.IfAbsent())},
	{name: "set if absent, after a delete", write: true, skip: 1, before: deleted, after: afterOne, path: dataOf, call: set(core.IfAbsent())},
	{name: "set if version", write: true, looks: true, before: aValue, after: twoMore, path: dataOf, call: setIfVersion},
	{name: "delete", write: true, looks: true, bare: true, seen: true, before: aValue, after: deleted, path: dataOf, call: remove()},
	{name: "purge", write: true, looks: true, bare: true, seen: true, before: aValue, after: nothing, path: metadataOf, call: remove(core.Purge())},
}

func setIfVersion(ctx context.Context, s *core.Store, w work) error {
	_, err := s.Set(ctx, w.id, w.value, core.IfVersion(w.version))
	return err
}

func remove(opts ...core.DeleteOption) func(context.Context, *core.Store, work) error {
	return func(ctx context.Context, s *core.Store, w work) error { return s.Delete(ctx, w.id, opts...) }
}

// method is that of the request which the fault meets.
func (op operation) method() string {
	switch {
	case op.write && op.bare:
		return http.MethodDelete
	case op.write:
		return http.MethodPut
	case op.name == "the login of a get", op.name == "the login of a set":
		return http.MethodPut
	}
	return http.MethodGet
}

// A fault is what the network does.
type fault struct {
	name string

	// rule, if it is set, is what the operation's own request meets, and all that
	// repeat it; free ends what the rule holds back.
	rule func() (f faultproxy.Fault, free func())
	// network is what everything meets.
	network func(*faultproxy.Proxy) (restore func())

	hangs   bool // nothing comes until the caller's deadline
	arrives bool // the server gets the request
	late    bool // it may, also after the call has ended
	refused bool // the client knows that the server does nothing
	body    bool // the answer's body is met: one without has no fault
}

func just(f faultproxy.Fault) func() (faultproxy.Fault, func()) {
	return func() (faultproxy.Fault, func()) { return f, func() {} }
}

func held() (faultproxy.Fault, func()) {
	until := make(chan struct{})
	return faultproxy.Hold(until), sync.OnceFunc(func() { close(until) })
}

func page(status int) func() (faultproxy.Fault, func()) {
	return just(faultproxy.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html><body>Something is wrong.</body></html>"))
	})))
}

var requestFaults = []fault{
	{name: "the request is lost", rule: just(faultproxy.LoseRequest)},
	{name: "the answer is lost", rule: just(faultproxy.LoseAnswer), arrives: true},
	{name: "the answer never comes", rule: just(faultproxy.KeepAnswer), hangs: true, arrives: true},
	{name: "the request is held up", rule: held, hangs: true, late: true},
	{name: "the answer is cut by a reset", rule: just(faultproxy.CutBody(9, faultproxy.Reset)), arrives: true, body: true},
	{name: "the answer is cut by a close", rule: just(faultproxy.CutBody(9, faultproxy.Close)), arrives: true, body: true},
	{name: "too many requests", rule: just(faultproxy.Status(http.StatusTooManyRequests)), refused: true},
	{name: "too many requests for an hour", rule: just(faultproxy.Status(http.StatusTooManyRequests, "Retry-After", "3600")), refused: true},
	{name: "a gateway has no server", rule: just(faultproxy.Status(http.StatusServiceUnavailable))},
	{name: "a gateway shows a page", rule: page(http.StatusBadGateway)},
}

var networkFaults = []fault{
	{name: "a black hole", network: (*faultproxy.Proxy).BlackHole, hangs: true},
	{name: "nobody listens", refused: true, network: func(p *faultproxy.Proxy) func() {
		restore := p.Refuse()
		p.Disconnect(faultproxy.Reset)
		return restore
	}},
	{name: "answers are lost", arrives: true, network: func(p *faultproxy.Proxy) func() { return p.Cut(0, faultproxy.Reset) }},
	{name: "answers are cut in their head", arrives: true, network: func(p *faultproxy.Proxy) func() { return p.Cut(12, faultproxy.Close) }},
	{name: "the link is slow", hangs: true, late: true, network: func(p *faultproxy.Proxy) func() {
		p.Delay(4 * providertest.HangLimit)
		return func() { p.Delay(0) }
	}},
}

// wrong says what is wrong with the error of an operation that met a fault;
// nothing, if it is the right one.
func (op operation) wrong(f fault, err error) string {
	// A network fault meets the look that comes first; and no request was sent then.
	changes := op.write && !(op.looks && f.network != nil)
	want := core.ErrUnavailable
	switch {
	case f.body && op.bare, changes && op.seen && f.arrives && !f.hangs:
		if err != nil {
			return fmt.Sprintf("%v; want no error, as it was done and can be seen", err)
		}
		return ""
	case changes && !f.refused:
		want = core.ErrIndeterminate
	case f.hangs:
		want = nil // the context's error alone
	}
	return providertest.Wrong(err, core.KindOf(err), want, f.hangs)
}

// may returns what there may be of the id when the fault is over.
func (op operation) may(f fault) []string {
	switch {
	case !op.write, (op.looks || op.skip > 0) && f.network != nil:
		return []string{op.before}
	case f.late:
		return []string{op.before, op.after}
	case f.arrives:
		return []string{op.after}
	}
	return []string{op.before}
}

// state is what there is of an id, seen from outside.
func state(t testing.TB, kv vaulttest.KV, id string) string {
	t.Helper()
	r := kv.Metadata(t, id)
	if r.Status == http.StatusNotFound {
		return nothing
	}
	all, _ := r.Field("data", "versions").(map[string]any)
	gone := 0
	for n := range all {
		if r.Text("data", "versions", n, "deletion_time") != "" {
			gone++
		}
	}
	switch {
	case len(all) == 1 && gone == 0:
		return aValue
	case len(all) == 1:
		return deleted
	case len(all) == 2 && gone == 0:
		return twoMore
	case len(all) == 2 && r.Text("data", "versions", "1", "deletion_time") != "":
		return afterOne
	}
	return fmt.Sprintf("%d versions, %d of them deleted", len(all), gone)
}

// A trial is one operation that meets one fault.
type trial struct {
	op    operation
	work  work
	proxy *faultproxy.HTTP
	store *core.Store

	restore func()
	err     error
	late    time.Duration // after the caller's deadline
}

// faultBed is where trials take place: a mount, and a login.
type faultBed struct {
	kv   vaulttest.KV
	role vaulttest.AppRole
}

func newFaultBed(t testing.TB, srv *vaulttest.Server) faultBed {
	t.Helper()
	kv := srv.MountKV(t, 2)
	kv.Put(t, "other", map[string]any{"password": rand.Text()})
	return bedOf(t, kv)
}

func bedOf(t testing.TB, kv vaulttest.KV) faultBed {
	t.Helper()
	srv := kv.Server()
	return faultBed{kv, srv.AppRole(t, vaulttest.Role{Policies: []string{srv.Policy(t, writerPolicy(kv))}})}
}

// config is that of a store which logs in through a proxy.
func (b faultBed) config(p *faultproxy.Proxy) vault.Config { return b.byRole(p.Addr()) }

// byRole is that of a store which logs in at an address of loopback.
func (b faultBed) byRole(address string) vault.Config {
	srv := b.kv.Server()
	scheme, _, _ := strings.Cut(srv.Address, "://")
	env := map[string]string{
		"VAULT_ADDR": scheme + "://" + address, "VAULT_CACERT": srv.CAFile,
		"VAULT_ROLE_ID": b.role.RoleID, "VAULT_SECRET_ID": b.role.SecretID,
	}
	return vault.Config{
		Mount: b.kv.Mount, Login: vault.Login{Method: "approle"},
		Lookup: func(name string) (string, bool) { value := env[name]; return value, value != "" },
	}
}

func (b faultBed) prepare(t testing.TB, n int, op operation) *trial {
	t.Helper()
	x := &trial{op: op, work: work{id: fmt.Sprintf("%02d-%s", n, strings.ToLower(rand.Text()[:8])), value: core.String(rand.Text())}}
	if op.before != nothing {
		for _, id := range x.work.many() {
			b.kv.Put(t, id, map[string]any{"password": rand.Text()})
		}
		x.work.version = "1"
	}
	if op.before == deleted {
		b.kv.Delete(t, x.work.id)
	}
	x.proxy = faultproxy.NewHTTP(t, b.kv.Server().Address)
	return x
}

// begin lets a fault come.
func (x *trial) begin(b faultBed, f fault) {
	if f.network != nil {
		x.restore = f.network(x.proxy.Proxy)
		return
	}
	meets, free := f.rule()
	path, second := x.op.path(b.kv.Mount, x.work.id), x.work.many()[1]
	method := x.op.method()
	stop := x.proxy.Do(faultproxy.Rule{Fault: meets, Skip: x.op.skip, Match: func(r *http.Request) bool {
		exact := r.URL.Path == path || strings.TrimSuffix(r.URL.Path, "/") == path
		if x.op.name == "get many" {
			exact = exact || r.URL.Path == x.op.path(b.kv.Mount, second)
		}
		if strings.HasSuffix(path, "/mounts/") || strings.HasSuffix(path, "/login") {
			exact = strings.HasPrefix(r.URL.Path, path)
		}
		return exact && r.Method == method
	}})
	x.restore = func() { stop(); free() }
}

func (x *trial) run(f fault) {
	limit := providertest.FailLimit
	if f.hangs {
		limit = providertest.HangLimit
	}
	x.late, x.err = providertest.Within(limit, func(ctx context.Context) error { return x.op.call(ctx, x.store, x.work) })
}

// meet lets the operations meet a fault, each with a store and a proxy of its
// own, and returns those that were late.
func (b faultBed) meet(t *testing.T, f fault, ops []operation) (late []operation) {
	t.Helper()
	var trials []*trial
	for i, op := range ops {
		trials = append(trials, b.prepare(t, i, op))
	}
	mine := providertest.NewGoroutines()
	mine.Do(func() {
		for _, x := range trials {
			x.store = open(t, b.config(x.proxy.Proxy))
		}
		providertest.Together(trials, func(x *trial) {
			if x.op.cold {
				return
			}
			if err := get(t.Context(), x.store, work{id: "other"}); err != nil {
				t.Errorf("%s: before the fault: %v", x.op.name, err)
			}
		})
	})
	for _, x := range trials {
		x.begin(b, f)
	}
	if f.refused && f.network != nil {
		// What a client sends before it knows that its connection is gone may have
		// arrived, for all it knows.
		providertest.Until(t, "the clients know that their connections are gone", func() bool { return connections(mine) == 0 })
	}
	mine.Do(func() { providertest.Together(trials, func(x *trial) { x.run(f) }) })
	for _, x := range trials {
		x.restore()
	}
	mine.Do(func() {
		// As soon as the fault is gone, the next call works.
		providertest.Together(trials, func(x *trial) {
			works(t, x.store, "other", x.op.name+": the next call, after the fault")
		})
		providertest.Together(trials, func(x *trial) {
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
		if x.err != nil && strings.Contains(x.err.Error(), x.work.value.Reveal()) {
			t.Errorf("%s: the error holds the value", x.op.name)
		}
		may := x.op.may(f)
		got := state(t, b.kv, x.work.id)
		if got != may[0] && got != may[len(may)-1] {
			t.Errorf("%s: there is %s in the engine afterwards; want %s", x.op.name, got, strings.Join(may, " or "))
		}
		if x.late > providertest.Overtime {
			late = append(late, x.op)
			t.Logf("%s: ended %v after the caller's deadline", x.op.name, x.late)
		}
	}
	return late
}

func (b faultBed) meetOnTime(t *testing.T, f fault) {
	t.Helper()
	providertest.OnTime(t, operations, func(op operation) string { return op.name }, func(ops []operation) []operation {
		return b.meet(t, f, ops)
	})
}

func TestEveryOperationMeetsFaultsOfItsRequest(t *testing.T) {
	t.Parallel()
	b := newFaultBed(t, vaulttest.Shared(t))
	for _, f := range requestFaults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			b.meetOnTime(t, f)
		})
	}
}

func TestEveryOperationMeetsFaultsOfTheNetwork(t *testing.T) {
	t.Parallel()
	for protocol, srv := range map[string]*vaulttest.Server{"HTTP/1.1": vaulttest.Shared(t), "HTTP/2 over TLS": vaulttest.StartTLS(t)} {
		b := newFaultBed(t, srv)
		for _, f := range networkFaults {
			t.Run(f.name+", "+protocol, func(t *testing.T) {
				t.Parallel()
				b.meetOnTime(t, f)
			})
		}
	}
}
