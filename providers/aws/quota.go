package aws

import (
	"context"
	"errors"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/lukko-dev/lukko/core"
)

const (
	// versionLimit is how many versions of one day a secret may have before its
	// writer is stopped. The service's own quota is about a hundred, and whoever
	// reaches it locks out everybody, a rotation too.
	versionLimit = 90

	// writesUnseen is how many writes to one secret go without a look at its
	// versions, which costs a call.
	writesUnseen = 10

	// quotaIDs bounds what is remembered.
	quotaIDs = 4096
)

// versionQuota remembers how many more versions may be written to each secret
// before they are counted. It is safe for concurrent use.
type versionQuota struct {
	mu   sync.Mutex
	left map[string]int
}

// take takes one write of what is left; false if versions must be counted
// first.
func (q *versionQuota) take(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.left == nil || len(q.left) >= quotaIDs {
		q.left = map[string]int{}
	}
	n, ok := q.left[id]
	if !ok {
		n = writesUnseen
	}
	if n == 0 {
		return false
	}
	q.left[id] = n - 1
	return true
}

func (q *versionQuota) set(id string, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.left != nil {
		q.left[id] = n
	}
}

// spend asks for the room of one more version of a secret.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
func (b *backend) spend(ctx context.Context, r ref) error {
	if b.quota.take(r.id) {
		return nil
	}
	all, fail := b.allVersions(ctx, r, true)
	switch {
	case fail.is(core.ErrPermissionDenied), fail.is(core.ErrNotFound), fail.is(errors.ErrUnsupported):
		b.quota.set(r.id, writesUnseen-1) // the service itself will say when it is full
		return nil
	case fail != nil:
		return core.NotWritten(fail.err)
	}
	// The time is the service's where its clock is ahead.
	latest := time.Now()
	for _, v := range all {
		if t := sdk.ToTime(v.CreatedDate); t.After(latest) {
			latest = t
		}
	}
	young := 0
	for _, v := range all {
		if latest.Sub(sdk.ToTime(v.CreatedDate)) < 24*time.Hour {
			young++
		}
	}
	if young >= versionLimit {
		return &core.Error{Kind: core.ErrExhausted, Hint: "the secret has got so many versions within 24 hours that the service's quota of about 100 is near; write less often, or keep in a database what changes by the minute"}
	}
	b.quota.set(r.id, min(writesUnseen, versionLimit-young)-1)
	return nil
}
