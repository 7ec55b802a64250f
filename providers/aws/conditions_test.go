package aws_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

const stageMove = "UpdateSecretVersionStage"

// W1's move succeeds and its answer is lost, W2 wins on W1's version, W1
// retries: it must be told that it won.
func TestAWriterWhoseMoveWonAndWasOvertakenIsToldThatItWon(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	first, second := open(t, settings(fake, "")), open(t, settings(fake, ""))
	named := set(t, first, "shop/key", "v0")
	meanwhile := make(chan struct{})
	fake.Inject(awstest.Fault{Operation: stageMove, AfterEffect: true, Wait: meanwhile})
	var info core.Info
	var err error
	var w1 sync.WaitGroup
	w1.Go(func() { info, err = first.Set(t.Context(), "shop/key", core.String("v1"), core.IfVersion(named)) })
	providertest.Until(t, "the first one's move took effect", func() bool { v, err := second.Stat(t.Context(), "shop/key"); return err == nil && v.Version != named })
	v1, statErr := second.Stat(t.Context(), "shop/key")
	if statErr != nil {
		t.Fatal(statErr)
	}
	v2 := set(t, second, "shop/key", "v2", core.IfVersion(v1.Version))
	close(meanwhile) // the answer is lost only now, so W1 retries after W2
	w1.Wait()
	if err != nil || info.Version != v1.Version {
		t.Errorf("W1 was told %v with the version %q; want its own, %q", err, info.Version, v1.Version)
	}
	want(t, first, "shop/key", "v2")
	if n := fake.CountCalls(stageMove); n != 3 {
		t.Errorf("%d moves; want W1's, W2's and W1's again", n)
	}
	if got := versionsOf(t, first, "shop/key"); fmt.Sprint(got) != fmt.Sprint([]string{v2, v1.Version, named}) {
		t.Errorf("the versions are %q", got)
	}
}

// The same, and a third writer has won on W2's version: nothing proves any more
// what W1 did.
func TestAWriterWhoseProofIsGoneIsToldThatNothingIsKnown(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	first, second := open(t, settings(fake, "")), open(t, settings(fake, ""))
	named := set(t, first, "key", "v0")
	meanwhile := make(chan struct{})
	fake.Inject(awstest.Fault{Operation: stageMove, AfterEffect: true, Wait: meanwhile})
	var err error
	var w1 sync.WaitGroup
	w1.Go(func() { _, err = first.Set(t.Context(), "key", core.String("v1"), core.IfVersion(named)) })
	providertest.Until(t, "the first one's move took effect", func() bool { v, err := second.Stat(t.Context(), "key"); return err == nil && v.Version != named })
	set(t, second, "key", "v2")
	set(t, second, "key", "v3")
	close(meanwhile)
	w1.Wait()
	if !errors.Is(err, core.ErrIndeterminate) || errors.Is(err, core.ErrConflict) {
		t.Errorf("got %v; want indeterminate, and nothing else", err)
	}
	want(t, first, "key", "v3")
}

func versionsOf(t testing.TB, store *core.Store, id string) (all []string) {
	t.Helper()
	for info, err := range store.Versions(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Version)
	}
	return all
}

// Each request of each kind of write is lost, before its effect and after it,
// once and for ever.
func TestEveryStepOfAWriteMeetsAFaultBeforeAndAfterItsEffect(t *testing.T) {
	t.Parallel()
	type step struct {
		name      string
		operation string
		before    string // "nothing", "a value", "deleted", "a shell"
		opts      func(version string) []core.SetOption
		// afterOnce is what the caller is told if one answer is lost: nil but where
		// nothing can prove it.
		forever error // what it is told if all are, after their effect
	}
	plain := func(string) []core.SetOption { return nil }
	ifVersion := func(v string) []core.SetOption { return []core.SetOption{core.IfVersion(v)} }
	ifAbsent := func(string) []core.SetOption { return []core.SetOption{core.IfAbsent()} }
	for _, s := range []step{
		{"the put of a Set", "PutSecretValue", "a value", plain, core.ErrIndeterminate},
		{"the create of a Set", "CreateSecret", "nothing", plain, core.ErrIndeterminate},
		{"the restore of a Set", "RestoreSecret", "deleted", plain, core.ErrIndeterminate},
		{"the put after a restore", "PutSecretValue", "deleted", plain, core.ErrIndeterminate},
		{"the create of IfAbsent", "CreateSecret", "nothing", ifAbsent, core.ErrIndeterminate},
		{"the put of IfAbsent on a shell", "PutSecretValue", "a shell", ifAbsent, core.ErrIndeterminate},
		{"the look of IfVersion", "DescribeSecret", "a value", ifVersion, core.ErrUnavailable},
		{"the put of IfVersion", "PutSecretValue", "a value", ifVersion, core.ErrIndeterminate},
		{"the move of IfVersion", stageMove, "a value", ifVersion, nil}, // the labels prove it
	} {
		for _, after := range []bool{false, true} {
			for _, always := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, after its effect %t, always %t", s.name, after, always), func(t *testing.T) {
					t.Parallel()
					fake := awstest.New(t)
					store := open(t, settings(fake, ""))
					version := ""
					switch s.before {
					case "a value", "deleted":
						version = set(t, store, "key", "old")
					case "a shell":
						if _, err := bare(t, fake).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: sdk.String("key")}); err != nil {
							t.Fatal(err)
						}
					}
					if s.before == "deleted" {
						if err := store.Delete(t.Context(), "key"); err != nil {
							t.Fatal(err)
						}
					}
					fake.ResetCalls()
					times := 1
					if always {
						times = -1
					}
					undo := fake.Inject(awstest.Fault{Operation: s.operation, AfterEffect: after, Times: times})
					_, err := store.Set(t.Context(), "key", core.String("new"), s.opts(version)...)
					undo()
					switch {
					case !always && err != nil:
						t.Fatalf("one lost answer made it fail: %v", err)
					case always && (s.forever != nil || !after):
						wanted := s.forever
						if wanted == nil {
							wanted = core.ErrIndeterminate
						}
						if !errors.Is(err, wanted) {
							t.Fatalf("got %v; want %v", err, wanted)
						}
					case always && err != nil:
						t.Fatalf("the proof was there, and it failed: %v", err)
					}
					if err == nil {
						want(t, store, "key", "new")
					}
					// One token in all attempts, so that there is one new version at most.
					tokens := map[string]bool{}
					for _, c := range fake.Calls() {
						if c.Token != "" {
							tokens[c.Token] = true
						}
					}
					if len(tokens) > 1 && s.before != "a shell" {
						t.Errorf("%d tokens for one write", len(tokens))
					}
					if s.before == "a value" && kept(t, fake, "key") > 2 {
						t.Errorf("%d versions of two writes", kept(t, fake, "key"))
					}
				})
			}
		}
	}
}

// kept is how many versions the service has of a secret.
func kept(t testing.TB, fake *awstest.Server, id string) int {
	t.Helper()
	out, err := bare(t, fake).ListSecretVersionIds(t.Context(), &secretsmanager.ListSecretVersionIdsInput{SecretId: &id, IncludeDeprecated: sdk.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Versions)
}

func TestASecretWithoutAValueIsNotThereAndCanBeFilledOnce(t *testing.T) {
	t.Parallel()
	// Sources differ on whether the first put becomes current unasked.
	for _, keeps := range []bool{false, true} {
		t.Run(fmt.Sprintf("the first put keeps its labels: %t", keeps), func(t *testing.T) {
			t.Parallel()
			fake := awstest.New(t, func(c *awstest.Config) { c.FirstPutKeepsStages = keeps })
			store := open(t, settings(fake, ""))
			if _, err := bare(t, fake).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: sdk.String("shell")}); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Get(t.Context(), "shell"); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("Get: %v", err)
			}
			if _, err := store.Stat(t.Context(), "shell"); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("Stat: %v", err)
			}
			for range store.List(t.Context(), "") {
				t.Error("a secret without a value is listed")
			}
			wins := race(t, store, "shell", core.IfAbsent())
			if wins != 1 {
				t.Errorf("%d winners", wins)
			}
		})
	}
}

// race lets 32 writers write at once, and returns how many were told that they did.
func race(t *testing.T, store *core.Store, id string, opt core.SetOption) (wins int) {
	t.Helper()
	errs := make([]error, 32)
	values := make([]core.Value, len(errs))
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range errs {
		values[i] = core.String(providertest.Canary())
		all.Go(func() {
			<-start
			_, errs[i] = store.Set(t.Context(), id, values[i], opt)
		})
	}
	close(start)
	all.Wait()
	now, err := store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		switch {
		case err == nil:
			wins++
			if !now.Value.Equal(values[i]) {
				t.Error("a writer was told that it won, and its value is not there")
			}
		case !errors.Is(err, core.ErrConflict):
			t.Errorf("a loser was told %v", err)
		case now.Value.Equal(values[i]):
			t.Error("a winner was told that it lost")
		}
	}
	return wins
}

func TestOfThirtyTwoConditionalWritersOneWins(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	for round := range long(4, 200) {
		id := fmt.Sprintf("race/%d", round)
		if n := race(t, store, id, core.IfAbsent()); n != 1 {
			t.Errorf("%d writers created", n)
		}
		info, err := store.Stat(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if n := race(t, store, id, core.IfVersion(info.Version)); n != 1 {
			t.Errorf("%d writers wrote over one version", n)
		}
		if got := versionsOf(t, store, id); len(got) != 2 {
			t.Errorf("the history has %d versions of two that were current", len(got))
		}
	}
}

func TestIfAbsentOverADeletedSecretSaysSo(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	old := set(t, store, "key", "old")
	if err := store.Delete(t.Context(), "key"); err != nil {
		t.Fatal(err)
	}
	for name, opt := range map[string]core.SetOption{"IfAbsent": core.IfAbsent(), "IfVersion": core.IfVersion(old)} {
		_, err := store.Set(t.Context(), "key", core.String("new"), opt)
		if !errors.Is(err, core.ErrConflict) || !strings.Contains(err.Error(), "scheduled for deletion") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := store.Get(t.Context(), "key")
	if !errors.Is(err, core.ErrNotFound) || !strings.Contains(err.Error(), "restore") {
		t.Errorf("Get: %v", err)
	}
	set(t, store, "key", "new")
	want(t, store, "key", "new")
	if fake.CountCalls("RestoreSecret") != 1 {
		t.Error("the Set did not restore")
	}
}

func TestASetRightAfterAPurgeWaitsForTheName(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t, func(c *awstest.Config) { c.ForceDeleteDelay = 150 * time.Millisecond })
	store := open(t, settings(fake, ""))
	old := set(t, store, "key", "old")
	if err := store.Delete(t.Context(), "key", core.Purge()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), "key"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Get right after a purge: %v", err)
	}
	set(t, store, "key", "new")
	want(t, store, "key", "new")
	if _, err := store.Get(t.Context(), "key", core.AtVersion(old)); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("the purged version: %v", err)
	}
	if err := store.Delete(t.Context(), "never", core.Purge()); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a purge of nothing: %v", err)
	}
}

func TestAWriterIsStoppedBeforeTheQuotaOfVersionsIsUsedUp(t *testing.T) {
	t.Parallel()
	clock := awstest.NewClock(time.Now().Add(-25 * time.Hour))
	fake := awstest.New(t, func(c *awstest.Config) { c.Clock = clock.Now })
	store := open(t, settings(fake, ""))
	for i := range 95 { // what is older than a day is pruned, and stops nobody
		set(t, store, "old", fmt.Sprint(i))
	}
	clock.Advance(2 * time.Hour)
	fake.ResetCalls()
	var err error
	n := 0
	for ; n < 100 && err == nil; n++ {
		_, err = store.Set(t.Context(), "key", core.String(fmt.Sprint(n)))
	}
	if !errors.Is(err, core.ErrExhausted) || errors.Is(err, core.ErrIndeterminate) || n != 91 {
		t.Fatalf("the write %d: %v", n, err)
	}
	// The vendor's own rotation still has room.
	if _, err := fake.Set("key", "rotated"); err != nil {
		t.Errorf("nobody can write any more: %v", err)
	}
	if lists := fake.CountCalls("ListSecretVersionIds"); lists > n/10+2 {
		t.Errorf("%d looks for %d writes", lists, n)
	}
}

func TestACancelledWriteIsIndeterminateAndKeepsItsContext(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	set(t, store, "key", "old")
	wait := make(chan struct{})
	defer close(wait)
	fake.Inject(awstest.Fault{Operation: "PutSecretValue", AfterEffect: true, Wait: wait})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := store.Set(ctx, "key", core.String("new"))
	if !errors.Is(err, core.ErrIndeterminate) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestConditionsAreRefusedWhereTheyAreNotClaimed(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t, awstest.Lenient)
	cfg := settings(fake, "")
	cfg.Conditions = aws.ConditionsAuto
	store := open(t, cfg)
	_, err := store.Set(t.Context(), "key", core.String("v"), core.IfAbsent())
	if !errors.Is(err, errors.ErrUnsupported) || fake.CountCalls("") != 0 {
		t.Errorf("%v after %d calls", err, fake.CountCalls(""))
	}
}

// Where the service does not know a token again, the labels prove whose the secret
// is.
func TestACreateWhoseAnswerIsLostAndWhichIsRefusedThenIsProved(t *testing.T) {
	t.Parallel()
	exists := &awstest.APIError{Status: 400, Code: "ResourceExistsException"}
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	fake.Inject(awstest.Fault{Operation: "CreateSecret", AfterEffect: true})
	fake.Inject(awstest.Fault{Operation: "CreateSecret", Answer: exists})
	set(t, store, "mine", "value", core.IfAbsent())
	want(t, store, "mine", "value")

	if _, err := fake.Set("theirs", "other"); err != nil {
		t.Fatal(err)
	}
	fake.Inject(awstest.Fault{Operation: "CreateSecret"})
	_, err := store.Set(t.Context(), "theirs", core.String("value"), core.IfAbsent())
	if !errors.Is(err, core.ErrIndeterminate) {
		t.Errorf("a lost request, and somebody else's secret: %v", err)
	}
	want(t, store, "theirs", "other")
}
