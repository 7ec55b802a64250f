package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// connecting is how an account is connected.
type connecting struct {
	whose
	browser, device, paste  bool
	noOpen, yes, oneProcess bool
	port                    int
	redirect                string
}

func newOAuthConnect(a *app) *cobra.Command {
	var how connecting
	c := &cobra.Command{
		Use:   "connect NAME",
		Short: "Connect an account: its owner agrees at the provider",
		Long: `Connect an account and store its tokens, which are never printed. Its owner agrees
at the provider: in a browser here (--browser, where there is a desktop); else on
any device, by a code (--device, where the provider has that); else in a browser
anywhere, whose last address is then pasted here (--paste). Without these flags
the first that can be is taken. With the grant client_credentials nobody is asked.

The browser comes back to a free port of 127.0.0.1. A provider that knows one
address only is told by --port or --redirect which one that is.`,
		Example: `  lukko oauth connect github
  lukko oauth connect github --user alice --env production --device
  lukko oauth connect slack --paste --redirect https://app.example.com/callback`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeAccount,
	}
	how.flag(c)
	c.Flags().BoolVar(&how.browser, "browser", false, "agree in a browser on this machine")
	c.Flags().BoolVar(&how.device, "device", false, "agree on any device, by a code that is shown here")
	c.Flags().BoolVar(&how.paste, "paste", false, "agree in a browser anywhere, and paste here the address that it ends at")
	c.Flags().IntVar(&how.port, "port", 0, "the port of the redirect address, where the provider has a certain one")
	c.Flags().StringVar(&how.redirect, "redirect", "", "the redirect address, where the provider has a certain one")
	c.Flags().BoolVar(&how.noOpen, "no-open", false, "show the address, and open no browser")
	c.Flags().BoolVar(&how.yes, "yes", false, "replace an account that is connected without asking")
	c.Flags().BoolVar(&how.oneProcess, "one-process", false, "go on though the store has no conditional writes: one process alone refreshes")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		if err := how.check(); err != nil {
			return err
		}
		return a.withAccounts(ctx, how.oneProcess, func(s *accounts) error {
			d, m, err := s.accountOf(args[0], &how.whose)
			if err != nil {
				return err
			}
			return s.connect(ctx, a, d, m, how)
		})
	}
	return c
}

// check refuses flags that don't go together. No text repeats an address.
func (how connecting) check() error {
	if how.port < 0 || how.port > 65535 {
		return usage("--port is no port", "it is 1 to 65535; without it a free one is taken")
	}
	if how.browser && how.device || how.browser && how.paste || how.device && how.paste {
		return usage("--browser, --device and --paste are three ways to the same", "choose one, or leave all out")
	}
	if how.noOpen && (how.device || how.paste) {
		return usage("--no-open is for a browser on this machine", "--device and --paste open none")
	}
	if how.redirect == "" && how.port == 0 {
		return nil
	}
	if how.device {
		return usage("--device has no redirect address", "leave --port and --redirect out")
	}
	if how.redirect == "" {
		return nil
	}
	if how.port != 0 {
		return usage("--redirect says the port, too", "leave --port out")
	}
	u, err := url.Parse(how.redirect)
	if err != nil || u.Host == "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && !isLoopback(u) {
		return usage("--redirect is no redirect address", "it is https, or http to 127.0.0.1, [::1] or localhost, exactly as it is registered at the provider")
	}
	if _, _, _, ok := local(u); !ok && how.browser {
		return usage("a browser on this machine comes back to http://127.0.0.1 with a port", "for any other redirect address use --paste")
	}
	return nil
}

func isLoopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback())
}

// local are the host, port and path of a redirect address that this machine can
// listen at.
func local(u *url.URL) (host string, port int, path string, ok bool) {
	port, err := strconv.Atoi(u.Port())
	path = u.EscapedPath()
	return u.Hostname(), port, path, isLoopback(u) && err == nil && port > 0 && u.RawQuery == "" && path != "" && path == u.Path
}

func (s *accounts) connect(ctx context.Context, a *app, d credentials.Declared, m credentials.Meta, how connecting) error {
	alone := m.OAuth2.Grant == oauth2.GrantClientCredentials
	if alone && (how.browser || how.device || how.paste || how.noOpen || how.port != 0 || how.redirect != "") {
		return usage(m.Name+" is connected by the application's secret alone, and nobody is asked", "leave out how to ask: lukko oauth connect "+m.Name)
	}
	if err := s.canKeep(ctx, a, how.oneProcess); err != nil {
		return err
	}
	if !alone && !how.yes {
		if err := s.mayReplace(ctx, a, d, how.user); err != nil {
			return err
		}
	}
	client, err := s.clientOf(d, how.user)
	if err != nil {
		return err
	}
	who := label(m, how.user)
	if alone {
		err = client.ConnectClientCredentials(ctx)
	} else {
		err = a.agree(ctx, client, m, who, how)
	}
	if err != nil {
		return err
	}
	return s.tellConnected(ctx, a, client, who)
}

// mayReplace asks before an account that works is replaced by another.
func (s *accounts) mayReplace(ctx context.Context, a *app, d credentials.Declared, user string) error {
	status, err := s.statusOf(ctx, d, user)
	switch {
	case status.State == credentials.StateUnknown:
		return err
	case status.State != credentials.StateOK:
		return nil // there is none, or none that is of use
	}
	who := label(d.Meta(), user)
	since := ""
	if !status.ConnectedAt.IsZero() {
		since = " since " + stamp(status.ConnectedAt)
	}
	yes, err := a.confirm(ctx, "The account of "+who+" is connected"+since+". Replace it? [y/N] ")
	if err != nil || yes {
		return err
	}
	return failure(exitNo, who+" is connected"+since+", and was not replaced", "lukko oauth connect "+d.Meta().Name+" --yes replaces it; lukko oauth revoke ends it first")
}

// agree has the account's owner agree, in the way that was asked for, or in the
// first that can be.
func (a *app) agree(ctx context.Context, client *oauth2.Client, m credentials.Meta, who string, how connecting) error {
	redirect, _ := url.Parse(how.redirect) // checked before
	_, _, _, here := local(redirect)
	here = here || how.redirect == ""
	switch {
	case how.browser || how.noOpen:
		return a.connectBrowser(ctx, client, who, how, redirect)
	case how.device:
		return a.connectDevice(ctx, client, who)
	case how.paste || !here:
		return a.connectPaste(ctx, client, who, how)
	case a.hasDesktop():
		return a.connectBrowser(ctx, client, who, how, redirect)
	case how.port == 0 && how.redirect == "" && (m.OAuth2.DeviceURL != "" || m.OAuth2.Issuer != ""):
		err := a.connectDevice(ctx, client, who)
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	return a.connectPaste(ctx, client, who, how)
}

func (a *app) connectBrowser(ctx context.Context, client *oauth2.Client, who string, how connecting, redirect *url.URL) error {
	o := oauth2.BrowserOptions{Port: how.port}
	if how.redirect != "" {
		o.Host, o.Port, o.Path, _ = local(redirect)
	}
	o.Open = func(address string) error {
		a.say("lukko: to connect %s, agree in a browser on this machine, at", who)
		a.say("  %s", core.Printable(address))
		if !how.noOpen && !a.openBrowser(address) {
			a.say("lukko: no browser could be started; open the address yourself, or use --paste with a browser elsewhere")
		}
		return nil
	}
	return client.ConnectBrowser(ctx, o)
}

func (a *app) connectDevice(ctx context.Context, client *oauth2.Client, who string) error {
	return client.ConnectDevice(ctx, func(code oauth2.DeviceCode) error {
		a.say("lukko: to connect %s, open %s on any device", who, core.Printable(code.URL))
		a.say("  and type in the code  %s", core.Printable(code.UserCode))
		if code.CompleteURL != "" {
			a.say("  or compare it at %s", core.Printable(code.CompleteURL))
		}
		a.say("lukko: waiting until %s", stamp(code.ExpiresAt))
		return nil
	})
}

// pasteRedirect is where a browser comes back to that nobody waits for: a
// loopback address whose port the provider does not compare (RFC 8252 section
// 7.3). That nothing is there is no matter, as its address is all that is needed.
const pasteRedirect = "http://127.0.0.1/callback"

func (a *app) connectPaste(ctx context.Context, client *oauth2.Client, who string, how connecting) error {
	o := oauth2.BeginOptions{RedirectURL: how.redirect}
	switch {
	case how.redirect != "":
	case how.port != 0:
		o.RedirectURL = "http://127.0.0.1:" + strconv.Itoa(how.port) + "/callback"
	default:
		o.RedirectURL = pasteRedirect
	}
	p, err := client.Begin(ctx, o)
	if err != nil {
		return err
	}
	a.say("lukko: to connect %s, agree in a browser anywhere, at", who)
	a.say("  %s", core.Printable(p.URL.Reveal()))
	a.say("lukko: it then goes to an address that begins with %s, where it may find nothing; copy all of that address", core.Printable(p.RedirectURL))
	pasted, err := a.pasted(ctx)
	if err != nil {
		return err
	}
	answer, err := oauth2.ParseAnswer(pasted)
	if err != nil {
		return err
	}
	return client.Finish(ctx, p, answer)
}

// pasted reads the address that was pasted: at a terminal, which does not show
// it as it holds a code, or else the first line of standard input that has
// anything on it.
func (a *app) pasted(ctx context.Context) (string, error) {
	if term.IsTerminal(int(a.in.Fd())) {
		line, err := a.readHidden(ctx, a.in, "Paste it here (it is not shown): ")
		if own := (*cliError)(nil); errors.As(err, &own) && own.hint != "nothing was changed" {
			return "", failure(own.code, own.what, "connect again, and give the address on standard input")
		}
		return line, err
	}
	type result struct {
		line string
		err  error
	}
	done := make(chan result, 1)
	go func() { // it ends with the read, or with the process
		const most = 64<<10 + 1
		in := bufio.NewReader(io.LimitReader(a.in, most))
		for {
			line, err := in.ReadString('\n')
			if err != nil || strings.TrimSpace(line) != "" {
				done <- result{line, err}
				return
			}
		}
	}()
	select {
	case <-ctx.Done():
		return "", interrupted()
	case r := <-done:
		if r.err != nil && strings.TrimSpace(r.line) == "" {
			return "", failure(exitUnknown, "standard input ended, and no address was pasted", "run it at a terminal, or write the address to its standard input; on a machine with a desktop use --browser")
		}
		return r.line, nil
	}
}

// tellConnected says what came of it, and nothing that opens anything.
func (s *accounts) tellConnected(ctx context.Context, a *app, client *oauth2.Client, who string) error {
	a.say("lukko: connected %s, in %s", who, s.of.what())
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if len(status.Granted) > 0 {
		a.say("  scopes: %s", scopesOf(status.Granted))
	}
	if len(status.Missing) > 0 {
		a.say("  wanted and not granted: %s", scopesOf(status.Missing))
	}
	a.say("  %s", lifeOf(status.ExpiresAt.Time, status.Refreshable))
	return nil
}

// lifeOf says how long tokens are good, for people.
func lifeOf(expires time.Time, refreshable bool) string {
	text := "the access token has no known end"
	if !expires.IsZero() {
		text = "the access token ends at " + stamp(expires)
	}
	if refreshable {
		return text + ", and is refreshed"
	}
	return text + ", and can't be refreshed: connect again when it is over"
}
