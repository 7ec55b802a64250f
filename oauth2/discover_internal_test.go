package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// site is a transport with a JSON document at each URL that it has; all else
// is not there. It keeps what was asked for.
type site struct {
	mu    sync.Mutex
	pages map[string]string
	asked []string
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.String())
	if page, ok := s.pages[r.URL.String()]; ok {
		return says(200, "application/json", page)(r)
	}
	return says(404, "text/html", "<html>canary")(r)
}

func metadata(issuer string) string {
	return `{"issuer":"` + issuer + `","authorization_endpoint":"https://id.test/a","token_endpoint":"https://id.test/t",` +
		`"revocation_endpoint":"https://id.test/r","device_authorization_endpoint":"https://id.test/d","jwks_uri":"https://id.test/k",` +
		`"authorization_response_iss_parameter_supported":true,"token_endpoint_auth_methods_supported":["client_secret_post"]}`
}

func TestMetadataIsLookedForWhereTheStandardsPutIt(t *testing.T) {
	t.Parallel()
	const (
		root   = "https://id.test/.well-known/oauth-authorization-server"
		openid = "https://id.test/.well-known/openid-configuration"
	)
	for name, test := range map[string]struct {
		issuer string
		at     string
		asked  []string
	}{
		"RFC 8414":                 {"https://id.test", root, []string{root}},
		"RFC 8414, a slash":        {"https://id.test/", root, []string{root}},
		"RFC 8414, a path":         {"https://id.test/x/y", root + "/x/y", []string{root + "/x/y"}},
		"OpenID Connect":           {"https://id.test", openid, []string{root, openid}},
		"RFC 8414 section 5":       {"https://id.test/x", openid + "/x", []string{root + "/x", openid + "/x"}},
		"OpenID Connect, a path":   {"https://id.test/x", "https://id.test/x/.well-known/openid-configuration", []string{root + "/x", openid + "/x", "https://id.test/x/.well-known/openid-configuration"}},
		"OpenID Connect, a slash":  {"https://id.test/x/", "https://id.test/x/.well-known/openid-configuration", []string{root + "/x", openid + "/x", "https://id.test/x/.well-known/openid-configuration"}},
		"OpenID Connect, escaping": {"https://id.test/a%2Fb", "https://id.test/a%2Fb/.well-known/openid-configuration", []string{root + "/a%2Fb", openid + "/a%2Fb", "https://id.test/a%2Fb/.well-known/openid-configuration"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &site{pages: map[string]string{test.at: metadata(test.issuer)}}
			p := testProvider(Settings{Issuer: test.issuer}, s)
			for range 3 {
				e, f := p.endpoints(t.Context())
				if f != nil {
					t.Fatal(p.error("discover", f))
				}
				want := endpoints{
					auth: "https://id.test/a", token: "https://id.test/t", revoke: "https://id.test/r", device: "https://id.test/d",
					issuer: test.issuer, issPromised: true, authMethods: []string{"client_secret_post"},
				}
				if fmt.Sprint(e) != fmt.Sprint(want) {
					t.Errorf("found %v", e)
				}
			}
			if fmt.Sprint(s.asked) != fmt.Sprint(test.asked) {
				t.Errorf("asked %v, want %v, once", s.asked, test.asked)
			}
		})
	}
}

func TestWhatIsGivenGoesBeforeWhatIsDiscovered(t *testing.T) {
	t.Parallel()
	s := &site{pages: map[string]string{"https://id.test/.well-known/oauth-authorization-server": metadata("https://id.test")}}
	p := testProvider(Settings{Issuer: "https://id.test", TokenURL: "https://given.test/t", AuthURL: "https://given.test/a"}, s)
	// What is given needs no discovery.
	if e, f := p.need(t.Context(), func(e endpoints) string { return e.token }); f != nil || e.token != "https://given.test/t" || len(s.asked) != 0 {
		t.Errorf("%d requests", len(s.asked))
	}
	e, f := p.endpoints(t.Context())
	if f != nil || e.token != "https://given.test/t" || e.auth != "https://given.test/a" || e.revoke != "https://id.test/r" || !e.issPromised || len(s.asked) != 1 {
		t.Errorf("%v after %d requests", e, len(s.asked))
	}
	// Nor has an issuer of many tenants any.
	p = testProvider(Settings{Issuer: "https://id.test/{tenantid}", TokenURL: "https://given.test/t"}, s)
	if e, f := p.endpoints(t.Context()); f != nil || e.token != "https://given.test/t" || e.issuer != "https://id.test/{tenantid}" || len(s.asked) != 1 {
		t.Errorf("%v after %d requests", e, len(s.asked))
	}
	// All of it is given.
	all := theSettings
	all.Issuer = "https://id.test"
	if _, f := testProvider(all, s).endpoints(t.Context()); f != nil || len(s.asked) != 1 {
		t.Errorf("%d requests", len(s.asked))
	}
}

func TestAnIssuerWithoutMetadataHasWhatIsGiven(t *testing.T) {
	t.Parallel()
	s := &site{}
	p := testProvider(Settings{Issuer: "https://id.test", TokenURL: "https://given.test/t", AuthURL: "https://given.test/a"}, s)
	for range 2 {
		if e, f := p.endpoints(t.Context()); f != nil || e.token != "https://given.test/t" || e.revoke != "" {
			t.Errorf("%v", e)
		}
	}
	if len(s.asked) != 2 {
		t.Errorf("asked %v, want both places once", s.asked)
	}
	p = testProvider(Settings{Issuer: "https://id.test"}, &site{})
	_, _, f := p.tokens(t.Context(), theApp, refreshForm)
	if f == nil || !f.Final || !errors.Is(p.error("refresh", f), core.ErrInvalidValue) {
		t.Error("tokens without an endpoint")
	}
}

func TestMetadataThatCannotBeTrustedIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer endpointFunc
		final  bool
		is     error
	}{
		"another issuer":        {says(200, "application/json", metadata("https://evil-canary.test")), true, core.ErrInvalidValue},
		"a slash more":          {says(200, "application/json", metadata("https://id.test/")), true, core.ErrInvalidValue},
		"no issuer":             {says(200, "application/json", `{"token_endpoint":"https://id.test/t"}`), true, core.ErrInvalidValue},
		"an http endpoint":      {says(200, "application/json", strings.Replace(metadata("https://id.test"), "https://id.test/t", "http://canary.test/t", 1)), true, core.ErrInvalidValue},
		"no URL":                {says(200, "application/json", strings.Replace(metadata("https://id.test"), "https://id.test/r", "canary", 1)), true, core.ErrInvalidValue},
		"a password":            {says(200, "application/json", strings.Replace(metadata("https://id.test"), "https://id.test/a", "https://canary@id.test", 1)), true, core.ErrInvalidValue},
		"an endpoint that is 5": {says(200, "application/json", `{"issuer":"https://id.test","token_endpoint":5}`), false, core.ErrUnavailable},
		"HTML":                  {says(200, "text/html", "<html>canary"), false, core.ErrUnavailable},
		"nothing":               {says(200, "application/json", ""), false, core.ErrUnavailable},
		"10 MB":                 {says(200, "application/json", strings.Repeat("canary", 10<<20/6)), false, core.ErrUnavailable},
		"a redirect":            {says(302, "", "", "Location", "https://canary.test"), false, core.ErrUnavailable},
		"503":                   {says(503, "", "canary", "Retry-After", "7"), false, core.ErrUnavailable},
		"429":                   {says(429, "", "canary"), false, core.ErrUnavailable},
		"a broken connection":   {func(*http.Request) (*http.Response, error) { return nil, errors.New("canary") }, false, core.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := testProvider(Settings{Issuer: "https://id.test"}, test.answer)
			_, f := p.endpoints(t.Context())
			if f == nil || f.Final != test.final {
				t.Fatalf("found, or another failure: %v", f != nil)
			}
			err := p.error("discover", f)
			if !errors.Is(err, test.is) || err.Hint == "" {
				t.Error(err)
			}
			noLeak(t, p, f)
		})
	}
}

func TestAPlaceWithSomethingElseIsPassedOver(t *testing.T) {
	t.Parallel()
	const root, openid = "https://id.test/.well-known/oauth-authorization-server", "https://id.test/.well-known/openid-configuration"
	for name, first := range map[string]endpointFunc{
		"a page for every address":       says(200, "text/html", "<html>canary"),
		"a redirect to the sign-in page": says(302, "", "", "Location", "https://id.test/login"),
		"403":                            says(403, "", "canary"),
		"the metadata of another issuer": says(200, "application/json", metadata("https://evil-canary.test")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, second := range []int{200, 404, 503} {
				p := testProvider(Settings{Issuer: "https://id.test"}, endpointFunc(func(r *http.Request) (*http.Response, error) {
					if r.URL.String() == root {
						return first(r)
					}
					if r.URL.String() != openid {
						t.Error("another place is asked")
					}
					return says(second, "application/json", metadata("https://id.test"))(r)
				}))
				e, f := p.endpoints(t.Context())
				switch {
				case second == 200 && (f != nil || e.token != "https://id.test/t"):
					t.Errorf("the second place has it: %v", p.error("discover", f))
				case second == 404 && name != "403" && f == nil:
					t.Error("what the first place has is no metadata, and nobody is told")
				case second == 503 && (f == nil || f.Final):
					t.Error("the second place may have it later, and it is not waited for")
				}
				noLeak(t, p, f)
			}
		})
	}
}

func TestOneDiscoveryServesAllWhoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		release := make(chan struct{})
		p := newProvider("test", "", Settings{Issuer: "https://id.test"}, endpointFunc(func(r *http.Request) (*http.Response, error) {
			asked.Add(1)
			select {
			case <-release:
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
			return says(200, "application/json", metadata("https://id.test"))(r)
		}), nil)
		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() {
			_, f := p.endpoints(ctx)
			gaveUp <- p.error("discover", f)
		}()
		synctest.Wait()
		var failed atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, f := p.endpoints(t.Context()); f != nil {
					failed.Add(1)
				}
			})
		}
		synctest.Wait()
		cancel() // the one that began
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(release)
		wg.Wait()
		if asked.Load() != 1 || failed.Load() != 0 {
			t.Errorf("%d requests, and %d of 50 failed", asked.Load(), failed.Load())
		}
	})
}

func TestAFailedDiscoveryIsToldToAllAndTriedAgainLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		var well atomic.Bool
		p := newProvider("test", "", Settings{Issuer: "https://id.test"}, endpointFunc(func(r *http.Request) (*http.Response, error) {
			asked.Add(1)
			if !well.Load() {
				return says(503, "", "")(r)
			}
			return says(200, "application/json", metadata("https://id.test"))(r)
		}), nil)
		var failed atomic.Int32
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, f := p.endpoints(t.Context()); f != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if asked.Load() != 1 || failed.Load() != 50 {
			t.Errorf("%d requests, and %d of 50 failed", asked.Load(), failed.Load())
		}
		well.Store(true)
		time.Sleep(discoveryPause)
		if _, f := p.endpoints(t.Context()); f != nil || asked.Load() != 2 {
			t.Errorf("after %d requests", asked.Load())
		}
	})
}

func TestAServerThatHasNoHeaderGetsTheBody(t *testing.T) {
	t.Parallel()
	for methods, basic := range map[string]bool{
		`["client_secret_post"]`:                       false,
		`["client_secret_post","client_secret_basic"]`: true,
		`["private_key_jwt"]`:                          true,
		`null`:                                         true,
	} {
		var got []request
		tokens := listen(&got)
		p := testProvider(Settings{Issuer: "https://id.test"}, endpointFunc(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				return says(200, "application/json", strings.Replace(metadata("https://id.test"), `["client_secret_post"]`, methods, 1))(r)
			}
			return tokens(r)
		}))
		if _, _, f := p.tokens(t.Context(), theApp, refreshForm); f != nil || len(got) != 1 || got[0].basic != basic || got[0].form.Has("client_secret") == basic {
			t.Errorf("%s: basic is not %v", methods, basic)
		}
	}
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		how    Revocation
		answer endpointFunc
		ok     bool
		final  bool
		code   string
	}{
		"200":                        {RevokeRFC7009, says(200, "", ""), true, false, ""},
		"200 with HTML":              {RevokeRFC7009, says(200, "text/html", "<html>canary"), true, false, ""},
		"200 with an error":          {RevokeRFC7009, says(200, "application/json", `{"error":"unsupported_token_type"}`), false, true, "unsupported_token_type"},
		"204":                        {RevokeRFC7009, says(204, "", ""), true, false, ""},
		"400 invalid_client":         {RevokeRFC7009, says(400, "application/json", `{"error":"invalid_client","error_description":"canary"}`), false, true, "invalid_client"},
		"400 invalid_token":          {RevokeRFC7009, says(400, "application/json", `{"error":"invalid_token"}`), true, false, ""},
		"400 with HTML":              {RevokeRFC7009, says(400, "text/html", "<html>canary"), false, true, ""},
		"503":                        {RevokeRFC7009, says(503, "application/json", `{"error":"canary"}`, "Retry-After", "5"), false, false, ""},
		"503 invalid_token":          {RevokeRFC7009, says(503, "application/json", `{"error":"invalid_token"}`), false, false, "invalid_token"},
		"a redirect":                 {RevokeRFC7009, says(302, "", ""), false, false, ""},
		"bearer, ok":                 {RevokeBearer, says(200, "application/json", `{"ok":true,"revoked":true}`), true, false, ""},
		"bearer, gone":               {RevokeBearer, says(200, "application/json", `{"ok":false,"error":"token_revoked"}`), true, false, ""},
		"bearer, an error":           {RevokeBearer, says(200, "application/json", `{"ok":false,"error":"not_allowed_token_type"}`), false, true, "not_allowed_token_type"},
		"bearer, an error of theirs": {RevokeBearer, says(200, "application/json", `{"ok":false,"error":"internal_error"}`), false, false, "internal_error"},
		"github":                     {RevokeGitHub, says(204, "", ""), true, false, ""},
		"github, gone":               {RevokeGitHub, says(404, "application/json", `{"message":"Not Found"}`), true, false, ""},
		"github, refused":            {RevokeGitHub, says(401, "application/json", `{"message":"Bad credentials canary"}`), false, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := theSettings
			s.Revocation = test.how
			p := testProvider(s, test.answer)
			f := p.revoke(t.Context(), theApp, core.String(canaryAccess), "access_token")
			if (f == nil) != test.ok {
				t.Fatalf("it is revoked: %v", f == nil)
			}
			if f != nil && (f.Final != test.final || f.Code != test.code) {
				t.Errorf("final %v, code %q", f.Final, f.Code)
			}
			noLeak(t, p, f)
		})
	}
}

func TestARevocationIsSentAsTheRFCSays(t *testing.T) {
	t.Parallel()
	var got []request
	p := testProvider(theSettings, listen(&got))
	if f := p.revoke(t.Context(), theApp, core.String("token"), "refresh_token"); f != nil || len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	r := got[0]
	if r.method != "POST" || r.path != "/r" || r.form.Get("token") != "token" || r.form.Get("token_type_hint") != "refresh_token" || !r.basic || len(r.form) != 2 {
		t.Error("another request")
	}
	s := theSettings
	s.RevokeURL = ""
	p = testProvider(s, listen(&got))
	f := p.revoke(t.Context(), theApp, core.String("token"), "refresh_token")
	if f == nil || !errors.Is(p.error("revoke", f), errors.ErrUnsupported) || len(got) != 1 {
		t.Error("a revocation without an endpoint")
	}
	// The others know access tokens only.
	for _, how := range []Revocation{RevokeBearer, RevokeGitHub, RevokeStripe} {
		s := theSettings
		s.Revocation = how
		if f := testProvider(s, listen(&got)).revoke(t.Context(), theApp, core.String("token"), "refresh_token"); f != nil || len(got) != 1 {
			t.Errorf("%s: a refresh token is sent", how)
		}
	}
}

func TestAnswersOfTheDeviceEndpoint(t *testing.T) {
	t.Parallel()
	const whole = `"device_code":"d","user_code":"WDJB-MJHT","verification_uri":"https://id.test/device"`
	for name, test := range map[string]struct {
		body              string
		uri, complete     string
		expires, interval time.Duration
	}{
		"as the RFC has it":         {`{` + whole + `,"verification_uri_complete":"https://id.test/device?c=WDJB","expires_in":1800,"interval":10}`, "https://id.test/device", "https://id.test/device?c=WDJB", 30 * time.Minute, 10 * time.Second},
		"the least":                 {`{` + whole + `}`, "https://id.test/device", "", 15 * time.Minute, 5 * time.Second},
		"numbers as texts":          {`{` + whole + `,"expires_in":"900","interval":"1"}`, "https://id.test/device", "", 15 * time.Minute, time.Second},
		"numbers that are none":     {`{` + whole + `,"expires_in":"soon","interval":-1}`, "https://id.test/device", "", 15 * time.Minute, 5 * time.Second},
		"an interval of hours":      {`{` + whole + `,"interval":1e30}`, "https://id.test/device", "", 15 * time.Minute, 5 * time.Minute},
		"a half second":             {`{` + whole + `,"interval":0.5}`, "https://id.test/device", "", 15 * time.Minute, time.Second},
		"Google's name":             {`{"device_code":"d","user_code":"WDJB-MJHT","verification_url":"https://www.google.com/device"}`, "https://www.google.com/device", "", 15 * time.Minute, 5 * time.Second},
		"a complete one that isn't": {`{` + whole + `,"verification_uri_complete":"javascript:canary"}`, "https://id.test/device", "", 15 * time.Minute, 5 * time.Second},
		"an address that is none":   {`{"device_code":"d","user_code":"u","verification_uri":"javascript:alert(1)"}`, "", "", 0, 0},
		"an address with a space":   {`{"device_code":"d","user_code":"u","verification_uri":"https://id.test/a b"}`, "", "", 0, 0},
		"no device code":            {`{"user_code":"u","verification_uri":"https://id.test/device"}`, "", "", 0, 0},
		"no user code":              {`{"device_code":"d","verification_uri":"https://id.test/device"}`, "", "", 0, 0},
		"an error":                  {`{"error":"unauthorized_client"}`, "", "", 0, 0},
		"HTML":                      {`<html>canary`, "", "", 0, 0},
	} {
		p := testProvider(theSettings, says(200, "application/json", test.body))
		a, f := p.device(t.Context(), theApp, url.Values{"scope": {"a"}})
		if (f == nil) != (test.uri != "") {
			t.Errorf("%s: taken is %v", name, f == nil)
			continue
		}
		noLeak(t, p, f)
		if f == nil && (a.VerificationURI != test.uri || a.VerificationURIComplete != test.complete || a.ExpiresIn != test.expires || a.Interval != test.interval ||
			a.UserCode != "WDJB-MJHT" || a.DeviceCode.Reveal() != "d") {
			t.Errorf("%s: %v", name, a)
		}
	}
}

func TestADeviceAsksWithItsClientID(t *testing.T) {
	t.Parallel()
	s := theSettings
	s.Resources = []string{"https://api.test/"}
	var got []request
	p := testProvider(s, listen(&got))
	_, _ = p.device(t.Context(), theApp, url.Values{"scope": {"a b"}})
	_, _ = p.device(t.Context(), App{ClientID: "public"}, url.Values{"scope": {"a b"}})
	if len(got) != 2 {
		t.Fatalf("%d requests", len(got))
	}
	if r := got[0]; r.path != "/d" || !r.basic || r.form.Get("client_id") != "client-1" || r.form.Get("scope") != "a b" || r.form.Get("resource") != "https://api.test/" {
		t.Error("another request of a confidential client")
	}
	if r := got[1]; r.basic || r.form.Get("client_id") != "public" || r.form.Has("client_secret") {
		t.Error("another request of a public client")
	}
	s.DeviceURL = ""
	p = testProvider(s, listen(&got))
	if _, f := p.device(t.Context(), theApp, nil); f == nil || !errors.Is(p.error("connect", f), errors.ErrUnsupported) {
		t.Error("a device without an endpoint")
	}
}
