package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/vault"
	"github.com/lukko-dev/lukko/providers/vault/internal/wire"
)

// memory is a store over the wire-level fake, by pipes in memory and with a
// connection for each request, so that all time is that of a synctest bubble,
// and each request is counted. The fake has a value of the id "app".
type memory struct {
	*wire.Server
	store *core.Store
	net   *pipes
}

func inMemory(t testing.TB, kv int) (*core.Store, *wire.Server) {
	t.Helper()
	m := newMemory(t, kv, func(*api.Client) {})
	return m.store, m.Server
}

func newMemory(t testing.TB, kv int, configure func(*api.Client)) memory {
	t.Helper()
	srv := wire.Make()
	client, net := inMemoryClient(t, srv)
	configure(client)
	mount := map[int]string{1: wire.MountV1, 2: wire.MountV2}[kv]
	store := open(t, vault.Config{Client: client, Mount: mount, Lookup: nothingSet})
	t.Cleanup(func() { closeStore(t, store) })
	if _, err := store.Set(t.Context(), "app", core.String(`{"password":"hunter2"}`)); err != nil {
		t.Fatal(err)
	}
	return memory{srv, store, net}
}

func nothingSet(string) (string, bool) { return "", false }

// lookupIn is an environment that is fixed.
func lookupIn(set map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := set[name]
		return value, ok
	}
}

func closeStore(t testing.TB, store *core.Store) {
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// inMemoryClient is an API client of a handler, by pipes in memory.
func inMemoryClient(t testing.TB, srv *wire.Server) (*api.Client, *pipes) {
	t.Helper()
	pipes := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: srv, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(pipes)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	settings := api.DefaultConfig()
	settings.Address = "http://vault.example.com:8200"
	settings.HttpClient = &http.Client{Transport: &http.Transport{DialContext: pipes.dial, DisableKeepAlives: true}}
	client, err := api.NewClient(settings)
	if err != nil {
		t.Fatal(err)
	}
	client.SetToken(srv.Token)
	return client, pipes
}

// pipes is a listener whose connections are in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	refuse atomic.Int32 // so many connections from now on
	dials  atomic.Int32
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	p.dials.Add(1)
	if p.refuse.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// written is the value that a set of answeredCalls writes.
const written = "n0ther-value"

// answeredCall is a call of a store, and the request that the answer to it is
// replaced of.
type answeredCall struct {
	name  string
	write bool
	match wire.Match
	call  func(context.Context, *core.Store) error
}

func answeredCalls(t testing.TB, store *core.Store, kv int) []answeredCall {
	t.Helper()
	data, metadata := "/v1/secret/data/app", "/v1/secret/metadata?list=true"
	if kv == 1 {
		data, metadata = "/v1/kv1/app", "/v1/kv1?list=true"
	}
	all := []answeredCall{{
		"get", false, wire.To("GET", data),
		func(ctx context.Context, store *core.Store) error {
			_, err := store.Get(ctx, "app")
			return err
		},
	}, {
		"set", true, wire.To("PUT", data),
		func(ctx context.Context, store *core.Store) error {
			_, err := store.Set(ctx, "app", core.String(written))
			return err
		},
	}, {
		"delete", true, wire.To("DELETE", data),
		func(ctx context.Context, store *core.Store) error { return store.Delete(ctx, "app") },
	}, {
		"list", false, wire.To("GET", metadata),
		func(ctx context.Context, store *core.Store) error {
			for _, err := range store.List(ctx, "") {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}}
	if kv == 2 {
		info, err := store.Stat(t.Context(), "app")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, answeredCall{
			"set if version", true, wire.To("PUT", data),
			func(ctx context.Context, store *core.Store) error {
				_, err := store.Set(ctx, "app", core.String(written), core.IfVersion(info.Version))
				return err
			},
		})
	}
	return all
}

// kindName is the text of an error's kind, and "none" of no error.
func kindName(err error) string {
	switch kind := core.KindOf(err); {
	case err == nil:
		return "none"
	case kind == core.ErrIndeterminate: //nolint:errorlint // a kind is the sentinel itself
		return "indeterminate"
	case kind == nil:
		return "no kind"
	default:
		return kind.Error()
	}
}

// brokenAnswer is a file of testdata/answers.
type brokenAnswer struct {
	name string

	About   string             `json:"about"`
	Source  string             `json:"source"`
	Answer  wire.Answer        `json:"answer"`
	Becomes map[string]outcome `json:"becomes"`    // by the name of a call
	V1      map[string]outcome `json:"becomes_v1"` // where KV version 1 differs
}

// outcome is what a call becomes whose answer is replaced, each time that it
// is asked for.
type outcome struct {
	Kind     string `json:"kind"`
	Requests int    `json:"requests"` // how often it is asked for
}

func brokenAnswers(t testing.TB) []brokenAnswer {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "answers", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no answers: %v", err)
	}
	var all []brokenAnswer
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b := brokenAnswer{name: strings.TrimSuffix(filepath.Base(file), ".json")}
		dec := json.NewDecoder(strings.NewReader(string(content)))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&b); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if b.About == "" || !strings.HasPrefix(b.Source, "https://") || len(b.Becomes) == 0 {
			t.Fatalf("%s says not what it is, where it is from, or what it becomes", file)
		}
		all = append(all, b)
	}
	return all
}

func TestEachAnswerBecomesItsKind(t *testing.T) {
	t.Parallel()
	for _, kv := range []int{2, 1} {
		for _, b := range brokenAnswers(t) {
			t.Run(fmt.Sprintf("KV version %d/%s", kv, b.name), func(t *testing.T) {
				t.Parallel()
				for name, want := range b.Becomes {
					if other, ok := b.V1[name]; ok && kv == 1 {
						want = other
					}
					synctest.Test(t, func(t *testing.T) {
						store, srv := inMemory(t, kv)
						for _, op := range answeredCalls(t, store, kv) {
							if op.name == name {
								b.check(t, store, srv, op, want)
							}
						}
					})
				}
			})
		}
	}
}

func (b brokenAnswer) check(t *testing.T, store *core.Store, srv *wire.Server, op answeredCall, want outcome) {
	t.Helper()
	before := len(srv.Requests(op.match))
	srv.Replace(op.match, 0, b.Answer)
	err := op.call(t.Context(), store)
	if got := kindName(err); got != want.Kind {
		t.Errorf("%s is %s, want %s: %v", op.name, got, want.Kind, err)
	}
	if got := len(srv.Requests(op.match)) - before; got != want.Requests {
		t.Errorf("%s made %d requests, want %d", op.name, got, want.Requests)
	}
	if err == nil {
		return
	}
	e := (*core.Error)(nil)
	if !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("%s says not what to do: %v", op.name, err)
	}
	if op.name != "get" && e.Kind == core.ErrNotFound { //nolint:errorlint // a kind is the sentinel itself
		t.Errorf("%s is not found, which only a read can be", op.name)
	}
	if e.Code != "" && e.Code != strconv.Itoa(b.Answer.Status) && b.Answer.Raw == "" {
		t.Errorf("%s has the code %s, and the answer had %d", op.name, e.Code, b.Answer.Status)
	}
	quotesNothing(t, err, b.Answer.Body)
}

// quotesNothing fails if an error has a piece of what a server said. What is
// shorter than a piece is told by canaries.
func quotesNothing(t *testing.T, err error, said string) {
	t.Helper()
	const piece = 20
	text := fmt.Sprintf("%v %+v %#v %q", err, err, err, err)
	for i := 0; i+piece <= len(said); i++ {
		if strings.Contains(text, said[i:i+piece]) {
			t.Errorf("the error quotes what the server said: %v", err)
			return
		}
	}
}

// The same answers to the question which engine is mounted. Nothing is read or
// written then.
func TestNoAnswerIsTakenForAnEngine(t *testing.T) {
	t.Parallel()
	for _, b := range brokenAnswers(t) {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := wire.Make()
				client, _ := inMemoryClient(t, srv)
				store := open(t, vault.Config{Client: client, Lookup: nothingSet})
				defer closeStore(t, store)
				srv.Replace(wire.To("GET", "/v1/sys/internal/ui/mounts/"), 0, b.Answer)
				_, err := store.Set(t.Context(), "app", core.String("value"))
				switch kindName(err) {
				case "unavailable", "permission denied", "unauthenticated", "invalid option", "exhausted":
				default:
					t.Errorf("a write before the engine is known is %v", err)
				}
				quotesNothing(t, err, b.Answer.Body)
				if n := len(srv.Requests(wire.To("", "/v1/secret/"))); n != 0 {
					t.Errorf("%d requests went to the engine that nobody confirmed", n)
				}
			})
		})
	}
}

// The same answers to a login.
func TestNoAnswerIsTakenForALogin(t *testing.T) {
	t.Parallel()
	for _, b := range brokenAnswers(t) {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			if b.Answer.Never || b.Answer.Promise > 0 || b.Answer.Drop || b.Answer.Raw != "" {
				return // the transport's part is that of each request
			}
			srv := wire.New(t)
			store := open(t, vault.Config{Lookup: lookupIn(map[string]string{
				"VAULT_ADDR": srv.URL, "VAULT_ROLE_ID": srv.RoleID, "VAULT_SECRET_ID": srv.SecretID,
				"VAULT_MAX_RETRIES": "0",
			})})
			defer closeStore(t, store)
			srv.Replace(wire.To("PUT", "/v1/auth/approle/login"), 0, b.Answer)
			_, err := store.Get(t.Context(), "app")
			switch kindName(err) {
			case "unavailable", "unauthenticated", "exhausted":
			default:
				t.Errorf("a read after such a login is %v", err)
			}
			quotesNothing(t, err, b.Answer.Body)
			if n := len(srv.Requests(wire.To("", "/v1/"))); n != 1 {
				t.Errorf("%d requests were made, want that of the login", n)
			}
		})
	}
}

func TestRetryAfterIsNamedWhereItIsTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, srv := inMemory(t, 2)
		srv.Replace(wire.To("GET", "/v1/secret/data/"), 0, wire.Answer{
			Status: 429, Body: `{"errors":["rate limit quota exceeded"]}`, Header: http.Header{"Retry-After": {"300"}},
		})
		start := time.Now()
		_, err := store.Get(t.Context(), "app")
		if !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), "5m0s") {
			t.Errorf("an answer that asks to wait for 5 minutes is %v", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v to say so", took)
		}
	})
}
