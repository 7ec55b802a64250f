package credentials_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/credentials"
)

// change returns an address with its query changed.
func change(t *testing.T, address string, f func(url.Values)) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	f(q)
	u.RawQuery = q.Encode()
	return u.String()
}

func TestAForgedCallbackIsRefusedAndNothingIsAskedOfTheProvider(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	for name, test := range map[string]struct {
		forge  func(b *browser, callback string) string
		status int
		code   string
	}{
		"another state": {func(_ *browser, c string) string {
			return change(t, c, func(q url.Values) { q.Set("state", "x"+q.Get("state")) })
		}, 400, "not_begun"},
		"no state":             {func(_ *browser, c string) string { return change(t, c, func(q url.Values) { q.Del("state") }) }, 400, "bad_answer"},
		"an empty state":       {func(_ *browser, c string) string { return change(t, c, func(q url.Values) { q.Set("state", "") }) }, 400, "bad_answer"},
		"no code":              {func(_ *browser, c string) string { return change(t, c, func(q url.Values) { q.Del("code") }) }, 400, "bad_answer"},
		"two codes":            {func(_ *browser, c string) string { return c + "&code=x" }, 400, "bad_answer"},
		"two states":           {func(_ *browser, c string) string { return c + "&state=x" }, 400, "bad_answer"},
		"a query that is none": {func(_ *browser, c string) string { return c + "&%zz" }, 400, "bad_answer"},
		"a semicolon":          {func(_ *browser, c string) string { return c + ";a=b" }, 400, "bad_answer"},
		"an endless query":     {func(_ *browser, c string) string { return c + "&x=" + strings.Repeat("x", 9<<10) }, 400, "bad_answer"},
		"nothing":              {func(*browser, string) string { return pages + "/github/callback" }, 400, "bad_answer"},
		"the callback of another credential": {func(_ *browser, c string) string {
			return strings.Replace(c, "/github/", "/tracker/", 1)
		}, 400, "not_begun"},
		"a cookie of one's own making": {func(b *browser, c string) string {
			b.replace(func(string) string { return "zzzzzz.AQAA" })
			return c
		}, 400, "not_begun"},
		"a cookie without a time": {func(b *browser, c string) string {
			b.replace(func(v string) string { _, sealed, _ := strings.Cut(v, "."); return sealed })
			return c
		}, 400, "not_begun"},
		"a cookie with a later time": {func(b *browser, c string) string {
			b.replace(func(v string) string { _, sealed, _ := strings.Cut(v, "."); return "zzzzzz." + sealed })
			return c
		}, 400, "not_begun"},
		"a cookie that is too large": {func(b *browser, c string) string {
			b.replace(func(v string) string { return v + strings.Repeat("A", 8<<10) })
			return c
		}, 400, "not_begun"},
		"an empty cookie": {func(b *browser, c string) string {
			b.replace(func(string) string { return "" })
			return c
		}, 400, "not_begun"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := w.browser("user of " + name)
			callback := b.begin("github", "")
			b.wantRefused(b.getJSON(test.forge(b, callback)), test.status, test.code)
		})
	}
	t.Cleanup(func() {
		if n := w.github.get(func() int { return w.github.exchange }); n != 0 {
			t.Errorf("%d codes were sent to the provider", n)
		}
	})
}

// replace changes the values of the cookies of attempts.
func (b *browser) replace(f func(value string) string) {
	var changed []*http.Cookie
	for _, c := range b.pending() {
		changed = append(changed, &http.Cookie{Name: c.Name, Value: f(c.Value)})
	}
	b.take(changed)
}

func TestNoPartOfTheCookieCanBeChanged(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	callback := b.begin("github", "")
	value := b.pending()[0].Value
	for i := range value {
		if i > 24 && i < len(value)-24 && i%11 != 0 {
			continue
		}
		changed := []byte(value)
		if changed[i]++; changed[i] > 'z' || changed[i] == ':' || changed[i] == '[' || changed[i] == '`' {
			changed[i] = 'a'
		}
		b.replace(func(string) string { return string(changed) })
		if a := b.getJSON(callback); a.code() != "not_begun" {
			t.Fatalf("byte %d of %d: status %d, code %q", i, len(value), a.StatusCode, a.code())
		}
	}
	b.replace(func(string) string { return value })
	if a := b.get(callback); a.StatusCode != http.StatusSeeOther {
		t.Errorf("unchanged: status %d, %s", a.StatusCode, a.body)
	}
}

// One user's browser holds attempts at two providers; whoever answers for one
// of them must not be taken for the other.
func TestAnAnswerOfAnotherProviderIsRefused(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	atGitHub, atTracker := b.begin("github", ""), b.begin("tracker", "")
	state := func(address string) string {
		u, _ := url.Parse(address)
		return u.Query().Get("state")
	}
	github, tracker := state(atGitHub), state(atTracker)
	for name, test := range map[string]struct{ address, code string }{
		"its state with the other's code":   {change(t, atTracker, func(q url.Values) { q.Set("state", github) }), "not_begun"},
		"its callback with the other's":     {change(t, atGitHub, func(q url.Values) { q.Set("state", tracker) }), "not_begun"},
		"the whole answer at the other one": {strings.Replace(atTracker, "/tracker/", "/github/", 1), "not_begun"},
	} {
		b.wantRefused(b.getJSON(test.address), http.StatusBadRequest, test.code)
		_ = name
	}
	// RFC 9207: it promises to say who it is.
	for name, forge := range map[string]func(url.Values){
		"another":            func(q url.Values) { q.Set("iss", w.github.URL) },
		"none":               func(q url.Values) { q.Del("iss") },
		"nearly it":          func(q url.Values) { q.Set("iss", w.tracker.URL+"/") },
		"one with an error":  func(q url.Values) { q.Set("iss", w.github.URL); q.Del("code"); q.Set("error", "access_denied") },
		"none with an error": func(q url.Values) { q.Del("iss"); q.Del("code"); q.Set("error", "access_denied") },
	} {
		b := w.browser("alice")
		a := b.getJSON(change(t, b.begin("tracker", ""), forge))
		if a.code() != "mixed_up" {
			t.Errorf("%s: status %d, code %q", name, a.StatusCode, a.code())
		}
	}
	if n := w.github.get(func() int { return w.github.exchange }) + w.tracker.get(func() int { return w.tracker.exchange }); n != 0 {
		t.Errorf("%d codes were sent to a provider", n)
	}
	if a := b.get(atTracker); a.StatusCode != http.StatusSeeOther {
		t.Errorf("the answer as it is: status %d, %s", a.StatusCode, a.body)
	}
}

func TestAttemptsInTwoTabsBothConnect(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	one, two, three := b.begin("github", "/one"), b.begin("tracker", "/two"), b.begin("github", "/three")
	for _, test := range [][2]string{{two, "/two"}, {one, "/one"}, {three, "/three"}} {
		if a := b.get(test[0]); !strings.HasPrefix(a.location(), webSite+test[1]+"?lukko=connected") {
			t.Errorf("%s: status %d to %q, %s", test[1], a.StatusCode, a.location(), a.body)
		}
	}
	if got := w.connected(w.github, "GITHUB_TOKENS__alice"); got != "octocat" {
		t.Errorf("alice has connected %q", got)
	}
}

func TestABrowserHoldsABoundedNumberOfAttemptsAndTheOldestGiveWay(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	b.take([]*http.Cookie{{Name: strings.Join(cookiePrefix(t, w), "") + "planted", Value: "zz"}})
	var callbacks []string
	for range 9 {
		callbacks = append(callbacks, b.begin("github", "/"+strings.Repeat("x", 100)))
		w.clock.advance(2_000_000_000)
		size := 0
		for _, c := range b.pending() {
			size += len(c.Name) + len(c.Value)
		}
		if n := len(b.pending()); n > 5 || size > 6<<10 {
			t.Fatalf("%d cookies of %d bytes", n, size)
		}
	}
	if slices.ContainsFunc(b.pending(), func(c *http.Cookie) bool { return c.Value == "zz" }) {
		t.Error("what is none was kept")
	}
	b.wantRefused(b.getJSON(callbacks[3]), http.StatusBadRequest, "not_begun")
	for _, callback := range callbacks[4:] {
		if a := b.get(callback); a.StatusCode != http.StatusSeeOther {
			t.Errorf("one of the last five: status %d, %s", a.StatusCode, a.body)
		}
	}
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Errorf("one more: status %d", a.StatusCode)
	}
}

// cookiePrefix is what the names of the cookies begin with.
func cookiePrefix(t *testing.T, w *web) []string {
	t.Helper()
	b := w.browser("whoever")
	b.begin("github", "")
	name := b.pending()[0].Name
	return []string{name[:len(name)-16]}
}

func TestTheCookiesOfLongReturnAddressesAreBoundedToo(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	long := "/" + strings.Repeat("x", 1023)
	var last string
	for range 6 {
		last = b.begin("github", long)
		w.clock.advance(2_000_000_000)
		size := 0
		for _, c := range b.pending() {
			size += len(c.Name) + len(c.Value)
			if len(c.Name)+len(c.Value) > 4096 {
				t.Fatalf("a cookie of %d bytes, of which a browser keeps 4096", len(c.Name)+len(c.Value))
			}
		}
		if size > 6<<10 {
			t.Fatalf("%d bytes in all", size)
		}
	}
	if a := b.get(last); !strings.HasPrefix(a.location(), webSite+long) {
		t.Errorf("status %d", a.StatusCode)
	}
	b.wantRefused(b.postJSON(pages+"/github/connect", url.Values{"return": {long + "x"}}), http.StatusBadRequest, "bad_return")
}

func TestAnAttemptThatFitsInNoCookieIsRefused(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	quotes := "/" + strings.Repeat(`"`, 1000) // which take more than a byte each
	b.wantRefused(b.postJSON(pages+"/github/connect", url.Values{"return": {quotes}}), http.StatusBadRequest, "too_long")
	if n := len(b.pending()); n != 0 {
		t.Errorf("%d cookies", n)
	}
}

func TestOfTooManyAttemptsInAnHourNoneIsLost(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	b := w.browser("alice")
	for i := range 64 {
		if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
			t.Fatalf("attempt %d: status %d", i, a.StatusCode)
		}
	}
	late := b.begin("github", "")
	b.wantRefused(b.getJSON(late), http.StatusTooManyRequests, "too_many")
	bob := w.browser("bob")
	if a := bob.get(bob.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Errorf("another user: status %d", a.StatusCode)
	}
	w.clock.advance(71 * 60 * 1e9)
	if a := b.get(b.begin("github", "")); a.StatusCode != http.StatusSeeOther {
		t.Errorf("an hour later: status %d", a.StatusCode)
	}
}

func TestADeniedUserComesBackAndIsToldSo(t *testing.T) {
	t.Parallel()
	w := newWeb(t, webSettings{})
	w.github.change(func() { w.github.deny = true })
	b := w.browser("alice")
	callback := b.begin("github", "/settings")
	a := b.get(callback)
	if want := webSite + "/settings?lukko=denied&lukko_name=github"; a.StatusCode != http.StatusSeeOther || a.location() != want {
		t.Errorf("status %d to %q, want %q", a.StatusCode, a.location(), want)
	}
	w.github.leaks(t, "the answer", a.body+fmt.Sprint(a.Header))
	if e := w.lastEvent(); e.Kind != credentials.HandlerDenied || e.Name != "github" || e.User != "alice" {
		t.Errorf("the hook was told %+v", e)
	}
	if n := len(b.pending()); n != 0 {
		t.Errorf("%d cookies are left", n)
	}
}
