package schema_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

type database struct {
	URL core.Value `json:"url"`
}

// decls are the declarations that most tests load.
func decls() (*schema.Declaration[StripeCredentials], *schema.Declaration[database], *schema.Declaration[string]) {
	var set schema.Set
	return schema.DeclareIn[StripeCredentials](&set, schema.Spec{Name: "stripe", ID: "STRIPE"}),
		schema.DeclareIn[database](&set, schema.Spec{Name: "db", ID: "DB"}),
		schema.DeclareIn[string](&set, schema.Spec{Name: "extra", ID: "EXTRA", Optional: true})
}

func allStored() map[string]string {
	return map[string]string{"STRIPE": storedStripe, "DB": `{"url":"postgres://"}`, "EXTRA": "x"}
}

func TestLoadReadsAllInOneBatch(t *testing.T) {
	t.Parallel()
	s, d, e := decls()
	f := newFake(allStored())
	loaded, err := schema.Load(context.Background(), f.service(), s, d, e, s)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	if f.batches != 1 || f.gets != 0 {
		t.Errorf("%d batches and %d single reads", f.batches, f.gets)
	}
	if got := s.From(loaded).Get(); got.WebhookSecret.Reveal() != "whsec_1" {
		t.Error("the handle gives another value")
	}
	if got, ok := d.From(loaded).Lookup(); !ok || got.URL.Reveal() != "postgres://" {
		t.Error("the handle gives another value")
	}
	if got, ok := e.From(loaded).Lookup(); !ok || got != "x" {
		t.Error("the handle gives another value")
	}
	if first, second := s.From(loaded), s.From(loaded); first != second {
		t.Error("From makes a new handle each time")
	}
	if err := loaded.Err(); err != nil {
		t.Errorf("Err: %v", err)
	}
}

func TestLoadTellsAllThatIsMissingOrInvalidAtOnce(t *testing.T) {
	t.Parallel()
	s, d, e := decls()
	f := newFake(map[string]string{"STRIPE": `{"apiKey":"pk_canary"}`})
	svc := f.service()
	load := func() error {
		loaded, err := schema.Load(context.Background(), svc, s, d, e)
		if loaded != nil {
			t.Error("there is a Loaded beside the error")
		}
		return err
	}
	err := load()
	var got []string
	for _, p := range problems(t, err) {
		got = append(got, p.ID+" "+p.Pointer+" "+p.Rule)
	}
	want := []string{"STRIPE /apiKey pattern", "STRIPE /webhookSecret required", "DB  missing"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !errors.Is(err, core.ErrNotFound) || !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("%v does not match both kinds", err)
	}
	if strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "stripe (STRIPE)") || !strings.Contains(err.Error(), "db (DB)") {
		t.Errorf("got %v", err)
	}

	// What could not be told is neither missing nor invalid.
	f.fail("EXTRA", core.ErrPermissionDenied)
	err = load()
	if errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrInvalidValue) || !errors.Is(err, core.ErrPermissionDenied) || len(problems(t, err)) != 4 {
		t.Errorf("with a denied one: %v", err)
	}
	f.breakDown(core.ErrUnavailable)
	if err = load(); !errors.Is(err, core.ErrUnavailable) || len(problems(t, err)) != 1 {
		t.Errorf("when all is down: %v", err)
	}
}

func TestNothingRunsAfterALoadThatFailedOrAClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, d, _ := decls()
		f := newFake(nil)
		if _, err := schema.Load(t.Context(), f.service(), s, d); err == nil {
			t.Fatal("it loads")
		}
		f = newFake(allStored())
		loaded, err := schema.Load(t.Context(), f.service(), s, d)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if n := f.count(&f.batches); n < 9 || n > 12 {
			t.Errorf("%d batches in ten minutes, and one at first", n)
		}
		if err := errors.Join(loaded.Close(), loaded.Close()); err != nil {
			t.Errorf("Close: %v", err)
		}
		before := f.count(&f.batches)
		time.Sleep(time.Hour)
		if f.count(&f.batches) != before {
			t.Error("it polls after Close")
		}
		if err := loaded.Refresh(t.Context()); !errors.Is(err, core.ErrClosed) {
			t.Errorf("Refresh after Close: %v", err)
		}
		if s.From(loaded).Get().APIKey.IsZero() {
			t.Error("the handle lost its value")
		}
		// synctest fails the test if a goroutine is left behind.
	})
}

// It counts goroutines, so it is not parallel.
func TestALoadedOwnsOneGoroutine(t *testing.T) {
	s, d, e := decls()
	svc := newFake(allStored()).service()
	waitForNone := func() { // a goroutine ends a moment after its last word
		for ownGoroutines() > 0 {
			runtime.Gosched()
		}
	}
	waitForNone()
	loaded, err := schema.Load(context.Background(), svc, s, d, e)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = s.From(loaded).Get(), d.From(loaded).Get()
	if n := ownGoroutines(); n != 1 {
		t.Errorf("%d goroutines", n)
	}
	if err := loaded.Close(); err != nil {
		t.Error(err)
	}
	waitForNone()
}

// ownGoroutines counts the goroutines that package schema has started, and no
// one else's, which come and go.
func ownGoroutines() int {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	return strings.Count(string(buf), "created by github.com/lukko-dev/lukko/schema.")
}

func TestTheContextBoundsTheFirstLoadOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := decls()
		f := newFake(allStored())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		loaded, err := schema.Load(ctx, f.service(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Close()
		cancel()
		f.put("STRIPE", `{"apiKey":"sk_2","webhookSecret":"w"}`)
		time.Sleep(2 * time.Minute)
		if got := s.From(loaded).Get().APIKey.Reveal(); got != "sk_2" {
			t.Error("the handle did not follow after the context's end")
		}

		f = newFake(nil)
		f.hang = true
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err = schema.Load(ctx, f.service(), s); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", err, time.Since(start))
		}
	})
}

// changes collects what OnChange is told.
type changes struct {
	mu  sync.Mutex
	all []string
}

func (c *changes) on(change schema.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := fmt.Sprintf("%s v%s", change.ID, change.Info.Version)
	if change.Absent {
		text += " absent"
	}
	if change.Err != nil {
		var e *schema.Error
		errors.As(change.Err, &e)
		text += " " + e.Problems[0].Rule
	}
	c.all = append(c.all, text)
}

func (c *changes) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := strings.Join(c.all, ", ")
	c.all = nil
	return text
}

func TestAHandleFollowsRotationAndNeverGetsAnInvalidValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, d, e := decls()
		f := newFake(map[string]string{})
		f.put("STRIPE", storedStripe)           // version 1
		f.put("DB", `{"url":"postgres://one"}`) // version 2
		var told changes
		loaded, err := schema.Loader{Service: f.service(), Every: 10 * time.Second, OnChange: told.on}.Load(t.Context(), s, d, e)
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Close()
		db, extra := d.From(loaded), e.From(loaded)
		step := func(what string, url, optional, changes, failure string) {
			t.Helper()
			time.Sleep(12 * time.Second) // at least one poll, and at most one more
			if got := db.Get().URL.Reveal(); got != url {
				t.Errorf("%s: the handle gives %q, want %q", what, got, url)
			}
			if got, ok := extra.Lookup(); got != optional || ok != (optional != "") {
				t.Errorf("%s: the optional one is %q, %v", what, got, ok)
			}
			if got := told.take(); got != changes {
				t.Errorf("%s: told %q, want %q", what, got, changes)
			}
			got := ""
			if err := loaded.Err(); err != nil {
				for _, p := range problems(t, err) {
					got += p.ID + " " + p.Rule
				}
			}
			if got != failure {
				t.Errorf("%s: Err lists %q, want %q", what, got, failure)
			}
		}
		step("no change", "postgres://one", "", "", "")
		f.put("DB", `{"url":"postgres://two"}`)
		step("rotated", "postgres://two", "", "DB v3", "")
		f.put("DB", `{"url":5}`)
		step("rotated to an invalid value", "postgres://two", "", "DB v3 type", "DB type")
		step("still invalid", "postgres://two", "", "", "DB type")
		f.put("DB", `{"url":"postgres://two"}`)
		step("back to the same value", "postgres://two", "", "DB v5", "")
		f.put("EXTRA", "later")
		step("an optional one set later", "postgres://two", "later", "EXTRA v6", "")
		f.remove("EXTRA")
		step("an optional one that is gone", "postgres://two", "", "EXTRA v absent", "")
		f.remove("DB")
		step("a required one that is gone", "postgres://two", "", "DB v5 missing", "DB missing")
		f.fail("DB", core.ErrPermissionDenied)
		step("denied", "postgres://two", "", "DB v5 read", "DB read")
		f.fail("DB", nil)
		f.put("DB", `{"url":"postgres://three"}`)
		f.breakDown(core.ErrUnavailable)
		step("down", "postgres://two", "", "STRIPE v1 read, DB v5 read, EXTRA v read", "STRIPE readDB readEXTRA read")
		f.breakDown(nil)
		step("up again", "postgres://three", "", "STRIPE v1, DB v7, EXTRA v absent", "")
		f.put("DB", `{ "url" : "postgres:\/\/three" }`)
		step("stored in another spelling", "postgres://three", "", "", "")
	})
}

func TestRefreshReadsNowAndPastCaches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, d, e := decls()
		f := newFake(allStored())
		var told changes
		loaded, err := schema.Loader{Service: f.service(), OnChange: told.on}.Load(t.Context(), s, d, e)
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Close()
		f.put("EXTRA", "y")
		if err := loaded.Refresh(t.Context()); err != nil || e.From(loaded).Get() != "y" || told.take() != "EXTRA v4" {
			t.Errorf("got %v", err)
		}
		if f.count(&f.fresh) != 1 {
			t.Error("it does not ask to go past caches")
		}
		f.put("DB", `{}`)
		if err := loaded.Refresh(t.Context()); !errors.Is(err, core.ErrInvalidValue) {
			t.Errorf("an invalid value: %v", err)
		}
		if err := loaded.Err(); !errors.Is(err, core.ErrInvalidValue) {
			t.Errorf("Err: %v", err)
		}

		// One that is called off says nothing of the store.
		f.mu.Lock()
		f.hang = true
		f.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := loaded.Refresh(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("called off: %v", err)
		}
		if err := loaded.Err(); !errors.Is(err, core.ErrInvalidValue) || len(problems(t, err)) != 1 {
			t.Errorf("Err after it: %v", err)
		}
		// One that waits for another may leave, too.
		long, stop := context.WithCancel(t.Context())
		var waits sync.WaitGroup
		waits.Go(func() { _ = loaded.Refresh(long) })
		synctest.Wait()
		short, cancel2 := context.WithTimeout(t.Context(), time.Second)
		defer cancel2()
		if err := loaded.Refresh(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting: %v", err)
		}
		stop()
		waits.Wait()
		// Close ends one that is under way.
		waits.Go(func() {
			if err := loaded.Refresh(t.Context()); !errors.Is(err, core.ErrClosed) {
				t.Errorf("while closing: %v", err)
			}
		})
		synctest.Wait()
		_ = loaded.Close()
		waits.Wait()
	})
}

func TestAPollThatHangsEndsAndIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := decls()
		f := newFake(allStored())
		loaded, err := schema.Load(t.Context(), f.service(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer loaded.Close()
		f.mu.Lock()
		f.hang = true
		f.mu.Unlock()
		time.Sleep(3 * time.Minute)
		if err := loaded.Err(); !errors.Is(err, core.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if s.From(loaded).Get().APIKey.IsZero() {
			t.Error("the last good value is gone")
		}
	})
}

func TestAHandleOfWhatWasNotLoadedIsAnErrorOfTheLoaded(t *testing.T) {
	t.Parallel()
	s, d, e := decls()
	loaded, err := schema.Load(context.Background(), newFake(allStored()).service(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	if got, ok := d.From(loaded).Lookup(); ok || !got.URL.IsZero() {
		t.Error("it has a value")
	}
	_, _ = d.From(loaded).Get(), e.From(loaded).Get()
	err = loaded.Err()
	if !errors.Is(err, schema.ErrDeclaration) || len(problems(t, err)) != 2 || !strings.Contains(err.Error(), "not loaded") {
		t.Errorf("got %v", err)
	}
}

func TestBindIsLoadForOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, d, e := decls()
		f := newFake(allStored())
		bound, err := d.Bind(t.Context(), f.service())
		if err != nil {
			t.Fatal(err)
		}
		f.put("DB", `{"url":"postgres://two"}`)
		time.Sleep(2 * time.Minute)
		if got := bound.Get().URL.Reveal(); got != "postgres://two" {
			t.Error("it does not follow")
		}
		if _, ok := bound.Lookup(); !ok || bound.Err() != nil || bound.Refresh(t.Context()) != nil || bound.Close() != nil {
			t.Error("it lacks what a Loaded has")
		}
		f.remove("EXTRA")
		optional, err := e.Bind(t.Context(), f.service())
		if err != nil {
			t.Fatalf("a missing optional one: %v", err)
		}
		defer optional.Close()
		if got, ok := optional.Lookup(); ok || got != "" {
			t.Error("it has a value")
		}
		f.remove("DB")
		if _, err := d.Bind(t.Context(), f.service()); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("a missing one: %v", err)
		}
	})
}

// manual is a clock that the test turns.
type manual struct {
	mu    sync.Mutex
	now   time.Time
	waits []time.Duration
	tick  chan time.Time
	asked chan struct{}
}

func (m *manual) Now() time.Time { return m.now }

func (m *manual) After(d time.Duration) <-chan time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waits = append(m.waits, d)
	m.asked <- struct{}{}
	return m.tick
}

func TestTheClockCanBeInjected(t *testing.T) {
	t.Parallel()
	s, _, e := decls()
	f := newFake(allStored())
	clock := &manual{tick: make(chan time.Time), asked: make(chan struct{}, 1)}
	loaded, err := schema.Loader{Service: f.service(), Every: time.Hour, Clock: clock}.Load(context.Background(), s, e)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		<-clock.asked
		f.put("EXTRA", fmt.Sprint(i))
		clock.tick <- time.Time{}
	}
	<-clock.asked // the fiftieth poll is over
	if got := e.From(loaded).Get(); got != "49" {
		t.Errorf("the handle gives %q", got)
	}
	if err := loaded.Close(); err != nil {
		t.Error(err)
	}
	least, most := slices.Min(clock.waits), slices.Max(clock.waits)
	if least < 54*time.Minute || most > 66*time.Minute || most-least < time.Minute {
		t.Errorf("waits are from %v to %v: no jitter of a tenth", least, most)
	}
}

func TestNegativeEveryIsNever(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, e := decls()
		f := newFake(allStored())
		loaded, err := schema.Loader{Service: f.service(), Every: -1}.Load(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if f.count(&f.batches) != 1 {
			t.Error("it polls")
		}
		f.put("EXTRA", "y")
		if err := loaded.Refresh(t.Context()); err != nil || e.From(loaded).Get() != "y" {
			t.Errorf("Refresh: %v", err)
		}
		_ = loaded.Close()
	})
}

func TestHandlesAreReadWhileTheyChange(t *testing.T) {
	t.Parallel()
	s, _, _ := decls()
	f := newFake(nil)
	set := func(i int) {
		f.put("STRIPE", fmt.Sprintf(`{"apiKey":"sk_%d","webhookSecret":"%d"}`, i, i))
	}
	set(0)
	loaded, err := schema.Loader{Service: f.service(), Every: -1}.Load(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	h := s.From(loaded)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if c := h.Get(); c.APIKey.Reveal() != "sk_"+c.WebhookSecret.Reveal() {
					t.Error("a reader got halves of two values")
					return
				}
			}
		})
	}
	for i := range 200 {
		set(i)
		if err := loaded.Refresh(context.Background()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	readers.Wait()
}

func TestManyMayRefreshAndAskAtOnce(t *testing.T) {
	t.Parallel()
	s, d, e := decls()
	f := newFake(allStored())
	var told changes
	loaded, err := schema.Loader{Service: f.service(), Every: time.Millisecond, OnChange: told.on}.Load(context.Background(), s, d, e)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 20 {
				f.put("EXTRA", fmt.Sprint(i))
				_ = loaded.Refresh(context.Background())
				_, _ = loaded.Err(), e.From(loaded).Get()
			}
		})
	}
	all.Wait()
	if err := loaded.Close(); err != nil {
		t.Error(err)
	}
}
