package aws

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/lukko-dev/lukko/core"
)

func conflict(hint string) error { return &core.Error{Kind: core.ErrConflict, Hint: hint} }

const (
	hintExists    = "the id has a value already"
	hintMismatch  = "another version is current; read it and decide again"
	hintNothing   = "the id has no value; read it and decide again"
	hintScheduled = "the secret is scheduled for deletion, which bars its name; restore it, purge it, or Set without a condition"
)

// ifAbsent creates the secret, which the service does once for a name.
func (w *writing) ifAbsent(ctx context.Context) (core.Info, error) {
	for n := 0; ; n++ {
		version, fail := w.create(ctx)
		switch {
		case fail == nil:
			return core.Info{Version: version}, nil
		case !fail.deleted && !fail.is(core.ErrConflict):
			return core.Info{}, fail.ended()
		}
		s, looking := w.describe(ctx, w.ref)
		switch {
		case fail.lost && looking == nil && s.has(w.token):
			return core.Info{Version: w.token}, nil
		case fail.lost:
			return core.Info{}, fail.ended()
		case fail.deleted && !looking.is(core.ErrNotFound), s.deleted:
			return core.Info{}, conflict(hintScheduled)
		case fail.deleted && n < setTries:
			// A purge blocks the name for a moment.
			if !sleep(ctx, blockedPause<<min(n, 7)) {
				return core.Info{}, core.NotWritten(ctx.Err())
			}
			continue
		case looking == nil && !s.live():
			return w.over(ctx, "") // a secret without a value, as templates make them
		}
		return core.Info{}, conflict(hintExists)
	}
}

// ifVersion writes over one version. What is current is asked for before anything is
// staged, so that a conflict leaves nothing behind; the answer may be late.
func (w *writing) ifVersion(ctx context.Context, expected string) (core.Info, error) {
	for n := 0; ; n++ {
		s, fail := w.describe(ctx, w.ref)
		if fail.is(core.ErrPermissionDenied) {
			secret, err := w.get(ctx, w.ref, "")
			switch {
			case errors.Is(err, core.ErrNotFound):
				return core.Info{}, conflict(hintNothing)
			case err != nil:
				return core.Info{}, core.NotWritten(err)
			}
			s, fail = state{current: secret.Version}, nil
		}
		nothing := fail.is(core.ErrNotFound) || fail == nil && s.current == ""
		switch {
		case fail != nil && !nothing:
			return core.Info{}, core.NotWritten(fail.err)
		case s.current == expected && !s.deleted, s.current != "" && mayFollow(expected, s.current):
			return w.over(ctx, expected) // where the look is late, the move tells
		case nothing && !s.deleted && n < lateLooks && young(expected):
			// Whoever knows a version so new has seen more than this look. A write would tell
			// the truth, but the first of an empty secret can become current unasked.
			if !sleep(ctx, blockedPause<<n) {
				return core.Info{}, core.NotWritten(ctx.Err())
			}
		case s.deleted:
			return core.Info{}, conflict(hintScheduled)
		case nothing:
			return core.Info{}, conflict(hintNothing)
		default:
			return core.Info{}, conflict(hintMismatch)
		}
	}
}

// young reports whether a read may still miss a version.
func young(version string) bool { return time.Since(timeOf(version)) < settle }

// mayFollow reports whether a version can be newer than another, which a look saw.
func mayFollow(version, seen string) bool {
	if ordered(seen) {
		return timeOf(version).After(timeOf(seen))
	}
	return young(version)
}

// lateLooks is how often a conditional write looks again, with doubled pauses, 3 s in
// all, where what it sees is at odds with what it knows: that the secret was there
// within the last minutes, or that the service has refused to move from this version.
const lateLooks = 7

// over makes a version that nobody reads yet, and moves AWSCURRENT to it from
// the one expected, or from nowhere: the service refuses that if the label is
// elsewhere. All writers share the one label that the version has meanwhile, as a
// label each would pass the limit of 20; a version without any is kept for a
// day.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html
func (w *writing) over(ctx context.Context, expected string) (core.Info, error) {
	if err := w.spend(ctx, w.ref); err != nil {
		return core.Info{}, err
	}
	w.token = newTokenOver(expected)
	version, fail := w.put(ctx, staged)
	switch {
	case fail == nil:
	case !fail.lost && (fail.deleted || fail.is(core.ErrNotFound)):
		return core.Info{}, conflict(hintNothing)
	default:
		return core.Info{}, fail.ended()
	}
	for n := 0; ; n++ {
		fail := w.move(ctx, expected, version)
		if fail == nil {
			return core.Info{Version: version}, nil
		}
		// What was asked again may have met its own effect, or what others made of it
		// since; only the labels prove whose it was.
		s, looking := w.describe(ctx, w.ref)
		refused := fail.deleted || fail.is(core.ErrInvalidOption) || fail.is(core.ErrNotFound) || fail.is(core.ErrConflict)
		switch {
		case looking == nil && s.has(version):
			return core.Info{Version: version}, nil
		case fail.lost || !refused:
			return core.Info{}, fail.ended()
		case looking != nil && looking.is(core.ErrNotFound), s.deleted:
			return core.Info{}, conflict(hintNothing)
		case looking == nil && s.current == expected && n < lateLooks:
			// The look is late, or the service does not yet know of the version that it has
			// just made.
			if !sleep(ctx, blockedPause<<n) {
				return core.Info{}, core.NotWritten(ctx.Err())
			}
		default:
			return core.Info{}, conflict(hintMismatch)
		}
	}
}

// has reports whether a version is current, or was until the last write: no other
// but its writer has made it so.
func (s state) has(version string) bool { return s.current == version || s.before == version }

// move moves AWSCURRENT.
func (w *writing) move(ctx context.Context, from, to string) *failure {
	label := current
	in := &secretsmanager.UpdateSecretVersionStageInput{SecretId: &w.id, VersionStage: &label, MoveToVersionId: &to}
	if from != "" {
		in.RemoveFromVersionId = &from
	}
	out, fail := invoke(ctx, w.backend, w.ref, writes, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.UpdateSecretVersionStageOutput, error) {
		return c.UpdateSecretVersionStage(ctx, in, opts...)
	})
	if fail == nil && out.ARN == nil && out.Name == nil {
		return &failure{err: foreign(), lost: true}
	}
	return fail
}
