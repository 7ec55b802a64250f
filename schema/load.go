package schema

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// DefaultEvery is how often what was loaded is read again, about.
const DefaultEvery = time.Minute

// minPollLimit is the least time that one poll may take.
const minPollLimit = 30 * time.Second

// Clock is the time, for tests.
type Clock interface {
	Now() time.Time
	// After returns a channel that gets the time once, after d.
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Loader loads declarations, and keeps what it loaded current.
type Loader struct {
	// Service is where the values are.
	Service core.SecretService

	// Every is how often they are read again, with a jitter of a tenth. Zero
	// is DefaultEvery; negative is never, but for Refresh.
	Every time.Duration

	// OnChange is told of each change, after the handle has it. It is called
	// by one goroutine at a time and holds up the next poll; it must not call
	// Refresh or Close of the same Loaded, which wait for it.
	OnChange func(Change)

	// Clock is the time; nil is the system's.
	Clock Clock

	// Environment is the name of the environment that the Service is of, for
	// declarations that are required in some only. Empty, it is the environment
	// variable LUKKO_ENV, and not known where that is not set either.
	Environment string
}

// filled is l with its defaults.
func (l Loader) filled() Loader {
	if l.Clock == nil {
		l.Clock = systemClock{}
	}
	if l.Every == 0 {
		l.Every = DefaultEvery
	}
	if l.Environment == "" {
		l.Environment = os.Getenv("LUKKO_ENV")
	}
	return l
}

// Change tells what a poll found of one declaration.
type Change struct {
	Name string
	ID   string

	// Info is of the value that the handle gives now.
	Info core.Info

	// Absent says that an optional secret has no value any more.
	Absent bool

	// Err is why the handle keeps the last good value, an [*Error]; nil if it
	// gives what is stored. A failure is told once, until it is another one.
	Err error
}

// Load reads all declarations in one batch. It is Load of a [Loader] with
// the defaults.
func Load(ctx context.Context, svc core.SecretService, decls ...Declared) (*Loaded, error) {
	return Loader{Service: svc}.Load(ctx, decls...)
}

// Load reads all declarations in one batch, and starts the one goroutine that
// reads them again until Close. If anything is missing, invalid, or could not
// be told, it returns one [*Error] that lists it all, and starts nothing. A
// missing optional secret is no error. A group is judged where all of its
// members in their set are among decls. ctx bounds this first load only.
func (l Loader) Load(ctx context.Context, decls ...Declared) (*Loaded, error) {
	l = l.filled()
	var problems []Problem
	loaded := &Loaded{
		loader: l,
		turn:   make(chan struct{}, 1),
		done:   make(chan struct{}),
	}
	for _, d := range decls {
		if loaded.slotOf(d.base()) != nil {
			continue
		}
		problems = append(problems, d.base().check()...)
		loaded.watched = append(loaded.watched, &watched{slot: d.newSlot()})
	}
	if len(problems) > 0 {
		return nil, errorOf(problems)
	}
	if len(decls) > 0 {
		found := readMany(ctx, l.Service, l.Environment, loaded.definitions())
		if found.err != nil {
			return nil, errorOf([]Problem{{Rule: RuleRead, Err: found.err}})
		}
		for _, w := range loaded.watched {
			w.update(found)
			problems = append(problems, w.problems...)
		}
	}
	if len(problems) > 0 {
		return nil, errorOf(problems)
	}
	loaded.closing, loaded.close = context.WithCancel(context.Background())
	if l.Every < 0 || len(decls) == 0 {
		close(loaded.done)
	} else {
		go loaded.run()
	}
	return loaded, nil
}

// Loaded is what a [Loader] loaded. It owns one goroutine, until Close. Its
// methods are safe for concurrent use.
type Loaded struct {
	loader  Loader
	watched []*watched

	turn    chan struct{} // held while reading, so that an older read can't undo a newer
	closing context.Context
	close   context.CancelFunc
	done    chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex // guards strange, and the problems of watched
	strange []*definition
}

// watched is one declaration that is kept current.
type watched struct {
	slot
	value    core.Value
	info     core.Info
	ok       bool
	problems []Problem // guarded by Loaded.mu after the first load
}

// Close ends the goroutine and waits for it, and for a Refresh that is under
// way. Handles keep their last values. It returns nil; a further Close does
// nothing.
func (l *Loaded) Close() error {
	l.close()
	<-l.done
	l.turn <- struct{}{}
	<-l.turn
	return nil
}

// Refresh reads everything now, past every cache, and returns what Err
// returns then. If ctx ends first it returns an [*Error] that matches the
// context's error, and nothing has changed; after Close it is core.ErrClosed.
func (l *Loaded) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.closing, cancel)()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
	}
	if l.closing.Err() == nil && ctx.Err() == nil {
		l.poll(ctx, core.Fresh())
	}
	switch {
	case l.closing.Err() != nil:
		return errorOf([]Problem{{Rule: RuleRead, Err: &core.Error{Op: "refresh", Kind: core.ErrClosed, Hint: "what was loaded has been closed"}}})
	case ctx.Err() != nil:
		return errorOf([]Problem{{Rule: RuleRead, Err: &core.Error{Op: "refresh", Err: ctx.Err()}}})
	}
	return l.Err()
}

// Err returns an [*Error] that lists, for each declaration whose last poll
// failed, why; and each that was asked for by From and not loaded. It is nil
// if all is well.
func (l *Loaded) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var problems []Problem
	for _, w := range l.watched {
		problems = append(problems, w.problems...)
	}
	for _, d := range l.strange {
		problems = append(problems, d.wrong("it was not loaded; name it in the call of Load"))
	}
	return errorOf(problems)
}

// slotOf returns the slot of a declaration; nil if it was not loaded.
func (l *Loaded) slotOf(d *definition) slot {
	for _, w := range l.watched {
		if w.definition() == d {
			return w.slot
		}
	}
	if l.closing != nil { // not while loading
		l.mu.Lock()
		defer l.mu.Unlock()
		if !slices.Contains(l.strange, d) {
			l.strange = append(l.strange, d)
		}
	}
	return nil
}

func (l *Loaded) definitions() []*definition {
	defs := make([]*definition, len(l.watched))
	for i, w := range l.watched {
		defs[i] = w.definition()
	}
	return defs
}

// run polls until Close.
func (l *Loaded) run() {
	defer close(l.done)
	for {
		select {
		case <-l.closing.Done():
			return
		case <-l.loader.Clock.After(jittered(l.loader.Every)):
		}
		select {
		case <-l.closing.Done():
			return
		case l.turn <- struct{}{}:
		}
		ctx, cancel := context.WithTimeout(l.closing, max(l.loader.Every, minPollLimit))
		l.poll(ctx)
		cancel()
		<-l.turn
	}
}

// jittered is d, more or less by at most a tenth.
func jittered(d time.Duration) time.Duration {
	tenth := int64(d / 10)
	return d - time.Duration(tenth) + time.Duration(rand.Int64N(2*tenth+1))
}

// poll reads everything and tells what changed. A read that was called off
// changes nothing: it says nothing of the store.
func (l *Loaded) poll(ctx context.Context, opts ...core.GetOption) {
	found := readMany(ctx, l.loader.Service, l.loader.Environment, l.definitions(), opts...)
	if ended := ctx.Err(); ended == context.Canceled || ended != nil && len(opts) > 0 { //nolint:errorlint // what a context returns
		return
	}
	if found.err != nil && ctx.Err() != nil {
		// The deadline was ours, not the program's.
		found.err = &core.Error{Op: "get many", Kind: core.ErrUnavailable, Hint: "no answer within the time of a poll"}
	}
	for _, w := range l.watched {
		l.mu.Lock()
		before := w.problems
		changed := w.update(found)
		after := w.problems
		l.mu.Unlock()
		if l.loader.OnChange == nil || !changed && sameProblems(before, after) {
			continue
		}
		l.loader.OnChange(Change{
			Name: w.definition().spec.Name, ID: w.definition().spec.ID,
			Info: w.info, Absent: !w.ok && len(after) == 0, Err: errorOf(after),
		})
	}
}

func sameProblems(a, b []Problem) bool {
	return slices.EqualFunc(a, b, func(p, q Problem) bool { return p.String() == q.String() })
}

// update takes what was read into the slot, and reports whether the handle
// gives another value now. The last good value stays unless there is a new
// good one, or an optional secret is gone; and as long as its group is not as
// it must be.
func (w *watched) update(found readings) (changed bool) {
	d := w.definition()
	if problem, wrong := found.groups[d]; wrong {
		w.problems = []Problem{problem}
		return false
	}
	secret, problem := found.of(d)
	switch {
	case problem == nil:
		if w.ok && len(w.problems) == 0 && w.value.Equal(secret.Value) {
			w.info = secret.Info
			return false
		}
		if w.problems = w.put(secret.Value); len(w.problems) > 0 {
			return false
		}
		same := core.Value.Equal
		if !d.plan.plain {
			same = core.Equivalent // an object in another spelling decodes to the same
		}
		changed = !w.ok || !same(w.value, secret.Value)
		w.value, w.info, w.ok = secret.Value, secret.Info, true
		return changed
	case problem.Rule == RuleMissing && !d.requiredIn(found.environment):
		changed = w.ok
		w.value, w.info, w.ok, w.problems = core.Value{}, core.Info{ID: d.spec.ID}, false, nil
		w.drop()
		return changed
	default:
		w.problems = []Problem{*problem}
		return false
	}
}
