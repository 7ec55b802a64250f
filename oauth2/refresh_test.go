package oauth2_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
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

// failing answers every request at the token endpoint with a status.
func failing(status int, text string, header ...string) func(int, *http.Request) (*http.Response, error) {
	return func(_ int, req *http.Request) (*http.Response, error) {
		return answerOf(req, status, text, header...), nil
	}
}

func TestAFailureThatMayPassIsOneForAllAndLeavesTheTokens(t *testing.T) {
	for name, script := range map[string]func(int, *http.Request) (*http.Response, error){
		"429":           failing(429, `{"error":"slow_down"}`),
		"500":           failing(500, `{"error":"server_error"}`),
		"503 with HTML": failing(503, "<html>"),
		"200 with HTML": failing(200, "<html>"),
		"a redirect":    failing(302, "", "Location", "https://evil.test/"),
		"a broken line": func(int, *http.Request) (*http.Response, error) {
			return nil, errors.New("connection reset by refresh-1")
		},
		"no answer": func(_ int, req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		},
		"200 with error": failing(200, `{"error":"temporarily_unavailable"}`),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				c := f.client()
				if _, err := c.Token(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				before := f.stored(tokensID)
				f.provider.before = script
				outcomes := make([]error, 200)
				var all sync.WaitGroup
				for i := range outcomes {
					all.Go(func() { _, outcomes[i] = c.Token(t.Context()) })
				}
				all.Wait()
				f.want(1, 0, 0)
				for _, err := range outcomes {
					var is *oauth2.Error
					if !errors.As(err, &is) || !errors.Is(err, core.ErrUnavailable) || errors.Is(err, oauth2.ErrReauthorize) || errors.Is(err, context.DeadlineExceeded) {
						t.Fatalf("an outcome is %v", err)
					}
				}
				noSecrets(t, outcomes[0])
				if after := f.stored(tokensID); after["accessToken"] != before["accessToken"] || after["refreshToken"] != before["refreshToken"] {
					t.Error("the tokens were changed")
				}
				status, err := c.Status(t.Context())
				if err != nil || status.LastFailure == nil || !status.Connected || !status.Refreshable || status.Reauthorize {
					t.Errorf("status %+v, %v", status, err)
				}

				// It is not hammered, and passes.
				if _, err := c.Token(t.Context()); !errors.Is(err, core.ErrUnavailable) {
					t.Errorf("at once again: %v", err)
				}
				f.want(1, 0, 0)
				f.provider.before = nil
				time.Sleep(time.Second)
				got, err := c.Token(t.Context())
				isAccess(t, got, err, "access-2")
				f.want(2, 1, 0)
				if status, err := c.Status(t.Context()); err != nil || status.LastFailure != nil {
					t.Errorf("status after it has passed: %+v, %v", status, err)
				}
			})
		})
	}
}

func TestFailuresAreAskedAboutMoreAndMoreRarely(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		f.provider.before = failing(503, "")
		c := f.client()
		time.Sleep(time.Hour)
		var asked []time.Duration
		began, seen := time.Now(), 0
		for time.Since(began) < 5*time.Minute {
			_, _ = c.Token(t.Context())
			if posts, _, _, _ := f.provider.counts(); posts > seen {
				seen = posts
				asked = append(asked, time.Since(began).Round(time.Second))
			}
			time.Sleep(100 * time.Millisecond)
		}
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 123, 183, 243}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(asked, want) {
			t.Errorf("the endpoint was asked at %v, want %v", asked, want)
		}
	})
}

func TestRetryAfterIsHonouredWithABound(t *testing.T) {
	for header, want := range map[string]time.Duration{"": time.Second, "7": 7 * time.Second, "600": 10 * time.Minute, "86400": time.Hour, "soon": time.Second} {
		t.Run(header, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				f.provider.before = failing(429, "", "Retry-After", header)
				c := f.client()
				time.Sleep(time.Hour)
				_, _ = c.Token(t.Context())
				time.Sleep(want - time.Millisecond)
				_, _ = c.Token(t.Context())
				f.want(1, 0, 0)
				time.Sleep(time.Millisecond)
				_, _ = c.Token(t.Context())
				f.want(2, 0, 0)
			})
		})
	}
}

func TestWhileARefreshFailsAnAccessTokenIsUsedToItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		f.provider.before = failing(503, "")
		c := f.client()
		time.Sleep(time.Hour - 30*time.Second)
		for range 29 {
			got, err := c.Token(t.Context())
			isAccess(t, got, err, "access-1")
			time.Sleep(time.Second)
		}
		if posts, _, _, _ := f.provider.counts(); posts < 2 || posts > 6 {
			t.Errorf("the endpoint was asked %d times", posts)
		}
		time.Sleep(time.Second)
		if _, err := c.Token(t.Context()); !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("after its end: %v", err)
		}
	})
}

func TestARefreshOfAnotherProcessEndsTheWait(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		f.provider.before = failing(503, "", "Retry-After", "3600")
		c := f.client()
		time.Sleep(time.Hour)
		if _, err := c.Token(t.Context()); err == nil {
			t.Fatal("it should fail")
		}
		f.provider.before = nil
		got, err := f.client().Token(t.Context())
		isAccess(t, got, err, "access-2")
		time.Sleep(5 * time.Second)
		got, err = c.Token(t.Context())
		isAccess(t, got, err, "access-2")
		f.want(2, 1, 0)
	})
}

func TestAnotherFailureIsFinal(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		text   string
		kind   error
	}{
		"the application":     {401, `{"error":"invalid_client"}`, core.ErrUnauthenticated},
		"the request":         {400, `{"error":"invalid_request"}`, core.ErrInvalidValue},
		"a page":              {403, "<html>", core.ErrPermissionDenied},
		"in the body of 200":  {200, `{"error":"incorrect_client_credentials"}`, core.ErrUnauthenticated},
		"an endpoint of none": {404, "", core.ErrInvalidValue},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				f.provider.before = failing(tt.status, tt.text)
				c := f.client()
				time.Sleep(time.Hour)
				for range 50 {
					if _, err := c.Token(t.Context()); !errors.Is(err, tt.kind) || errors.Is(err, oauth2.ErrReauthorize) {
						t.Fatalf("error is %v", err)
					}
					time.Sleep(time.Second)
				}
				f.want(1, 0, 0)
				// Whoever has mended it says so.
				f.provider.before = nil
				if err := c.Refresh(t.Context()); err != nil {
					t.Fatal(err)
				}
				got, err := c.Token(t.Context())
				isAccess(t, got, err, "access-2")
				f.want(2, 1, 0)
			})
		})
	}
}

func TestARotatedApplicationSecretIsSeen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		var auth []string
		f.provider.before = func(_ int, req *http.Request) (*http.Response, error) {
			_, secret, _ := req.BasicAuth()
			auth = append(auth, secret)
			return nil, nil
		}
		c := f.client()
		for _, secret := range []string{"one", "two"} {
			f.store.Seed(appID, core.String(`{"clientId":"client","clientSecret":"`+secret+`"}`))
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(auth, []string{"one", "two"}) {
			t.Error("the application's secret is not read anew")
		}
	})
}

func TestAnApplicationThatIsNotConfiguredIsNotAMalformedOne(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(f *rig)
		kind  error
	}{
		"missing":    {func(f *rig) { _ = f.store.Delete(context.Background(), appID) }, core.ErrNotFound},
		"malformed":  {func(f *rig) { f.store.Seed(appID, core.String(`{"clientID":"secret-canary"}`)) }, core.ErrInvalidValue},
		"unreadable": {func(f *rig) { f.store.Inject(memory.Fault{ID: appID, Err: core.ErrPermissionDenied}) }, core.ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				tt.spoil(f)
				c := f.client()
				time.Sleep(time.Hour)
				_, err := c.Token(t.Context())
				if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), appID) || errors.Is(err, oauth2.ErrNotConnected) {
					t.Errorf("error is %v", err)
				}
				noSecrets(t, err)
				f.want(0, 0, 0)
				if f.stored(claimID) != nil {
					t.Error("a claim was made for nothing")
				}
			})
		})
	}
}

func TestARefusalIsRememberedEverywhereAndAReconnectEndsIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c, other := f.client(), f.client(func(cfg *oauth2.Config) { cfg.User = "bob"; cfg.Connect = "https://app.test/connect" })
		time.Sleep(time.Hour)
		f.provider.refresh = ""
		for range 100 {
			_, err := c.Token(t.Context())
			var is *oauth2.ReauthorizeError
			if !errors.As(err, &is) || !errors.Is(err, oauth2.ErrReauthorize) {
				t.Fatalf("error is %v", err)
			}
			if is.Code != "invalid_grant" || is.Name != "github" || is.ID != tokensID || is.Connect != "lukko oauth connect github" {
				t.Fatalf("error is %+v", *is)
			}
			_, err = other.Token(t.Context())
			if !errors.As(err, &is) || is.User != "bob" || is.Connect != "https://app.test/connect" || is.Code != "invalid_grant" {
				t.Fatalf("another process: %v", err)
			}
			if err := c.Refresh(t.Context()); !errors.Is(err, oauth2.ErrReauthorize) {
				t.Fatalf("Refresh: %v", err)
			}
			time.Sleep(time.Minute)
		}
		f.want(1, 0, 0)
		if _, err := f.client().Token(t.Context()); !errors.Is(err, oauth2.ErrReauthorize) {
			t.Errorf("a process that starts later: %v", err)
		}
		f.want(1, 0, 0)
		for _, c := range []*oauth2.Client{c, f.client()} {
			status, err := c.Status(t.Context())
			if err != nil || !status.Connected || !status.Reauthorize || status.Refreshable || !errors.Is(status.LastFailure.Err, oauth2.ErrReauthorize) {
				t.Errorf("status %+v, %v", status, err)
			}
		}
		if n := count(f.kinds(), oauth2.EventReauthorize); n != 1 {
			t.Errorf("%d events, want 1", n)
		}

		f.connect()
		time.Sleep(5 * time.Second) // how long it may take to be seen
		for _, c := range []*oauth2.Client{c, other} {
			if _, err := c.Token(t.Context()); err != nil {
				t.Errorf("after the account was connected again: %v", err)
			}
		}
		time.Sleep(time.Hour)
		if _, err := c.Token(t.Context()); err != nil {
			t.Error(err)
		}
		f.want(2, 1, 0)
		if status, err := c.Status(t.Context()); err != nil || status.Reauthorize || status.LastFailure != nil {
			t.Errorf("status %+v, %v", status, err)
		}
	})
}

func count(kinds []oauth2.EventKind, kind oauth2.EventKind) (n int) {
	for _, k := range kinds {
		if k == kind {
			n++
		}
	}
	return n
}

func TestWithoutARefreshTokenAnAccessTokenIsUsedToItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		stored := f.stored(tokensID)
		delete(stored, "refreshToken")
		f.put(stored)
		c := f.client()
		time.Sleep(time.Hour - time.Second)
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-1")
		if status, err := c.Status(t.Context()); err != nil || status.Refreshable || status.Reauthorize {
			t.Errorf("status %+v, %v", status, err)
		}
		time.Sleep(time.Second)
		if _, err := c.Token(t.Context()); !errors.Is(err, oauth2.ErrReauthorize) {
			t.Errorf("error is %v", err)
		}
		if status, err := c.Status(t.Context()); err != nil || !status.Reauthorize || !status.Connected {
			t.Errorf("status %+v, %v", status, err)
		}
		if err := c.Refresh(t.Context()); !errors.Is(err, oauth2.ErrReauthorize) {
			t.Errorf("error is %v", err)
		}
		f.want(0, 0, 0)
	})
}

func TestClientCredentialsAreRefreshedByThatGrant(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		f.settings.Grant, f.settings.AuthURL = oauth2.GrantClientCredentials, ""
		if err := f.store.Delete(t.Context(), tokensID); err != nil {
			t.Fatal(err)
		}
		f.provider.keeps = true
		var forms []string
		f.provider.before = func(_ int, req *http.Request) (*http.Response, error) {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			var text strings.Builder
			_, err = copyAll(&text, body)
			forms = append(forms, text.String())
			return nil, err
		}
		c, other := f.client(), f.client()
		for round := range 3 {
			var all sync.WaitGroup
			for _, c := range []*oauth2.Client{c, other, c, other} {
				all.Go(func() {
					got, err := c.Token(t.Context())
					isAccess(t, got, err, "access-"+string(rune('2'+round)))
				})
			}
			all.Wait()
			f.want(round+1, round+1, 0)
			time.Sleep(time.Hour)
		}
		for _, form := range forms {
			if form != "grant_type=client_credentials&scope=repo+user" {
				t.Error("the request is another one")
			}
		}
		status, err := c.Status(t.Context())
		if err != nil || !status.Connected || !status.Refreshable || status.Reauthorize || !slices.Equal(status.Granted, []string{"repo", "user"}) {
			t.Errorf("status %+v, %v", status, err)
		}
	})
}

func TestAnAnswerThatCannotBeStoredIsUsedAndStoredLater(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c := f.client()
		time.Sleep(time.Hour)
		remove := f.store.Inject(memory.Fault{ID: tokensID, Op: "set", Err: core.ErrUnavailable})
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-2")
		for range 40 { // also while the store is read in the background
			time.Sleep(time.Second)
			got, err = c.Token(t.Context())
			isAccess(t, got, err, "access-2")
		}
		if f.stored(tokensID)["accessToken"] != "access-1" {
			t.Fatal("the store took it")
		}
		if status, err := c.Status(t.Context()); err != nil || status.LastFailure == nil || !errors.Is(status.LastFailure.Err, core.ErrUnavailable) {
			t.Errorf("status %+v, %v", status, err)
		}
		remove()
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if f.stored(tokensID)["accessToken"] != "access-2" {
			t.Error("it is not stored though the store takes it")
		}
		if kinds := f.kinds(); !slices.Equal(kinds, []oauth2.EventKind{oauth2.EventFailed, oauth2.EventRefreshed}) {
			t.Errorf("events are %v", kinds)
		}
		time.Sleep(time.Hour)
		got, err = c.Token(t.Context())
		isAccess(t, got, err, "access-3")
		f.want(2, 2, 0)
	})
}

func TestNothingIsRefreshedBeforeTheLastAnswerIsStored(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c := f.client()
		time.Sleep(time.Hour)
		remove := f.store.Inject(memory.Fault{ID: tokensID, Op: "set", Err: core.ErrUnavailable})
		if _, err := c.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if _, err := c.Token(t.Context()); !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("error is %v", err)
		}
		f.want(1, 1, 0)
		remove()
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-3")
		f.want(2, 2, 0)
	})
}

func TestCloseSaysThatAnAnswerIsLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c := f.client()
		time.Sleep(time.Hour)
		defer f.store.Inject(memory.Fault{ID: tokensID, Op: "set", Err: core.ErrUnavailable})()
		if _, err := c.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestAWriteWhoseOutcomeIsNotToldIsLookedFor(t *testing.T) {
	for name, cut := range map[string]memory.Cut{"written": memory.CutAfter, "not written": memory.CutBefore} {
		for _, id := range []string{tokensID, claimID} {
			t.Run(id+" "+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					f := newRig(t, time.Hour)
					c := f.client()
					time.Sleep(time.Hour)
					defer f.store.Inject(memory.Fault{ID: id, Op: "set", Times: 1, Cut: cut})()
					began := time.Now()
					got, err := c.Token(t.Context())
					isAccess(t, got, err, "access-2")
					if took := time.Since(began); took > time.Second {
						t.Errorf("it took %v", took)
					}
					if f.stored(tokensID)["accessToken"] != "access-2" {
						t.Error("it is not stored")
					}
					f.want(1, 1, 0)
				})
			})
		}
	}
}

func TestAFailureThatIsRememberedCostsFewReads(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		var reads atomic.Int64
		f.store = memory.New(memory.Config{OnCall: func(c memory.Call) {
			if c.Op == "get" {
				reads.Add(1)
			}
		}})
		f.store.Seed(appID, core.String(`{"clientId":"client"}`))
		f.connect()
		c := f.client()
		time.Sleep(time.Hour)
		f.provider.refresh = ""
		if _, err := c.Token(t.Context()); !errors.Is(err, oauth2.ErrReauthorize) {
			t.Fatalf("error is %v", err)
		}
		reads.Store(0)
		for range 1000 {
			_, _ = c.Token(t.Context())
			time.Sleep(10 * time.Millisecond)
		}
		if n := reads.Load(); n != 1 { // after 5 s; the next is after 10
			t.Errorf("%d reads of the store in 10 s, want 1", n)
		}
	})
}
