package gcp

import (
	"context"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/lukko-dev/lukko/core"
)

// backend is what core.New gets.
type backend struct {
	conn     *conn
	place    place // the project may be empty: it is then the credentials'
	creation func() *pb.Secret
	strict   bool
	keep     int
	old      Old
	pruned   func(id string, err error)
}

var _ interface {
	core.Backend
	core.BatchGetter
	core.Statter
	core.Setter
	core.Deleter
	core.Lister
	core.Versioner
	core.Capable
} = (*backend)(nil)

// Capabilities has no Purge, since a delete leaves nothing to purge, and no
// conditions; the package's comment says why.
func (b *backend) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{Set: true, Delete: true, List: true, Versions: true, AtVersion: true, Settle: Settle}, nil
}

// Close ends the connection and the login.
func (b *backend) Close() error {
	b.conn.end()
	return nil
}

// secret is where an id is.
func (b *backend) secret(ctx context.Context, id string) (in place, name string, err error) {
	n, err := parse(id, b.place.location)
	if err != nil {
		return place{}, "", err
	}
	in = b.place
	if n.project != "" {
		in.project = n.project
	}
	if in.project == "" {
		if in.project, err = b.conn.project(ctx); err != nil {
			return place{}, "", err
		}
	}
	return in, in.String() + "/secrets/" + n.name, nil
}

// GetMany reads one by one, as Google has no batch, and as many at a time as there
// may be requests.
func (b *backend) GetMany(ctx context.Context, ids []string, o core.GetOptions) (map[string]core.Secret, error) {
	if l := b.conn.login; l != nil {
		if _, err := l.fresh(ctx); core.KindOf(err) == core.ErrUnauthenticated { //nolint:errorlint // a kind is the sentinel itself
			return nil, err // of all, and not of each
		}
	}
	return core.GetEach(ctx, ids, cap(b.conn.slots), func(ctx context.Context, id string) (core.Secret, error) {
		return b.Get(ctx, id, o)
	})
}
