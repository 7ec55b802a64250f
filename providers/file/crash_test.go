package file

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/core"
)

// memPins keeps the accepted recipients in memory: the user's folder is
// another file system, with its own crashes.
type memPins struct{ list []Recipient }

func (m *memPins) load() ([]Recipient, bool, error) { return m.list, m.list != nil, nil }
func (m *memPins) save(list []Recipient) error      { m.list = slices.Clone(list); return nil }

// rememberingIdentity unwraps each header once, so that thousands of crashes
// are read in seconds. It changes no answer.
type rememberingIdentity struct {
	age.Identity
	keys map[string][]byte
}

func (r *rememberingIdentity) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	var key string
	for _, s := range stanzas {
		key += fmt.Sprintf("%s %q %x\n", s.Type, s.Args, s.Body)
	}
	if k, ok := r.keys[key]; ok {
		if k == nil {
			return nil, age.ErrIncorrectIdentity
		}
		return k, nil
	}
	k, err := r.Identity.Unwrap(stanzas)
	if err != nil && !errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, err
	}
	r.keys[key] = k
	return k, err
}

// storeOn makes a store on a file system of the test's.
func storeOn(fsys fileSystem, p pins, history int, identities ...age.Identity) *Store {
	cfg, err := Config{
		Dir: ".", History: history, Identities: identities,
		LookupEnv: func(string) (string, bool) { return "", false },
		Notice:    func(string) {},
	}.withDefaults()
	if err != nil {
		panic(err)
	}
	b := newBackend(cfg, fsys)
	b.pins = p
	return b.store()
}

// initOn writes what Init does.
func initOn(t testing.TB, r *recordingFS, recipients ...Recipient) {
	t.Helper()
	data := []byte(recipientsIntro)
	for _, rc := range recipients {
		data = addLine(data, rc)
	}
	must(t, r.mkdir(secretsDir))
	must(t, r.mkdir(historyDir))
	f, err := r.create(recipientsName)
	must(t, err)
	_, err = f.Write(data)
	must(t, err)
	must(t, f.Sync())
	must(t, r.syncDir("."))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// state is what a store holds, by reading all of it.
type state struct {
	current map[string]core.Secret            // by id
	history map[string]map[string]core.Secret // by id and version, the current one included
}

func stateOf(ctx context.Context, s *Store, ids []string) (state, error) {
	st := state{map[string]core.Secret{}, map[string]map[string]core.Secret{}}
	for _, id := range ids {
		got, err := s.Get(ctx, id)
		switch {
		case err == nil:
			st.current[id] = got
		case !errors.Is(err, core.ErrNotFound):
			return st, fmt.Errorf("Get(%s): %w", id, err)
		}
		st.history[id] = map[string]core.Secret{}
		for info, err := range s.History(ctx, id) {
			if errors.Is(err, core.ErrNotFound) {
				break
			}
			if err != nil {
				return st, fmt.Errorf("History(%s): %w", id, err)
			}
			v, err := s.versionOf(ctx, id, info.Version)
			if err != nil {
				return st, fmt.Errorf("version %s of %s: %w", info.Version, id, err)
			}
			if v.Version != info.Version {
				return st, fmt.Errorf("version %s of %s reads as %s", info.Version, id, v.Version)
			}
			if _, twice := st.history[id][info.Version]; twice {
				return st, fmt.Errorf("version %s of %s is listed twice", info.Version, id)
			}
			st.history[id][info.Version] = v
		}
	}
	return st, nil
}

// A script of operations runs on a recording file system. Then the disk is
// made again as a crash could have left it after every single change, with
// the changes that were not synced yet lost in every combination, and the
// store on it must be sound.
func TestNoCrashLosesAnAcknowledgedWrite(t *testing.T) {
	t.Parallel()
	const exhaustive = 6
	samples, rounds := 8, 1
	if os.Getenv("LUKKO_TRIAL") == "1" {
		samples, rounds = 200, 40
	}
	var replayed, states int
	for round := range rounds {
		r, s := replayRound(t, uint64(round), exhaustive, samples)
		replayed, states = replayed+r, states+s
	}
	t.Logf("%d operations replayed as %d crashes: every prefix, unsynced changes lost in every subset up to %d pending, %d sampled above",
		replayed, states, exhaustive, samples)
}

func replayRound(t *testing.T, seed uint64, exhaustive, samples int) (replayed, states int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 4))
	ctx := t.Context()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	guest, err := age.GenerateX25519Identity()
	must(t, err)
	identity := &rememberingIdentity{owner, map[string][]byte{}}
	r := newRecordingFS()
	initOn(t, r, Recipient{Key: owner.Recipient().String(), Name: "owner"})
	pinned := &memPins{}
	s := storeOn(r, pinned, 2, identity)

	ids := []string{"A", "B", "shop/db", "shop/a:b"}
	n := 0
	set := func(id string) func() error {
		return func() error {
			n++
			_, err := s.Set(ctx, id, core.String(fmt.Sprintf("%s %d", id, n)))
			return err
		}
	}
	del := func(id string, o ...core.DeleteOption) func() error {
		return func() error { return s.Delete(ctx, id, o...) }
	}
	add := func() error {
		_, err := s.AddRecipient(ctx, Recipient{Key: guest.Recipient().String(), Name: "guest"})
		return err
	}
	rm := func() error { _, err := s.RemoveRecipient(ctx, guest.Recipient().String()); return err }
	rollback := func(id string) func() error {
		return func() error {
			var oldest string
			for info, err := range s.History(ctx, id) {
				if err != nil {
					return err
				}
				oldest = info.Version
			}
			_, err := s.Rollback(ctx, id, oldest)
			return err
		}
	}
	type step struct {
		id  string // the one that it changes; empty: all may be encrypted anew
		run func() error
	}
	script := []step{
		{"A", set("A")},
		{"A", set("A")},
		{"shop/db", set("shop/db")},
		{"A", set("A")},
		{"A", set("A")},
		{"B", set("B")},
		{"B", del("B")},
		{"", add},
		{"B", rollback("B")},
		{"shop/a:b", set("shop/a:b")},
		{"shop/db", del("shop/db", core.Purge())},
		{"A", rollback("A")},
		{"", rm},
		{"shop/db", set("shop/db")},
		{"shop/a:b", del("shop/a:b")},
		{"shop/a:b", set("shop/a:b")},
		{"shop/a:b", del("shop/a:b", core.Purge())},
		{"A", set("A")},
	}
	if seed > 0 { // later rounds run it in another order; what can't be done then is left out
		rnd.Shuffle(len(script), func(i, j int) { script[i], script[j] = script[j], script[i] })
	}

	// The run itself, and what the store held after each acknowledgement.
	type ack struct {
		at      int // changes recorded by then
		id      string
		st      state
		removed bool // the guest was removed and must not read
	}
	before, err := stateOf(ctx, s, ids)
	must(t, err)
	acks := []ack{{at: len(r.log), st: before}}
	values := map[string]core.Value{} // of every version that ever was, by id and version
	for _, step := range script {
		err := step.run()
		if err != nil && (seed == 0 || core.KindOf(err) == nil || errors.Is(err, core.ErrIndeterminate)) {
			t.Fatalf("a step of the script failed: %v", err)
		}
		st, err := stateOf(ctx, s, ids)
		must(t, err)
		for id, vs := range st.history {
			for v, secret := range vs {
				if old, ok := values[id+" "+v]; ok && !old.Equal(secret.Value) {
					t.Fatalf("version %s of %s names two values", v, id)
				}
				values[id+" "+v] = secret.Value
			}
		}
		hasGuest := slices.ContainsFunc(pinned.list, func(rc Recipient) bool { return rc.Key == guest.Recipient().String() })
		acks = append(acks, ack{at: len(r.log), id: step.id, st: st, removed: !hasGuest})
	}

	// Many crashes leave the same disk; it is looked at once for each
	// acknowledgement before it.
	type seen struct {
		disk            [32]byte
		after           int
		complete, write bool
	}
	verified := map[seen]bool{}
	verify := func(n int, disk *recordingFS, write bool) error {
		i := 0
		for i+1 < len(acks) && acks[i+1].at <= n {
			i++
		}
		done, next := acks[i], acks[min(i+1, len(acks)-1)]
		key := seen{disk.fingerprint(), i, n == done.at, write}
		if verified[key] {
			return nil
		}
		verified[key] = true
		s := storeOn(disk, &memPins{}, 2, identity)
		if err := s.b.exists(); err != nil {
			return fmt.Errorf("the store does not open: %w", err)
		}
		st, err := stateOf(ctx, s, ids)
		if err != nil {
			return err
		}
		for _, id := range ids {
			same := func(a ack) bool {
				want, there := a.st.current[id]
				got, is := st.current[id]
				return there == is && want.Version == got.Version && want.Value.Equal(got.Value)
			}
			if !same(done) && (n == done.at || next.id != id || !same(next)) {
				return fmt.Errorf("%s is neither as it was acknowledged nor as the interrupted step made it", id)
			}
			for v, secret := range st.history[id] {
				if want, ok := values[id+" "+v]; !ok || !want.Equal(secret.Value) {
					return fmt.Errorf("version %s of %s names another value, or was never acknowledged", v, id)
				}
			}
			for v := range done.st.history[id] {
				if _, stays := next.st.history[id][v]; !stays {
					continue // the interrupted step drops it
				}
				if _, ok := st.history[id][v]; !ok {
					return fmt.Errorf("version %s of %s is lost", v, id)
				}
			}
		}
		if n == done.at && done.removed {
			found, err := s.b.check(ctx)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(found, func(f Finding) bool { return f.Kind == Stale }) {
				return errors.New("a file is still readable by who was removed")
			}
		}
		for _, id := range ids[:2] {
			if !write {
				return nil
			}
			info, err := s.Set(ctx, id, core.String("after the crash"))
			if err != nil {
				return fmt.Errorf("Set after the crash: %w", err)
			}
			if _, used := values[id+" "+info.Version]; used {
				return fmt.Errorf("version %s of %s is used again", info.Version, id)
			}
			if got, err := s.Get(ctx, id); err != nil || got.Version != info.Version {
				return fmt.Errorf("Get after the crash and a Set: %w", err)
			}
		}
		if _, err := disk.lstat(tempName); err == nil {
			return errors.New("the next writer left the temporary file")
		}
		return nil
	}

	// A writer that is killed loses nothing by itself. The next one builds on
	// what it left unsynced; then the power fails.
	killedFirst := func(n int) error {
		disk := r.crash(n, func(int) bool { return false }, nil)
		disk.log = slices.Clone(r.log[:n])
		i := slices.IndexFunc(acks, func(a ack) bool { return a.at > n })
		if i < 0 || acks[i].id == "" {
			return nil
		}
		id := acks[i].id // of the step that was killed
		old := acks[i-1].st.current[id].Version
		info, err := storeOn(disk, &memPins{}, 2, identity).Set(ctx, id, core.String("by the next writer"))
		if err != nil {
			return fmt.Errorf("Set after a kill: %w", err)
		}
		pending := disk.pending(len(disk.log))
		disk = disk.crash(len(disk.log), func(i int) bool { return slices.Contains(pending, i) }, func([]byte) []byte { return nil })
		s := storeOn(disk, &memPins{}, 2, identity)
		got, err := s.Get(ctx, id)
		if err != nil || got.Version != info.Version {
			return fmt.Errorf("Get(%s) after a kill, a Set and a power failure: %q, %w", id, got.Version, err)
		}
		if _, err := s.Get(ctx, id, core.AtVersion(old)); old != "" && acks[i].st.current[id].Version != "" && err != nil {
			return fmt.Errorf("the version before of %s after a kill, a Set and a power failure: %w", id, err)
		}
		return nil
	}

	for n := acks[0].at; n <= len(r.log); n++ {
		replayed++
		states++
		if err := killedFirst(n); err != nil {
			t.Fatalf("after %d changes: %v", n, err)
		}
		pending := r.pending(n)
		// After the extremes the store is also written to: all survived, none did.
		try := func(lost map[int]bool, cut func([]byte) []byte) {
			states++
			extreme := len(lost) == 0 || len(lost) == len(pending)
			if err := verify(n, r.crash(n, func(i int) bool { return lost[i] }, cut), extreme); err != nil {
				t.Fatalf("after %d changes, of which %v were lost: %v", n, lost, err)
			}
		}
		subset := func(bits uint64) map[int]bool {
			lost := map[int]bool{}
			for j, i := range pending {
				if bits>>j&1 == 1 {
					lost[i] = true
				}
			}
			return lost
		}
		none := func([]byte) []byte { return nil }
		half := func(data []byte) []byte { return data[:len(data)/2] }
		if len(pending) <= exhaustive {
			for bits := range uint64(1) << len(pending) {
				try(subset(bits), none)
			}
			try(subset(1<<len(pending)-1), half)
			continue
		}
		try(subset(0), none)
		try(subset(1<<len(pending)-1), none)
		for range samples {
			cut := none
			if rnd.IntN(2) == 0 {
				cut = half
			}
			try(subset(rnd.Uint64()), cut)
		}
	}
	return replayed, states
}

// The replay must be able to fail: with one sync left out of a write it does.
func TestTheReplayNoticesASyncThatIsLeftOut(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	r := newRecordingFS()
	initOn(t, r, Recipient{Key: owner.Recipient().String()})
	s := storeOn(r, &memPins{}, 2, owner)
	_, err = s.Set(t.Context(), "A", core.String("one"))
	must(t, err)
	lossless := func(fsys *recordingFS) bool {
		n := len(fsys.log)
		pending := fsys.pending(n)
		disk := fsys.crash(n, func(i int) bool { return slices.Contains(pending, i) }, func([]byte) []byte { return nil })
		_, err := storeOn(disk, &memPins{}, 2, owner).Get(t.Context(), "A")
		return err == nil
	}
	if !lossless(r) {
		t.Fatal("an acknowledged write is lost")
	}
	for i, c := range r.log {
		if c.kind != synced || i < 6 { // the first ones are of initOn
			continue
		}
		broken := &recordingFS{nodes: r.nodes, log: slices.Delete(slices.Clone(r.log), i, i+1)}
		if lossless(broken) && c.node != rootNode {
			t.Errorf("the write without its sync at change %d loses nothing, so the replay would not notice", i)
		}
	}
}
