package aws

import (
	"context"
	"errors"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/lukko-dev/lukko/core"
)

// batchSize is how many secrets BatchGetSecretValue reads at a time.
const batchSize = 20

// reading is what becomes of one id of a GetMany.
type reading struct {
	ref
	secret core.Secret
	err    error
	done   bool
	whole  bool // err is of a request for several ids
}

// GetMany reads twenty a request, and all requests side by side. What the answers
// leave out is read singly, and so is everything where the batch is denied or not
// there, which is remembered: its permission can't be limited to some secrets, so
// many policies lack it.
func (b *backend) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	all := make([]reading, len(ids))
	regions := map[string][]*reading{}
	for i, id := range ids {
		all[i].ref, all[i].err = parseID(id)
		if all[i].done = all[i].err != nil; !all[i].done {
			regions[all[i].region] = append(regions[all[i].region], &all[i])
		}
	}
	if o.Version == "" && !b.noBatch.Load() {
		var chunks [][]*reading
		for _, some := range regions {
			chunks = slices.AppendSeq(chunks, slices.Chunk(some, batchSize))
		}
		core.Each(ctx, len(chunks), b.concurrency, func(i int) error {
			b.batch(ctx, chunks[i])
			return nil
		})
	}
	var left []*reading
	for i := range all {
		if !all[i].done {
			left = append(left, &all[i])
		}
	}
	core.Each(ctx, len(left), b.concurrency, func(i int) error {
		left[i].secret, left[i].err = b.get(ctx, left[i].ref, o.Version)
		left[i].done = true
		return nil
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return collect(ids, all)
}

// collect sorts what became of each id. Where one failure of requests for several
// met all of them, it is that of the whole.
func collect(ids []string, all []reading) (map[string]core.Secret, error) {
	got := make(map[string]core.Secret, len(ids))
	failed := map[string]error{}
	whole := true
	for i, id := range ids {
		whole = whole && all[i].whole
		if all[i].err != nil {
			failed[id] = all[i].err
		} else {
			got[id] = all[i].secret
		}
	}
	switch {
	case len(failed) == 0:
		return got, nil
	case whole:
		return nil, all[0].err
	}
	return got, &core.BatchError{ByID: failed}
}

// batch reads some secrets of one region, and leaves those that the answers do
// not tell of.
func (b *backend) batch(ctx context.Context, some []*reading) {
	in := &secretsmanager.BatchGetSecretValueInput{SecretIdList: make([]string, len(some))}
	for i, r := range some {
		in.SecretIdList[i] = r.id
	}
	// Each page but the last has a value at least, where the service means to end.
	for range len(some) + 1 {
		out, fail := invoke(ctx, b, some[0].ref, reads, func(ctx context.Context, c *secretsmanager.Client, opts ...func(*secretsmanager.Options)) (*secretsmanager.BatchGetSecretValueOutput, error) {
			return c.BatchGetSecretValue(ctx, in, opts...)
		})
		switch {
		case fail.is(core.ErrPermissionDenied), fail.is(errors.ErrUnsupported):
			b.noBatch.Store(true)
			return
		case fail.is(core.ErrInvalidOption), fail.is(core.ErrNotFound):
			return // of one of them; read singly, the others work
		case fail != nil:
			for _, r := range some {
				if !r.done {
					r.err, r.done, r.whole = fail.err, true, true
				}
			}
			return
		}
		for _, v := range out.SecretValues {
			take(some, v)
		}
		for _, e := range out.Errors {
			refuse(some, e)
		}
		if in.NextToken = out.NextToken; sdk.ToString(in.NextToken) == "" {
			return
		}
	}
}

// take gives a value to those who asked for it, by whatever name.
func take(some []*reading, v types.SecretValueEntry) {
	for _, r := range some {
		if r.done || !r.is(v.Name, v.ARN) || sdk.ToString(v.VersionId) == "" {
			continue
		}
		if len(v.VersionStages) > 0 && !slices.Contains(v.VersionStages, current) {
			continue // a stand-in's newest; the single read names the stage
		}
		// CreatedDate is that of the secret here, by the reference.
		r.secret, r.err = secretOf(r.ref, "", v.Name, v.ARN, v.VersionId, nil, v.SecretString, v.SecretBinary)
		r.done = r.err == nil
	}
}

// refuse gives an error to the one it is about. One that may pass is left to the
// single read.
func refuse(some []*reading, e types.APIErrorType) {
	code := safeCode(sdk.ToString(e.ErrorCode))
	m, ok := meanings[code]
	if !ok || m.passes {
		return
	}
	for _, r := range some {
		if r.done || r.id != sdk.ToString(e.SecretId) && !r.is(nil, e.SecretId) {
			continue
		}
		f := fault{err: &core.Error{Kind: m.kind, Hint: m.hint, Code: code}}
		f.refine(sdk.ToString(e.Message))
		r.err, r.done = f.err, true
	}
}
