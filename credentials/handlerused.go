package credentials

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/lukko-dev/lukko/core"
)

const (
	// usedSlack is how long a digest stays after the attempt has ended anyway:
	// clocks of processes may differ by as much.
	usedSlack = time.Hour

	// maxUsed is how many digests are kept. One more attempt is refused until
	// the oldest is due, as a digest that was dropped could be used again.
	maxUsed = 64
)

var (
	errUsed    = errors.New("the attempt was finished before")
	errTooMany = errors.New("too many attempts in a short time")
)

// usedList is the stored form of the secret beside the tokens, whose id ends
// in pendingSuffix. Of each attempt to connect that came back within the last
// 70 minutes it holds a digest of the state, so that none is finished twice, in
// whatever process. It is beside the tokens, so that it goes when the user does:
// {"used":[{"state":"…","until":1700000000}]}.
type usedList struct {
	Used []usedState `json:"used"`
}

type usedState struct {
	State string `json:"state"` // SHA-256 of the state, in base64url
	Until int64  `json:"until"` // when it may be dropped, in seconds since 1970
}

// usedStates says of each state once that it was not used before.
type usedStates struct {
	svc        core.SecretService
	oneProcess bool // the store has no conditions, and no other process writes

	mu   sync.Mutex
	here map[string]*usedHere // by id; only where one process writes
}

// usedHere stands in for conditions where one process writes: one attempt at a
// time for each id, and what this process has marked is remembered, as a read
// may still miss it.
type usedHere struct {
	users  int           // who have the turn or wait for it; of whoever holds mu
	turn   chan struct{} // holds one
	states []usedState   // of whoever has the turn; of whoever holds mu where users is 0
}

func digestOf(state string) string {
	sum := sha256.Sum256([]byte(state))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// use marks a state as used, in the secret of that id. It returns errUsed if
// it was before, and errTooMany if there is no room. The mark comes before
// anything is done with the answer, by a write that is conditional on what was
// read: a read may be old, and the condition is not.
func (u *usedStates) use(ctx context.Context, id, state string, now, until time.Time) error {
	mark := usedState{State: digestOf(state), Until: until.Add(usedSlack).Unix()}
	here := new(usedHere)
	if u.oneProcess {
		var err error
		if here, err = u.take(ctx, id, now); err != nil {
			return err
		}
		defer func() {
			<-here.turn
			u.leave(here)
		}()
	}
	barred := 0 // tries at which nothing was there, and a write that wants that was refused
	for try := 1; ; try++ {
		stored, err := u.svc.Get(ctx, id, core.Fresh())
		absent := errors.Is(err, core.ErrNotFound)
		if err != nil && !absent {
			return err
		}
		list, err := readUsed(id, stored.Value)
		if err != nil {
			return err
		}
		for _, s := range here.states {
			if !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
		list = slices.DeleteFunc(list, func(s usedState) bool { return s.over(now) })
		switch {
		case slices.ContainsFunc(list, func(s usedState) bool { return s.State == mark.State }):
			return errUsed
		case len(list) >= maxUsed:
			return errTooMany
		}
		list = append(list, mark)
		err = u.write(ctx, id, stored, absent, list)
		if err == nil || errors.Is(err, core.ErrIndeterminate) {
			here.states = list
		}
		if err == nil || !errors.Is(err, core.ErrConflict) {
			return err
		}
		if absent {
			barred++
		}
		switch {
		case barred == sealTries && try == sealTries:
			// What was deleted and can be recovered bars its id on some stores, until
			// a write without a condition. That makes an empty list, over which the
			// mark is written by a condition as ever.
			if _, err := u.svc.Set(ctx, id, core.String(noneUsed)); err != nil {
				return err
			}
		case try >= sealTries && (barred < sealTries || try == 2*sealTries):
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// noneUsed is the stored form of an empty list.
const noneUsed = `{"used":[]}`

// take waits for its turn at an id, and forgets what is over of others.
func (u *usedStates) take(ctx context.Context, id string, now time.Time) (*usedHere, error) {
	u.mu.Lock()
	for other, here := range u.here {
		if here.users > 0 {
			continue
		}
		here.states = slices.DeleteFunc(here.states, func(s usedState) bool { return s.over(now) })
		if len(here.states) == 0 {
			delete(u.here, other)
		}
	}
	here := u.here[id]
	if here == nil {
		if u.here == nil {
			u.here = make(map[string]*usedHere)
		}
		here = &usedHere{turn: make(chan struct{}, 1)}
		u.here[id] = here
	}
	here.users++
	u.mu.Unlock()
	select {
	case here.turn <- struct{}{}:
		return here, nil
	case <-ctx.Done():
		u.leave(here)
		return nil, &core.Error{Op: "set", ID: id, Err: ctx.Err()}
	}
}

func (u *usedStates) leave(here *usedHere) {
	u.mu.Lock()
	defer u.mu.Unlock()
	here.users--
}

func (s usedState) over(now time.Time) bool { return s.Until <= now.Unix() }

// readUsed reads the stored form. What is none is an error: an attempt that
// was finished must not be taken for a new one.
func readUsed(id string, stored core.Value) ([]usedState, error) {
	if stored.IsZero() {
		return nil, nil
	}
	var list usedList
	if err := json.Unmarshal(stored.RevealBytes(), &list); err != nil {
		return nil, &core.Error{Op: "get", ID: id, Kind: core.ErrCorrupt, Hint: "it is not what a Handler stores; delete it, and begin anew"}
	}
	return list.Used, nil
}

func (u *usedStates) write(ctx context.Context, id string, over core.Secret, absent bool, list []usedState) error {
	value, err := json.Marshal(usedList{Used: list})
	if err != nil {
		return &core.Error{Op: "set", ID: id, Kind: core.ErrInvalidValue}
	}
	var guard []core.SetOption
	switch {
	case u.oneProcess:
	case absent:
		guard = append(guard, core.IfAbsent())
	default:
		guard = append(guard, core.IfVersion(over.Version))
	}
	_, err = u.svc.Set(ctx, id, core.Bytes(value), guard...)
	return err
}
