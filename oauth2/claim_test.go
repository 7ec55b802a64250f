package oauth2_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestAThousandGoroutinesInEightProcessesRefreshOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, 10*time.Minute)
		f.provider.before = func(int, *http.Request) (*http.Response, error) { time.Sleep(300 * time.Millisecond); return nil, nil }
		var processes []*process
		for range 8 {
			processes = append(processes, f.process(func(_ *oauth2.Config, v *view) { v.latency = 10 * time.Millisecond }))
		}
		rounds := 6
		if os.Getenv("LUKKO_TRIAL") == "1" {
			rounds = 200
		}
		for round := 1; round <= rounds; round++ {
			if round%2 == 0 {
				time.Sleep(10 * time.Minute) // an end by the clock
			} else {
				f.provider.end() // and one before it
			}
			var all sync.WaitGroup
			for i := range 1000 {
				all.Go(func() {
					resp, err := tryURL(processes[i%8].Client, context.Background(), "https://api.test/")
					if err != nil || resp.StatusCode != 200 {
						t.Errorf("a request failed: %v", err)
					}
				})
			}
			all.Wait()
			f.want(round, round, 0)
			if t.Failed() {
				return
			}
		}
		if n := count(f.kinds(), oauth2.EventRefreshed); n != rounds {
			t.Errorf("%d events of a refresh, want %d", n, rounds)
		}
	})
}

// others waits until more processes have a token, or fail.
func (f *rig) others(n int) (tokens []oauth2.Token, errs []error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		p := f.process()
		all.Go(func() {
			got, err := p.Token(context.Background())
			mu.Lock()
			defer mu.Unlock()
			tokens, errs = append(tokens, got), append(errs, err)
		})
	}
	all.Wait()
	return tokens, errs
}

func TestAProcessKilledAfterItsClaimIsTakenOver(t *testing.T) { // K1
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		var killed *process
		killed = f.process(func(_ *oauth2.Config, v *view) {
			v.after = func(op, id string) {
				if op == "set" && id == claimID {
					killed.kill()
				}
			}
		})
		if _, err := killed.Token(t.Context()); err == nil {
			t.Fatal("it was not killed")
		}
		f.want(0, 0, 0)
		began := time.Now()
		tokens, errs := f.others(4)
		for i := range tokens {
			isAccess(t, tokens[i], errs[i], "access-2")
		}
		if took := time.Since(began); took < oauth2.ClaimDuration || took > oauth2.ClaimDuration+3*time.Second {
			t.Errorf("it was taken over after %v, want %v", took, oauth2.ClaimDuration)
		}
		f.want(1, 1, 0)
		if n := count(f.kinds(), oauth2.EventTakenOver); n != 1 {
			t.Errorf("%d events of a takeover, want 1", n)
		}
	})
}

func TestAProcessKilledBeforeItStoredTheAnswerEndsTheConnectionOnce(t *testing.T) { // K2
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		before := f.stored(tokensID)
		killed := f.process()
		f.provider.after = func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				killed.kill()
			}
			return nil, nil
		}
		if _, err := killed.Token(t.Context()); err == nil {
			t.Fatal("it was not killed")
		}
		f.want(1, 1, 0)
		for range 3 {
			_, errs := f.others(8)
			for _, err := range errs {
				if !errors.Is(err, oauth2.ErrReauthorize) {
					t.Errorf("error is %v", err)
				}
			}
			f.want(2, 1, 1) // the one that took over, and no storm
			time.Sleep(10 * time.Minute)
		}
		if n := count(f.kinds(), oauth2.EventReauthorize); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		if after := f.stored(tokensID); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Error("the tokens were changed")
		}
		f.connect()
		time.Sleep(time.Hour)
		tokens, errs := f.others(4)
		for i := range tokens {
			isAccess(t, tokens[i], errs[i], "access-4")
		}
		f.want(3, 2, 1)
	})
}

func TestAProcessKilledAfterItStoredTheAnswerLeavesItToTheOthers(t *testing.T) { // K3
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		var killed *process
		killed = f.process(func(_ *oauth2.Config, v *view) {
			v.after = func(op, id string) {
				if op == "set" && id == tokensID {
					killed.kill()
				}
			}
		})
		_, _ = killed.Token(t.Context())
		began := time.Now()
		tokens, errs := f.others(4)
		for i := range tokens {
			isAccess(t, tokens[i], errs[i], "access-2")
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
		f.want(1, 1, 0)
	})
}

func TestAHolderThatWasAwayPastItsClaimAsksNothing(t *testing.T) {
	for name, away := range map[string]func(p *process){
		"stopped": func(*process) { time.Sleep(2 * time.Minute) },
		"on a machine that slept, whose monotonic clock stood still": func(p *process) {
			time.Sleep(2 * time.Minute)
			p.clock.lost.Store(int64(2 * time.Minute))
		},
		"stopped, while the wall clock was set back": func(p *process) {
			time.Sleep(2 * time.Minute)
			p.clock.wall.Store(int64(-2 * time.Minute))
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				time.Sleep(time.Hour)
				var p *process
				claimed := make(chan struct{})
				gone := once(func() { close(claimed); away(p) })
				p = f.process(func(_ *oauth2.Config, v *view) {
					v.after = func(op, id string) {
						if op == "set" && id == claimID {
							gone()
						}
					}
				})
				var all sync.WaitGroup
				all.Go(func() {
					got, err := p.Token(context.Background())
					isAccess(t, got, err, "access-2")
				})
				<-claimed
				tokens, errs := f.others(1)
				isAccess(t, tokens[0], errs[0], "access-2")
				all.Wait()
				f.want(1, 1, 0)
			})
		})
	}
}

func TestATakerGoesByItsOwnClockAndByTheDurationInTheClaim(t *testing.T) {
	for name, tt := range map[string]struct {
		claim map[string]any
		wall  time.Duration // how far the taker's wall clock is ahead
		want  time.Duration
	}{
		"":                         {nil, 0, time.Minute},
		"a clock ahead":            {nil, 2 * time.Minute, time.Minute},
		"a clock behind":           {nil, -2 * time.Minute, time.Minute},
		"a shorter claim":          {map[string]any{"milliseconds": 5000}, 0, 5 * time.Second},
		"one for ever":             {map[string]any{"milliseconds": 1e15}, 0, 10 * time.Minute},
		"one that says no time":    {map[string]any{"milliseconds": 0}, 0, time.Minute},
		"released":                 {map[string]any{"released": true}, 0, 0},
		"of other tokens":          {map[string]any{"of": "00000000000000000000000000000000"}, 0, 0},
		"of no tokens":             {map[string]any{"of": ""}, 0, 0},
		"no claim, but some value": {map[string]any{"nonce": 1}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				time.Sleep(2 * time.Hour)
				f.claim(tt.claim)
				p := f.process()
				p.clock.wall.Store(int64(tt.wall))
				began := time.Now()
				if _, err := p.Token(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < tt.want || took > tt.want+time.Second {
					t.Errorf("it took %v, want %v", took, tt.want)
				}
				f.want(1, 1, 0)
			})
		})
	}
}

func TestAClaimThatIsRenewedIsNotTakenOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		f.claim(nil)
		p := f.process()
		done := make(chan struct{})
		go func() { defer close(done); _, _ = p.Token(context.Background()) }()
		for i := range 10 { // others keep dying in it: never the same nonce for the whole duration
			time.Sleep(50 * time.Second)
			nonce := fmt.Sprintf("NONCE-%d", i)
			f.claim(map[string]any{"nonce": nonce, "of": claimOf(nonce, "refresh-1")})
			f.want(0, 0, 0)
		}
		<-done
		f.want(1, 1, 0)
	})
}

func TestAFailureReleasesTheClaim(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		f.provider.before = func(n int, req *http.Request) (*http.Response, error) {
			if n == 1 {
				return answerOf(req, 503, ""), nil
			}
			return nil, nil
		}
		if _, err := f.process().Token(t.Context()); !errors.Is(err, core.ErrUnavailable) {
			t.Fatalf("error is %v", err)
		}
		other := f.process()
		status, err := other.Status(t.Context())
		var is *oauth2.Error
		if err != nil || status.LastFailure == nil || !errors.As(status.LastFailure.Err, &is) || is.Status != 503 || !status.LastFailure.At.Equal(time.Now()) {
			t.Errorf("another process tells the status %+v, %v", status, err)
		}
		began := time.Now()
		got, err := other.Token(t.Context())
		isAccess(t, got, err, "access-2")
		if took := time.Since(began); took > time.Second {
			t.Errorf("another process waited for %v", took)
		}
	})
}

func TestACallThatWaitsForAnotherProcessObeysItsContextAndClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		f.claim(nil)
		p := f.process()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := p.Token(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 20*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		go func() { time.Sleep(time.Second); p.Close() }()
		if _, err := p.Token(t.Context()); !errors.Is(err, core.ErrClosed) {
			t.Errorf("error is %v", err)
		}
		synctest.Wait()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it took %v", took)
		}
		f.want(0, 0, 0)
	})
}

func TestWhatIsStoredMeanwhileDecidesWhoWins(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(f *rig)
		want      string // the access token in the end; empty: not connected
		event     oauth2.EventKind
	}{
		"the same refresh token, in another version": {func(f *rig) {
			stored := f.stored(tokensID)
			stored["note"] = "by hand"
			f.put(stored)
		}, "access-2", oauth2.EventRefreshed},
		"another connection": {func(f *rig) {
			f.put(map[string]any{"accessToken": "access-9", "refreshToken": "refresh-9", "expiresAt": time.Now().Add(time.Hour)})
		}, "access-9", oauth2.EventDiscarded},
		"none any more": {func(f *rig) { _ = f.store.Delete(context.Background(), tokensID) }, "", oauth2.EventDiscarded},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				time.Sleep(time.Hour)
				f.provider.after = func(int, *http.Request) (*http.Response, error) {
					tt.meanwhile(f)
					return nil, nil
				}
				p := f.process()
				got, err := p.Token(t.Context())
				stored := f.stored(tokensID)
				if tt.want == "" {
					if !errors.Is(err, oauth2.ErrNotConnected) || stored != nil {
						t.Errorf("error is %v", err)
					}
				} else {
					isAccess(t, got, err, tt.want)
					if stored["accessToken"] != tt.want {
						t.Error("other tokens are stored")
					}
				}
				if tt.event == oauth2.EventRefreshed && stored["note"] != "by hand" {
					t.Error("what was written meanwhile is lost")
				}
				if !slices.Contains(f.kinds(), tt.event) {
					t.Errorf("events are %v", f.kinds())
				}
				f.want(1, 1, 0)
			})
		})
	}
}

func TestATakerThatIsRefusedWaitsForALateWinner(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		f.provider.lenient = true // it refuses a spent token, and revokes nothing
		stored := make(chan struct{})
		late := once(func() { time.Sleep(100 * time.Second); close(stored) })
		slow := f.process(func(_ *oauth2.Config, v *view) {
			v.before = func(op, id string) {
				if op == "set" && id == tokensID {
					late() // its write arrives long after the claim has ended
				}
			}
		})
		var all sync.WaitGroup
		all.Go(func() { _, _ = slow.Token(context.Background()) })
		time.Sleep(time.Second)
		tokens, errs := f.others(4)
		for i := range tokens {
			isAccess(t, tokens[i], errs[i], "access-2")
		}
		<-stored
		all.Wait()
		f.want(2, 1, 1) // the holder's, and the taker's
		if n := count(f.kinds(), oauth2.EventReauthorize); n != 0 {
			t.Errorf("%d events of a refusal", n)
		}
	})
}

func TestTokensThatWereReadBeforeTheClaimAreNotSpent(t *testing.T) {
	for _, at := range []string{"get " + claimID, "get " + tokensID} {
		for nth := 1; nth <= 3; nth++ {
			for _, side := range []string{"before", "after"} {
				t.Run(fmt.Sprintf("%s %s %d", side, at, nth), func(t *testing.T) {
					bubble(t, func(t *testing.T) {
						f := newRig(t, time.Hour)
						time.Sleep(time.Hour)
						fast := f.process()
						calls := 0
						hook := func(op, id string) {
							if op+" "+id != at {
								return
							}
							if calls++; calls == nth {
								for range 2 { // two generations of tokens
									if err := fast.Refresh(context.Background()); err != nil {
										t.Error(err)
									}
								}
							}
						}
						p := f.process(func(_ *oauth2.Config, v *view) {
							if side == "before" {
								v.before = hook
							} else {
								v.after = hook
							}
						})
						if _, err := p.Token(t.Context()); err != nil {
							t.Error(err)
						}
						if posts, refreshes, reuses, _ := f.provider.counts(); reuses != 0 || posts != refreshes {
							t.Errorf("%d requests, %d refreshes, %d reuses", posts, refreshes, reuses)
						}
					})
				})
			}
		}
	}
}

func TestAStoreWhoseReadsAreOfThePastLeadsToNoReuse(t *testing.T) {
	for _, generations := range []int{1, 3} {
		t.Run(fmt.Sprint(generations), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, time.Hour)
				old, err := f.store.Get(t.Context(), tokensID)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				settle := 5 * time.Minute
				settles := func(_ *oauth2.Config, v *view) { v.caps = func(c *core.Capabilities) { c.Settle = settle } }
				fast := f.process(settles)
				for range generations {
					if err := fast.Refresh(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				until := time.Now().Add(settle - time.Second)
				p := f.process(settles, func(_ *oauth2.Config, v *view) {
					v.past = func(s core.Secret) *core.Secret {
						if s.ID == tokensID && time.Now().Before(until) {
							return &old
						}
						return nil
					}
				})
				got, err := p.Token(t.Context())
				isAccess(t, got, err, fmt.Sprintf("access-%d", generations+1))
				f.want(generations, generations, 0)
			})
		})
	}
}

func TestAProcessDoesNotGoBackToWhatItHasReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		old, err := f.store.Get(t.Context(), tokensID)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		late := false
		p := f.process(func(_ *oauth2.Config, v *view) {
			v.past = func(s core.Secret) *core.Secret {
				if late && s.ID == tokensID {
					return &old
				}
				return nil
			}
		})
		if _, err := p.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		late = true
		for range 100 { // the store is read in the background, and shows the past
			time.Sleep(time.Second)
			got, err := p.Token(t.Context())
			isAccess(t, got, err, "access-2")
			synctest.Wait()
		}
	})
}

func TestAReadThatWasSlowDoesNotGoBeforeALaterOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		slow := 0
		p := f.process(func(_ *oauth2.Config, v *view) {
			v.after = func(op, id string) {
				if op == "get" && id == tokensID {
					if slow++; slow == 2 {
						time.Sleep(5 * time.Second)
					}
				}
			}
		})
		if _, err := p.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		if _, err := p.Token(t.Context()); err != nil { // begins a read in the background
			t.Fatal(err)
		}
		synctest.Wait()
		f.connect()
		if _, err := p.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		got, err := p.Token(t.Context())
		isAccess(t, got, err, "access-2")
	})
}

func TestAStoreWithoutConditionsIsRefusedUnlessThereIsOneProcess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		bare := func(_ *oauth2.Config, v *view) {
			v.bare = true
			v.caps = func(c *core.Capabilities) { c.IfVersion = false }
		}
		p := f.process(bare)
		if _, err := p.Token(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Token: %v", err)
		}
		if err := p.Refresh(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Refresh: %v", err)
		}
		before := f.stored(tokensID)
		if err := p.Connected(t.Context(), oauth2.Token{AccessToken: core.String("access-9")}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("connecting: %v", err)
		}
		if fmt.Sprint(f.stored(tokensID)) != fmt.Sprint(before) || f.stored(claimID) != nil {
			t.Error("something was stored")
		}
		f.want(0, 0, 0)

		one := f.process(bare, func(cfg *oauth2.Config, _ *view) { cfg.OneProcess = true })
		for want := 2; want <= 4; want++ {
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					got, err := one.Token(context.Background())
					isAccess(t, got, err, fmt.Sprintf("access-%d", want))
				})
			}
			all.Wait()
			f.want(want-1, want-1, 0)
			time.Sleep(time.Hour)
		}
		// A connection that is made meanwhile wins there too.
		f.provider.after = func(int, *http.Request) (*http.Response, error) {
			f.put(map[string]any{"accessToken": "access-9", "refreshToken": "refresh-9"})
			return nil, nil
		}
		got, err := one.Token(t.Context())
		isAccess(t, got, err, "access-9")
		if err := one.Connected(t.Context(), oauth2.Token{AccessToken: core.String("access-10")}); err != nil {
			t.Error(err)
		}
		if f.stored(claimID) != nil {
			t.Error("a claim was made on a store that can't hold one")
		}
		f.provider.after = nil
		f.provider.refresh = ""
		if err := one.Refresh(t.Context()); !errors.Is(err, oauth2.ErrReauthorize) {
			t.Errorf("error is %v", err)
		}
	})
}

func TestClocksThatDifferByTwoMinutesMakeNoStorm(t *testing.T) {
	for _, life := range []time.Duration{100 * time.Second, 5 * time.Minute, time.Hour} {
		t.Run(life.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newRig(t, life)
				var processes []*process
				for _, wall := range []time.Duration{-2 * time.Minute, 0, 2 * time.Minute} {
					p := f.process()
					p.clock.wall.Store(int64(wall))
					processes = append(processes, p)
				}
				span := 40 * life
				for began := time.Now(); time.Since(began) < span; time.Sleep(life / 37) {
					for _, p := range processes {
						if resp, err := tryURL(p.Client, t.Context(), "https://api.test/"); err != nil || resp.StatusCode != 200 {
							t.Fatalf("a request failed: %v", err)
						}
					}
				}
				_, refreshes, reuses, _ := f.provider.counts()
				// Each process may renew its tokens two minutes early, but by half their
				// life, or what the reads in the background let pass, at most.
				if reuses != 0 || refreshes < 35 || refreshes > 90 {
					t.Errorf("%d refreshes and %d reuses in 40 lives", refreshes, reuses)
				}
			})
		})
	}
}

func TestConnectingEndsAClaim(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		asked := make(chan struct{})
		f.provider.after = func(n int, _ *http.Request) (*http.Response, error) {
			if n == 1 {
				close(asked)
				time.Sleep(20 * time.Second)
			}
			return nil, nil
		}
		slow := f.process()
		done := make(chan struct{})
		go func() {
			defer close(done)
			got, err := slow.Token(context.Background())
			isAccess(t, got, err, "access-3") // of the new connection
		}()
		<-asked
		time.Sleep(time.Second)
		c := f.process()
		if err := c.Connected(t.Context(), oauth2.Token{
			AccessToken: core.String("access-9"), RefreshToken: core.String("refresh-9"), ExpiresAt: oauth2.Time{Time: time.Now().Add(time.Hour)},
		}); err != nil {
			t.Fatal(err)
		}
		got, err := c.Token(t.Context())
		isAccess(t, got, err, "access-9")
		// The claim that is there doesn't stand in the way of the new tokens.
		f.provider.mu.Lock()
		f.provider.refresh = "refresh-9"
		f.provider.mu.Unlock()
		began := time.Now()
		if err := f.process().Refresh(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("a refresh took %v", took)
		}
		<-done
		if !slices.Contains(f.kinds(), oauth2.EventDiscarded) {
			t.Errorf("events are %v", f.kinds())
		}
		f.want(2, 2, 0)
	})
}

func TestConnectingAgainWithTheSameRefreshTokenEndsARefusal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		c, other := f.process(), f.process()
		good := f.provider.refresh
		f.provider.refresh = ""
		for _, p := range []*process{c, other} {
			if _, err := p.Token(t.Context()); !errors.Is(err, oauth2.ErrReauthorize) {
				t.Fatalf("error is %v", err)
			}
		}
		f.provider.refresh = good
		if err := c.Connected(t.Context(), oauth2.Token{AccessToken: core.String("access-8"), RefreshToken: core.String(good), ExpiresAt: oauth2.Time{Time: time.Now().Add(time.Second)}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		for _, p := range []*process{c, other} {
			got, err := p.Token(t.Context())
			isAccess(t, got, err, "access-2")
		}
		stored := f.stored(tokensID)
		if stored["extra"] != nil || stored["scope"] != nil {
			t.Error("something of the old connection was kept")
		}
		if stored["connectedAt"] == nil || stored["claim"] == nil {
			t.Error("the time of connecting or the claim is not stored")
		}
	})
}

func TestForgettingDeletesTokensAndClaim(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		c := f.process()
		if err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if f.stored(claimID) == nil {
			t.Fatal("there should be a claim")
		}
		f.provider.after = func(n int, _ *http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return nil, nil
		}
		slow := f.process()
		done := make(chan error)
		go func() { done <- slow.Refresh(context.Background()) }()
		time.Sleep(500 * time.Millisecond)
		for range 2 { // also what isn't there
			if err := c.Forget(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-done; !errors.Is(err, oauth2.ErrNotConnected) {
			t.Errorf("a refresh that was on its way: %v", err)
		}
		if f.stored(claimID) != nil || f.stored(tokensID) != nil {
			t.Error("something is left")
		}
		if _, err := c.Token(t.Context()); !errors.Is(err, oauth2.ErrNotConnected) {
			t.Errorf("error is %v", err)
		}
		defer f.store.Inject(memory.Fault{Op: "delete", Err: core.ErrUnavailable})()
		if err := c.Forget(t.Context()); !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("error is %v", err)
		}
	})
}

// TestTheEquation kills processes at random points, with random delays: what
// is revoked is what was lost, and all else is one refresh for each expiry.
func TestTheEquation(t *testing.T) {
	rounds := 20
	if os.Getenv("LUKKO_TRIAL") == "1" {
		rounds = 2000
	}
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		random := rand.New(rand.NewPCG(1, 2))
		lost, expiries, kills := 0, 0, 0
		for round := range rounds {
			time.Sleep(time.Hour)
			expiries++
			_, granted, revoked, _ := f.provider.counts()
			point := random.IntN(5) // K1, K2, K3, a lost answer, or nothing
			var mu sync.Mutex
			done := false
			first := func() bool { mu.Lock(); defer mu.Unlock(); was := done; done = true; return !was }
			var processes []*process
			for range 4 {
				var p *process
				p = f.process(func(_ *oauth2.Config, v *view) {
					v.latency = time.Duration(random.IntN(20)) * time.Millisecond
					v.after = func(op, id string) {
						if op == "set" && (point == 0 && id == claimID || point == 2 && id == tokensID) && first() {
							p.kill()
						}
					}
				})
				processes = append(processes, p)
			}
			f.provider.after = func(_ int, req *http.Request) (*http.Response, error) {
				if (point == 1 || point == 3) && first() {
					if point == 3 {
						return nil, errors.New("the connection broke")
					}
					for _, p := range processes { // the one that asks is not told apart, so all are killed
						p.kill()
					}
				}
				return nil, nil
			}
			try := func(all []*process) (reauthorize bool) {
				var wg sync.WaitGroup
				for _, p := range all {
					for range 5 {
						wg.Go(func() {
							for {
								ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
								_, err := p.Token(ctx)
								cancel()
								if errors.Is(err, oauth2.ErrReauthorize) {
									mu.Lock()
									reauthorize = true
									mu.Unlock()
								}
								if err == nil || errors.Is(err, oauth2.ErrReauthorize) || p.view.dead.Load() {
									return
								}
								time.Sleep(time.Second)
							}
						})
					}
				}
				wg.Wait()
				return reauthorize
			}
			try(processes)
			later := f.process()
			ended := try([]*process{later})
			_, grantedNow, revokedNow, _ := f.provider.counts()
			if point == 1 || point == 3 {
				lost++
				if !ended || revokedNow != revoked+1 || grantedNow != granted+1 {
					t.Fatalf("round %d: an answer was lost, and %d refreshes and %d revocations followed", round, grantedNow-granted, revokedNow-revoked)
				}
				f.connect()
			} else if ended || revokedNow != revoked || grantedNow != granted+1 {
				t.Fatalf("round %d: %d refreshes and %d revocations at point %d, where no answer was lost", round, grantedNow-granted, revokedNow-revoked, point)
			}
			if point < 3 {
				kills++
			}
			for _, p := range append(processes, later) {
				p.Close()
			}
		}
		_, refreshes, reuses, _ := f.provider.counts()
		if reuses != lost || refreshes != expiries {
			t.Errorf("%d revocations for %d lost answers, %d refreshes for %d expiries", reuses, lost, refreshes, expiries)
		}
		t.Logf("%d expiries, %d kills, %d lost answers: %d refreshes, %d revocations", expiries, kills, lost, refreshes, reuses)
	})
}

func TestAClockThatIsBehindUsesNoTokenPastItsLife(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		p := f.process()
		p.clock.wall.Store(int64(-2 * time.Minute))
		got, err := p.Token(t.Context())
		isAccess(t, got, err, "access-1")
		time.Sleep(time.Hour - time.Minute)
		got, err = p.Token(t.Context())
		isAccess(t, got, err, "access-2")
	})
}

func TestAClockThatIsAheadTakesNewTokensForNew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, 100*time.Second)
		ahead, other := f.process(), f.process()
		ahead.clock.wall.Store(int64(2 * time.Minute))
		if err := ahead.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		if err := other.Refresh(t.Context()); err != nil { // by whose clock they end before "now" is ahead
			t.Fatal(err)
		}
		time.Sleep(25 * time.Second)
		for range 10 {
			if _, err := ahead.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			time.Sleep(time.Second)
		}
		got, err := ahead.Token(t.Context())
		isAccess(t, got, err, "access-3")
		f.want(2, 2, 0)
	})
}

func TestCloseReleasesAClaimUnderWhichNothingWasAsked(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRig(t, time.Hour)
		time.Sleep(time.Hour)
		writing := make(chan struct{})
		gone := once(func() { close(writing); time.Sleep(time.Second) })
		p := f.process(func(_ *oauth2.Config, v *view) {
			v.before = func(op, id string) {
				if op == "set" && id == claimID {
					gone()
				}
			}
		})
		go func() { _, _ = p.Token(context.Background()) }()
		<-writing
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		f.want(0, 0, 0)
		began := time.Now()
		tokens, errs := f.others(1)
		isAccess(t, tokens[0], errs[0], "access-2")
		if took := time.Since(began); took > time.Second {
			t.Errorf("another process waited for %v", took)
		}
	})
}
