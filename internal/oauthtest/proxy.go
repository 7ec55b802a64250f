package oauthtest

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
)

// Proxy stands before a server and misbehaves on command. All of
// [faultproxy.HTTP] is there; the functions below make the faults of a token
// endpoint.
type Proxy struct{ *faultproxy.HTTP }

// NewProxy starts a proxy before a server that listens on addr, such as
// "127.0.0.1:8080", until the test ends. For a [Server] use Config.Proxied, so that
// the server names the proxy's addresses.
func NewProxy(t testing.TB, addr string) *Proxy {
	t.Helper()
	return &Proxy{HTTP: faultproxy.NewHTTP(t, addr)}
}

// Token has the next n requests to the token endpoint meet a fault; 0 is all, until
// restore is called.
func (p *Proxy) Token(n int, f faultproxy.Fault) (restore func()) {
	return p.Do(faultproxy.Rule{Match: faultproxy.To("", TokenPath), Times: n, Fault: f})
}

// Delivered returns how many requests to the token endpoint came to the proxy, and
// how many of them the server got.
func (p *Proxy) Delivered() (came, delivered int) {
	for _, r := range p.Requests() {
		if strings.HasPrefix(r.Path, TokenPath) {
			came++
			if r.Delivered {
				delivered++
			}
		}
	}
	return came, delivered
}

// LoseRequest resets the connection before the server has got anything, and
// LoseAnswer when the server has acted: a token is rotated and nobody knows the new
// one. KeepAnswer is LoseAnswer with a connection that stays open.
var (
	LoseRequest = faultproxy.LoseRequest
	LoseAnswer  = faultproxy.LoseAnswer
	KeepAnswer  = faultproxy.KeepAnswer
)

// Hang answers nothing, and the server gets nothing, until the client gives up or
// release is closed, which ends the connection.
func Hang(release <-chan struct{}) faultproxy.Fault {
	return faultproxy.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-release:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	}))
}

// Canary stands in each body that the proxy makes up: no client may pass it on.
const Canary = "canary-9b1f-in-a-body-of-the-token-endpoint"

// HTML answers with a page, as a gateway does.
func HTML(status int) faultproxy.Fault {
	return answer(status, "text/html; charset=utf-8", "<!doctype html><title>Oops</title><p>"+Canary)
}

// ErrorInOK answers 200 with an error in the body, as GitHub does.
func ErrorInOK(code string) faultproxy.Fault {
	return answer(http.StatusOK, "application/json", `{"error":"`+code+`","error_description":"`+Canary+`"}`)
}

// Redirect sends the client elsewhere, with its body (307).
func Redirect(to string) faultproxy.Fault {
	return faultproxy.Answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusTemporaryRedirect)
		_, _ = io.WriteString(w, Canary)
	}))
}

// Large answers 200 with so many bytes of JSON, of which the end would be a token.
func Large(bytes int) faultproxy.Fault {
	return faultproxy.Answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"about":"`+Canary)
		block := strings.Repeat("x", 32<<10)
		for left := bytes; left > 0; left -= len(block) {
			if _, err := io.WriteString(w, block); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, `","access_token":"too-late","token_type":"Bearer","expires_in":3600}`)
	}))
}

// Busy answers 429 or 503 with Retry-After.
func Busy(status int, after time.Duration) faultproxy.Fault {
	return faultproxy.Answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Retry-After", strconv.Itoa(int(after/time.Second)))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, Canary)
	}))
}

func answer(status int, kind, body string) faultproxy.Fault {
	return faultproxy.Answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
}
