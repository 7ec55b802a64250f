package aws

import (
	"context"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/lukko-dev/lukko/core"
)

// Delete schedules a secret for deletion, or deletes it for good. It looks first, as
// the service takes a purge of what never was for done, and by some reports a second
// deletion too. The look may be late, so a look that finds nothing decides nothing:
// DeleteSecret without force is checked against the truth, and finds out.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
func (b *backend) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	r, err := parseID(id)
	if err != nil {
		return err
	}
	s, looking := b.describe(ctx, r)
	seen := looking == nil
	switch {
	case seen && r.arn && s.arn != "":
		r.id = s.arn
	case seen:
	case r.arn && looking.is(core.ErrPermissionDenied):
		return core.NotWritten(&core.Error{Kind: core.ErrPermissionDenied, Hint: "a delete by an ARN looks first, since a partial ARN can mean another secret, and that takes secretsmanager:DescribeSecret"})
	case r.arn, !looking.is(core.ErrNotFound) && !looking.is(core.ErrPermissionDenied):
		return core.NotWritten(looking.err)
	}
	if o.Purge {
		return b.purge(ctx, r, seen)
	}
	if seen && !s.live() && !s.deleted {
		return s.gone()
	}
	return b.schedule(ctx, r, s)
}

// schedule deletes a secret such that it can be restored. s is what a look
// saw; nothing, if it saw none.
func (b *backend) schedule(ctx context.Context, r ref, s state) error {
	due, fail := b.deleteSecret(ctx, r, false)
	switch {
	case fail == nil && s.deleted && s.due.Equal(due):
		return s.gone() // a service that takes a second deletion for done, and leaves the first
	case fail == nil:
		return nil
	case !fail.lost:
		return fail.ended()
	case fail.deleted && s.deleted:
		return s.gone()
	case fail.deleted, fail.is(core.ErrNotFound) && s.live():
		return nil // by an attempt whose answer was lost
	case fail.is(core.ErrNotFound): // none of the attempts found it, or it could be restored
		return core.NotWritten(fail.err)
	}
	// Whether it was done can be seen. A late look proves nothing by finding nothing.
	if after, looking := b.describe(ctx, r); looking == nil && after.deleted && !s.deleted {
		return nil
	}
	return fail.ended()
}

// purge deletes a secret for good, and a deleted one too. To a purge the service
// answers the same whether it was there or not. Where no look has seen it, a deletion
// that can be taken back tells that first.
func (b *backend) purge(ctx context.Context, r ref, seen bool) error {
	deleted := false // by that
	if !seen {
		_, fail := b.deleteSecret(ctx, r, false)
		switch {
		case fail == nil:
			deleted = true
		case fail.deleted:
			deleted = fail.lost
		case fail.is(core.ErrNotFound):
			return core.NotWritten(fail.err)
		default:
			return fail.ended()
		}
	}
	_, fail := b.deleteSecret(ctx, r, true)
	if fail == nil {
		return nil
	}
	// What is scheduled for deletion looks the same as what is being purged, so only its
	// end proves something, and that only of what a look has seen before.
	for n := 0; fail.lost && seen && n < 5; n++ {
		after, looking := b.describe(ctx, r)
		if looking.is(core.ErrNotFound) {
			return nil
		}
		if looking != nil || !after.deleted || !sleep(ctx, blockedPause<<n) {
			break
		}
	}
	fail.lost = fail.lost || deleted
	return fail.ended()
}

// deleteSecret sends one, and tells for when the deletion is planned.
func (b *backend) deleteSecret(ctx context.Context, r ref, force bool) (due time.Time, fail *failure) {
	in := &secretsmanager.DeleteSecretInput{SecretId: &r.id}
	switch {
	case force:
		in.ForceDeleteWithoutRecovery = sdk.Bool(true)
	case b.cfg.RecoveryDays > 0:
		in.RecoveryWindowInDays = sdk.Int64(int64(b.cfg.RecoveryDays))
	}
	out, fail := invoke(ctx, b, r, writes, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.DeleteSecretOutput, error) {
		return c.DeleteSecret(ctx, in, opts...)
	})
	switch {
	case fail != nil:
		return due, fail
	case out.ARN == nil && out.Name == nil:
		return due, &failure{err: foreign(), lost: true}
	}
	return sdk.ToTime(out.DeletionDate), nil
}
