package oauth2_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// flowBrowser is a browser that begins at an address, agrees at the provider,
// and is sent back to this machine.
type flowBrowser struct {
	t        *testing.T
	provider *flowProvider
}

// redirect is where the provider is to send the user back to.
func (b flowBrowser) redirect(address string) *url.URL {
	b.t.Helper()
	back, err := url.Parse(b.provider.authorization(address).Get("redirect_uri"))
	if err != nil {
		b.t.Fatal("the redirect address is no URL")
	}
	return back
}

// answered is where a user who agreed is sent back to.
func (b flowBrowser) answered(address string) *url.URL {
	b.t.Helper()
	back := b.redirect(address)
	back.RawQuery = b.provider.agree(address).Encode()
	return back
}

type flowPage struct {
	status int
	header http.Header
	body   string
}

// visit asks for a page as a browser does, or as change makes of it.
func visit(t *testing.T, to *url.URL, change func(*http.Request)) flowPage {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, to.String(), nil)
	if err != nil {
		t.Fatal("the address is none")
	}
	if change != nil {
		change(req)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Errorf("no page: an error of type %T", err)
		return flowPage{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("half a page: an error of type %T", err)
	}
	return flowPage{resp.StatusCode, resp.Header, string(body)}
}

// wantPlain fails where a page could be kept, be framed, lead anywhere, or
// repeats what came with the request.
func (p flowPage) wantPlain(t *testing.T, request *url.URL) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Content-Type": "text/html; charset=utf-8",
	} {
		if got := p.header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	for _, word := range []string{"<script", "http", "href", "src="} {
		if strings.Contains(p.body, word) {
			t.Errorf("the page has %q", word)
		}
	}
	for name, values := range request.Query() {
		for _, text := range append(values, name+"=") {
			if text != "" && strings.Contains(p.body, text) {
				t.Errorf("the page repeats %s", name)
			}
		}
	}
}

// wantFree fails where something still listens.
func wantFree(t *testing.T, host string) {
	t.Helper()
	l, err := net.Listen("tcp", host)
	if err != nil {
		t.Errorf("the port is still taken")
		return
	}
	_ = l.Close()
}

func TestABrowserConnects(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	s.promisesIss = true
	f := newFlow(t, s, nil)
	b := flowBrowser{t, s}
	var back *url.URL
	var page flowPage
	seen := make(chan struct{})
	err := f.client.ConnectBrowser(t.Context(), oauth2.BrowserOptions{
		Params: map[string]string{"login_hint": "a@b.example"},
		Open: func(address string) error {
			defer close(seen)
			if hint := s.authorization(address).Get("login_hint"); hint != "a@b.example" {
				t.Errorf("login_hint is %q", hint)
			}
			back = b.answered(address)
			page = visit(t, back, nil)
			return nil
		},
	})
	<-seen
	if err != nil {
		t.Fatal(err)
	}
	if port, err := strconv.Atoi(back.Port()); err != nil || port == 0 || back.Scheme != "http" || back.Hostname() != "127.0.0.1" || back.Path != "/callback" {
		t.Errorf("the redirect address is at %s%s", back.Host, back.Path)
	}
	if page.status != http.StatusOK || !strings.Contains(page.body, "is connected") {
		t.Errorf("the page has the status %d", page.status)
	}
	page.wantPlain(t, back)
	wantFree(t, back.Host)
	if _, ok := f.stored(); !ok {
		t.Error("nothing is stored")
	}
}

func TestStrangersChangeNothing(t *testing.T) {
	t.Parallel()
	for name, stranger := range map[string]struct {
		status int
		to     func(*url.URL)
		change func(*http.Request)
	}{
		"another state":          {400, func(u *url.URL) { u.RawQuery = "code=canary&state=forged" }, nil},
		"an error without state": {400, func(u *url.URL) { u.RawQuery = "error=access_denied" }, nil},
		"nothing":                {400, func(u *url.URL) { u.RawQuery = "" }, nil},
		"a query that is none":   {400, func(u *url.URL) { u.RawQuery += ";%zz" }, nil},
		"a page for an icon":     {404, func(u *url.URL) { u.Path, u.RawQuery = "/favicon.ico", "" }, nil},
		"another path":           {404, func(u *url.URL) { u.Path += "/" }, nil},
		"a host that was rebound to us": {400, nil, func(r *http.Request) {
			r.Host = "evil.example:" + r.URL.Port()
		}},
		"a host without the port": {400, nil, func(r *http.Request) { r.Host = "127.0.0.1" }},
		"localhost":               {400, nil, func(r *http.Request) { r.Host = "localhost:" + r.URL.Port() }},
		"a form":                  {405, nil, func(r *http.Request) { r.Method = http.MethodPost }},
		"a look ahead":            {405, nil, func(r *http.Request) { r.Method = http.MethodHead }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			f := newFlow(t, s, nil)
			b := flowBrowser{t, s}
			err := f.client.ConnectBrowser(t.Context(), oauth2.BrowserOptions{Open: func(address string) error {
				right := b.answered(address)
				to := *right
				if stranger.to != nil {
					stranger.to(&to)
				}
				for range 2 {
					page := visit(t, &to, stranger.change)
					if page.status != stranger.status {
						t.Errorf("the status is %d", page.status)
					}
					page.wantPlain(t, &to)
				}
				if n := len(s.asked("/token")); n != 0 {
					t.Errorf("the provider was asked %d times", n)
				}
				if page := visit(t, right, nil); page.status != http.StatusOK {
					t.Errorf("the user's own answer: %d", page.status)
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestTheBrowserSeesThatItFailed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(url.Values)
		kind   error
	}{
		"denied": {func(answer url.Values) {
			answer.Del("code")
			answer.Set("error", "access_denied")
			answer.Set("error_description", "<script>alert(1)</script>")
		}, core.ErrPermissionDenied},
		"mixed up":         {func(answer url.Values) { answer.Set("iss", "https://canary.example") }, core.ErrInvalidValue},
		"a code of nobody": {func(answer url.Values) { answer.Set("code", "<b>canary</b>") }, core.ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFlowProvider(t)
			f := newFlow(t, s, nil)
			b := flowBrowser{t, s}
			seen := make(chan struct{})
			err := f.client.ConnectBrowser(t.Context(), oauth2.BrowserOptions{Open: func(address string) error {
				defer close(seen)
				back := b.answered(address)
				answer := back.Query()
				test.answer(answer)
				back.RawQuery = answer.Encode()
				page := visit(t, back, nil)
				if page.status != http.StatusBadRequest || !strings.Contains(page.body, "not connected") {
					t.Errorf("the page has the status %d", page.status)
				}
				page.wantPlain(t, back)
				return nil
			}})
			<-seen
			if !errors.Is(err, test.kind) {
				t.Errorf("the error is %v", err)
			}
			wantSafe(t, err)
			f.wantNothingStored()
		})
	}
}

func TestConnectingInABrowserEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	hosts := make(chan string, 1)
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	err := f.client.ConnectBrowser(ctx, oauth2.BrowserOptions{Open: func(address string) error {
		hosts <- flowBrowser{t, s}.redirect(address).Host
		cancel()
		<-never // a browser that stays open
		return nil
	}})
	if !errors.Is(err, context.Canceled) || core.KindOf(err) != nil {
		t.Errorf("the error is %v", err)
	}
	wantFree(t, <-hosts)
}

// manualClock stands still until it is moved.
type manualClock struct {
	mu     sync.Mutex
	now    time.Time
	alarms []manualAlarm
	asked  chan struct{} // told of each After
}

type manualAlarm struct {
	at time.Time
	c  chan time.Time
}

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	alarm := manualAlarm{c.now.Add(d), make(chan time.Time, 1)}
	c.alarms = append(c.alarms, alarm)
	c.mu.Unlock()
	c.asked <- struct{}{}
	return alarm.c
}

func (c *manualClock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for _, alarm := range c.alarms {
		if !c.now.Before(alarm.at) {
			select {
			case alarm.c <- c.now:
			default:
			}
		}
	}
}

func TestConnectingInABrowserEndsAfterTenMinutes(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	clock := &manualClock{now: time.Now().Truncate(time.Second), asked: make(chan struct{}, 100)}
	f := newFlow(t, s, func(c *oauth2.Config) { c.Clock = clock })
	hosts := make(chan string, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- f.client.ConnectBrowser(t.Context(), oauth2.BrowserOptions{Open: func(address string) error {
			hosts <- flowBrowser{t, s}.redirect(address).Host
			return nil
		}})
	}()
	<-clock.asked
	host := <-hosts
	clock.move(10*time.Minute - time.Second)
	select {
	case err := <-ended:
		t.Fatalf("it has ended too soon: %v", err)
	default:
	}
	clock.move(time.Second)
	if err := <-ended; !errors.Is(err, core.ErrPermissionDenied) || !strings.Contains(err.Error(), "ten minutes") {
		t.Errorf("the error is %v", err)
	}
	wantFree(t, host)
}

func TestAnAddressThatCantBeShownEndsIt(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	hosts := make(chan string, 1)
	err := f.client.ConnectBrowser(t.Context(), oauth2.BrowserOptions{Open: func(address string) error {
		hosts <- flowBrowser{t, s}.redirect(address).Host
		return &url.Error{Op: "open", URL: address, Err: errors.New("canary")}
	}})
	if !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), "*url.Error") {
		t.Errorf("the error is %v", err)
	}
	if strings.Contains(err.Error(), "state") {
		t.Error("the error has the address")
	}
	wantSafe(t, err)
	wantFree(t, <-hosts)
}

func TestABrowserComesBackToWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := l.Addr().(*net.TCPAddr).Port
	defer l.Close()
	open := func(string) error {
		t.Error("a browser was opened")
		return nil
	}
	for name, test := range map[string]struct {
		options oauth2.BrowserOptions
		kind    error
	}{
		"a port that is taken":     {oauth2.BrowserOptions{Open: open, Port: taken}, core.ErrUnavailable},
		"no Open":                  {oauth2.BrowserOptions{}, core.ErrInvalidOption},
		"a negative port":          {oauth2.BrowserOptions{Open: open, Port: -1}, core.ErrInvalidOption},
		"a port beyond all":        {oauth2.BrowserOptions{Open: open, Port: 1 << 16}, core.ErrInvalidOption},
		"a path without slash":     {oauth2.BrowserOptions{Open: open, Path: "x"}, core.ErrInvalidOption},
		"a path with a query":      {oauth2.BrowserOptions{Open: open, Path: "/x?y"}, core.ErrInvalidOption},
		"a path with escapes":      {oauth2.BrowserOptions{Open: open, Path: "/%2e"}, core.ErrInvalidOption},
		"all addresses":            {oauth2.BrowserOptions{Open: open, Host: "0.0.0.0"}, core.ErrInvalidOption},
		"another machine":          {oauth2.BrowserOptions{Open: open, Host: "app.example"}, core.ErrInvalidOption},
		"the protocol's parameter": {oauth2.BrowserOptions{Open: open, Params: map[string]string{"state": "x"}}, core.ErrInvalidOption},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, newFlowProvider(t), nil)
			if err := f.client.ConnectBrowser(t.Context(), test.options); !errors.Is(err, test.kind) {
				t.Errorf("the error is %v", err)
			}
		})
	}
	t.Run("a host and a path", func(t *testing.T) {
		s := newFlowProvider(t)
		f := newFlow(t, s, nil)
		err := f.client.ConnectBrowser(t.Context(), oauth2.BrowserOptions{Host: "localhost", Path: "/oauth/done", Open: func(address string) error {
			back := flowBrowser{t, s}.answered(address)
			if back.Hostname() != "localhost" || back.Path != "/oauth/done" {
				t.Errorf("the redirect address is at %s%s", back.Host, back.Path)
			}
			visit(t, back, nil)
			return nil
		}})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("a port", func(t *testing.T) {
		s := newFlowProvider(t)
		f := newFlow(t, s, nil)
		_ = l.Close() // and take it
		err := f.client.ConnectBrowser(t.Context(), oauth2.BrowserOptions{Port: taken, Open: func(address string) error {
			back := flowBrowser{t, s}.answered(address)
			if back.Port() != strconv.Itoa(taken) {
				t.Errorf("the redirect address is at %s", back.Host)
			}
			visit(t, back, nil)
			return nil
		}})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestALongCodeConnects(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	err := f.client.ConnectBrowser(t.Context(), oauth2.BrowserOptions{Open: func(address string) error {
		back := flowBrowser{t, s}.answered(address)
		back.RawQuery += "&session=" + strings.Repeat("x", 32<<10)
		if page := visit(t, back, nil); page.status != http.StatusOK {
			t.Errorf("the status is %d", page.status)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}
