package aws

import (
	"context"
	"iter"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/lukko-dev/lukko/core"
)

// List reads page by page, and keeps none. The oldest come first, so that what is
// made meanwhile moves none to another page. Of a secret the
// listing tells the version; its date is that of the secret.
func (b *backend) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		if prefix != "" && !isName(prefix) {
			return // no name begins so; ARNs are not listed
		}
		in := &secretsmanager.ListSecretsInput{MaxResults: sdk.Int32(100), SortOrder: types.SortOrderTypeAsc}
		if prefix != "" {
			in.Filters = []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{prefix}}}
		}
		failed := map[string]error{}
		for {
			out, fail := invoke(ctx, b, ref{}, reads, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.ListSecretsOutput, error) {
				return c.ListSecrets(ctx, in, opts...)
			})
			if fail != nil {
				yield(core.Info{}, fail.err)
				return
			}
			if !b.page(ctx, out.SecretList, prefix, failed, yield) {
				return
			}
			next := sdk.ToString(out.NextToken)
			if next == "" {
				break
			}
			if next == sdk.ToString(in.NextToken) {
				yield(core.Info{}, &core.Error{Kind: core.ErrUnavailable, Hint: "the service gives the same page for ever; look at the endpoint"})
				return
			}
			in.NextToken = &next
		}
		if len(failed) > 0 {
			yield(core.Info{}, &core.BatchError{ByID: failed})
		}
	}
}

// page yields what is there of one page.
func (b *backend) page(ctx context.Context, entries []types.SecretListEntry, prefix string, failed map[string]error, yield func(core.Info, error) bool) bool {
	for _, entry := range entries {
		name := sdk.ToString(entry.Name)
		if !isName(name) || !strings.HasPrefix(name, prefix) || entry.DeletedDate != nil {
			continue
		}
		info := core.Info{ID: name}
		for version, labels := range entry.SecretVersionsToStages {
			if slices.Contains(labels, current) {
				info.Version = version
			}
		}
		if info.Version == "" && len(entry.SecretVersionsToStages) > 0 {
			continue
		}
		if info.Version == "" {
			// Without a value yet, or the listing does not tell.
			s, fail := b.describe(ctx, ref{id: name})
			switch {
			case fail.is(core.ErrNotFound), fail == nil && !s.live():
				continue
			case fail != nil && ctx.Err() != nil:
				yield(core.Info{}, ctx.Err())
				return false
			case fail != nil:
				failed[name] = fail.err
				continue
			}
			info.Version = s.current
		}
		if !yield(info, nil) {
			return false
		}
	}
	return true
}

// Versions yields all versions that are kept, those without labels too: the
// current one first, then by the time of their creation.
func (b *backend) Versions(ctx context.Context, id string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		infos, err := b.versions(ctx, id)
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
		if err != nil {
			yield(core.Info{}, err)
		}
	}
}

func (b *backend) versions(ctx context.Context, id string) ([]core.Info, error) {
	r, err := parseID(id)
	if err != nil {
		return nil, err
	}
	s, all, fail, listing := b.look(ctx, r, true)
	switch {
	case fail.is(core.ErrPermissionDenied):
		// Whether it is there, the value tells too.
		secret, err := b.get(ctx, r, "")
		if err != nil {
			return nil, err
		}
		s.current = secret.Version
	case fail != nil:
		return nil, fail.err
	case !s.live():
		return nil, s.gone()
	}
	if listing != nil {
		return nil, listing.err
	}
	infos := history(all, s)
	if infos == nil {
		return nil, foreign()
	}
	return infos, nil
}
