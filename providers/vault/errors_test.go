package vault_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/vault"
	"github.com/lukko-dev/lukko/providers/vault/internal/wire"
)

// raw is an answer of any status, as a server of HTTP/1.1 may send it.
func raw(status int, contentType, body string) wire.Answer {
	return wire.Answer{Raw: fmt.Sprintf("HTTP/1.1 %d Status\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, contentType, len(body), body)}
}

// bodies of answers, and whether they are those of Vault's errors.
var bodies = []struct {
	name, contentType, text string
	own                     bool
}{
	{"an error of Vault's", "application/json", `{"errors":["something"]}`, true},
	{"no error of Vault's", "application/json", `{"errors":[]}`, true},
	{"a web page", "text/html", "<html>something</html>", false},
	{"JSON of another API", "application/json", `{"message":"something"}`, false},
	{"errors of another API", "application/json", `{"errors":[{"detail":"something"}]}`, false},
	{"nothing", "text/plain", "", false},
}

// kindOfStatus is what an answer becomes, by the status and whether Vault's own
// error came with it.
func kindOfStatus(status int, own, nothingSaid, write bool) string {
	lost := "unavailable"
	if write {
		lost = "indeterminate"
	}
	switch status {
	case 301, 302, 307, 308, 429:
		return "unavailable"
	case 413:
		if write {
			return "invalid value"
		}
		return "unavailable"
	}
	if !own || status < 400 || status >= 500 {
		return lost
	}
	switch status {
	case 400, 405:
		return "invalid option"
	case 401:
		return "unauthenticated"
	case 403:
		return "permission denied"
	case 404:
		if nothingSaid && !write {
			return "not found"
		}
	}
	return "unavailable"
}

func TestEachStatusHasItsKind(t *testing.T) {
	t.Parallel()
	for _, body := range bodies {
		t.Run(body.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, srv := inMemory(t, 2)
				for _, call := range answeredCalls(t, store, 2) {
					if call.name == "list" || call.name == "set if version" {
						continue
					}
					for status := 100; status <= 599; status++ {
						srv.Restore()
						srv.Replace(call.match, 0, raw(status, body.contentType, body.text))
						before := len(srv.Requests(call.match))
						err := call.call(t.Context(), store)
						requests := len(srv.Requests(call.match)) - before
						kind := kindName(err)
						want := kindOfStatus(status, body.own, body.text == `{"errors":[]}`, call.write)
						if status == 204 && call.name == "delete" {
							want = "none" // which is how Vault says that it is done
						}
						if kind != want {
							t.Errorf("%s of %d is %s, want %s", call.name, status, kind, want)
						}
						checkRules(t, call, status, body.own, kind, requests)
					}
				}
			})
		})
	}
}

// checkRules checks what holds whatever the table says.
func checkRules(t *testing.T, call answeredCall, status int, own bool, kind string, requests int) {
	t.Helper()
	// Only these say that nothing was written: the server's own refusal, and
	// what by its meaning was not served.
	refused := own && status >= 400 && status < 500 || status == 429 || status == 301 || status == 302 || status == 307 || status == 308
	switch {
	case kind == "not found" && !(own && status == 404):
		t.Errorf("%s of %d is not found, which no one said who knows", call.name, status)
	case kind == "permission denied" && !(own && status == 403):
		t.Errorf("%s of %d is denied, which no one said who knows", call.name, status)
	case call.write && kind == "unavailable" && !refused:
		t.Errorf("%s of %d invites a retry, and may have happened", call.name, status)
	case call.write && requests != 1 && !(refused && (status == 412 || status == 429)):
		t.Errorf("%s of %d was sent %d times", call.name, status, requests)
	case kind == "none" && status != 204:
		t.Errorf("%s of %d is a success", call.name, status)
	}
}

// What a server sends back of what it was sent is nowhere in an error.
func TestErrorsQuoteNothingThatAServerEchoes(t *testing.T) {
	t.Parallel()
	forms := map[string]func(string) string{
		"errors":     func(s string) string { return fmt.Sprintf(`{"errors":[%q]}`, s) },
		"warnings":   func(s string) string { return fmt.Sprintf(`{"request_id":%q,"warnings":[%q]}`, s, s) },
		"data":       func(s string) string { return fmt.Sprintf(`{"request_id":%q,"data":{%q:%q}}`, s, s, s) },
		"mismatch":   func(s string) string { return fmt.Sprintf(`{"errors":["check-and-set parameter required",%q]}`, s) },
		"no handler": func(s string) string { return fmt.Sprintf(`{"errors":["no handler for route",%q]}`, s) },
		"sealed":     func(s string) string { return fmt.Sprintf(`{"errors":["Vault is sealed",%q]}`, s) },
		"no JSON":    func(s string) string { return s },
		"a web page": func(s string) string { return "<html>" + s + "</html>" },
	}
	statuses := []int{101, 200, 201, 301, 302, 303, 307, 400, 401, 403, 404, 405, 412, 413, 418, 429, 500, 502, 503, 599}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, srv := inMemory(t, 2)
				for _, call := range answeredCalls(t, store, 2) {
					for _, status := range statuses {
						said := srv.Token + ` {"password":"hunter2"} ` + written + " /v1/secret/data/app"
						body := form(said)
						clean := strings.ReplaceAll(strings.ReplaceAll(said, "\r", ""), "\n", "")
						srv.Restore()
						srv.Replace(call.match, 0, wire.Answer{Raw: fmt.Sprintf(
							"HTTP/1.1 %[1]d %[2]s\r\nLocation: https://other.example.com/%[3]s\r\nX-Request-Id: %[2]s\r\nX-Vault-Request-Id: %[2]s\r\nRetry-After: %[2]s\r\nContent-Type: %[2]s\r\nX-Vault-Index: %[2]s\r\nContent-Length: %[4]d\r\n\r\n%[5]s",
							status, clean, url.QueryEscape(clean), len(body), body)})
						err := call.call(t.Context(), store)
						if name == "warnings" && call.name == "delete" && status == http.StatusOK {
							continue // which is a success that has a warning
						}
						e := (*core.Error)(nil)
						if !errors.As(err, &e) {
							t.Fatalf("%s of %d is no *core.Error", call.name, status)
						}
						if e.Code != "" && e.Code != strconv.Itoa(status) || e.RequestID != "" {
							t.Errorf("%s of %d has the code or the request id of somebody else", call.name, status)
						}
						for _, secret := range []string{srv.Token, srv.Token[4:14], "hunter2", written, "/v1/secret"} {
							for _, link := range chain(err) {
								if text := fmt.Sprintf("%v %+v %#v %q", link, link, link, link); strings.Contains(text, secret) {
									t.Errorf("%s of %d quotes what the server said (a %T)", call.name, status, link)
								}
							}
						}
						if errors.As(err, new(*api.ResponseError)) || errors.As(err, new(*url.Error)) {
							t.Errorf("%s of %d has the error of a vendor in its chain", call.name, status)
						}
					}
				}
			})
		})
	}
}

// chain is an error with all that it wraps.
func chain(err error) []error {
	all := []error{err}
	switch e := err.(type) { //nolint:errorlint // one link at a time
	case interface{ Unwrap() error }:
		if next := e.Unwrap(); next != nil {
			all = append(all, chain(next)...)
		}
	case interface{ Unwrap() []error }:
		for _, next := range e.Unwrap() {
			all = append(all, chain(next)...)
		}
	}
	return all
}

// Nothing goes to the address of a redirect, and so no token.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(other.Close)
	for _, secure := range []bool{false, true} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, at := range []string{"/v1/secret/", "/v1/sys/", "/v1/auth/approle/"} {
				t.Run(fmt.Sprintf("%d at %s, TLS %t", status, at, secure), func(t *testing.T) {
					t.Parallel()
					srv := wire.New
					if secure {
						srv = wire.NewTLS
					}
					s := srv(t)
					env := map[string]string{
						"VAULT_ADDR": s.URL, "VAULT_ROLE_ID": s.RoleID, "VAULT_SECRET_ID": s.SecretID,
					}
					if secure {
						env["VAULT_CACERT_BYTES"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate()}))
					}
					s.Replace(wire.To("", at), 0, wire.Answer{Status: status, Header: http.Header{"Location": {other.URL + "/v1/secret/data/app"}}})
					store := open(t, vault.Config{Lookup: lookupIn(env)})
					defer closeStore(t, store)
					if _, err := store.Get(t.Context(), "app"); !errors.Is(err, core.ErrUnavailable) {
						t.Errorf("a read that is redirected is %v", err)
					}
					if _, err := store.Set(t.Context(), "app", core.String("value")); err == nil {
						t.Error("a write that is redirected is a success")
					}
				})
			}
		}
	}
	t.Cleanup(func() {
		if n := arrived.Load(); n != 0 {
			t.Errorf("%d requests arrived at the address of a redirect", n)
		}
	})
}

// A long answer costs no more memory than the longest that may be right, and is
// not read to its end. The tests that are parallel wait meanwhile, so that all that is
// allocated is of this one.
func TestALongAnswerIsBounded(t *testing.T) { //nolint:paralleltest // see above
	const kib, mib, gib = 1 << 10, 1 << 20, 1 << 30
	page := http.Header{"Content-Type": {"text/html"}}
	value := http.Header{"Content-Type": {"application/json"}}
	for _, c := range []struct {
		name, call string
		answer     wire.Answer
		kind       string
		sent       int64  // at most over the connection
		allocated  uint64 // at most by both sides
	}{
		{"a value", "get", wire.Answer{Status: 200, Header: value, Filler: gib}, "invalid value", mib + 128*kib, 16 * mib},
		{"a page", "get", wire.Answer{Status: 200, Header: page, Filler: gib}, "unavailable", mib + 128*kib, 16 * mib},
		{"a denial", "get", wire.Answer{Status: 403, Header: value, Filler: gib}, "unavailable", mib + 128*kib, 16 * mib},
		{"an error", "set", wire.Answer{Status: 500, Header: value, Filler: gib}, "indeterminate", mib + 128*kib, 16 * mib},
		{"a listing", "list", wire.Answer{Status: 200, Header: value, Filler: gib}, "unavailable", 32*mib + 128*kib, 288 * mib}, // the race detector's buffers grow by twice as much
		{"a packed page", "get", wire.Answer{Status: 200, Header: page, Filler: gib, Zipped: true}, "unavailable", 128 * kib, 16 * mib},
		{"a packed error", "delete", wire.Answer{Status: 500, Header: page, Filler: gib, Zipped: true}, "indeterminate", 128 * kib, 16 * mib},
	} {
		t.Run(c.name, func(t *testing.T) { //nolint:paralleltest // as above
			store, srv := inMemory(t, 2)
			for _, call := range answeredCalls(t, store, 2) {
				if call.name != c.call {
					continue
				}
				var sent atomic.Int64
				c.answer.Sent = &sent
				srv.Replace(call.match, 0, c.answer)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := call.call(t.Context(), store)
				runtime.ReadMemStats(&after)
				if kind := kindName(err); kind != c.kind {
					t.Errorf("it is %s, want %s: %v", kind, c.kind, err)
				}
				if n := sent.Load(); n > c.sent {
					t.Errorf("%d bytes were read, want at most %d", n, c.sent)
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > c.allocated {
					t.Errorf("%d bytes were allocated, want at most %d", n, c.allocated)
				}
				return
			}
			t.Fatalf("no call %q", c.call)
		})
	}
}

// The same over the transport that a URL gets, with HTTP/1.1 and HTTP/2, and
// of headers.
func TestALongAnswerIsBoundedByTheTransport(t *testing.T) { //nolint:paralleltest // as above
	const mib, gib = 1 << 20, 1 << 30
	long := "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("a", 8*mib) + "\r\nContent-Length: 2\r\n\r\n{}"
	for _, c := range []struct {
		name   string
		secure bool
		answer wire.Answer
		code   string
	}{
		{"HTTP/1.1", false, wire.Answer{Status: 200, Filler: gib}, "200"},
		{"HTTP/2", true, wire.Answer{Status: 200, Filler: gib}, "200"},
		{"headers", false, wire.Answer{Raw: long}, ""}, // they are not even read
	} {
		t.Run(c.name, func(t *testing.T) { //nolint:paralleltest // as above
			start := wire.New
			if c.secure {
				start = wire.NewTLS
			}
			srv := start(t)
			env := map[string]string{"VAULT_ADDR": srv.URL, "VAULT_TOKEN": srv.Token, "VAULT_MAX_RETRIES": "0"}
			if c.secure {
				env["VAULT_CACERT_BYTES"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate()}))
			}
			store := open(t, vault.Config{Lookup: lookupIn(env)})
			defer closeStore(t, store)
			if _, err := store.Set(t.Context(), "app", core.String("value")); err != nil {
				t.Fatal(err)
			}
			var sent atomic.Int64
			c.answer.Sent = &sent
			srv.Replace(wire.To("GET", "/v1/secret/data/"), 0, c.answer)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := store.Get(t.Context(), "app")
			runtime.ReadMemStats(&after)
			if e := (*core.Error)(nil); !errors.As(err, &e) || !errors.Is(err, core.ErrUnavailable) || e.Code != c.code {
				t.Errorf("it is %v", err)
			}
			if n := sent.Load(); n > 64*mib { // what is on its way fills the buffers of the system
				t.Errorf("%d bytes were read", n)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 32*mib {
				t.Errorf("%d bytes were allocated", n)
			}
		})
	}
}

const sealed = `{"errors":["Vault is sealed"]}`

func TestReadsAreTriedAgainAndWritesOnlyWhereTheyDidNotBegin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer wire.Answer
		only   int // how many answers are replaced; 0: all
		reads  int // requests
		writes int
	}{
		{"sealed for a moment", wire.Answer{Status: 503, Body: sealed}, 1, 2, 2},
		{"sealed", wire.Answer{Status: 503, Body: sealed}, 0, 3, 3},
		{"a failure once", wire.Answer{Status: 502}, 1, 2, 1},
		{"a lost connection once", wire.Answer{Drop: true}, 1, 2, 1},
		{"too many requests once", wire.Answer{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, 1, 2, 2},
		{"a node that lags once", wire.Answer{Status: 412, Body: `{"errors":["required index state not present"]}`}, 1, 2, 2},
		{"a denial", wire.Answer{Status: 403, Body: `{"errors":["permission denied"]}`}, 0, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, srv := inMemory(t, 2)
				for _, call := range answeredCalls(t, store, 2) {
					if call.name != "get" && call.name != "set" {
						continue
					}
					srv.Restore()
					for n := 1; n <= max(c.only, 1); n++ {
						srv.Replace(call.match, min(n, c.only), c.answer)
					}
					want := c.reads
					if call.write {
						want = c.writes
					}
					before, start := len(srv.Requests(call.match)), time.Now()
					err := call.call(t.Context(), store)
					if n := len(srv.Requests(call.match)) - before; n != want {
						t.Errorf("%s made %d requests, want %d", call.name, n, want)
					}
					if succeeded := c.only > 0 && want > 1; (err == nil) != succeeded {
						t.Errorf("%s is %v", call.name, err)
					}
					took := time.Since(start)
					if c.answer.Header != nil && (took < 7*time.Second || took > 8*time.Second) {
						t.Errorf("%s waited %v, and was asked to wait 7 seconds", call.name, took)
					}
					if c.answer.Header == nil && took > time.Second {
						t.Errorf("%s waited %v", call.name, took)
					}
				}
			})
		})
	}
}

func TestAWriteIsSentAgainIfNobodyListened(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		refused, dials int
		kind           string
	}{{1, 2, "none"}, {2, 3, "none"}, {3, 3, "unavailable"}} {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(t, 2, func(*api.Client) {})
			before := m.net.dials.Load()
			m.net.refuse.Store(int32(c.refused))
			_, err := m.store.Set(t.Context(), "app", core.String("value"))
			if kind := kindName(err); kind != c.kind {
				t.Errorf("after %d connections that were refused it is %s, want %s: %v", c.refused, kind, c.kind, err)
			}
			if n := m.net.dials.Load() - before; n != int32(c.dials) {
				t.Errorf("%d connections were tried, want %d", n, c.dials)
			}
		})
	}
}

func TestRetriesAreAsManyAsTheEnvironmentSays(t *testing.T) {
	t.Parallel()
	for retries, want := range map[string]int{"0": 1, "1": 2, "": 3} {
		t.Run(retries, func(t *testing.T) {
			t.Parallel()
			srv := wire.New(t)
			store := open(t, vault.Config{KV: 2, Lookup: lookupIn(map[string]string{
				"VAULT_ADDR": srv.URL, "VAULT_TOKEN": srv.Token, "VAULT_MAX_RETRIES": retries,
			})})
			defer closeStore(t, store)
			data := wire.To("GET", "/v1/secret/data/")
			srv.Replace(data, 0, wire.Answer{Status: 503, Body: sealed})
			if _, err := store.Get(t.Context(), "app"); !errors.Is(err, core.ErrUnavailable) {
				t.Errorf("a read of a sealed server is %v", err)
			}
			if n := len(srv.Requests(data)); n != want {
				t.Errorf("%d requests, want %d", n, want)
			}
		})
	}
}

func TestNothingIsTriedAgainAfterTheCallersContext(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 503} {
		synctest.Test(t, func(t *testing.T) {
			store, srv := inMemory(t, 2)
			for _, call := range answeredCalls(t, store, 2) {
				ctx, cancel := context.WithCancel(t.Context())
				srv.Restore()
				srv.Replace(call.match, 0, wire.Answer{Echo: func(*http.Request) wire.Answer {
					time.AfterFunc(50*time.Millisecond, cancel) // in the pause before the next attempt
					return wire.Answer{Status: status, Body: sealed}
				}})
				before, start := len(srv.Requests(call.match)), time.Now()
				err := call.call(ctx, store)
				if n := len(srv.Requests(call.match)) - before; n != 1 {
					t.Errorf("%s of %d made %d requests, want 1", call.name, status, n)
				}
				if !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrIndeterminate) || errors.Is(err, core.ErrUnavailable) {
					t.Errorf("%s of %d is %v, and nothing was written", call.name, status, err)
				}
				if took := time.Since(start); took != 50*time.Millisecond {
					t.Errorf("%s of %d took %v, want 50ms", call.name, status, took)
				}
				cancel()
			}
		})
	}
}

// A context's error is the caller's own, and no other.
func TestTheCallersContextIsToldFromTheClientsLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		callers, ours  time.Duration
		takes          time.Duration
		contextErrorIs bool
	}{
		{"the caller's deadline", time.Second, time.Minute, time.Second, true},
		{"the client's limit", time.Minute, time.Second, time.Second, false},
		{"the client's limit alone", 0, 2 * time.Second, 2 * time.Second, false},
		{"the caller's deadline alone", 3 * time.Second, 0, 3 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, hang := range []wire.Answer{{Never: true}, {Stall: true, Status: 200, Body: `{"data":`}, {Stall: true, Status: 500, Body: `{"errors":`}} {
				synctest.Test(t, func(t *testing.T) {
					m := newMemory(t, 2, func(client *api.Client) { client.SetClientTimeout(c.ours) })
					for _, call := range answeredCalls(t, m.store, 2) {
						ctx, cancel := t.Context(), func() {}
						if c.callers > 0 {
							ctx, cancel = context.WithTimeout(ctx, c.callers)
						}
						m.Restore()
						m.Replace(call.match, 0, hang)
						before, start := len(m.Requests(call.match)), time.Now()
						err := call.call(ctx, m.store)
						cancel()
						if took := time.Since(start); took != c.takes {
							t.Errorf("%s took %v, want %v", call.name, took, c.takes)
						}
						if n := len(m.Requests(call.match)) - before; n != 1 {
							t.Errorf("%s made %d requests, want 1", call.name, n)
						}
						if is := errors.Is(err, context.DeadlineExceeded); is != c.contextErrorIs {
							t.Errorf("%s matches the context's error: %t, want %t: %v", call.name, is, c.contextErrorIs, err)
						}
						if is := errors.Is(err, core.ErrIndeterminate); is != call.write {
							t.Errorf("%s is indeterminate: %t, want %t: %v", call.name, is, call.write, err)
						}
						if is := errors.Is(err, core.ErrUnavailable); is != (!call.write && !c.contextErrorIs) {
							t.Errorf("%s is unavailable: %t: %v", call.name, is, err)
						}
						if e := (*core.Error)(nil); !c.contextErrorIs && (!errors.As(err, &e) || e.Hint == "") {
							t.Errorf("%s says not what to do: %v", call.name, err)
						}
					}
				})
			}
		})
	}
}

// The limit is also that of the environment, in real time.
func TestClientTimeoutOfTheEnvironmentBoundsACall(t *testing.T) {
	t.Parallel()
	srv := wire.New(t)
	store := open(t, vault.Config{KV: 2, Lookup: lookupIn(map[string]string{
		"VAULT_ADDR": srv.URL, "VAULT_TOKEN": srv.Token, "VAULT_CLIENT_TIMEOUT": "1",
	})})
	defer closeStore(t, store)
	srv.Replace(wire.To("GET", "/v1/secret/data/"), 0, wire.Answer{Never: true})
	start := time.Now()
	_, err := store.Get(t.Context(), "app")
	if !errors.Is(err, core.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "VAULT_CLIENT_TIMEOUT") {
		t.Errorf("a call that took too long is %v", err)
	}
	if took := time.Since(start); took < time.Second || took > 20*time.Second {
		t.Errorf("it took %v, want a second", took)
	}
}

// A delete whose answer is lost is looked at; a write is not guessed at.
func TestALostAnswerIsResolvedByProofOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, kv := range []int{2, 1} {
		for _, done := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				store, srv := inMemory(t, kv)
				for _, call := range answeredCalls(t, store, kv) {
					if !call.write {
						continue
					}
					srv.Restore()
					if _, err := store.Set(t.Context(), "app", core.String("before")); err != nil {
						t.Fatal(err)
					}
					srv.Replace(call.match, 0, wire.Answer{Drop: true, After: done})
					err := call.call(t.Context(), store)
					resolved := call.name == "delete" && done
					switch {
					case call.name == "set if version": // it is no longer the version
						if !errors.Is(err, core.ErrConflict) {
							t.Errorf("KV version %d: %s is %v", kv, call.name, err)
						}
					case resolved != (err == nil), err != nil && !errors.Is(err, core.ErrIndeterminate):
						t.Errorf("KV version %d, done %t: %s is %v", kv, done, call.name, err)
					}
				}
			})
		}
	}
}
