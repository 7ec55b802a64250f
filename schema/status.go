package schema

import (
	"context"
	"slices"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// State is what can be told of a declaration's value without showing it.
type State string

// The states of a value.
const (
	StateOK      State = "ok"      // there, and valid
	StateDefault State = "default" // a variable that is not set, whose default applies
	StateAbsent  State = "absent"  // not there, and optional
	StateMissing State = "missing" // not there, by itself or as its whole group
	StateInvalid State = "invalid" // there, and not what is declared, or too many of a group
	StateUnknown State = "unknown" // the service could not tell: denied, unreachable, …
	StateWrong   State = "wrong"   // the declaration is wrong
)

// Rotation is what can be told of a value's age.
type Rotation string

// The answers to whether a value is due for rotation.
const (
	RotationNone    Rotation = ""        // no period is declared, or there is no value
	RotationFresh   Rotation = "fresh"   // younger than the period
	RotationDue     Rotation = "due"     // as old as the period, or older
	RotationUnknown Rotation = "unknown" // the backend does not tell when it was stored
)

// Report is what [Status] tells of one declaration. It never has the value.
type Report struct {
	Meta  Meta
	State State

	// Rotation is told of any value that is there, also of an invalid one.
	Rotation Rotation
	// Due is when the value is or was due for rotation; zero if that is not
	// known.
	Due time.Time

	// Info is what the service says of the value; only the ID, if there is
	// none.
	Info core.Info

	// Err is an [*Error] that says why State is missing, invalid, unknown or
	// wrong; nil for the others.
	Err error
}

// Status tells of many declarations, in their order, with one batch read. The
// error is nil if all could be told, also if some are missing or invalid;
// else it is an [*Error] that lists those whose State is unknown or wrong.
func Status(ctx context.Context, svc core.SecretService, decls ...Declared) ([]Report, error) {
	return Loader{Service: svc}.Status(ctx, decls...)
}

// Missing returns the reports of those that must be there and are not, with
// one batch read. The error is that of [Status]: with one, what is missing may
// be more than what is returned.
func Missing(ctx context.Context, svc core.SecretService, decls ...Declared) ([]Report, error) {
	return Loader{Service: svc}.Missing(ctx, decls...)
}

// Missing is [Missing] with the Loader's Service and Environment.
func (l Loader) Missing(ctx context.Context, decls ...Declared) ([]Report, error) {
	reports, err := l.Status(ctx, decls...)
	return slices.DeleteFunc(reports, func(r Report) bool { return r.State != StateMissing }), err
}

// Status is [Status] with the Loader's Service, Clock and Environment.
func (l Loader) Status(ctx context.Context, decls ...Declared) ([]Report, error) {
	l = l.filled()
	reports := make([]Report, len(decls))
	var defs []*definition
	for i, d := range decls {
		reports[i].Meta = d.Meta()
		reports[i].Info.ID = d.base().spec.ID
		if err := d.Check(); err != nil {
			reports[i].State, reports[i].Err = StateWrong, err
			continue
		}
		defs = append(defs, d.base())
	}
	if len(defs) > 0 {
		found := readMany(ctx, l.Service, l.Environment, defs)
		now := l.Clock.Now()
		for i, d := range decls {
			if reports[i].State == "" {
				reports[i].tell(d, found, now)
			}
		}
	}
	var problems []Problem
	for _, r := range reports {
		if e, ok := r.Err.(*Error); ok && (r.State == StateUnknown || r.State == StateWrong) { //nolint:errorlint // made here
			problems = append(problems, e.Problems...)
		}
	}
	return reports, errorOf(problems)
}

func (r *Report) tell(d Declared, found readings, now time.Time) {
	def := d.base()
	secret, problem := found.of(def)
	group, inGroup := found.groups[def]
	if problem != nil {
		switch {
		case problem.Rule != RuleMissing:
			r.State = StateUnknown
		case inGroup && !found.has(def.spec.ID):
			problem, r.State = &group, StateMissing
		case !def.requiredIn(found.environment):
			r.State = StateAbsent
			return
		default:
			r.State = StateMissing
		}
		r.Err = errorOf([]Problem{*problem})
		return
	}
	r.Info = secret.Info
	if !found.has(def.spec.ID) {
		r.State = StateDefault
		return
	}
	r.State = StateOK
	r.Err = d.Validate(secret.Value)
	if r.Err == nil && inGroup {
		r.Err = errorOf([]Problem{group})
	}
	if r.Err != nil {
		r.State = StateInvalid
	}
	switch {
	case def.spec.RotationPeriod == 0:
	case r.Info.Created.IsZero():
		r.Rotation = RotationUnknown
	default:
		r.Due = r.Info.Created.Add(def.spec.RotationPeriod)
		r.Rotation = RotationFresh
		if !now.Before(r.Due) {
			r.Rotation = RotationDue
		}
	}
}
