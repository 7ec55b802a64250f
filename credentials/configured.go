package credentials

import (
	"context"
	"errors"
	"strconv"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// Configuration is whether a credential can be used: with OAuth2 whether the
// application's secret is there, and of the application's own key whether that
// is. A key of users needs nothing of the application.
type Configuration struct {
	Declared Declared

	// Configured says that it can. A program skips what can't: the others work.
	Configured bool

	// Reason is why it can't be used. It matches core.ErrNotFound where what it
	// needs is not there; anything else is an error of Configured as well.
	Reason error
}

// Configured tells which credentials can be used, in the order in which they
// are declared, with one batch read. One that isn't configured is no error, and
// the others work without it. What is stored and malformed, what could not be
// told, and a wrong declaration is an error that lists it all, beside what could
// be told.
func (s *Store) Configured(ctx context.Context) ([]Configuration, error) {
	if err := s.ready("configured"); err != nil {
		return nil, err
	}
	var all []Configuration
	var needs []schema.Declared
	var of []int // the index in all of each of needs
	for _, d := range s.set.named() {
		def := d.base()
		if !s.inScope(def) {
			continue
		}
		c := Configuration{Declared: d, Configured: true}
		if err := def.check(); err != nil {
			c.Configured, c.Reason = false, err
		} else if need := def.need(); need != nil {
			needs, of = append(needs, need), append(of, len(all))
		}
		all = append(all, c)
	}
	// The error of Status is in the reports.
	reports, _ := schema.Loader{Service: s.cfg.Apps, Environment: s.cfg.Environment}.Status(ctx, needs...)
	for i, r := range reports {
		c := &all[of[i]]
		switch r.State {
		case schema.StateOK:
			continue
		case schema.StateAbsent, schema.StateMissing:
			c.Reason = c.Declared.base().notConfigured()
		default:
			c.Reason = r.Err
		}
		c.Configured = false
	}
	var failed []error
	for _, c := range all {
		if c.Reason != nil && !isNotFound(c.Reason) {
			failed = append(failed, c.Reason)
		}
	}
	return all, errors.Join(failed...)
}

// Check returns an error that lists what is wrong and does not mend itself:
// declarations, and what [Store.Configured] says is malformed or could not be
// told. It is for the start of a program. What isn't configured is no error.
func (s *Store) Check(ctx context.Context) error {
	_, err := s.Configured(ctx)
	return err
}

// need is what has to be there for d to be used at all; nil is nothing.
func (d *definition) need() schema.Declared {
	switch {
	case d.app != nil:
		return d.app
	case !d.perUser:
		return d.value
	}
	return nil
}

func (d *definition) notConfigured() error {
	what, it := "the credential ", "it"
	if d.app != nil {
		what, it = "the application's secret of ", appForm(d.spec.OAuth2.ClientAuth)
	}
	hint := what + strconv.Quote(d.spec.Name) + " is not stored: store " + it + ", as with: lukko set " + d.spec.SecretID
	if d.spec.DocsURL != "" {
		hint += "; how to get one: " + d.spec.DocsURL
	}
	return &core.Error{Op: "get", Provider: provider, ID: d.spec.SecretID, Kind: core.ErrNotFound, Hint: hint}
}

// appForm shows the stored form of an application's secret.
func appForm(auth oauth2.ClientAuth) string {
	switch auth {
	case oauth2.ClientNone:
		return `{"clientId": "…"}`
	case oauth2.PrivateKeyJWT:
		return `{"clientId": "…", "privateKey": "…"}`
	}
	return `{"clientId": "…", "clientSecret": "…"}`
}
