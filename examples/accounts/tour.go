package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/examples/internal/tell"
)

// tour plays two users, and checks what they see.
func tour(ctx context.Context, out io.Writer, w *world) error {
	say := tell.Teller{Out: out}
	alice, err := newBrowser(ctx, w, "alice", "alice-dev")
	if err != nil {
		return err
	}
	bob, err := newBrowser(ctx, w, "bob", "bob-42")
	if err != nil {
		return err
	}

	say.Title("Two users log in, and neither has an account connected")
	for _, b := range []*browser{alice, bob} {
		if err := errors.Join(b.post(w.url+"/login", url.Values{"user": {b.user}}), b.sees("Connect your account")); err != nil {
			return err
		}
	}
	say.Line("each is sent to %s/accounts/github/connect", w.url)

	say.Title("Alice connects hers, and Bob still has none")
	if err := errors.Join(alice.connect(), alice.sees("alice-dev/compiler", "alice-dev/parser"), bob.sees("Connect your account")); err != nil {
		return err
	}
	say.Line("alice sees alice-dev/compiler and alice-dev/parser")

	say.Title("An attacker sends Bob the end of a connection of their own: refused, in another browser")
	answer, err := alice.begin()
	if err != nil {
		return err
	}
	if err := bob.get(answer); err != nil {
		return err
	}
	if bob.status != http.StatusBadRequest {
		return fmt.Errorf("the callback answers %d, want 400", bob.status)
	}
	told := bob.text
	if err := bob.sees("Connect your account"); err != nil {
		return err
	}
	say.Line("%s", told)

	say.Title("Bob connects his own, the hub's tokens end, and each request goes on with its user's")
	if err := bob.connect(); err != nil {
		return err
	}
	w.site.Expire()
	if err := errors.Join(alice.sees("alice-dev/compiler", "alice-dev/parser"), bob.sees("bob-42/garden")); err != nil {
		return err
	}
	if w.site.Refreshes() != 2 || w.site.Revoked() != 0 {
		return fmt.Errorf("%d refreshes, %d revoked; want one for each user, and none", w.site.Refreshes(), w.site.Revoked())
	}
	say.Line("refreshed once for each")

	say.Title("Alice disconnects: revoked at the hub, deleted here, and Bob notices nothing")
	if err := errors.Join(alice.post(w.url+"/accounts/github/disconnect", nil), alice.sees("Connect your account"), bob.sees("bob-42/garden")); err != nil {
		return err
	}
	if w.site.Live("alice-dev") != 0 || w.site.Live("bob-42") == 0 {
		return errors.New("the wrong tokens were revoked")
	}
	say.Line("none of her tokens opens her account")

	say.Title("Bob leaves: everything of his is deleted")
	if err := errors.Join(w.store.DeleteUser(ctx, "bob"), bob.sees("Connect your account")); err != nil {
		return err
	}
	for info, err := range w.secrets.List(ctx, "GITHUB_TOKENS__bob") {
		if err != nil {
			return err
		}
		return fmt.Errorf("%s is still there", info.ID)
	}
	for _, b := range []*browser{alice, bob} {
		if slices.ContainsFunc(w.site.Issued(), func(s string) bool { return strings.Contains(b.all.String(), s) }) {
			return errors.New("a token was shown to a browser")
		}
	}
	say.Title("All of this was true: checked, not only said")
	return nil
}

// browser is that of one user, who also has an account at the hub.
type browser struct {
	http.Client
	world         *world
	user, account string
	ctx           context.Context

	status int
	text   string
	all    strings.Builder // of our application: what it has shown so far
}

func newBrowser(ctx context.Context, w *world, user, account string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	return &browser{Client: http.Client{Jar: jar}, world: w, user: user, account: account, ctx: ctx}, err
}

// get opens an address; post sends a form as a page of its own site does.
func (b *browser) get(address string) error { return b.send(http.MethodGet, address, nil) }

func (b *browser) post(address string, form url.Values) error {
	return b.send(http.MethodPost, address, form)
}

func (b *browser) send(method, address string, form url.Values) error {
	req, err := http.NewRequestWithContext(b.ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	}
	resp, err := b.Do(req)
	if err != nil {
		return errors.New("a page can't be opened") // its address may hold a code
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	b.status, b.text = resp.StatusCode, paragraph(string(body))
	if resp.Request.URL.Host != hostOf(b.world.site.URL) {
		b.all.Write(body)
	}
	return err
}

// sees opens the application's first page and checks that it shows these
// repositories, or another text, and no other repository.
func (b *browser) sees(want ...string) error {
	if err := b.get(b.world.url + "/"); err != nil {
		return err
	}
	page := b.all.String()
	page = page[strings.LastIndex(page, "<!doctype"):]
	for _, text := range want {
		if !strings.Contains(page, text) {
			return fmt.Errorf("%s does not see %q", b.user, text)
		}
	}
	for account, repositories := range owned {
		for _, name := range repositories {
			full := account + "/" + name
			if strings.Contains(page, full) && !slices.Contains(want, full) {
				return fmt.Errorf("%s sees %s", b.user, full)
			}
		}
	}
	return nil
}

// connect connects the user's own account at the hub: the page at the hub is
// where the form leads, and its button leads back.
func (b *browser) connect() error {
	answer, err := b.begin()
	if err != nil {
		return err
	}
	if err := b.get(answer); err != nil {
		return err
	}
	if b.status != http.StatusOK {
		return fmt.Errorf("connecting answers %d", b.status)
	}
	return nil
}

// begin connects up to the answer, which is the address that the hub sends the
// browser back to.
func (b *browser) begin() (answer string, err error) {
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { b.CheckRedirect = nil }()
	location := func(address string, form url.Values) (string, error) {
		req, err := http.NewRequestWithContext(b.ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
		if err != nil {
			return "", err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
		resp, err := b.Do(req)
		if err != nil {
			return "", errors.New("a page can't be opened")
		}
		defer resp.Body.Close()
		to, err := resp.Location()
		if err != nil {
			return "", fmt.Errorf("a page that should lead on answers %s", resp.Status)
		}
		return to.String(), nil
	}
	atHub, err := location(b.world.url+"/accounts/github/connect", url.Values{"return": {"/"}})
	if err != nil {
		return "", err
	}
	return location(atHub, url.Values{"account": {b.account}})
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// paragraph is the first one of a page.
func paragraph(page string) string {
	_, rest, _ := strings.Cut(page, "<p>")
	text, _, _ := strings.Cut(rest, "</p>")
	return text
}
