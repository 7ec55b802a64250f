package conformance

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// Harness tells [Run] how to reach what it tests.
type Harness struct {
	// Open returns a fresh and empty store; every subtest calls it once. Its
	// failures (t.Fatal) are failures of the subtest. What it made besides the
	// Subject, such as a test server, it ends in t.Cleanup, which runs after
	// the suite has closed the Subject. Required.
	Open func(t testing.TB) Subject

	// Refuses tells which valid ids the backend can't hold, as its
	// documentation says. Those must then be refused with
	// [core.ErrInvalidID], and all others be held. Nil: none is refused.
	//
	// Two ids that differ only by case need no word here: a backend that is
	// case-blind may refuse the second of them.
	Refuses func(id string) bool

	// Names tells which valid ids are further names of secrets that exist, such
	// as an ARN, and make none. Under such an id nothing can be created, which
	// is [core.ErrInvalidID] or [core.ErrNotFound], and lists show the secret's own id. Nil:
	// none is such a name.
	Names func(id string) bool

	// Waive names SHOULD cases that need not pass, each with the reason, which
	// is printed. A MUST, an unknown name and an empty reason fail the run.
	Waive map[string]string

	// Timeout bounds one subtest; 0 means a minute. Polling for up to the
	// claimed Settle comes on top.
	Timeout time.Duration
}

// Subject is one store under test, with whatever the harness can do to it
// behind the service's back. Each hook is optional; without it the cases that
// need it are skipped, and say so.
type Subject struct {
	// Service is the service under test, as it is. Backend is put under
	// [core.New] first, with Provider as its name ("conformance" if empty).
	// Exactly one of the two is set. The suite closes it if it is an
	// [io.Closer].
	Service  core.SecretService
	Backend  core.Backend
	Provider string

	// Seed stores a secret without the service, as somebody's other tool
	// would. It is the way in for a service that can't Set; where both work,
	// the suite also tests that what others wrote reads well. An error that
	// matches [errors.ErrUnsupported] says that this value or id can't be
	// stored so, and skips what needs it. An empty value, and one above
	// [core.MaxValueLen], are asked for too.
	Seed func(id string, value core.Value) error

	// Deny takes away the right to read the value of id. Whether Stat, Set and
	// Delete are denied as well is the backend's affair.
	Deny func(id string) error

	// Corrupt damages what is stored of id so that it can't be read, as a
	// flipped bit on a disk does.
	Corrupt func(id string) error

	// Fail makes every call fail as kind says, until restore is called:
	// [core.ErrUnavailable] (the network is gone), [core.ErrUnauthenticated]
	// (the credential expired), [core.ErrExhausted] (writes find a full disk
	// or a used-up quota; reads may work). A nil restore says that the harness
	// can't make this kind.
	Fail func(kind error) (restore func())

	// Hold stops the next call on id inside the backend, past the point where
	// it has begun: reached is closed when it is there, and it goes on when
	// release is called or when its context ends. release may be called more
	// than once.
	Hold func(id string) (reached <-chan struct{}, release func())

	// Second opens another connection to the same store, as another process
	// would. The suite closes it if it is an [io.Closer].
	Second func() (core.SecretService, error)

	// Reopen opens the store again after the suite has closed the Subject. The
	// suite closes what it returns if it is an [io.Closer].
	Reopen func() (core.SecretService, error)

	// Logs returns all that the service has logged so far, where it logs
	// elsewhere than to [log/slog]'s and [log]'s default loggers: those are
	// watched anyway.
	Logs func() string
}

// service returns what is tested.
func (s Subject) service() (core.SecretService, string) {
	switch {
	case s.Service != nil && s.Backend != nil:
		return nil, "the harness's Subject has both a Service and a Backend; set one"
	case s.Service != nil:
		return s.Service, ""
	case s.Backend != nil:
		name := s.Provider
		if name == "" {
			name = "conformance"
		}
		return core.New(name, s.Backend), ""
	default:
		return nil, "the harness's Subject has neither a Service nor a Backend; set one"
	}
}

func closeService(svc core.SecretService) error {
	if c, ok := svc.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// quietly is a context for clean-up: it outlives the one that was cancelled,
// and is bounded by itself.
func quietly(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}
