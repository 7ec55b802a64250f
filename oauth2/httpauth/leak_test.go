package httpauth_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

// noLeak fails if an error, or one in its chain, prints a part of the secret.
func noLeak(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := fmt.Sprintf("%v %+v %#v %q %s", err, err, err, err, err)
	decoded := text
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \"'{}:,", r) }) {
		if plain, err := base64.StdEncoding.DecodeString(word); err == nil {
			decoded += " " + string(plain)
		}
	}
	if holds(decoded) {
		t.Errorf("an error of type %T prints the secret", err)
	}
	switch e := err.(type) { //nolint:errorlint // each link is looked at
	case interface{ Unwrap() error }:
		noLeak(t, e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			noLeak(t, one)
		}
	}
}

// schemes are all ways to send the canary.
var schemes = map[string]struct {
	scheme httpauth.Scheme
	secret string
}{
	"bearer":        {httpauth.Bearer(), canary},
	"authorization": {httpauth.Authorization("SSWS"), canary},
	"basic":         {httpauth.Basic("api"), canary},
	"user password": {httpauth.UserPassword(), "api:" + canary},
	"key as user":   {httpauth.UserPassword(), canary + ":"},
	"header":        {httpauth.Header("X-Api-Key"), canary},
	"query":         {httpauth.Query("key"), canary},
}

// quoting are errors of transports that show what they were given.
var quoting = map[string]func(*http.Request) error{
	"the request":     func(r *http.Request) error { return fmt.Errorf("giving up on %s after 3 attempts%v", r.URL, r.Header) },
	"a URL, redacted": func(r *http.Request) error { return fmt.Errorf("giving up on %s%q", r.URL.Redacted(), r.Header) },
	"its parts":       func(r *http.Request) error { return fmt.Errorf("giving up: %v of %#v", r.Header, r.URL) },
	"a part":          func(r *http.Request) error { s := fmt.Sprint(r.URL, r.Header); return errors.New(s[:len(s)-5]) },
	"a url.Error": func(r *http.Request) error {
		return &url.Error{Op: "Get", URL: r.URL.String() + fmt.Sprint(r.Header), Err: io.EOF}
	},
	"a wrapped one": func(r *http.Request) error { return quiet{[]error{fmt.Errorf("%v %v", r.URL, r.Header)}} },
	"a quiet one":   func(r *http.Request) error { return shy{fmt.Errorf("%v %v", r.URL, r.Header)} },
	"a joined one":  func(r *http.Request) error { return errors.Join(io.EOF, fmt.Errorf("%v %v", r.URL, r.Header)) },
	"only %+v":      func(r *http.Request) error { return plus{r} },
	"only %#v":      func(r *http.Request) error { return deep{fmt.Sprint(r.URL, r.Header)} },
}

// quiet says nothing by itself.
type quiet struct{ errs []error }

func (quiet) Error() string     { return "it failed" }
func (q quiet) Unwrap() []error { return q.errs }

// shy is quiet with one error.
type shy struct{ err error }

func (shy) Error() string   { return "it failed" }
func (s shy) Unwrap() error { return s.err }

type plus struct{ req *http.Request }

func (plus) Error() string { return "it failed" }
func (p plus) Format(s fmt.State, _ rune) {
	if s.Flag('+') {
		_, _ = fmt.Fprint(s, p.req.URL, p.req.Header)
	}
}

type deep struct{ Sent string }

func (deep) Error() string { return "it failed" }

func TestNoErrorOfTheTransportBelowShowsTheSecret(t *testing.T) {
	t.Parallel()
	for name, s := range schemes {
		for what, fail := range quoting {
			t.Run(name+"/"+what, func(t *testing.T) {
				t.Parallel()
				b := &base{fail: fail}
				tr := transport(t, httpauth.Config{Name: "weather", Get: give(s.secret), Scheme: s.scheme, Base: b})
				_, err := do(t, tr, request(t, "https://api.example.com/v1"))
				e := wantKind(t, err, core.ErrUnavailable)
				if e.Name != "weather" || !strings.Contains(err.Error(), fmt.Sprintf("%T", fail(request(t, "https://x.test")))) {
					t.Errorf("the error %q does not name the credential and the Go type", err)
				}
				_, err = get(t, tr.HTTP(), request(t, "https://api.example.com/v1"))
				wantKind(t, err, core.ErrUnavailable)
				var of *url.Error
				if !errors.As(err, &of) || of.URL != "https://api.example.com/v1" {
					t.Error("the client's error does not quote the caller's own URL")
				}
			})
		}
	}
}

func TestAnErrorThatShowsNothingIsPassedOnAsItIs(t *testing.T) {
	t.Parallel()
	for name, s := range schemes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused by api.example.com")}
			tr := transport(t, httpauth.Config{Get: give(s.secret), Scheme: s.scheme, Base: &base{fail: func(*http.Request) error { return want }}})
			if _, err := do(t, tr, request(t, "https://api.example.com/")); err != want { //nolint:errorlint // identity is the point
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAShortPasswordIsHiddenToo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		scheme httpauth.Scheme
		secret string
	}{
		"basic":         {httpauth.Basic("api"), "zq7"},
		"user password": {httpauth.UserPassword(), "api:zq7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := transport(t, httpauth.Config{Get: give(tt.secret), Scheme: tt.scheme, Base: &base{fail: func(r *http.Request) error {
				_, password, _ := r.BasicAuth()
				return errors.New("the password is " + password)
			}}})
			_, err := do(t, tr, request(t, "https://api.example.com/"))
			if err == nil || strings.Contains(err.Error(), "zq7") {
				t.Error("the error shows the secret, or there is none")
			}
		})
	}
}

func TestASecretThatIsEscapedIsHiddenToo(t *testing.T) {
	t.Parallel()
	tr := transport(t, httpauth.Config{
		Get: give("+z q+7 z&q"), Scheme: httpauth.Query("key"),
		Base: &base{fail: func(r *http.Request) error { return fmt.Errorf("giving up on %s", r.URL) }},
	})
	_, err := do(t, tr, request(t, "https://api.example.com/"))
	if err == nil || strings.Contains(err.Error(), "giving up on") {
		t.Error("the error shows the secret, or there is none")
	}
}

func TestAShortSecretIsHiddenToo(t *testing.T) {
	t.Parallel()
	tr := transport(t, httpauth.Config{
		Get: give("zq7"), Scheme: httpauth.Query("key"),
		Base: &base{fail: func(r *http.Request) error { return fmt.Errorf("giving up on %s", r.URL) }},
	})
	_, err := do(t, tr, request(t, "https://api.example.com/"))
	if err == nil || strings.Contains(err.Error(), "zq7") {
		t.Error("the error shows the secret, or there is none")
	}
}

// late is a timeout that quotes.
type late struct{ error }

func (late) Timeout() bool { return true }

func TestAHiddenErrorStillSaysWhetherTimeIsUp(t *testing.T) {
	t.Parallel()
	var fail func(*http.Request) error
	tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Base: &base{fail: func(r *http.Request) error { return fail(r) }}})

	fail = func(r *http.Request) error { return late{fmt.Errorf("giving up on %s", r.URL)} }
	_, err := get(t, tr.HTTP(), request(t, "https://api.example.com/"))
	wantKind(t, err, core.ErrUnavailable)
	var of net.Error
	if !errors.As(err, &of) || !of.Timeout() {
		t.Error("a timeout isn't one any more")
	}

	fail = func(r *http.Request) error { return fmt.Errorf("giving up on %s: %w", r.URL, context.Canceled) }
	_, err = do(t, tr, request(t, "https://api.example.com/"))
	if wantKind(t, err, core.ErrUnavailable); errors.Is(err, context.Canceled) {
		t.Error("a context that isn't the request's is said to have ended")
	}
	var e *httpauth.Error
	if errors.As(err, &e) && e.Timeout() {
		t.Error("what is no timeout has become one")
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = do(t, tr, request(t, "https://api.example.com/").WithContext(ctx))
	if wantKind(t, err, context.Canceled); errors.Is(err, core.ErrUnavailable) {
		t.Error("the request's own context has ended, and the error says that the host can't be reached")
	}
}

// TestAServerThatEchoesIsNotQuoted speaks to a real server by net/http's own
// transport, which quotes what isn't HTTP.
func TestAServerThatEchoesIsNotQuoted(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			n, _ := conn.Read(buf)
			_, _ = conn.Write(buf[:n]) // an echo service, RFC 862
			_ = conn.Close()
		}
	}()
	plain := &http.Transport{}
	t.Cleanup(plain.CloseIdleConnections)
	addr := "http://" + listener.Addr().String() + "/v1"

	_, err = get(t, &http.Client{Transport: plain}, request(t, addr+"?key="+canary))
	if err == nil || !strings.Contains(errors.Unwrap(err).Error(), canary) {
		t.Fatal("net/http itself doesn't quote the server, and this test shows nothing")
	}
	tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Hosts: []string{"127.0.0.1"}, Base: plain})
	_, err = get(t, tr.HTTP(), request(t, addr))
	wantKind(t, err, core.ErrUnavailable)
}

func TestNothingPrintsTheSecret(t *testing.T) {
	t.Parallel()
	for name, s := range schemes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value := core.String(s.secret)
			b := &base{}
			cfg := httpauth.Config{Name: "weather", Get: func(context.Context) (core.Value, error) { return value, nil }, Scheme: s.scheme, Hosts: []string{"api.example.com"}}
			with := cfg
			with.Base = b // which keeps what comes, as one that logs does
			tr := transport(t, with)
			req := request(t, "https://api.example.com/v1")
			resp, err := do(t, tr, req)
			if err != nil {
				t.Fatal(err)
			}
			client := tr.HTTP()
			for what, v := range map[string]any{"the configuration": cfg, "the transport": tr, "the transport's fields": *tr, "the scheme": s.scheme, "the client": client, "the request": req, "the answer": resp, "its request": resp.Request, "its address": resp.Request.URL, "its header": resp.Request.Header} {
				var log bytes.Buffer
				slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
				slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
				encoded, _ := json.Marshal(v) //nolint:errchkjson // functions don't encode
				if holds(fmt.Sprintf("%v %+v %#v %s", v, v, v, v) + log.String() + string(encoded)) {
					t.Errorf("%s prints it", what)
				}
			}
		})
	}
}

func TestAnErrorOfAWholeRequestNamesTheCallersURL(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]http.HandlerFunc{
		"a redirect to what is no address": redirect("https://api.example.com:port/%zz"),
		"redirects without end":            redirect("https://api.example.com/v1"),
		"redirects with the query":         func(w http.ResponseWriter, r *http.Request) { redirect("/v1?"+r.URL.RawQuery)(w, r) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Base: &base{serve: map[string]http.HandlerFunc{"api.example.com": serve}}})
			for what, client := range map[string]*http.Client{"its own client": tr.HTTP(), "any client": {Transport: tr}} {
				_, err := get(t, client, request(t, "https://api.example.com/v1?a=b"))
				var of *url.Error
				if !errors.As(err, &of) || !strings.Contains(of.URL, "/v1") {
					t.Fatalf("%s: the error is a %T, and should be a *url.Error with the address", what, err)
				}
				noLeak(t, err)
			}
		})
	}
}

func TestATransportAndAnErrorPrintAsOneLine(t *testing.T) {
	t.Parallel()
	tr := transport(t, httpauth.Config{Name: "weather", Scheme: httpauth.Header("X-Api-Key"), Hosts: []string{"API.example.com", "localhost"}})
	if got, want := fmt.Sprintf("%+v", tr), `httpauth.Transport("weather": header:X-Api-Key to api.example.com, localhost)`; got != want {
		t.Errorf("the transport prints as %q, and should as %q", got, want)
	}
	err := &httpauth.Error{Name: "a\nb", Kind: core.ErrInvalidValue, Hint: "x\ny"}
	if got := fmt.Sprintf("%v", err); strings.Contains(got, "\n") || got != err.Error() {
		t.Errorf("the error prints as %q", got)
	}
	if got, want := fmt.Sprintf("%q", err), fmt.Sprintf("%q", err.Error()); got != want {
		t.Errorf("quoted it prints as %s, and should as %s", got, want)
	}
	if got := (&httpauth.Error{Err: context.Canceled}).Error(); got != "send a secret: context canceled" {
		t.Errorf("without a name it prints as %q", got)
	}
}

func TestAClientThatWaitsNoLongerQuotesNoSecret(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	plain := &http.Transport{}
	t.Cleanup(plain.CloseIdleConnections)
	tr := transport(t, httpauth.Config{Scheme: httpauth.Query("key"), Hosts: []string{"127.0.0.1"}, Base: plain})
	client := tr.HTTP()
	client.Timeout = time.Millisecond
	_, err = get(t, client, request(t, "http://"+listener.Addr().String()+"/v1"))
	noLeak(t, err)
	var of net.Error
	if !errors.As(err, &of) || !of.Timeout() {
		t.Errorf("the error is a %T that is no timeout", err)
	}
}
