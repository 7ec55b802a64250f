package credentials

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// State is what can be told of a credential without showing it.
type State string

// The states of a credential.
const (
	StateOK      State = "ok"      // there, and valid; with OAuth2 an account is connected
	StateMissing State = "missing" // not there; with OAuth2 no account is connected
	StateEnded   State = "ended"   // only connecting again mends it: oauth2.ErrReauthorize
	StateInvalid State = "invalid" // there, and not what is declared
	StateUnknown State = "unknown" // the store could not tell: denied, unreachable, …
	StateWrong   State = "wrong"   // the declaration is wrong
)

// Status is what can be told of a credential. It never has the value.
type Status struct {
	Name        string
	DisplayName string
	User        string // whose it is; empty for the application's own
	ID          string // of the secret that holds it
	OAuth2      bool
	Optional    bool // the program does without it, in this environment

	State State

	// Info is what the service says of the value; only the ID, if there is none.
	Info core.Info

	// The rest is of OAuth2. Times are zero where they are not known.
	ExpiresAt     time.Time // of the access token
	Refreshable   bool      // there is a refresh token, or none is needed
	Granted       []string  // scopes; nil if that is not known
	MissingScopes []string  // that are declared and not granted; nil where Granted is
	ConnectedAt   time.Time
	RefreshedAt   time.Time
	LastFailure   error // of the last refresh, as far as that is known

	// ConnectURL is the page that connects it, as [Config] makes it.
	ConnectURL string

	// Err says why State is missing, ended, invalid, unknown or wrong.
	Err error
}

// status tells of one credential.
func (s *Store) status(ctx context.Context, d *definition, user string) (Status, error) {
	r := s.read(ctx, user, d)
	status := s.statusOf(d, user, r)
	s.refine(ctx, d, user, &status)
	return status, unknown(status)
}

// UserCredentials tells of all that a user may have, in the order in which it
// is declared, with one batch read and for accounts that are connected what
// their clients know. It asks for the user's own ids and lists nothing. The
// error is nil if all could be told, also if some are missing.
//
// In a scope it tells of the scope's credentials. An empty user is [ErrNoUser].
func (s *Store) UserCredentials(ctx context.Context, user string) ([]Status, error) {
	return s.ofUser(ctx, "status", user, true)
}

// MissingFor returns those of a user's credentials that the program needs and
// that are not there, with one batch read: what a web application asks its
// user to connect. An account that has ended is there; UserCredentials tells of
// that. The error is that of UserCredentials: with one, what is missing may be
// more than what is returned.
func (s *Store) MissingFor(ctx context.Context, user string) ([]Status, error) {
	statuses, err := s.ofUser(ctx, "missing", user, false)
	return onlyMissing(statuses), err
}

// Missing returns those of the application's own credentials that the program
// needs and that are not there. The error is as of MissingFor.
func (s *Store) Missing(ctx context.Context) ([]Status, error) {
	if err := s.ready("missing"); err != nil {
		return nil, err
	}
	statuses, err := s.statuses(ctx, "", s.ofApplication(), false)
	return onlyMissing(statuses), err
}

func (s *Store) ofUser(ctx context.Context, op, user string, refined bool) ([]Status, error) {
	if user == "" {
		return nil, &noUserError{op: op, name: "all"}
	}
	if err := s.ready(op); err != nil {
		return nil, err
	}
	return s.statuses(ctx, user, s.perUser(), refined)
}

func onlyMissing(statuses []Status) []Status {
	return slices.DeleteFunc(statuses, func(s Status) bool { return s.State != StateMissing || s.Optional })
}

// statuses tells of many.
func (s *Store) statuses(ctx context.Context, user string, defs []*definition, refined bool) ([]Status, error) {
	r := s.read(ctx, user, defs...)
	statuses := make([]Status, len(defs))
	var failed []error
	for i, d := range defs {
		statuses[i] = s.statusOf(d, user, r)
		if refined {
			s.refine(ctx, d, user, &statuses[i])
		}
		failed = append(failed, unknown(statuses[i]))
	}
	return statuses, errors.Join(failed...)
}

// unknown is the error of what could not be told.
func unknown(status Status) error {
	if status.State == StateUnknown || status.State == StateWrong {
		return status.Err
	}
	return nil
}

// reading is what was found at some ids.
type reading struct {
	secrets map[string]core.Secret
	failed  map[string]error
}

// read reads what a user, or the application, has of some credentials: one
// batch from each service.
func (s *Store) read(ctx context.Context, user string, defs ...*definition) reading {
	r := reading{secrets: map[string]core.Secret{}, failed: map[string]error{}}
	var fromSecrets, fromApps []string
	for _, d := range defs {
		switch id := d.idOf(user); {
		case d.check() != nil || core.CheckID(id) != nil:
		case s.oneService || d.perUser || d.spec.OAuth2 != nil:
			fromSecrets = append(fromSecrets, id)
		default:
			fromApps = append(fromApps, id)
		}
	}
	r.add(ctx, s.cfg.Secrets, fromSecrets)
	r.add(ctx, s.cfg.Apps, fromApps)
	return r
}

func (r reading) add(ctx context.Context, svc core.SecretService, ids []string) {
	if len(ids) == 0 {
		return
	}
	secrets, err := svc.GetMany(ctx, ids)
	batch := (*core.BatchError)(nil)
	partly := errors.As(err, &batch)
	for _, id := range ids {
		switch {
		case err != nil && !partly:
			r.failed[id] = err
		case partly && batch.ByID[id] != nil:
			r.failed[id] = batch.ByID[id]
		default:
			if secret, ok := secrets[id]; ok {
				r.secrets[id] = secret
			}
		}
	}
}

// statusOf tells what a reading says of d.
func (s *Store) statusOf(d *definition, user string, r reading) Status {
	id := d.idOf(user)
	status := Status{
		Name: d.spec.Name, DisplayName: d.spec.DisplayName, User: user, ID: id,
		OAuth2: d.spec.OAuth2 != nil, Optional: s.optional(d),
		Info: core.Info{ID: id}, ConnectURL: s.connectURL(d, user),
	}
	if err := d.check(); err != nil {
		status.State, status.Err = StateWrong, err
		return status
	}
	secret, there := r.secrets[id]
	switch err := r.failed[id]; {
	case err != nil && !isNotFound(err):
		status.State, status.Err = StateUnknown, err
		return status
	case !there || secret.Value.IsZero():
		status.State, status.Err = StateMissing, s.missing(d, user)
		return status
	}
	status.State, status.Info = StateOK, secret.Info
	value := d.valueAt(id)
	if err := value.Validate(secret.Value); err != nil {
		status.State, status.Err = StateInvalid, err
		return status
	}
	if tokens, ok := value.(*schema.Declaration[oauth2.Token]); ok {
		token, err := tokens.Decode(secret.Value)
		if err != nil {
			status.State, status.Err = StateInvalid, err
			return status
		}
		status.tell(d, token)
	}
	return status
}

// tell tells of a stored token.
func (status *Status) tell(d *definition, token oauth2.Token) {
	status.ExpiresAt = token.ExpiresAt.Time
	status.ConnectedAt, status.RefreshedAt = token.ConnectedAt.Time, token.RefreshedAt.Time
	status.Refreshable = !token.RefreshToken.IsZero() || d.spec.OAuth2.Grant == oauth2.GrantClientCredentials
	if token.Scope == "" {
		return
	}
	status.Granted = strings.Fields(token.Scope)
	status.MissingScopes = []string{}
	for _, scope := range d.spec.OAuth2.Scopes {
		if !slices.Contains(status.Granted, scope) {
			status.MissingScopes = append(status.MissingScopes, scope)
		}
	}
}

// optional reports whether the program does without d in this environment. What
// the application is given by its own secret alone is got at first use.
func (s *Store) optional(d *definition) bool {
	if d.spec.OAuth2 != nil && d.spec.OAuth2.Grant == oauth2.GrantClientCredentials {
		return true
	}
	m := schema.Meta{Spec: schema.Spec{Optional: d.spec.Optional, RequiredIn: d.spec.RequiredIn}}
	return !m.RequiredInEnvironment(s.cfg.Environment)
}

// ofApplication are the declarations of what is the application's own, one of
// each name, as far as the Store may use them.
func (s *Store) ofApplication() (defs []*definition) {
	for _, d := range s.set.named() {
		if def := d.base(); !def.perUser && s.inScope(def) {
			defs = append(defs, def)
		}
	}
	return defs
}
