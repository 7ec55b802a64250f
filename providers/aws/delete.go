package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/lukko-dev/lukko/core"
)

// Delete schedules a secret for deletion, or deletes it for good. It looks first:
// the service takes a second deletion, and a purge of what never was, for done.
func (b *backend) Delete(ctx context.Context, id string, o core.DeleteOptions) error {
	r, err := parseID(id)
	if err != nil {
		return err
	}
	s, looking := b.describe(ctx, r)
	switch {
	case looking.is(core.ErrPermissionDenied) && !o.Purge && !r.arn:
		// DeleteSecret itself tells what isn't there, and what was deleted.
	case looking.is(core.ErrPermissionDenied):
		return core.NotWritten(&core.Error{Kind: core.ErrPermissionDenied, Hint: "a purge, and a delete by an ARN, look first, which takes secretsmanager:DescribeSecret"})
	case looking != nil:
		return core.NotWritten(looking.err)
	case !s.live() && !o.Purge:
		return s.gone()
	case r.arn && s.arn != "":
		r.id = s.arn
	}
	in := &secretsmanager.DeleteSecretInput{SecretId: &r.id}
	switch {
	case o.Purge:
		in.ForceDeleteWithoutRecovery = sdk.Bool(true)
	case b.cfg.RecoveryDays > 0:
		in.RecoveryWindowInDays = sdk.Int64(int64(b.cfg.RecoveryDays))
	}
	out, fail := invoke(ctx, b, r, writes, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.DeleteSecretOutput, error) {
		return c.DeleteSecret(ctx, in, opts...)
	})
	switch {
	case fail == nil && (out.ARN != nil || out.Name != nil):
		return nil
	case fail == nil:
		fail = &failure{err: foreign(), lost: true}
	case !fail.lost:
		return fail.ended()
	case looking == nil && (fail.deleted || fail.is(core.ErrNotFound)):
		return nil // by an attempt whose answer was lost, as it was there before
	}
	// Whether it was done can be seen.
	after, looking := b.describe(ctx, r)
	if looking.is(core.ErrNotFound) || looking == nil && after.deleted {
		return nil
	}
	return fail.ended()
}
