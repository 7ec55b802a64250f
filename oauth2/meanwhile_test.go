package oauth2_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

// answersLate is a client of whose tokens the first write is done long before its
// answer comes, and a channel that tells when it is done.
func (f *rig) answersLate() (*oauth2.Client, <-chan struct{}) {
	written := make(chan struct{})
	var late atomic.Bool
	p := f.process(func(_ *oauth2.Config, v *view) {
		v.after = func(op, id string) {
			if op == "set" && id == tokensID && late.CompareAndSwap(false, true) {
				close(written)
				time.Sleep(time.Second)
			}
		}
	})
	return p.Client, written
}

func TestConnectingGoesBeforeARefreshThatIsBeingStored(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c, written := f.answersLate()
		done := make(chan error)
		go func() { done <- c.Refresh(context.Background()) }()
		<-written
		if err := c.Connected(t.Context(), oauth2.Token{AccessToken: core.String("access-9"), RefreshToken: core.String("refresh-9")}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-9") // and not the old account's, which was stored before
	})
}

func TestDisconnectingGoesBeforeARefreshThatIsBeingStored(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c, written := f.answersLate()
		done := make(chan error)
		go func() { done <- c.Refresh(context.Background()) }()
		<-written
		if err := c.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, oauth2.ErrNotConnected) {
			t.Errorf("error is %v", err)
		}
		if _, err := c.Token(t.Context()); !errors.Is(err, oauth2.ErrNotConnected) {
			t.Errorf("error is %v", err)
		}
		if f.stored(claimID) != nil || f.stored(tokensID) != nil {
			t.Error("something is left")
		}
	})
}

func TestConnectingGoesBeforeARefreshThatCannotBeStored(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c := f.client()
		mend := f.store.Inject(memory.Fault{Op: "set", ID: tokensID, Err: core.ErrUnavailable})
		done := make(chan error)
		go func() { done <- c.Refresh(context.Background()) }()
		time.Sleep(9 * time.Second) // of the 10 in which it is tried
		mend()
		if err := c.Connected(t.Context(), oauth2.Token{AccessToken: core.String("access-9"), RefreshToken: core.String("refresh-9")}); err != nil {
			t.Fatal(err)
		}
		defer f.store.Inject(memory.Fault{Op: "set", ID: tokensID, Err: core.ErrUnavailable})()
		defer f.store.Inject(memory.Fault{Op: "get", ID: tokensID, Err: core.ErrUnavailable, Times: 1})()
		<-done
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-9")
	})
}

// TestRevokeWaitsForARefreshThatIsOnItsWay: the provider has rotated the tokens
// by then, and takes the old ones for ended.
func TestRevokeWaitsForARefreshThatIsOnItsWay(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"the same client", "another process"} {
		t.Run(where, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newFlowProvider(t)
				var cfg oauth2.Config
				f := newFlow(t, s, func(c *oauth2.Config) { cfg = *c })
				f.connect()
				other := f.client
				if where == "another process" {
					var err error
					if other, err = oauth2.New(cfg); err != nil {
						t.Fatal(err)
					}
					defer other.Close()
				}
				asked := make(chan struct{})
				s.token = func(map[string]any) {
					close(asked)
					s.mu.Unlock()
					time.Sleep(5 * time.Second)
					s.mu.Lock()
				}
				done := make(chan error)
				go func() { done <- other.Refresh(context.Background()) }()
				<-asked
				revoked, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{})
				if err != nil || !revoked.AtProvider {
					t.Errorf("%+v, %v", revoked, err)
				}
				<-done
				for _, token := range []string{"canary-access-1", "canary-refresh-1", "canary-access-2", "canary-refresh-2"} {
					if s.isLive(token) {
						t.Error("a token is still good")
					}
				}
				f.wantNothingStored()
			})
		})
	}
}

func TestRevokeWaitsForAProcessThatIsNoMoreAsLongAsItsClaimSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFlowProvider(t)
		f := newFlow(t, s, nil)
		f.connect()
		f.store.Seed(flowTokens+oauth2.ClaimSuffix, core.String(fmt.Sprintf(`{"nonce":"N","milliseconds":7000,"of":%q}`, claimOf("N", "canary-refresh-1"))))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := f.client.Revoke(ctx, oauth2.RevokeOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v", err)
		}
		if _, ok := f.stored(); !ok {
			t.Error("the tokens were deleted though the caller gave up")
		}
		began := time.Now()
		if _, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 7*time.Second || took > 9*time.Second {
			t.Errorf("it took %v", took)
		}
		f.wantNothingStored()
	})
}

func TestRevokeByForceWaitsForNoClaimThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newFlowProvider(t)
	f := newFlow(t, s, nil)
	f.connect()
	defer f.store.Inject(memory.Fault{Op: "get", ID: flowTokens + oauth2.ClaimSuffix, Err: core.ErrPermissionDenied})()
	if _, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{}); !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("error is %v", err)
	}
	if _, ok := f.stored(); !ok {
		t.Error("the tokens were deleted, though a refresh may be on its way")
	}
	if done, err := f.client.Revoke(t.Context(), oauth2.RevokeOptions{Force: true}); err != nil || !done.AtProvider {
		t.Errorf("%+v, %v", done, err)
	}
	f.wantNothingStored()
}

func TestTheSameAccessTokenAgainIsNoReasonToAskAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		f.provider.before = func(_ int, req *http.Request) (*http.Response, error) {
			time.Sleep(10 * time.Millisecond)
			return answerOf(req, 200, `{"access_token":"access-1","expires_in":3600}`), nil
		}
		f.provider.api = func(req *http.Request, _ int) *http.Response { return answerOf(req, 401, "refused") }
		c := f.client()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		answers := make(chan error)
		const many = 20
		for range many {
			go func() {
				resp, err := tryURL(c, ctx, "https://api.test/")
				if err == nil && resp.StatusCode != 401 {
					err = fmt.Errorf("the status is %d", resp.StatusCode)
				}
				answers <- err
			}()
		}
		for range many {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		f.want(1, 0, 0)
		if _, _, _, requests := f.provider.counts(); requests != many {
			t.Errorf("%d requests to the API of %d callers: the token that was refused is sent again", requests, many)
		}
		time.Sleep(time.Minute - time.Second)
		getURL(t, c, "https://api.test/")
		f.want(1, 0, 0)
		time.Sleep(2 * time.Second)
		getURL(t, c, "https://api.test/")
		f.want(2, 0, 0)
	})
}

func TestStatusTellsNoFailureOfTokensThatWereReplaced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails  func(f *rig, c *oauth2.Client)
		mended func(f *rig)
	}{
		"connected again elsewhere": {
			func(f *rig, c *oauth2.Client) {
				f.provider.refresh = ""
				if err := c.Refresh(context.Background()); !errors.Is(err, oauth2.ErrReauthorize) {
					f.t.Errorf("error is %v", err)
				}
			},
			(*rig).connect,
		},
		"refreshed elsewhere": {
			func(f *rig, c *oauth2.Client) {
				f.provider.before = func(n int, req *http.Request) (*http.Response, error) {
					if n == 1 {
						return answerOf(req, 503, ""), nil
					}
					return nil, nil
				}
				if err := c.Refresh(context.Background()); !errors.Is(err, core.ErrUnavailable) {
					f.t.Errorf("error is %v", err)
				}
			},
			func(f *rig) {
				if err := f.client().Refresh(context.Background()); err != nil {
					f.t.Error(err)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				c := f.client()
				test.fails(f, c)
				if s, err := c.Status(t.Context()); err != nil || s.LastFailure == nil {
					t.Errorf("the failure is not told: %v", err)
				}
				test.mended(f)
				s, err := c.Status(t.Context())
				if err != nil || !s.Connected || s.Reauthorize || !s.Refreshable || s.LastFailure != nil {
					t.Errorf("connected %v, reauthorize %v, refreshable %v, a failure: %v; %v", s.Connected, s.Reauthorize, s.Refreshable, s.LastFailure != nil, err)
				}
			})
		})
	}
}

func TestNoClaimHoldsForMoreThanTenMinutes(t *testing.T) {
	t.Parallel()
	for _, milliseconds := range []int64{600_000, 600_001, 9_223_372_036_855, 18_446_744_073_710, 1<<63 - 1} {
		t.Run(fmt.Sprint(milliseconds), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				f.claim(map[string]any{"milliseconds": milliseconds})
				began := time.Now()
				if err := f.client().Refresh(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took < 10*time.Minute || took > 10*time.Minute+time.Second {
					t.Errorf("it held for %v", took)
				}
			})
		})
	}
}

func TestAnIssuerIsAskedBeforeThereIsAClaim(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFlowProvider(t)
		var cfg oauth2.Config
		f := newFlow(t, s, func(c *oauth2.Config) { cfg = *c })
		f.connect()
		before := f.claims()
		well := false
		cfg.Endpoints = roundTripFunc(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/token" {
				if f.claims() == before {
					t.Error("the provider is asked without a claim")
				}
				return s.RoundTrip(req)
			}
			if f.claims() != before {
				t.Error("a claim waits for what the issuer says")
			}
			time.Sleep(19 * time.Second)
			if !well {
				return answerOf(req, 503, ""), nil
			}
			return s.RoundTrip(req)
		})
		c, err := oauth2.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Refresh(t.Context()); !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("error is %v", err)
		}
		// One failure is for all who ask for a while, as any other.
		if err := c.Refresh(t.Context()); !errors.Is(err, core.ErrUnavailable) || f.claims() != before {
			t.Errorf("error is %v", err)
		}
		if status, err := c.Status(t.Context()); err != nil || status.LastFailure == nil {
			t.Errorf("the failure is not told, %v", err)
		}
		well = true
		time.Sleep(time.Minute)
		if err := c.Refresh(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// claims is the claim as it is stored.
func (f *flow) claims() string {
	secret, err := f.store.Get(context.Background(), flowTokens+oauth2.ClaimSuffix)
	if err != nil {
		return ""
	}
	return secret.Value.Reveal()
}

func TestANewConnectionWithTheSameRefreshTokenKeepsWhatItBrought(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		f.provider.keeps, f.provider.refresh = true, "refresh-1"
		clear(f.provider.spent)
		asked := make(chan struct{})
		f.provider.after = func(int, *http.Request) (*http.Response, error) {
			close(asked)
			time.Sleep(5 * time.Second)
			return nil, nil
		}
		slow := f.client()
		done := make(chan error)
		go func() { done <- slow.Refresh(context.Background()) }()
		<-asked
		time.Sleep(time.Second)
		if err := f.client().Connected(t.Context(), oauth2.Token{AccessToken: core.String("access-9"), RefreshToken: core.String("refresh-1"), Scope: "repo user"}); err != nil {
			t.Fatal(err)
		}
		connected := f.stored(tokensID)["connectedAt"]
		if err := <-done; err != nil {
			t.Error(err)
		}
		if stored := f.stored(tokensID); stored["connectedAt"] != connected || stored["scope"] != "repo user" || stored["accessToken"] != "access-2" {
			t.Errorf("connected at %v, with %v", stored["connectedAt"], stored["scope"])
		}
	})
}

func TestAnApplicationThatIsNotConfiguredIsNotReadForEachRequest(t *testing.T) {
	t.Parallel()
	for _, conditions := range []bool{true, false} {
		t.Run(fmt.Sprint("conditions: ", conditions), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				app, err := f.store.Get(t.Context(), appID)
				if err != nil {
					t.Fatal(err)
				}
				if err := f.store.Delete(t.Context(), appID); err != nil {
					t.Fatal(err)
				}
				var reads atomic.Int32
				c := f.process(func(cfg *oauth2.Config, v *view) {
					cfg.OneProcess = !conditions
					v.caps = func(caps *core.Capabilities) { caps.IfVersion = conditions }
					v.before = func(op, _ string) {
						if op == "get" {
							reads.Add(1)
						}
					}
				})
				time.Sleep(time.Hour)
				for range 100 {
					if _, err := c.Token(t.Context()); !errors.Is(err, core.ErrNotFound) || errors.Is(err, oauth2.ErrNotConnected) {
						t.Fatalf("error is %v", err)
					}
				}
				if n := reads.Load(); n > 5 {
					t.Errorf("the store was read %d times for 100 requests", n)
				}
				if s, err := c.Status(t.Context()); err != nil || s.LastFailure == nil || s.Reauthorize {
					t.Errorf("the failure is not told, or as another: %v", err)
				}
				f.store.Seed(appID, app.Value)
				if err := c.Refresh(t.Context()); err != nil { // which waits for nothing
					t.Error(err)
				}
			})
		})
	}
}

// TestAnOutageOfTheStoreIsNoTimeInWhichAClaimWasSeen: whoever holds it has got
// tokens and could not store them, and does so once the store is back.
func TestAnOutageOfTheStoreIsNoTimeInWhichAClaimWasSeen(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]memory.Fault{
		"nothing works":          {Err: core.ErrUnavailable},
		"nothing is written":     {Op: "set", Err: core.ErrUnavailable},
		"nothing may be written": {Op: "set", Err: core.ErrPermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				time.Sleep(time.Hour)
				var mend func()
				asked := make(chan struct{})
				f.provider.after = func(n int, _ *http.Request) (*http.Response, error) {
					if n == 1 {
						close(asked)
						time.Sleep(5 * time.Second)
						mend = f.store.Inject(fault)
					}
					return nil, nil
				}
				holder, other := f.process(), f.process()
				done := make(chan error)
				go func() { done <- holder.Refresh(context.Background()) }()
				<-asked
				go func() {
					for {
						_, err := other.Token(context.Background())
						if err == nil {
							done <- nil
							return
						}
						if !errors.Is(err, fault.Err) {
							done <- err
							return
						}
						time.Sleep(100 * time.Millisecond)
					}
				}()
				if err := <-done; err != nil { // the holder's, which can use what it got
					t.Error(err)
				}
				time.Sleep(2 * oauth2.ClaimDuration)
				mend()
				if err := <-done; err != nil {
					t.Error(err)
				}
				f.want(1, 1, 0)
			})
		})
	}
}
