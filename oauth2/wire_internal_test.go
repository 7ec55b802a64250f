package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// endpointFunc is a transport that answers in place of the provider.
type endpointFunc func(*http.Request) (*http.Response, error)

func (f endpointFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// says is a transport that gives one answer to all.
func says(status int, contentType, body string, more ...string) endpointFunc {
	return func(*http.Request) (*http.Response, error) {
		header := http.Header{}
		if contentType != "" {
			header.Set("Content-Type", contentType)
		}
		for i := 0; i < len(more); i += 2 {
			header.Set(more[i], more[i+1])
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// stoppedClock is a clock that stands.
type stoppedClock struct{ now time.Time }

func (c stoppedClock) Now() time.Time                       { return c.now }
func (stoppedClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Canaries: each is one that must be in nothing that anybody sees.
const (
	canarySecret  = "canary-client-secret"
	canaryRefresh = "canary-refresh-token"
	canaryAccess  = "canary-access-token"
)

var (
	theApp      = App{ClientID: "client-1", ClientSecret: core.String(canarySecret)}
	theSettings = Settings{AuthURL: "https://id.test/a", TokenURL: "https://id.test/t", RevokeURL: "https://id.test/r", DeviceURL: "https://id.test/d"}
	refreshForm = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {canaryRefresh}}
)

func testProvider(s Settings, rt http.RoundTripper) *provider {
	return newProvider("test", "", s, rt, stoppedClock{noon})
}

// noLeak fails if anything that can be seen of a failure has a canary in it.
func noLeak(t *testing.T, p *provider, f *failure) {
	t.Helper()
	if f == nil {
		return
	}
	err := error(p.error("refresh", f))
	text, _ := json.Marshal(err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Error("failed", "err", err, "failure", fmt.Sprint(*f))
	chain := ""
	for _, inner := range p.error("refresh", f).Unwrap() {
		chain += fmt.Sprintf("%v %+v %#v", inner, inner, inner)
	}
	for _, seen := range []string{fmt.Sprintf("%v %+v %#v %q", err, err, err, err), fmt.Sprintf("%+v %#v", *f, *f), string(text), log.String(), chain} {
		if strings.Contains(strings.ToLower(seen), "canary") {
			t.Error("what is seen of the failure has a secret or a part of the answer in it")
		}
	}
}

func TestAnswersOfTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	const kind = "application/json"
	type want struct {
		access, refresh, tokenType, scope string
		life                              time.Duration

		failed bool
		final  bool
		code   string
		is     error
	}
	token := func(more string) string { return `{"access_token":"` + canaryAccess + `"` + more + `}` }
	plain := want{access: canaryAccess, tokenType: "Bearer"}
	lives := func(d time.Duration) want { w := plain; w.life = d; return w }
	typed := func(s string) want { w := plain; w.tokenType = s; return w }
	scoped := func(s string) want { w := plain; w.scope = s; return w }
	passing := want{failed: true, is: core.ErrUnavailable}
	for name, test := range map[string]struct {
		status     int
		kind, body string
		want       want
	}{
		"a whole answer": {
			200, kind, token(`,"refresh_token":"r","token_type":"bearer","expires_in":3600,"scope":"a b"`),
			want{access: canaryAccess, refresh: "r", tokenType: "Bearer", scope: "a b", life: time.Hour},
		},
		"201":                             {201, kind, token(""), plain},
		"a form":                          {200, "application/x-www-form-urlencoded; charset=utf-8", "access_token=" + canaryAccess + "&scope=repo%2Cgist&token_type=bearer&expires_in=60", want{access: canaryAccess, tokenType: "Bearer", scope: "repo gist", life: time.Minute}},
		"a form as text/plain":            {200, "text/plain", "access_token=" + canaryAccess, plain},
		"JSON as text/html":               {200, "text/html", token(""), plain},
		"JSON of no type":                 {200, "", token(""), plain},
		"JSON as a form":                  {200, "application/x-www-form-urlencoded", token(""), plain},
		"JSON with a byte order mark":     {200, kind, "\xEF\xBB\xBF" + token(""), plain},
		"JSON with space around":          {200, kind, "\r\n " + token("") + "\n", plain},
		"expires_in as a text":            {200, kind, token(`,"expires_in":"3600"`), lives(time.Hour)},
		"expires_in 3600.0":               {200, kind, token(`,"expires_in":3600.0`), lives(time.Hour)},
		"expires_in 3.6e3":                {200, kind, token(`,"expires_in":3.6e3`), lives(time.Hour)},
		"expires_in with a half":          {200, kind, token(`,"expires_in":"59.5"`), lives(59500 * time.Millisecond)},
		"expires_in soon":                 {200, kind, token(`,"expires_in":"soon"`), plain},
		"expires_in -1":                   {200, kind, token(`,"expires_in":-1`), plain},
		"expires_in 0":                    {200, kind, token(`,"expires_in":0`), plain},
		"expires_in 1e99":                 {200, kind, token(`,"expires_in":1e99`), plain},
		"expires_in 1e999":                {200, kind, token(`,"expires_in":1e999`), plain},
		"expires_in in a list":            {200, kind, token(`,"expires_in":[3600]`), plain},
		"expires_in null":                 {200, kind, token(`,"expires_in":null`), plain},
		"expires_in true":                 {200, kind, token(`,"expires_in":true`), plain},
		"a refresh token that is null":    {200, kind, token(`,"refresh_token":null`), plain},
		"a refresh token that is empty":   {200, kind, token(`,"refresh_token":""`), plain},
		"a refresh token of another kind": {200, kind, token(`,"refresh_token":5`), plain},
		"token_type in capitals":          {200, kind, token(`,"token_type":"BEARER"`), plain},
		"token_type DPoP":                 {200, kind, token(`,"token_type":"DPoP"`), typed("DPoP")},
		"token_type that is empty":        {200, kind, token(`,"token_type":""`), plain},
		"token_type that is a number":     {200, kind, token(`,"token_type":7`), plain},
		"token_type with a line end":      {200, kind, token(`,"token_type":"x\r\nX-Evil: 1"`), plain},
		"token_type with a space":         {200, kind, token(`,"token_type":"Bearer x"`), plain},
		"token_type that has no end":      {200, kind, token(`,"token_type":"` + strings.Repeat("x", 100) + `"`), plain},
		"a list of scopes":                {200, kind, token(`,"scope":["a","b c"]`), scoped("a b c")},
		"scopes with more spaces":         {200, kind, token(`,"scope":"  a \t b\n"`), scoped("a b")},
		"scopes with commas":              {200, kind, token(`,"scope":"a,b, c"`), scoped("a b c")},
		"scopes that are a number":        {200, kind, token(`,"scope":5`), plain},
		"an error that is null":           {200, kind, token(`,"error":null`), plain},
		"an error that is empty":          {200, kind, token(`,"error":""`), plain},
		"names in capitals":               {200, kind, `{"ACCESS_TOKEN":"canary"}`, passing},

		"no access token":              {200, kind, `{"token_type":"bearer"}`, passing},
		"an access token that is null": {200, kind, `{"access_token":null}`, passing},
		"an empty access token":        {200, kind, `{"access_token":""}`, passing},
		"a number for an access token": {200, kind, `{"access_token":12}`, passing},
		"a line end in it":             {200, kind, `{"access_token":"canary\r\nX-Evil: 1"}`, passing},
		"HTML":                         {200, "text/html", "<html>canary</html>", passing},
		"HTML as JSON":                 {200, kind, "<html>canary</html>", passing},
		"nothing":                      {200, kind, "", passing},
		"204":                          {204, "", "", passing},
		"JSON that breaks off":         {200, kind, token("")[:30], passing},
		"JSON and more":                {200, kind, token("") + token(""), passing},
		"a list":                       {200, kind, "[" + token("") + "]", passing},
		"a text":                       {200, kind, `"canary"`, passing},
		"null":                         {200, kind, "null", passing},
		"a form without a token":       {200, "text/plain", "canary", passing},
		"a form that is none":          {200, "text/plain", "access_token=%zz", passing},
		"more than 1 MiB":              {200, kind, token(`,"x":"` + strings.Repeat("canary", 1<<20/6) + `"`), passing},
		"10 MB":                        {200, "text/html", strings.Repeat("canary ", 10<<20/7), passing},
		"10 MB and 400":                {400, "text/html", strings.Repeat("canary ", 10<<20/7), want{failed: true, final: true, is: core.ErrInvalidValue}},

		"200 with an error":               {200, kind, `{"error":"invalid_grant","error_description":"canary"}`, want{failed: true, final: true, code: "invalid_grant", is: core.ErrPermissionDenied}},
		"200 with an error and a token":   {200, kind, token(`,"error":"invalid_grant"`), want{failed: true, final: true, code: "invalid_grant", is: core.ErrPermissionDenied}},
		"200 with an error of the server": {200, kind, `{"error":"temporarily_unavailable"}`, want{failed: true, code: "temporarily_unavailable", is: core.ErrUnavailable}},
		"200 with ok false":               {200, kind, `{"ok":false,"error":"invalid_client_id"}`, want{failed: true, final: true, code: "invalid_client_id", is: core.ErrUnauthenticated}},
		"200 with ok false alone":         {200, kind, `{"ok":false}`, want{failed: true, final: true, is: core.ErrPermissionDenied}},
		"200 with ok false and a token":   {200, kind, token(`,"ok":false`), want{failed: true, final: true, is: core.ErrPermissionDenied}},
		"200 with an error form":          {200, "application/x-www-form-urlencoded", "error=bad_verification_code&error_description=canary", want{failed: true, final: true, code: "bad_verification_code", is: core.ErrPermissionDenied}},
		"200 with an error object":        {200, kind, `{"error":{"message":"canary"}}`, want{failed: true, final: true, is: core.ErrPermissionDenied}},
		"an error that is a sentence":     {400, kind, `{"error":"Canary is not valid"}`, want{failed: true, final: true, is: core.ErrInvalidValue}},
		"an error with a digit":           {400, kind, `{"error":"canary1"}`, want{failed: true, final: true, is: core.ErrInvalidValue}},
		"an error that has no end":        {400, kind, `{"error":"` + strings.Repeat("canary", 12) + `"}`, want{failed: true, final: true, is: core.ErrInvalidValue}},
		"400 invalid_client":              {400, kind, `{"error":"invalid_client"}`, want{failed: true, final: true, code: "invalid_client", is: core.ErrUnauthenticated}},
		"401 with nothing":                {401, "", "", want{failed: true, final: true, is: core.ErrUnauthenticated}},
		"400 invalid_scope":               {400, kind, `{"error":"invalid_scope"}`, want{failed: true, final: true, code: "invalid_scope", is: core.ErrInvalidValue}},
		"403 with HTML":                   {403, "text/html", "<html>canary", want{failed: true, final: true, is: core.ErrPermissionDenied}},
		"404 with HTML":                   {404, "text/html", "<html>canary", want{failed: true, final: true, is: core.ErrInvalidValue}},
		"400 with a token":                {400, kind, token(""), want{failed: true, final: true, is: core.ErrInvalidValue}},
		"429":                             {429, kind, `{"error":"slow_down"}`, want{failed: true, code: "slow_down", is: core.ErrUnavailable}},
		"500 with invalid_grant":          {500, kind, `{"error":"invalid_grant"}`, want{failed: true, code: "invalid_grant", is: core.ErrUnavailable}},
		"503 with HTML":                   {503, "text/html", "canary", passing},
		"302":                             {302, "text/html", "canary", passing},
		"307":                             {307, kind, token(""), passing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testProvider(theSettings, says(test.status, test.kind, test.body, "Location", "https://canary.test/"))
			got, a, f := p.tokens(t.Context(), theApp, refreshForm)
			if (f != nil) != test.want.failed {
				t.Fatalf("failed is %v", f != nil)
			}
			if f == nil {
				if got.AccessToken.Reveal() != test.want.access || got.RefreshToken.Reveal() != test.want.refresh {
					t.Error("other tokens")
				}
				if got.TokenType != test.want.tokenType || got.Scope != test.want.scope {
					t.Errorf("type %q and scope %q", got.TokenType, got.Scope)
				}
				if !got.RefreshedAt.Equal(noon) {
					t.Errorf("refreshed at %v", got.RefreshedAt)
				}
				if want := noon.Add(test.want.life); test.want.life == 0 != got.ExpiresAt.IsZero() || test.want.life > 0 && !got.ExpiresAt.Equal(want) {
					t.Errorf("expires at %v", got.ExpiresAt)
				}
				return
			}
			if !got.AccessToken.IsZero() || a != nil {
				t.Error("a failure has tokens")
			}
			err := p.error("refresh", f)
			if f.Final != test.want.final || f.Code != test.want.code || !errors.Is(err, test.want.is) || f.Status != test.status {
				t.Errorf("final %v, code %q, status %d, %v", f.Final, f.Code, f.Status, err)
			}
			if err.Hint == "" {
				t.Error("no hint")
			}
			noLeak(t, p, f)
		})
	}
}

func TestEveryStatusFailsAsItSays(t *testing.T) {
	t.Parallel()
	for status := 100; status < 600; status++ {
		body := `{"error":"invalid_grant","error_description":"canary"}`
		if status/100 == 2 {
			body = ""
		}
		p := testProvider(theSettings, says(status, "application/json", body))
		_, _, f := p.tokens(t.Context(), theApp, refreshForm)
		if f == nil {
			t.Fatalf("%d is no failure", status)
		}
		if final := status/100 == 4 && status != 429; f.Final != final || f.refused() != final {
			t.Errorf("%d: final %v, refused %v", status, f.Final, f.refused())
		}
		err := p.error("refresh", f)
		if kind := core.KindOf(err); f.Final == (kind == core.ErrUnavailable) { //nolint:errorlint // a kind is the sentinel itself
			t.Errorf("%d: %v", status, err)
		}
		noLeak(t, p, f)
	}
}

func TestAPageOfAServerThatIsDownIsNoFaultOfTheSettings(t *testing.T) {
	t.Parallel()
	for status, blames := range map[int]bool{200: true, 201: true, 429: false, 500: false, 502: false, 503: false} {
		p := testProvider(theSettings, says(status, "text/html", "<html>canary"))
		_, _, f := p.tokens(t.Context(), theApp, refreshForm)
		if err := p.error("refresh", f); strings.Contains(err.Hint, "settings") != blames || err.Hint == "" {
			t.Errorf("%d: %v", status, err)
		}
		noLeak(t, p, f)
	}
}

func TestACodeThatIsASecretIsNotPassedOn(t *testing.T) {
	t.Parallel()
	secret := "onlylowercaseletters_secret"
	for name, test := range map[string]struct {
		app  App
		form url.Values
	}{
		"the refresh token": {theApp, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {secret}}},
		"the code":          {theApp, url.Values{"grant_type": {"authorization_code"}, "code": {secret}}},
		"the verifier":      {theApp, url.Values{"code_verifier": {secret + "and_more"}}},
		"the client secret": {App{ClientID: "c", ClientSecret: core.String(secret)}, refreshForm},
		"within more":       {theApp, url.Values{"refresh_token": {"secret"}}},
		"the device's code": {theApp, url.Values{"device_code": {secret}}},
	} {
		p := testProvider(theSettings, says(400, "application/json", `{"error":"`+secret+`"}`))
		_, _, f := p.tokens(t.Context(), test.app, test.form)
		if f == nil || f.Code != "" || !f.Final {
			t.Errorf("%s is passed on as a code", name)
		}
	}
}

// request is what a provider got.
type request struct {
	method, path, contentType, accept string
	user, password                    string
	basic                             bool
	form                              url.Values
}

// listen is a transport that keeps the requests and answers with tokens.
func listen(got *[]request) endpointFunc {
	return func(r *http.Request) (*http.Response, error) {
		one := request{method: r.Method, path: r.URL.Path, contentType: r.Header.Get("Content-Type"), accept: r.Header.Get("Accept")}
		one.user, one.password, one.basic = r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		one.form, _ = url.ParseQuery(string(body))
		*got = append(*got, one)
		return says(200, "application/json", `{"access_token":"a"}`)(r)
	}
}

func TestTheApplicationShowsWhoItIs(t *testing.T) {
	t.Parallel()
	odd := App{ClientID: "a b:c", ClientSecret: core.String("s+e/c=r&e:t %41é")}
	public := App{ClientID: "public"}
	for name, test := range map[string]struct {
		how            ClientAuth
		app            App
		user, password string
		form           map[string]string
	}{
		"by itself, with a secret": {ClientAuthAuto, theApp, "client-1", canarySecret, nil},
		"by itself, without":       {ClientAuthAuto, public, "", "", map[string]string{"client_id": "public"}},
		"header":                   {ClientSecretBasic, odd, url.QueryEscape(odd.ClientID), url.QueryEscape(odd.ClientSecret.Reveal()), nil},
		"body":                     {ClientSecretPost, odd, "", "", map[string]string{"client_id": odd.ClientID, "client_secret": odd.ClientSecret.Reveal()}},
		"none":                     {ClientNone, theApp, "", "", map[string]string{"client_id": "client-1"}},
		"header, public":           {ClientSecretBasic, public, "", "", map[string]string{"client_id": "public"}},
		"body, public":             {ClientSecretPost, public, "", "", map[string]string{"client_id": "public"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := theSettings
			s.ClientAuth = test.how
			var got []request
			if _, _, f := testProvider(s, listen(&got)).tokens(t.Context(), test.app, refreshForm); f != nil || len(got) != 1 {
				t.Fatalf("%d requests", len(got))
			}
			r := got[0]
			if r.user != test.user || r.password != test.password || r.basic != (test.user != "") {
				t.Error("another header")
			}
			for _, name := range []string{"client_id", "client_secret", "client_assertion"} {
				if r.form.Get(name) != test.form[name] {
					t.Errorf("another %s", name)
				}
			}
			if r.method != "POST" || r.contentType != "application/x-www-form-urlencoded" || r.accept != "application/json" {
				t.Errorf("%s, %s, %s", r.method, r.contentType, r.accept)
			}
		})
	}
}

func TestAnApplicationThatCannotShowWhoItIsSendsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		how ClientAuth
		app App
	}{
		"no id":            {ClientAuthAuto, App{ClientSecret: core.String(canarySecret)}},
		"no key":           {PrivateKeyJWT, theApp},
		"a key that isn't": {ClientAuthAuto, App{ClientID: "c", PrivateKey: core.String("canary")}},
	} {
		s := theSettings
		s.ClientAuth = test.how
		var got []request
		p := testProvider(s, listen(&got))
		_, _, f := p.tokens(t.Context(), test.app, refreshForm)
		if f == nil || !f.Final || len(got) != 0 || !errors.Is(p.error("refresh", f), core.ErrInvalidValue) {
			t.Errorf("%s: %d requests", name, len(got))
		}
		noLeak(t, p, f)
	}
}

func TestAGrantIsSentWithResourcesAndParameters(t *testing.T) {
	t.Parallel()
	s := theSettings
	s.Resources = []string{"https://api.test/1", "https://api.test/2"}
	s.TokenParams = map[string]string{"audience": "x", "refresh_token": "never"}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"r"}, "resource": {"https://api.test/2"}}
	before := fmt.Sprint(form)
	var got []request
	if _, _, f := testProvider(s, listen(&got)).tokens(t.Context(), theApp, form); f != nil {
		t.Fatal("it failed")
	}
	if r := got[0].form; fmt.Sprint(r["resource"]) != "[https://api.test/2 https://api.test/1]" || r.Get("audience") != "x" || r.Get("refresh_token") != "r" {
		t.Error("another form")
	}
	if fmt.Sprint(form) != before {
		t.Error("the caller's form was changed")
	}
}

func TestTokensWithinTheAnswer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ path, body, grant, want string }{
		"in an object":       {"a", `{"access_token":"no","a":{"access_token":"yes"}}`, "authorization_code", "yes"},
		"deeper":             {"a/b", `{"a":{"b":{"access_token":"yes"}}}`, "authorization_code", "yes"},
		"not there":          {"a", `{"access_token":"no"}`, "authorization_code", ""},
		"no object":          {"a", `{"access_token":"no","a":"x"}`, "authorization_code", ""},
		"a refresh":          {"a", `{"access_token":"yes"}`, "refresh_token", "yes"},
		"a refresh that has": {"a", `{"access_token":"no","a":{"access_token":"yes"}}`, "refresh_token", "yes"},
		"a refresh and id":   {"a", `{"access_token":"yes","a":{"id":"U1"}}`, "refresh_token", "yes"},
	} {
		s := theSettings
		s.TokenPath = test.path
		got, _, f := testProvider(s, says(200, "application/json", test.body)).tokens(t.Context(), theApp, url.Values{"grant_type": {test.grant}})
		if (f == nil) != (test.want != "") || got.AccessToken.Reveal() != test.want {
			t.Errorf("%s: %v", name, f == nil)
		}
	}
}

func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	var here string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			elsewhere.Add(1)
			_, _ = io.WriteString(w, `{"access_token":"canary"}`)
			return
		}
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		http.Redirect(w, r, here+"/elsewhere", status)
	}))
	defer server.Close()
	here = server.URL
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := theSettings
		s.TokenURL = server.URL + "/" + strconv.Itoa(status)
		s.RevokeURL, s.DeviceURL, s.Issuer = s.TokenURL, s.TokenURL, ""
		p := testProvider(s, nil)
		_, _, f := p.tokens(t.Context(), theApp, refreshForm)
		if f == nil || f.Final || f.Status != status {
			t.Errorf("%d at the token endpoint is followed or final", status)
		}
		noLeak(t, p, f)
		if f := p.revoke(t.Context(), theApp, core.String(canaryAccess), "access_token"); f == nil || f.Final {
			t.Errorf("%d at the revocation endpoint is followed or final", status)
		}
		if _, f := p.device(t.Context(), theApp, url.Values{}); f == nil || f.Final {
			t.Errorf("%d at the device endpoint is followed or final", status)
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

func TestAnEndpointThatHangsIsGivenUpAfterThirtySeconds(t *testing.T) {
	t.Parallel()
	for name, rt := range map[string]endpointFunc{
		"before the answer": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, fmt.Errorf("canary: %w", r.Context().Err())
		},
		"within the answer": func(r *http.Request) (*http.Response, error) {
			pr, pw := io.Pipe()
			go func() {
				_, _ = io.WriteString(pw, `{"access_`)
				<-r.Context().Done()
				pw.CloseWithError(errors.New("canary"))
			}()
			return &http.Response{StatusCode: 200, Body: pr}, nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := testProvider(theSettings, rt)
			began := time.Now()
			_, _, f := p.tokens(t.Context(), theApp, refreshForm)
			if took := time.Since(began); took != endpointLimit || f == nil || f.Final || f.Err != nil {
				t.Errorf("%s: after %v", name, took)
			}
			if f.hint != hintSlow {
				t.Errorf("%s: it says %q", name, f.hint)
			}
			noLeak(t, p, f)
			// A caller that has less time has its own error.
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _, f = p.tokens(ctx, theApp, refreshForm)
			if f == nil || !errors.Is(p.error("refresh", f), context.DeadlineExceeded) || errors.Is(p.error("refresh", f), core.ErrUnavailable) {
				t.Errorf("%s: another error for the caller", name)
			}
		})
	}
}

func TestAnAnswerHasUpToOneMebibyte(t *testing.T) {
	t.Parallel()
	body := func(n int) string {
		const begin, end = `{"access_token":"a","x":"`, `"}`
		return begin + strings.Repeat("x", n-len(begin)-len(end)) + end
	}
	if _, _, f := testProvider(theSettings, says(200, "", body(maxAnswer))).tokens(t.Context(), theApp, refreshForm); f != nil {
		t.Error("an answer of 1 MiB is refused")
	}
	_, _, f := testProvider(theSettings, says(200, "", body(maxAnswer+1))).tokens(t.Context(), theApp, refreshForm)
	if f == nil || f.hint != hintLarge {
		t.Error("an answer of more is taken, or refused for something else")
	}
}

func TestNoConnectionIsKept(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token":"a"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	s := theSettings
	s.TokenURL = server.URL
	p := testProvider(s, nil)
	for range 3 {
		if _, _, f := p.tokens(t.Context(), theApp, refreshForm); f != nil {
			t.Fatal(p.error("refresh", f))
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections for 3 requests: one that was kept may be closed while a refresh token is spent", n)
	}
}

func TestAContextThatHasEndedSendsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var got []request
	p := testProvider(theSettings, listen(&got))
	_, _, f := p.tokens(ctx, theApp, refreshForm)
	if f == nil || len(got) != 0 || !errors.Is(p.error("refresh", f), context.Canceled) {
		t.Errorf("%d requests", len(got))
	}
}

func TestAConnectionThatFailsIsToldInWordsOfOurs(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	drops := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, _ := http.NewResponseController(w).Hijack()
		_ = conn.Close()
	}))
	defer drops.Close()
	short := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"access_token":"canary"}`)
	}))
	defer short.Close()
	secure := httptest.NewTLSServer(nil)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	defer secure.Close()
	for name, test := range map[string]struct {
		url, hint string
	}{
		"nobody listens":           {closed.URL, hintBroken},
		"the connection is cut":    {drops.URL, hintBroken},
		"the answer is cut":        {short.URL, hintBroken},
		"a certificate of nobody":  {secure.URL, hintCertificate},
		"a name that there is not": {"https://canary.invalid/", hintName},
	} {
		s := theSettings
		s.TokenURL = test.url
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		p := testProvider(s, transport)
		_, _, f := p.tokens(t.Context(), theApp, refreshForm)
		if f == nil || f.Final || f.Status != 0 {
			t.Errorf("%s: another failure, or none", name)
			continue
		}
		if f.hint != test.hint {
			t.Errorf("%s: it says %q", name, f.hint)
		}
		if !errors.Is(p.error("refresh", f), core.ErrUnavailable) {
			t.Errorf("%s: another kind", name)
		}
		noLeak(t, p, f)
	}
}

func TestHowLongToWaitIsReadAndBounded(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		" 5 ":                           5 * time.Second,
		"0":                             0,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"3601":                          time.Hour,
		"99999999999999999999":          time.Hour,
		"18446744073709551615":          time.Hour,
		"Sun, 01 Mar 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0,
		"Sun, 01 Mar 2099 11:00:00 GMT": time.Hour,
	} {
		p := testProvider(theSettings, says(503, "", "", "Retry-After", text))
		if _, _, f := p.tokens(t.Context(), theApp, refreshForm); f == nil || f.RetryAfter != want {
			t.Errorf("%q is %v, want %v", text, f.RetryAfter, want)
		}
	}
	p := testProvider(theSettings, says(429, "", "", "Retry-After", "Sun, 01 Mar 2026 14:00:30 GMT", "Date", "Sun, 01 Mar 2026 14:00:00 GMT"))
	if _, _, f := p.tokens(t.Context(), theApp, refreshForm); f == nil || f.RetryAfter != 30*time.Second {
		t.Error("a date is not taken by the server's clock")
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","expires_in":3600,"scope":"a,b","token_type":"bearer"}`, `{"ok":false,"error":"x_y"}`, `{"error":{}}`,
		"access_token=a&scope=b", "error=e", `{"authed_user":{"access_token":"a","scope":["b"]}}`, `{"access_token":"a","expires_in":1e308}`, "<html>", "",
	} {
		f.Add(200, "application/json", seed)
		f.Add(400, "application/x-www-form-urlencoded", seed)
	}
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		s := theSettings
		s.TokenPath = "authed_user"
		p := testProvider(s, nil)
		r := &reply{status: status, header: http.Header{"Content-Type": {contentType}}, body: []byte(body)}
		token, _, fail := p.granted(r, secretsOf(theApp, refreshForm), true)
		if fail == nil {
			if token.AccessToken.IsZero() || status < 200 || status > 299 || token.TokenType == "" || strings.ContainsAny(token.TokenType, " \r\n") ||
				strings.ContainsAny(token.AccessToken.Reveal(), "\r\n\x00") || strings.ContainsAny(token.Scope, ",\n\t") {
				t.Fatal("an answer that is none")
			}
			if !token.ExpiresAt.IsZero() && !token.ExpiresAt.After(noon) {
				t.Fatal("tokens that have ended")
			}
			// What is had can be stored.
			if text, err := token.ExpiresAt.MarshalJSON(); err != nil || string(text) == "null" != token.ExpiresAt.IsZero() {
				t.Fatal("an expiry that can't be stored")
			}
			return
		}
		if fail.Code != "" && (safeCode(fail.Code) != fail.Code || !strings.Contains(body, fail.Code) && !strings.Contains(body, "%") && !strings.Contains(body, `\`)) {
			t.Fatal("a code that is none")
		}
		if text := p.error("refresh", fail).Error(); len(text) > 400 {
			t.Fatal("an error that is too long to have no part of the answer")
		}
	})
}
