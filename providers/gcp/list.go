package gcp

import (
	"context"
	"iter"
	"strings"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/iterator"

	"github.com/lukko-dev/lukko/core"
)

// secretsPage is how many secrets a page has. Labels and annotations make up most of
// one: with all that there may be, a page is within largeAnswer.
const secretsPage = 500

// List goes through the secrets page by page. Google's listing does not say which
// of them have an enabled version, and to ask for each would take one of the 600
// reads a minute that a project has: so those that have none are listed too.
//
// A prefix of full resource names lists the project that it names.
func (b *backend) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		in, base := b.place, ""
		if project, name, ok := cutResource(prefix, b.place.location); ok {
			in.project, base = project, strings.TrimSuffix(prefix, name)
		}
		if in.project == "" {
			var err error
			if in.project, err = b.conn.project(ctx); err != nil {
				yield(core.Info{}, err)
				return
			}
		}
		token := ""
		for {
			var page []*pb.Secret
			var next string
			err := b.conn.do(ctx, request{limit: largeAnswer}, func(ctx context.Context, c *secretmanager.Client, opts ...gax.CallOption) (err error) {
				page = nil
				it := c.ListSecrets(ctx, &pb.ListSecretsRequest{Parent: in.String()}, opts...)
				next, err = iterator.NewPager(it, secretsPage, token).NextPage(&page)
				return err
			})
			if err == nil && next != "" && next == token {
				err = endless()
			}
			if err != nil {
				yield(core.Info{}, shown(err))
				return
			}
			for _, s := range page {
				name := s.GetName()
				id := base + name[strings.LastIndexByte(name, '/')+1:]
				if strings.HasPrefix(id, prefix) && !yield(core.Info{ID: id}, nil) {
					return
				}
			}
			if token = next; token == "" {
				return
			}
		}
	}
}
