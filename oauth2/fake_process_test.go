package oauth2_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// process is a client that stands for a process of its own: it has its own view
// of the store and its own clock, and can be killed.
type process struct {
	*oauth2.Client
	view  *view
	clock *skewed
}

// kill ends it: it reads and writes nothing more, its requests are not sent, and
// their answers don't come.
func (p *process) kill() { p.view.dead.Store(true) }

var errDead = &core.Error{Kind: core.ErrUnavailable, Hint: "the process is dead"}

// view is a store as one process sees it.
type view struct {
	core.SecretService
	dead    atomic.Bool
	latency time.Duration                  // of each call, before and after
	caps    func(*core.Capabilities)       // what it says otherwise
	before  func(op, id string)            // in the goroutine of a call
	after   func(op, id string)            // the same
	past    func(core.Secret) *core.Secret // what a read sees in place of what there is
	bare    bool                           // it refuses conditions
}

func (v *view) do(op, id string, call func()) bool {
	time.Sleep(v.latency)
	if v.before != nil {
		v.before(op, id)
	}
	if v.dead.Load() {
		return false
	}
	call()
	if v.after != nil {
		v.after(op, id)
	}
	time.Sleep(v.latency)
	return true
}

func (v *view) Get(ctx context.Context, id string, opts ...core.GetOption) (s core.Secret, err error) {
	if !v.do("get", id, func() { s, err = v.SecretService.Get(ctx, id, opts...) }) {
		return core.Secret{}, errDead
	}
	if err == nil && v.past != nil {
		if old := v.past(s); old != nil {
			return *old, nil
		}
	}
	return s, err
}

func (v *view) Set(ctx context.Context, id string, value core.Value, opts ...core.SetOption) (i core.Info, err error) {
	if v.bare && len(opts) > 0 && opts[0] != (core.SetOptions{}) {
		return core.Info{}, errors.ErrUnsupported
	}
	if !v.do("set", id, func() { i, err = v.SecretService.Set(context.WithoutCancel(ctx), id, value, opts...) }) {
		return core.Info{}, errDead
	}
	return i, err
}

func (v *view) Capabilities(ctx context.Context) (core.Capabilities, error) {
	caps, err := v.SecretService.Capabilities(ctx)
	if v.caps != nil {
		v.caps(&caps)
	}
	return caps, err
}

// skewed is a clock that is not the others'.
type skewed struct {
	wall, lost atomic.Int64 // how far the wall clock is ahead, and by how much the monotonic one has stood still
}

// Now puts a time together, since package time has no way to set one of the two
// clocks and not the other, and none has a monotonic reading in a bubble: 33 bits
// of seconds since 1885 and 30 of nanoseconds, and the other clock's nanoseconds.
func (s *skewed) Now() time.Time {
	now := time.Now()
	wall := now.Add(time.Duration(s.wall.Load())).Round(0)
	since1885 := wall.Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	parts := struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}{1<<63 | uint64(since1885)<<30 | uint64(wall.Nanosecond()), now.UnixNano() - s.lost.Load(), time.UTC}
	t := *(*time.Time)(unsafe.Pointer(&parts))
	if !t.Equal(wall) {
		panic("the layout of time.Time is another one")
	}
	return t
}

func (s *skewed) After(d time.Duration) <-chan time.Time { return time.After(d) }

func (f *rig) process(change ...func(*oauth2.Config, *view)) *process {
	p := &process{view: &view{SecretService: f.store}, clock: &skewed{}}
	p.Client = f.client(func(cfg *oauth2.Config) {
		cfg.Service, cfg.Clock = p.view, p.clock
		for _, do := range change {
			do(cfg, p.view)
		}
		next := cfg.Endpoints
		cfg.Endpoints = roundTripFunc(func(req *http.Request) (*http.Response, error) {
			if p.view.dead.Load() {
				return nil, errDead
			}
			resp, err := next.RoundTrip(req)
			if p.view.dead.Load() {
				return nil, errDead
			}
			return resp, err
		})
	})
	return p
}

// claim stores a claim as another process would, for the refresh token that is
// stored.
func (f *rig) claim(change map[string]any) {
	f.t.Helper()
	const nonce = "NONCE-OF-ANOTHER"
	refresh, _ := f.stored(tokensID)["refreshToken"].(string)
	doc := map[string]any{"nonce": nonce, "milliseconds": 60000, "of": claimOf(nonce, refresh)}
	for name, v := range change {
		doc[name] = v
	}
	text, _ := json.Marshal(doc)
	f.store.Seed(claimID, core.Bytes(text))
}

// claimOf ties a claim to a refresh token, as the stored form says.
func claimOf(nonce, refresh string) string {
	mac := hmac.New(sha256.New, []byte(nonce))
	mac.Write([]byte(refresh))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// once calls f the first time.
func once(f func()) func() {
	var o sync.Once
	return func() { o.Do(f) }
}
