package gcptest

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The project that every server has, by its two names. Requests may use
// either; answers carry the number.
const (
	ProjectID     = "test-project"
	ProjectNumber = int64(123456789012)
)

// Personality is how closely a server follows the reference.
type Personality int

const (
	// Strict follows Google's reference.
	Strict Personality = iota

	// Lenient behaves as local stand-ins do, namely as
	// github.com/blackwell-systems/gcp-secret-manager-emulator was seen to
	// (internal/server/storage.go): no etags are answered or checked, no
	// checksums are answered or checked, aliases are not known, latest is the
	// newest enabled version, a filter of secrets is ignored and one of
	// versions knows state alone, a missing replication is automatic, lists
	// have no promised order and no total, names carry the project as the
	// request wrote it, and every project exists.
	Lenient
)

// Server is a Secret Manager in memory. It is, by embedding, also its own
// global [Endpoint], at which a caller may do everything. Make it with [New].
// It is safe for concurrent use.
type Server struct {
	*Endpoint

	personality Personality
	clock       func() time.Time
	numbers     map[string]int64 // of projects, by id

	mu    sync.Mutex
	store *store

	quotas meter
	faults faults
	denied denials
	calls  calls
	conns  conns
	closer closer
}

// Option sets something up in [New].
type Option func(*Server)

// WithPersonality chooses how closely the server follows the reference. The
// default is [Strict].
func WithPersonality(p Personality) Option {
	return func(s *Server) { s.personality = p }
}

// WithProject adds a project beside [ProjectID]. The number must be its own:
// one that another project has makes both the same.
func WithProject(id string, number int64) Option {
	return func(s *Server) { s.numbers[id] = number }
}

// WithClock sets the clock for times of creation, expiry, quotas and lag.
// The default is [time.Now].
func WithClock(now func() time.Time) Option {
	return func(s *Server) { s.clock = now }
}

// WithQuotas enforces quotas from the start. Without it there are none. See
// [DocumentedQuotas].
func WithQuotas(q Quotas) Option {
	return func(s *Server) { s.quotas.set(q) }
}

// New starts a server that lives until the test ends.
func New(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := &Server{
		clock:   time.Now,
		numbers: map[string]int64{ProjectID: ProjectNumber},
		store:   newStore(),
	}
	for _, opt := range opts {
		opt(s)
	}
	s.Endpoint = &Endpoint{srv: s, grants: []grant{{role: Admin}}}
	t.Cleanup(s.Close)
	return s
}

// Close stops every endpoint and cuts what is under way. [New] arranges for it
// at the end of the test; a further call does nothing.
func (s *Server) Close() {
	s.closer.close()
}

// Regional is the endpoint of one location, such as europe-west3, as
// secretmanager.LOCATION.rep.googleapis.com is. It takes names below
// projects/*/locations/LOCATION only, and the global endpoint takes none of
// those. The secrets of all endpoints live in the same server.
func (s *Server) Regional(location string) *Endpoint {
	return &Endpoint{srv: s, location: location, grants: []grant{{role: Admin}}}
}

// SetQuotas replaces the quotas and forgets what was used of the old ones.
// The zero value has no limits.
func (s *Server) SetQuotas(q Quotas) {
	s.quotas.set(q)
}

// SetLag makes latest, aliases and lists show a change only after d has passed
// on the server's clock, as the service's eventual consistency does
// (https://cloud.google.com/secret-manager/docs/reference/consistency). A read
// of a version by its number stays strong, right after the add too, and so do
// writes and reads of a secret's own metadata. Zero, the default, shows
// everything at once and settles what was pending.
//
// The service also lets other reads lag; the fake lags those for which a
// caller has a strong one to use instead.
func (s *Server) SetLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.lag = max(d, 0)
}

// Settle lets every read see all changes so far, whatever the lag.
func (s *Server) Settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.settle()
}

// canonicalProject is the project as answers name it, and whether it exists.
func (s *Server) canonicalProject(project string) (string, bool) {
	if s.personality == Lenient {
		return project, true
	}
	if number, ok := s.numbers[project]; ok {
		return strconv.FormatInt(number, 10), true
	}
	for _, number := range s.numbers {
		if strconv.FormatInt(number, 10) == project {
			return project, true
		}
	}
	return project, false
}

// closer runs functions once, at the end of the server.
type closer struct {
	mu     sync.Mutex
	closed bool
	stops  []func()
}

func (c *closer) add(stop func()) {
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.stops = append(c.stops, stop)
	}
	c.mu.Unlock()
	if closed {
		stop()
	}
}

func (c *closer) close() {
	c.mu.Lock()
	c.closed = true
	stops := c.stops
	c.stops = nil
	c.mu.Unlock()
	for i := len(stops) - 1; i >= 0; i-- {
		stops[i]()
	}
}

// wait blocks until ready is closed, or until the caller gives up.
func wait(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
