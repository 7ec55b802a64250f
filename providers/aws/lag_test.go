package aws_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// settled is a store over a fake whose lag is known, and far shorter than what
// the provider claims of the service: the suite polls no longer in vain.
type settled struct {
	core.SecretService
	within time.Duration
}

func (s settled) Capabilities(ctx context.Context) (core.Capabilities, error) {
	caps, err := s.SecretService.Capabilities(ctx)
	caps.Settle = s.within
	return caps, err
}

func (s settled) Close() error { return s.SecretService.(io.Closer).Close() }

// late opens stores over a fake whose reads are late, and whose listings are later; in
// a trial so late that no read which is asked once is in time by luck.
func late(open func(testing.TB, ...func(*awstest.Config)) conformance.Subject) func(testing.TB) conformance.Subject {
	read, list := 15*time.Millisecond, 30*time.Millisecond
	if long(0, 1) == 1 {
		read, list = 300*time.Millisecond, time.Second
	}
	within := max(20*list, 5*time.Second)
	return func(t testing.TB) conformance.Subject {
		s := open(t, func(c *awstest.Config) { c.ReadLag, c.ListLag, c.ForceDeleteDelay = read, list, read })
		s.Service = settled{s.Service, within}
		for _, another := range []*func() (core.SecretService, error){&s.Second, &s.Reopen} {
			open := *another
			*another = func() (core.SecretService, error) {
				svc, err := open()
				if err != nil {
					return nil, err
				}
				return settled{svc, within}, nil
			}
		}
		return s
	}
}

// A live check shares a few secrets between its cases, so what one has done may still be
// late for the next.
func TestALiveCheckPasses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		trial      bool
		read, list time.Duration
		opts       []conformance.CheckOption
	}{
		{name: "while reads miss writes", read: 15 * time.Millisecond, list: 30 * time.Millisecond},
		{name: "in full, within the quota of versions", trial: true, opts: []conformance.CheckOption{conformance.FullCheck()}},
		{name: "in full while reads miss writes", trial: true, read: 15 * time.Millisecond, list: 30 * time.Millisecond, opts: []conformance.CheckOption{conformance.FullCheck()}},
		{name: "while reads miss writes for long", trial: true, read: time.Second, list: 3 * time.Second},
	} {
		if c.trial && long(0, 1) == 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := awstest.New(t, func(cfg *awstest.Config) { cfg.ReadLag, cfg.ListLag = c.read, c.list })
			store := settled{open(t, settings(fake, "")), 100 * c.list}
			start := time.Now()
			report, err := conformance.Check(t.Context(), store, c.opts...)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range report.Results {
				if r.Outcome == conformance.Failed {
					t.Errorf("%s: %q", r.Case.Name, r.Failures)
				}
			}
			if len(report.Left) > 0 {
				t.Errorf("%d secrets are left behind", len(report.Left))
			}
			t.Logf("%d secrets and %d calls in %v", report.Secrets, report.Calls, time.Since(start).Round(time.Millisecond))
		})
	}
}
