package aws

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/lukko-dev/lukko/core"
)

// A writing is one Set: its token stays the same however often it is sent.
type writing struct {
	*backend
	ref
	token  string
	text   *string // nil: binary
	binary []byte
}

// Set implements core.Setter.
func (b *backend) Set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	r, err := parseID(id)
	switch {
	case err != nil:
		return core.Info{}, err
	case (o.IfAbsent || o.IfVersion != "") && !b.conditions:
		return core.Info{}, &core.Error{Kind: errors.ErrUnsupported, Hint: "the endpoint is not AWS's own, and many stand-ins ignore conditions; conditions=on says that this one does not"}
	case o.IfAbsent && r.arn:
		return core.Info{}, &core.Error{Kind: core.ErrInvalidID, Hint: "a new secret is made by its name; the service makes the ARN"}
	}
	w := &writing{backend: b, ref: r, token: newToken()}
	if text := value.Reveal(); utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		w.text = &text
	} else {
		w.binary = value.RevealBytes()
	}
	if r.arn {
		if w.ref, err = b.full(ctx, r); err != nil {
			return core.Info{}, err
		}
	}
	switch {
	case o.IfAbsent:
		return w.ifAbsent(ctx)
	case o.IfVersion != "":
		return w.ifVersion(ctx, o.IfVersion)
	}
	return w.always(ctx)
}

// full returns the whole ARN of a secret. A write by an ARN that may be a partial
// one would else change another secret before an answer tells which.
func (b *backend) full(ctx context.Context, r ref) (ref, error) {
	s, fail := b.describe(ctx, r)
	switch {
	case fail != nil:
		return r, core.NotWritten(fail.err)
	case s.arn != "":
		r.id = s.arn
	}
	return r, nil
}

// put makes a version, with the labels given, or else with AWSCURRENT.
func (w *writing) put(ctx context.Context, labels ...string) (string, *failure) {
	out, fail := invoke(ctx, w.backend, w.ref, writes, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error) {
		return c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
			SecretId: &w.id, ClientRequestToken: &w.token,
			SecretString: w.text, SecretBinary: w.binary, VersionStages: labels,
		}, opts...)
	})
	if fail != nil {
		return "", fail
	}
	return made(out.VersionId)
}

// create makes a secret with the value in it.
func (w *writing) create(ctx context.Context) (string, *failure) {
	in := &secretsmanager.CreateSecretInput{
		Name: &w.id, ClientRequestToken: &w.token,
		SecretString: w.text, SecretBinary: w.binary, Tags: w.cfg.tags(),
	}
	if w.cfg.KMSKey != "" {
		in.KmsKeyId = &w.cfg.KMSKey
	}
	out, fail := invoke(ctx, w.backend, w.ref, writes, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.CreateSecretOutput, error) {
		return c.CreateSecret(ctx, in, opts...)
	})
	if fail != nil {
		return "", fail
	}
	return made(out.VersionId)
}

// made is the version that an answer names. An answer that names none is not the
// service's.
func made(version *string) (string, *failure) {
	if v := sdk.ToString(version); v != "" {
		return v, nil
	}
	return "", &failure{err: foreign(), lost: true}
}

const (
	// setTries is how often a Set goes on when others create, delete or purge
	// the same secret meanwhile. With the pauses between them that is 13 s, if the
	// caller's context does not end before.
	setTries = 10

	// blockedPause is between tries while a purge blocks the name: "use
	// appropriate back off and retry logic" (DeleteSecret).
	blockedPause = 25 * time.Millisecond
)

// always writes whatever is there.
func (w *writing) always(ctx context.Context) (core.Info, error) {
	if err := w.spend(ctx, w.ref); err != nil {
		return core.Info{}, err
	}
	lost := false
	for n := 0; ; n++ {
		version, fail := w.put(ctx)
		if fail == nil && w.standIn {
			fail = w.revive(ctx)
		} else if fail != nil && !fail.deleted && fail.is(core.ErrNotFound) && !w.arn {
			lost = lost || fail.lost
			version, fail = w.create(ctx)
		}
		if fail == nil {
			return core.Info{Version: version}, nil
		}
		lost = lost || fail.lost
		if fail.deleted {
			again, stop := w.restore(ctx)
			if stop != nil {
				fail = stop
			} else if again {
				fail = nil // restored: the next put finds it
			}
		}
		if fail != nil && !fail.deleted && !fail.is(core.ErrConflict) || n == setTries {
			if fail == nil || fail.deleted || fail.is(core.ErrConflict) {
				fail = &failure{err: &core.Error{Kind: core.ErrUnavailable, Hint: "the name is blocked by a deletion under way, or others create and delete the secret all the time; try again in a minute"}}
			}
			fail.lost = fail.lost || lost
			return core.Info{}, fail.ended()
		}
		if fail != nil && !sleep(ctx, blockedPause<<min(n, 7)) {
			return core.Info{}, (&failure{err: ctx.Err(), lost: lost}).ended()
		}
	}
}

// revive makes what was put readable, where the service may take a put of a secret that
// is scheduled for deletion. AWS refuses it, and is not asked.
func (w *writing) revive(ctx context.Context) *failure {
	s, looking := w.describe(ctx, w.ref)
	switch {
	case looking.is(core.ErrPermissionDenied), looking.is(core.ErrNotFound), looking.is(errors.ErrUnsupported):
		return nil // the put is done, for all that can be told
	case looking != nil:
		return &failure{err: looking.err, lost: true}
	case !s.deleted:
		return nil
	}
	again, stop := w.restore(ctx)
	switch {
	case stop != nil:
		return &failure{err: stop.err, lost: true}
	case !again:
		return &failure{err: s.gone(), lost: true, deleted: true}
	}
	return nil
}

// restore takes back the deletion of a secret; again if that was done. A secret that
// is being purged can't be restored, and is neither.
func (w *writing) restore(ctx context.Context) (again bool, stop *failure) {
	_, fail := invoke(ctx, w.backend, w.ref, writes, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.RestoreSecretOutput, error) {
		return c.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: &w.id}, opts...)
	})
	switch {
	case fail == nil:
		return true, nil
	case fail.deleted, fail.is(core.ErrNotFound), fail.is(core.ErrInvalidOption):
		return false, nil
	}
	// That the value is written is another matter than whether the old one is back.
	return false, &failure{err: fail.err, lost: fail.lost}
}
