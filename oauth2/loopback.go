package oauth2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// BrowserOptions say how [Client.ConnectBrowser] reaches the user.
type BrowserOptions struct {
	// Open shows the user the address, in a browser or as text to click on. It
	// is called once, in a goroutine of its own, which ConnectBrowser doesn't
	// wait for. An error ends the connecting; its text is not passed on, as it
	// may hold the address.
	Open func(address string) error

	// Host is the host of the redirect address: "127.0.0.1" or "::1", and
	// "localhost" for a provider that accepts nothing else, since that name
	// may lead elsewhere (RFC 8252 section 8.3). Empty is 127.0.0.1, and ::1
	// where the machine has only that.
	Host string

	// Port and Path are for a provider that wants the redirect address exactly
	// as it was registered. Zero is a free port, which RFC 8252 section 7.3
	// has providers allow; an empty path is "/callback".
	Port int
	Path string

	// Params are as in [BeginOptions].
	Params map[string]string
}

// ConnectBrowser connects an account by the authorization code grant, for a
// program on the user's own machine (RFC 8252 section 7.3): it listens on a
// loopback address, has the provider's page opened, and takes the answer that
// the browser brings back. Requests that don't bring the state, from whomever,
// are refused and change nothing. The page that the user sees at the end says
// whether it worked, and nothing that came with the request.
//
// It ends when the account is connected, when the provider or [Client.Finish]
// refuses, after ten minutes, or with ctx; the port is closed then. Errors are
// those of [Client.Begin] and Finish, core.ErrUnavailable where no port can be
// had or Open fails, and the context's.
func (c *Client) ConnectBrowser(ctx context.Context, o BrowserOptions) error {
	path := o.Path
	if path == "" {
		path = "/callback"
	}
	if o.Open == nil || o.Port < 0 || o.Port > 65535 || !strings.HasPrefix(path, "/") || (&url.URL{Path: path}).EscapedPath() != path {
		return c.connectError(core.ErrInvalidOption, "ConnectBrowser needs Open, a Port of 0 to 65535, and a Path that begins with a slash and needs no escapes")
	}
	listeners, host, err := loopback{listenTCP}.on(ctx, o.Host, o.Port)
	if err != nil {
		if ctx.Err() != nil {
			return c.fail(opConnect, nil, "", ctx.Err())
		}
		if errors.Is(err, errHost) {
			return c.connectError(core.ErrInvalidOption, `Host must be "127.0.0.1", "::1", "localhost" or empty`)
		}
		return c.connectError(core.ErrUnavailable, "no loopback address and port to listen on; is the port in use?")
	}
	answers := make(chan url.Values, 1)
	wait := &callback{host: host, path: path, answers: answers, finished: make(chan struct{})}
	server := &http.Server{
		Handler:           wait,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		MaxHeaderBytes:    64 << 10, // a code may be long
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	server.SetKeepAlivesEnabled(false) // one page, and the port is free
	var serving sync.WaitGroup
	defer func() {
		close(wait.finished)
		for _, l := range listeners {
			_ = l.Close() // those that are not served; the server closes its own
		}
		// The page on its way gets a moment; a connection that a browser opened
		// for later and sends nothing on does not hold us.
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
		serving.Wait()
	}()

	redirect := url.URL{Scheme: "http", Host: host, Path: path}
	p, err := c.Begin(ctx, BeginOptions{RedirectURL: redirect.String(), Params: o.Params})
	if err != nil {
		return err
	}
	wait.pending = p
	for _, l := range listeners {
		serving.Go(func() { _ = server.Serve(l) })
	}
	opened := make(chan error, 1)
	go func() { opened <- o.Open(p.URL.Reveal()) }()
	over := c.clock.After(p.ExpiresAt.Sub(c.clock.Now()))
	for {
		select {
		case answer := <-answers:
			err := c.Finish(ctx, p, answer)
			wait.connected = err == nil
			return err
		case err := <-opened:
			if err != nil {
				return c.connectError(core.ErrUnavailable, fmt.Sprintf("the address could not be shown to the user: an error of type %T", err))
			}
			opened = nil
		case <-over:
			return c.connectError(core.ErrPermissionDenied, "nobody agreed within ten minutes; connect again")
		case <-c.ending.Done():
			return c.connectError(core.ErrClosed, "")
		case <-ctx.Done():
			return c.fail(opConnect, nil, "", ctx.Err())
		}
	}
}

var errHost = errors.New("not a loopback host")

// loopback makes listeners on the addresses of this machine.
type loopback struct {
	listen func(ctx context.Context, address string) (net.Listener, error)
}

func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

const (
	loopback4 = "127.0.0.1"
	loopback6 = "::1"
)

// on listens for a host of [BrowserOptions], and returns that and the port as
// the Host header will have them.
func (b loopback) on(ctx context.Context, host string, port int) ([]net.Listener, string, error) {
	switch host {
	case loopback4, loopback6:
		return b.first(ctx, host, port, host)
	case "":
		listeners, at, err := b.first(ctx, loopback4, port, loopback4)
		if err != nil && port == 0 && ctx.Err() == nil {
			// Of a port that was asked for, the address is registered as it is.
			return b.first(ctx, loopback6, port, loopback6)
		}
		return listeners, at, err
	case "localhost":
		// To a browser the name is both addresses, so both are ours, or the one
		// that the machine has.
		listeners, at, err := b.first(ctx, loopback4, port, host)
		if err != nil {
			return b.first(ctx, loopback6, port, host)
		}
		if l, err := b.listen(ctx, net.JoinHostPort(loopback6, portOf(listeners[0]))); err == nil {
			listeners = append(listeners, l)
		}
		return listeners, at, nil
	}
	return nil, "", errHost
}

func (b loopback) first(ctx context.Context, ip string, port int, host string) ([]net.Listener, string, error) {
	l, err := b.listen(ctx, net.JoinHostPort(ip, strconv.Itoa(port)))
	if err != nil {
		return nil, "", err
	}
	return []net.Listener{l}, net.JoinHostPort(host, portOf(l)), nil
}

func portOf(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// callback is the page that the provider sends the browser back to.
type callback struct {
	host, path string
	pending    *Pending
	answers    chan<- url.Values
	finished   chan struct{} // closed once connected is set
	connected  bool
}

func (b *callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the address has the code
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

	// Another host that leads here is a page that rebinds its name to us.
	answer, err := url.ParseQuery(r.URL.RawQuery)
	switch {
	case r.Host != b.host:
		page(w, http.StatusBadRequest, "This address is not for you.")
		return
	case r.URL.Path != b.path:
		page(w, http.StatusNotFound, "There is nothing here.")
		return
	case r.Method != http.MethodGet:
		h.Set("Allow", http.MethodGet)
		page(w, http.StatusMethodNotAllowed, "This page can only be read.")
		return
	case err != nil || !b.pending.answers(answer):
		page(w, http.StatusBadRequest, "This is not the answer that is waited for.")
		return
	}
	select {
	case b.answers <- answer:
	default: // the browser asks twice; both see how it ends
	}
	select {
	case <-b.finished:
	case <-r.Context().Done():
		return
	}
	if b.connected {
		page(w, http.StatusOK, "The account is connected. You can close this window.")
		return
	}
	page(w, http.StatusBadRequest, "The account is not connected. The program that sent you here says why. You can close this window.")
}

// page answers with a text of ours.
func page(w http.ResponseWriter, status int, text string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Connecting an account</title><p>%s</p></html>\n", text)
}
