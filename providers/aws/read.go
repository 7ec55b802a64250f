package aws

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/lukko-dev/lukko/core"
)

// Labels of the service, and the one that conditional writes share.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	staged   = "lukko-staged"
)

// Get reads AWSCURRENT by its name: to AWS that is the default, and stand-ins answer
// a read without a stage from whatever is newest.
func (b *backend) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	r, err := parseID(id)
	if err != nil {
		return core.Secret{}, err
	}
	return b.get(ctx, r, o.Version)
}

func (b *backend) get(ctx context.Context, r ref, version string) (core.Secret, error) {
	in := &secretsmanager.GetSecretValueInput{SecretId: &r.id}
	switch {
	case version == "":
		in.VersionStage = sdk.String(current)
	case !isVersion(version):
		return core.Secret{}, noVersion()
	default:
		in.VersionId = &version
	}
	out, fail := invoke(ctx, b, r, reads, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
		return c.GetSecretValue(ctx, in, opts...)
	})
	if fail != nil {
		return core.Secret{}, fail.err
	}
	return secretOf(r, version, out.Name, out.ARN, out.VersionId, out.CreatedDate, out.SecretString, out.SecretBinary)
}

// secretOf makes a secret of an answer, which must be about what was asked for.
func secretOf(r ref, version string, name, arn, id *string, created *time.Time, text *string, binary []byte) (core.Secret, error) {
	switch {
	case name == nil && arn == nil, sdk.ToString(id) == "":
		return core.Secret{}, foreign()
	case !r.is(name, arn):
		return core.Secret{}, another()
	case version != "" && *id != version:
		return core.Secret{}, foreign()
	}
	s := core.Secret{Info: core.Info{Version: *id, Created: sdk.ToTime(created)}}
	if text != nil {
		s.Value = core.String(*text)
	} else {
		s.Value = core.Bytes(binary)
	}
	return s, nil
}

// isVersion reports whether the service takes a text as a VersionId: 32 to 64
// characters (GetSecretValue, VersionId).
func isVersion(s string) bool { return len(s) >= 32 && len(s) <= 64 }

func noVersion() *core.Error {
	return &core.Error{Kind: core.ErrNotFound, Hint: "the secret has no such version, or it is kept no more"}
}

// state is what DescribeSecret says of a secret.
type state struct {
	arn     string
	current string    // the version that AWSCURRENT is on; empty: there is none
	before  string    // the version that AWSPREVIOUS is on
	deleted bool      // scheduled for deletion
	due     time.Time // of the deletion
}

func (s state) live() bool { return s.current != "" && !s.deleted }

// describe asks for the state of a secret.
func (b *backend) describe(ctx context.Context, r ref) (state, *failure) {
	out, fail := invoke(ctx, b, r, reads, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error) {
		return c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &r.id}, opts...)
	})
	switch {
	case fail != nil && fail.deleted:
		return state{deleted: true}, nil
	case fail != nil:
		return state{}, fail
	case out.Name == nil && out.ARN == nil:
		return state{}, &failure{err: foreign()}
	case !r.is(out.Name, out.ARN):
		return state{}, &failure{err: another()}
	}
	s := state{arn: sdk.ToString(out.ARN), deleted: out.DeletedDate != nil, due: sdk.ToTime(out.DeletedDate)}
	for version, labels := range out.VersionIdsToStages {
		if slices.Contains(labels, current) {
			s.current = version
		}
		if slices.Contains(labels, previous) {
			s.before = version
		}
	}
	return s, nil
}

// gone is the error of a secret that has a state and no value.
func (s state) gone() *core.Error {
	if s.deleted {
		return &core.Error{Kind: core.ErrNotFound, Hint: hintDeleted}
	}
	return &core.Error{Kind: core.ErrNotFound, Hint: "the secret is there and has no value yet"}
}

// Stat asks for the labels of a secret and, side by side, for the times of
// its versions, which DescribeSecret does not tell. Who may not ask is told from the
// value.
func (b *backend) Stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	r, err := parseID(id)
	if err != nil {
		return core.Info{}, err
	}
	if o.Version != "" && !isVersion(o.Version) {
		return core.Info{}, noVersion()
	}
	s, all, fail, listing := b.look(ctx, r, o.Version != "")
	switch {
	case fail.is(core.ErrPermissionDenied), fail == nil && o.Version != "" && listing.is(core.ErrPermissionDenied):
		secret, err := b.get(ctx, r, o.Version)
		return secret.Info, err
	case fail != nil:
		return core.Info{}, fail.err
	case s.deleted, o.Version == "" && !s.live():
		return core.Info{}, s.gone()
	}
	version := o.Version
	if version == "" {
		version = s.current
	}
	for _, v := range all {
		if sdk.ToString(v.VersionId) == version {
			return core.Info{Version: version, Created: sdk.ToTime(v.CreatedDate)}, nil
		}
	}
	switch {
	case listing != nil && !listing.is(core.ErrPermissionDenied) && !listing.is(core.ErrNotFound) && !listing.is(errors.ErrUnsupported):
		return core.Info{}, listing.err
	case o.Version != "":
		return core.Info{}, noVersion()
	}
	return core.Info{Version: version}, nil
}

// look asks for the state of a secret, and for its versions, side by side.
func (b *backend) look(ctx context.Context, r ref, deprecated bool) (s state, all []types.SecretVersionsListEntry, fail, listing *failure) {
	var other sync.WaitGroup
	other.Go(func() { all, listing = b.allVersions(ctx, r, deprecated) })
	s, fail = b.describe(ctx, r)
	other.Wait()
	return s, all, fail, listing
}

// maxPages bounds a listing of versions, against a service that never ends it.
const maxPages = 100

// allVersions lists the versions of a secret: those with labels, or all.
func (b *backend) allVersions(ctx context.Context, r ref, deprecated bool) (all []types.SecretVersionsListEntry, fail *failure) {
	in := &secretsmanager.ListSecretVersionIdsInput{SecretId: &r.id, MaxResults: sdk.Int32(100)}
	if deprecated {
		in.IncludeDeprecated = sdk.Bool(true)
	}
	for range maxPages {
		out, fail := invoke(ctx, b, r, reads, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.ListSecretVersionIdsOutput, error) {
			return c.ListSecretVersionIds(ctx, in, opts...)
		})
		switch {
		case fail != nil:
			return nil, fail
		case out.Name == nil && out.ARN == nil:
			return nil, &failure{err: foreign()}
		case !r.is(out.Name, out.ARN):
			return nil, &failure{err: another()}
		}
		all = append(all, out.Versions...)
		if sdk.ToString(out.NextToken) == "" {
			return all, nil
		}
		in.NextToken = out.NextToken
	}
	return nil, &failure{err: &core.Error{Kind: core.ErrUnavailable, Hint: "the list of versions does not end"}}
}
