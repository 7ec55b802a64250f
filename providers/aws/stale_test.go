package aws_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance/faultproxy"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// frozen is a fake whose reads show nothing of what is written from now on, however
// long a test takes.
func frozen(t *testing.T, again bool) (*awstest.Server, *awstest.Clock, *core.Store) {
	t.Helper()
	clock := awstest.NewClock(time.Now())
	fake := awstest.New(t, func(c *awstest.Config) { c.Clock, c.DeleteAgain, c.ForceDeleteDelay = clock.Now, again, 0 })
	return fake, clock, open(t, settings(fake, ""))
}

// A look that is late is not believed: what it shows is of before the last
// step.
func TestDeletesTellTheTruthWhateverALateLookShows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		before func(t *testing.T, store *core.Store) // what the look shows
		then   func(t *testing.T, store *core.Store) // what is true
		opts   []core.DeleteOption
		want   error
		bars   bool // the name is free afterwards only after a restore
	}{
		{name: "a delete of what was made since", then: made, bars: true},
		{name: "a purge of what was made since", then: made, opts: purge},
		{name: "a delete of what was deleted since", before: made, then: deleted, want: core.ErrNotFound, bars: true},
		{name: "a purge of what was deleted since", before: made, then: deleted, opts: purge},
		{name: "a delete of what was made and deleted since", then: both, want: core.ErrNotFound, bars: true},
		{name: "a purge of what was made and deleted since", then: both, opts: purge},
		{name: "a delete of what was restored since", before: both, then: made, bars: true},
		{name: "a purge of what was restored since", before: both, then: made, opts: purge},
		{name: "a delete of what never was", want: core.ErrNotFound},
		{name: "a purge of what never was", opts: purge, want: core.ErrNotFound},
	} {
		for _, again := range []bool{false, true} {
			if again && c.want != nil && c.bars {
				continue // such a service gives the same answer as to a first deletion, if no look has seen that
			}
			t.Run(fmt.Sprintf("%s, a second deletion succeeds %t", c.name, again), func(t *testing.T) {
				t.Parallel()
				fake, clock, store := frozen(t, again)
				for _, step := range []func(*testing.T, *core.Store){c.before, nil, c.then} {
					if step == nil {
						clock.Advance(time.Hour)
						fake.SetLag(time.Minute, time.Minute)
						continue
					}
					step(t, store)
				}
				if err := store.Delete(t.Context(), "key", c.opts...); !errors.Is(err, c.want) {
					t.Errorf("it ended in %v, want %v", err, c.want)
				}
				fake.SetLag(0, 0)
				if _, err := store.Get(t.Context(), "key"); !errors.Is(err, core.ErrNotFound) {
					t.Errorf("a read afterwards: %v", err)
				}
				fake.ResetCalls()
				set(t, store, "key", "next")
				if restored := fake.CountCalls("RestoreSecret") > 0; restored != c.bars {
					t.Errorf("the next Set restores: %t, want %t", restored, c.bars)
				}
			})
		}
	}
}

var purge = []core.DeleteOption{core.Purge()}

func made(t *testing.T, store *core.Store) {
	t.Helper()
	set(t, store, "key", "value")
}

func deleted(t *testing.T, store *core.Store) {
	t.Helper()
	if err := store.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
}

func both(t *testing.T, store *core.Store) {
	t.Helper()
	made(t, store)
	deleted(t, store)
}

// Sources differ on what a second deletion gets.
func TestASecondDeleteIsNotFoundWhateverTheServiceSaysOfIt(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		_, _, store := frozen(t, again)
		both(t, store)
		for range 2 {
			if err := store.Delete(t.Context(), "key"); !errors.Is(err, core.ErrNotFound) || !strings.Contains(err.Error(), "scheduled for deletion") {
				t.Errorf("where a second deletion succeeds %t: %v", again, err)
			}
		}
		if err := store.Delete(t.Context(), "key", core.Purge()); err != nil {
			t.Errorf("a purge of it: %v", err)
		}
	}
}

// Nothing is known of a deletion whose answers are all lost, if the look was too
// late to have seen the secret: that it is not found proves nothing.
func TestADeleteWhoseAnswersAreLostIsProvedOnlyByWhatALookHasSeen(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]core.DeleteOption{nil, purge} {
		fake, clock, _ := frozen(t, false)
		clock.Advance(time.Hour)
		fake.SetLag(time.Minute, time.Minute)
		proxy := faultproxy.NewHTTP(t, fake.URL())
		cfg := settings(fake, proxy.URL())
		cfg.Retries = 1
		store := open(t, cfg)
		set(t, store, "key", "value")
		stop := proxy.Do(faultproxy.Rule{Fault: faultproxy.LoseRequest, Match: func(r *http.Request) bool {
			return strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DeleteSecret")
		}})
		err := store.Delete(t.Context(), "key", opts...)
		stop()
		if !errors.Is(err, core.ErrIndeterminate) {
			t.Errorf("%d options: %v", len(opts), err)
		}
		clock.Advance(time.Hour)
		want(t, store, "key", "value")
	}
}

// Who schedules a deletion first, to learn whether there is something to purge, has
// changed something, and says so if the purge itself fails.
func TestAPurgeThatFailsHalfWayIsIndeterminate(t *testing.T) {
	t.Parallel()
	for name, meets := range map[string]faultproxy.Fault{"it is lost": faultproxy.LoseRequest, "it is throttled": faultproxy.Status(http.StatusTooManyRequests)} {
		fake, clock, _ := frozen(t, false)
		clock.Advance(time.Hour)
		fake.SetLag(time.Minute, time.Minute)
		proxy := faultproxy.NewHTTP(t, fake.URL())
		cfg := settings(fake, proxy.URL())
		cfg.Retries = -1
		store := open(t, cfg)
		made(t, store)
		var deletes atomic.Int32
		stop := proxy.Do(faultproxy.Rule{Fault: meets, Match: func(r *http.Request) bool {
			return strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DeleteSecret") && deletes.Add(1) == 2
		}})
		err := store.Delete(t.Context(), "key", core.Purge())
		stop()
		if !errors.Is(err, core.ErrIndeterminate) {
			t.Errorf("%s: %v", name, err)
		}
		if err := store.Delete(t.Context(), "key", core.Purge()); err != nil {
			t.Errorf("%s: the purge again: %v", name, err)
		}
	}
}

// The version that a writer names is the newest it knows of, and tells when it was made.
func TestIfVersionGoesByTheMoveWhereALookIsLate(t *testing.T) {
	t.Parallel()
	fake, clock, store := frozen(t, false)
	first := set(t, store, "key", "one")
	clock.Advance(time.Hour)
	fake.SetLag(time.Minute, time.Minute)
	second := set(t, store, "key", "two", core.IfVersion(first))
	third := set(t, store, "key", "three", core.IfVersion(second)) // the look shows the first
	for _, version := range []string{first, second} {
		if _, err := store.Set(t.Context(), "key", core.String("lost"), core.IfVersion(version)); !errors.Is(err, core.ErrConflict) {
			t.Errorf("over a version that is current no more: %v", err)
		}
	}
	clock.Advance(time.Hour)
	want(t, store, "key", "three")
	infos := []string{}
	for info, err := range store.Versions(t.Context(), "key") {
		if err != nil {
			t.Fatal(err)
		}
		infos = append(infos, info.Version)
	}
	if !slices.Equal(infos, []string{third, second, first}) {
		t.Errorf("%d versions, want three", len(infos))
	}
}

func TestIfVersionWaitsForALookToSeeWhatWasJustMade(t *testing.T) {
	t.Parallel()
	fake, clock, store := frozen(t, false)
	fake.SetLag(time.Minute, time.Minute)
	version := set(t, store, "key", "one")
	fake.Inject(awstest.Fault{Operation: "DescribeSecret", Times: 3, Answer: &awstest.APIError{Status: 400, Code: "ResourceNotFoundException"}})
	fake.SetLag(0, 0)
	set(t, store, "key", "two", core.IfVersion(version))
	want(t, store, "key", "two")

	// What others have made does not tell when.
	fake.SetLag(time.Minute, time.Minute)
	if _, err := fake.Set("theirs", "one"); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	version = set(t, store, "theirs", "two")
	set(t, store, "theirs", "three", core.IfVersion(version))
	fake.SetLag(0, 0)
	want(t, store, "theirs", "three")
	if _, err := fake.Set("theirs", "four"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Set(t.Context(), "theirs", core.String("lost"), core.IfVersion(version)); !errors.Is(err, core.ErrConflict) {
		t.Errorf("over what others have made since: %v", err)
	}

	fake.ResetCalls()
	if _, err := store.Set(t.Context(), "never", core.String("lost"), core.IfVersion("of-somebody-else-or-of-a-long-time-ago")); !errors.Is(err, core.ErrConflict) {
		t.Errorf("of what never was: %v", err)
	}
	if n := fake.CountCalls("DescribeSecret"); n != 1 {
		t.Errorf("%d looks for a version that is not new", n)
	}
}

func TestASetWaitsForAPurgeNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	for _, limit := range []time.Duration{300 * time.Millisecond, time.Minute}[:long(1, 2)] {
		fake := awstest.New(t, func(c *awstest.Config) { c.ForceDeleteDelay = time.Hour })
		store := open(t, settings(fake, ""))
		made(t, store)
		if err := store.Delete(t.Context(), "key", core.Purge()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		_, err := store.Set(ctx, "key", core.String("value"))
		want := error(context.DeadlineExceeded)
		if limit > 13*time.Second {
			want = core.ErrUnavailable // by itself, before that
		}
		if !errors.Is(err, want) || errors.Is(err, core.ErrIndeterminate) {
			t.Errorf("within %v: %v, want %v", limit, err, want)
		}
	}
}
