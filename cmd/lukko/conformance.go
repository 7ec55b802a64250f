package main

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
)

func newConformance(a *app) *cobra.Command {
	var full bool
	var prefix string
	var waive []string
	c := &cobra.Command{
		Use:   "conformance [URL]",
		Short: "Test a live store against the contract of Lukko",
		Long: `Test a live store against the contract of Lukko by using it: it stores random
secrets under a random prefix, and removes them again, also when it is
interrupted. It prints beforehand what it takes at most, and what that costs
where the vendor bills. Without a URL it tests the environment that --env or
lukko.yaml names.`,
		Example: `  lukko conformance file:secrets
  lukko conformance aws://eu-west-1
  lukko conformance --env staging --full --prefix lukko/check/`,
		Args: args(0, 1),
	}
	c.Flags().BoolVar(&full, "full", false, "run the costly cases, too: over a thousand secrets and many thousand calls")
	c.Flags().StringVar(&prefix, "prefix", "", "what the ids begin with, where rights are given by name (default lukko_check_)")
	c.Flags().StringArrayVar(&waive, "waive", nil, "excuse a SHOULD: NAME=REASON")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			if len(a.urls) > 0 || a.env != "" {
				return usage("the URL, --url and --env each name a store", "give one of them")
			}
			a.urls = args
		}
		var opts []conformance.CheckOption
		if full {
			opts = append(opts, conformance.FullCheck())
		}
		if prefix == "" {
			prefix = "lukko_check_"
		}
		opts = append(opts, conformance.WithPrefix(prefix))
		waivers := map[string]string{}
		for _, w := range waive {
			name, reason, ok := strings.Cut(w, "=")
			if !ok || reason == "" {
				return usage("--waive needs a name and a reason", "--waive 'SHOULD/…=why it may fail'")
			}
			waivers[name] = reason
		}
		if len(waivers) > 0 {
			opts = append(opts, conformance.WithWaivers(waivers))
		}
		// It writes to few secrets, and so faster than Google takes: twice a second
		// and secret.
		a.patient = true
		return a.conform(c.Context(), prefix, opts)
	}
	return c
}

func (a *app) conform(ctx context.Context, prefix string, opts []conformance.CheckOption) error {
	return a.with(ctx, func(t *target) error {
		opts = append(opts, conformance.WithEstimate(func(e conformance.Estimate) error {
			if err := a.announce(ctx, t, e, prefix); err != nil {
				return err
			}
			return reachable(ctx, t.Store, prefix)
		}))
		report, err := conformance.Check(ctx, t.Store, opts...)
		if report.Results != nil {
			var b bytes.Buffer
			_, _ = report.WriteTo(&b) // to memory
			var text strings.Builder
			for line := range strings.Lines(b.String()) {
				text.WriteString(core.Printable(line) + "\n")
			}
			if err := a.write([]byte(text.String())); err != nil {
				return err
			}
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return failure(exitUnknown, "interrupted", "what was stored was removed, but for what the report names")
		case err != nil:
			return err
		case !report.OK():
			return answered(exitNo)
		}
		return nil
	})
}

// announce says what a check will do, and what it takes at most.
func (a *app) announce(ctx context.Context, t *target, e conformance.Estimate, prefix string) error {
	e.Calls++ // that of reachable
	text := "about to run " + e.String() + "\n"
	if e.Secrets > 0 {
		text += "what it stores is random, begins with " + core.Printable(prefix) + ", and is removed again\n"
	}
	// A chain may ask each of its layers for every call.
	for _, scheme := range t.schemes() {
		if cost := bill(scheme, e); cost != "" {
			text += cost + "\n"
		}
	}
	caps, err := t.Capabilities(ctx)
	if err != nil {
		return err
	}
	if caps.Settle > 0 {
		text += "where a read does not show a write yet it is repeated, for up to " + caps.Settle.String() + ", beside those calls\n"
	}
	return a.print(bytes.NewBufferString(text))
}

// reachable fails where no case could tell anything: nobody answers, or takes
// the login. One error says that better than all the cases.
func reachable(ctx context.Context, svc core.SecretService, prefix string) error {
	_, err := svc.Get(ctx, prefix+"reachable")
	if errors.Is(err, core.ErrUnauthenticated) || errors.Is(err, core.ErrUnavailable) {
		return err
	}
	return nil
}
