package conformance

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// lagging is a backend whose reads are served by a replica, which is behind.
// Conditions are kept by the primary.
type lagging struct {
	*model
	behind  time.Duration
	mu      sync.Mutex
	replica *model
	synced  time.Time
}

func newLagging(m *model, behind time.Duration) *lagging {
	return &lagging{model: m, behind: behind, replica: &model{disk: newDisk()}}
}

// read returns the replica as it is now.
func (l *lagging) read() *model {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.synced) > l.behind {
		d := newDisk()
		l.model.mu.Lock()
		for id, all := range l.secrets {
			d.secrets[id] = slices.Clone(all)
		}
		d.deleted, d.denied, d.corrupted, d.failing = maps.Clone(l.deleted), maps.Clone(l.denied), maps.Clone(l.corrupted), l.failing
		l.model.mu.Unlock()
		l.replica, l.synced = &model{disk: d}, time.Now()
	}
	return l.replica
}

func (l *lagging) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	return l.read().Get(ctx, id, o)
}

func (l *lagging) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	return l.read().GetMany(ctx, ids, o)
}

func (l *lagging) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	return l.read().Stat(ctx, id, o)
}

func (l *lagging) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) { l.read().List(ctx, prefix)(yield) }
}

func (l *lagging) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) { l.read().Versions(ctx, id)(yield) }
}

// live is a service that a live check finds: no hook, and no store to spare.
func lagged(m *model, settle time.Duration) core.SecretService {
	m.claims.Settle = settle
	return core.New("model", newLagging(m, 3*time.Millisecond))
}

// What the hooks do and what the replica shows of it come apart as well.
func TestARunWaitsForReadsThatLag(t *testing.T) {
	t.Parallel()
	h := modelHarness(func(m *model) Subject {
		open := func() (core.SecretService, error) {
			return lagged(&model{disk: m.disk, claims: m.claims}, time.Minute), nil
		}
		return Subject{Service: lagged(m, time.Minute), Second: open, Reopen: open}
	})
	open := h.Open
	h.Open = func(t testing.TB) Subject {
		s := open(t)
		s.Hold = nil // stops calls of the primary, which has no reads
		return s
	}
	for _, r := range results(t, h, nil) {
		if r.Outcome == Failed {
			t.Errorf("%s failed: %s", r.Case.Name, strings.Join(r.Failures, "; "))
		}
	}
}

func TestReadsThatLagAreWaitedForWhereThatIsClaimed(t *testing.T) {
	t.Parallel()
	t.Run("claimed", func(t *testing.T) {
		t.Parallel()
		report, err := Check(t.Context(), lagged(newModel(), time.Minute), FullCheck())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range report.Results {
			if r.Outcome == Failed {
				t.Errorf("%s failed: %q", r.Case.Name, r.Failures)
			}
		}
		if len(report.Left) > 0 {
			t.Errorf("%d secrets were left behind", len(report.Left))
		}
	})
	t.Run("not claimed", func(t *testing.T) {
		t.Parallel()
		report, err := Check(t.Context(), lagged(newModel(), 0))
		if err != nil {
			t.Fatal(err)
		}
		if report.Count(Failed) == 0 {
			t.Error("reads lag behind writes, no Settle is claimed, and nothing failed")
		}
	})
}
