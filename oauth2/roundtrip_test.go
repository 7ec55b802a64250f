package oauth2_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestTheHeaderGoesToAllowedHostsOnly(t *testing.T) {
	for address, want := range map[string]bool{
		"https://api.test/": true, "https://API.test:443/x": true, "https://other.test/": true, "http://127.0.0.1:8080/": true,
		"http://api.test/": false, "https://api.test:8443/": false, "https://evil.test/": false,
		"https://api.test.evil.test/": false, "https://evilapi.test/": false, "https://x.api.test/": false,
	} {
		t.Run(address, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, 0)
				var header []string
				f.provider.api = func(req *http.Request, _ int) *http.Response {
					header = req.Header["Authorization"]
					return answerOf(req, 200, "")
				}
				getURL(t, f.client(), address)
				if got := len(header) > 0; got != want {
					t.Errorf("the header was sent: %v", got)
				}
				if want && header[0] != "Bearer access-1" {
					t.Error("the header is not the token's")
				}
			})
		})
	}
}

func TestTheStoredTypeOfATokenIsASchemeOrBearer(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{
		"": "Bearer", "bearer": "Bearer", "BEARER": "Bearer", "DPoP": "DPoP",
		"bot": "Bearer", "user": "Bearer", // Slack's, as other programs store them
		"a b": "Bearer", "a\r\nX: b": "Bearer", "ä": "Bearer",
	} {
		t.Run(stored, func(t *testing.T) {
			t.Parallel()
			f := newRig(t, time.Hour)
			f.put(map[string]any{"accessToken": "access-1", "tokenType": stored})
			sent := ""
			f.provider.api = func(req *http.Request, _ int) *http.Response {
				sent = req.Header.Get("Authorization")
				return nil
			}
			getURL(t, f.client(), "https://api.test/")
			if sent != want+" access-1" {
				t.Errorf("what is sent does not begin with %q", want)
			}
		})
	}
}

func TestARequestToAnotherHostNeedsNoToken(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, 0)
		defer f.store.Inject(memory.Fault{Err: core.ErrUnavailable})()
		f.provider.api = func(req *http.Request, _ int) *http.Response { return answerOf(req, 401, "whole") }
		c := f.client()
		if resp := getURL(t, c, "https://evil.test/"); resp.StatusCode != 401 {
			t.Errorf("status %d", resp.StatusCode)
		}
		f.want(0, 0, 0)
	})
}

func TestRedirectsCarryTheHeaderNowhereElse(t *testing.T) {
	for name, tt := range map[string]struct {
		hops []string // the first is asked for, and each redirects to the next
		want string   // one of y and n for each
	}{
		"within a host":                 {[]string{"https://api.test/1", "https://api.test/2", "https://API.TEST:443/3"}, "yyy"},
		"to a stranger":                 {[]string{"https://api.test/1", "https://evil.test/2"}, "yn"},
		"to another allowed host":       {[]string{"https://api.test/1", "https://other.test/2"}, "yn"},
		"to a stranger and back":        {[]string{"https://api.test/1", "https://evil.test/2", "https://api.test/3"}, "ynn"},
		"to another and on in it":       {[]string{"https://api.test/1", "https://other.test/2", "https://other.test/3"}, "ynn"},
		"from a stranger to an allowed": {[]string{"https://evil.test/1", "https://api.test/2"}, "nn"},
		"to another port":               {[]string{"http://127.0.0.1:1/1", "http://127.0.0.1:2/2"}, "yn"},
		"to another scheme":             {[]string{"https://127.0.0.1:1/1", "http://127.0.0.1:1/2"}, "yn"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, 0)
				got := ""
				f.provider.api = func(req *http.Request, n int) *http.Response {
					if _, ok := req.Header["Authorization"]; ok {
						got += "y"
					} else {
						got += "n"
					}
					if n < len(tt.hops) {
						return answerOf(req, 302, "", "Location", tt.hops[n])
					}
					return answerOf(req, 200, "")
				}
				getURL(t, f.client(), tt.hops[0])
				if got != tt.want {
					t.Errorf("the header was sent: %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestAServerElsewhereNeverSeesTheTokenOverRealConnections(t *testing.T) {
	t.Parallel()
	f := newRig(t, 0)
	var leaked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Add(1)
		}
	}))
	defer other.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access-1" {
			t.Error("the API did not get the token")
		}
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer api.Close()
	c := f.client(func(cfg *oauth2.Config) { cfg.Transport = nil })
	if resp := getURL(t, c, api.URL); resp.StatusCode != 200 {
		t.Errorf("status %d", resp.StatusCode)
	}
	if leaked.Load() > 0 {
		t.Error("the other server got the token")
	}
}

func TestARequestIsNeverChanged(t *testing.T) {
	for name, header := range map[string]http.Header{"no header": nil, "some": {"Accept": {"a", "b"}}, "its own": {"Authorization": {"Basic xyz"}}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, 0)
				f.provider.end() // so that there is a retry
				var sent []http.Header
				f.provider.api = func(req *http.Request, _ int) *http.Response {
					sent = append(sent, req.Header)
					return nil
				}
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.test/", strings.NewReader("body"))
				if err != nil {
					t.Fatal(err)
				}
				req.Header = header
				before := *req
				before.Header = header.Clone()
				resp, err := f.client().RoundTripper().RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if resp.Request != req {
					t.Error("the answer's request is not the one that was given")
				}
				if !maps.EqualFunc(req.Header, before.Header, func(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) ||
					(req.Header == nil) != (before.Header == nil) || req.Body != before.Body || req.URL != before.URL {
					t.Error("the request was changed")
				}
				for i, want := range []string{"Bearer access-1", "Bearer access-2"} {
					if len(sent) != 2 || fmt.Sprint(sent[i]["Authorization"]) != "["+want+"]" {
						t.Fatalf("request %d has another header", i)
					}
					if name == "some" && fmt.Sprint(sent[i]["Accept"]) != "[a b]" {
						t.Error("another header was lost")
					}
				}
			})
		})
	}
}

// body is a request's, without GetBody.
type body struct {
	io.Reader
	closed atomic.Int64
}

func (b *body) Close() error { b.closed.Add(1); return nil }

func TestABodyIsAlwaysClosed(t *testing.T) {
	for name, tt := range map[string]struct {
		address string
		spoil   func(f *rig)
	}{
		"sent":            {"https://api.test/", func(*rig) {}},
		"to a stranger":   {"https://evil.test/", func(*rig) {}},
		"not connected":   {"https://api.test/", func(f *rig) { _ = f.store.Delete(context.Background(), tokensID) }},
		"refused":         {"https://api.test/", func(f *rig) { f.provider.end() }},
		"a store is down": {"https://api.test/", func(f *rig) { f.store.Inject(memory.Fault{Err: core.ErrUnavailable}) }},
		"the API is down": {"https://api.test/", func(f *rig) { f.provider.api = func(*http.Request, int) *http.Response { panic("not asked") } }},
	} {
		for length, n := range map[string]int64{"known": 4, "unknown": -1} {
			t.Run(name+", length "+length, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f := newRig(t, 0)
					tt.spoil(f)
					c := f.client(func(cfg *oauth2.Config) {
						if name == "the API is down" {
							cfg.Transport = roundTripFunc(func(req *http.Request) (*http.Response, error) {
								req.Body.Close()
								return nil, errors.New("down")
							})
						}
					})
					b := &body{Reader: strings.NewReader("body")}
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tt.address, b)
					if err != nil {
						t.Fatal(err)
					}
					req.ContentLength = n
					resp, err := c.RoundTripper().RoundTrip(req)
					if err == nil {
						resp.Body.Close()
					}
					if b.closed.Load() == 0 {
						t.Error("the body is open")
					}
				})
			})
		}
	}
}

func TestA401IsFollowedByOneRefreshAndOneRetry(t *testing.T) {
	large := bytes.Repeat([]byte("x"), 1<<20)
	for name, tt := range map[string]struct {
		body    []byte
		getBody bool
		length  int64
		retried bool
	}{
		"no body":               {nil, false, 0, true},
		"with GetBody":          {append(large, 'x'), true, 1<<20 + 1, true},
		"of a known length":     {large, false, 1 << 20, true},
		"of an unknown length":  {large, false, -1, true},
		"known and too long":    {append(large, 'x'), false, 1<<20 + 1, false},
		"unknown and too long":  {append(large, 'x'), false, -1, false},
		"said to be one longer": {[]byte("body"), false, 5, true},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, 0)
				f.provider.end()
				var seen [][]byte
				c := f.client(func(cfg *oauth2.Config) {
					next := cfg.Transport
					cfg.Transport = roundTripFunc(func(req *http.Request) (*http.Response, error) {
						var got []byte
						if req.Body != nil {
							got, _ = io.ReadAll(req.Body)
							req.Body.Close()
						}
						seen = append(seen, got)
						req.Body = nil
						return next.RoundTrip(req)
					})
				})
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.test/", nil)
				if err != nil {
					t.Fatal(err)
				}
				if tt.body != nil {
					req.Body, req.ContentLength = &body{Reader: bytes.NewReader(tt.body)}, tt.length
				}
				if tt.getBody {
					req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tt.body)), nil }
				}
				resp, err := c.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				text, err := io.ReadAll(resp.Body)
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				f.want(1, 1, 0) // also where there is no retry: the next request is to be better
				for i, got := range seen {
					if !bytes.Equal(got, tt.body) {
						t.Errorf("request %d has %d bytes of body, want %d", i+1, len(got), len(tt.body))
					}
				}
				if tt.retried && (resp.StatusCode != 200 || len(seen) != 2) {
					t.Errorf("status %d after %d requests", resp.StatusCode, len(seen))
				}
				if !tt.retried && (resp.StatusCode != 401 || len(seen) != 1 || string(text) != `{"message":"Bad credentials"}`) {
					t.Errorf("status %d after %d requests, with %d bytes", resp.StatusCode, len(seen), len(text))
				}
				if resp := getURL(t, c, "https://api.test/"); resp.StatusCode != 200 {
					t.Errorf("the next request: status %d", resp.StatusCode)
				}
				f.want(1, 1, 0)
			})
		})
	}
}

func TestABodyThatIsStillBeingWrittenIsNotWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, 0)
		f.provider.end()
		read, write := io.Pipe()
		c := f.client(func(cfg *oauth2.Config) {
			cfg.Transport = roundTripFunc(func(req *http.Request) (*http.Response, error) {
				_, _ = io.ReadFull(req.Body, make([]byte, 4)) // the API answers at the first bytes
				go func() { _, _ = io.Copy(io.Discard, req.Body); req.Body.Close() }()
				return answerOf(req, 401, "whole"), nil
			})
		})
		go func() { _, _ = write.Write([]byte("body")) }()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://api.test/", read)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 401 || string(text) != "whole" {
			t.Errorf("status %d, %d bytes", resp.StatusCode, len(text))
		}
		write.Close()
		synctest.Wait()
	})
}

func TestA401ThatNothingHelpsAgainstIsReturnedWhole(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(f *rig)
		want  error // in place of the 401
	}{
		"no refresh token": {func(f *rig) {
			stored := f.stored(tokensID)
			delete(stored, "refreshToken")
			f.put(stored)
		}, nil},
		"the token endpoint is down": {func(f *rig) {
			f.provider.before = func(_ int, req *http.Request) (*http.Response, error) {
				return answerOf(req, 503, "<html>"), nil
			}
		}, nil},
		"the application is refused": {func(f *rig) {
			f.provider.before = func(_ int, req *http.Request) (*http.Response, error) {
				return answerOf(req, 401, `{"error":"invalid_client"}`), nil
			}
		}, nil},
		"the new token is refused too": {func(f *rig) {
			f.provider.api = func(req *http.Request, _ int) *http.Response {
				return answerOf(req, 401, `{"message":"Bad credentials"}`)
			}
		}, nil},
		"the refresh token is refused": {func(f *rig) { f.provider.refresh = "" }, oauth2.ErrReauthorize},
		"disconnected":                 {func(f *rig) { _ = f.store.Delete(context.Background(), tokensID) }, oauth2.ErrNotConnected},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, 0)
				c := f.client()
				if _, err := c.Token(t.Context()); err != nil {
					t.Fatal(err)
				}
				f.provider.end()
				tt.spoil(f)
				for range 3 {
					resp, err := tryURL(c, t.Context(), "https://api.test/")
					if tt.want != nil {
						if !errors.Is(err, tt.want) {
							t.Errorf("error is %v", err)
						}
						continue
					}
					if err != nil {
						t.Fatal(err)
					}
					if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 401 || string(text) != `{"message":"Bad credentials"}` {
						t.Errorf("status %d, %d bytes", resp.StatusCode, len(text))
					}
				}
			})
		})
	}
}

func TestATokenThatIsRefusedRightAwayForcesNoRefreshForAMinute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, 0)
		f.provider.api = func(req *http.Request, _ int) *http.Response { return answerOf(req, 401, "") }
		c := f.client()
		for range 100 {
			getURL(t, c, "https://api.test/")
		}
		f.want(1, 1, 0)
		time.Sleep(59 * time.Second)
		getURL(t, c, "https://api.test/")
		f.want(1, 1, 0)
		time.Sleep(time.Second)
		getURL(t, c, "https://api.test/")
		getURL(t, c, "https://api.test/")
		f.want(2, 2, 0)
	})
}

func TestAThousandThatGetA401AreOneRefresh(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, 0)
		c := f.client()
		if _, err := c.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		for round := 1; round <= 5; round++ {
			f.provider.end()
			var all sync.WaitGroup
			for range 1000 {
				all.Go(func() {
					if resp := getURL(t, c, "https://api.test/"); resp.StatusCode != 200 {
						t.Errorf("status %d", resp.StatusCode)
					}
				})
			}
			all.Wait()
			f.want(round, round, 0)
		}
	})
}
