package guide

import (
	"context"
	"iter"
	"net/url"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// List implements [core.Lister].
func (b *Backend) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		query := url.Values{"prefix": {prefix}}
		for { // a page of ids, one a line, until one is empty
			body, _, err := b.call(ctx, "GET", "/keys?"+query.Encode(), nil, nil)
			if err != nil || len(body) == 0 {
				if err != nil {
					yield(core.Info{}, err)
				}
				return
			}
			for id := range strings.SplitSeq(strings.TrimSuffix(string(body), "\n"), "\n") {
				if !yield(core.Info{ID: id}, nil) {
					return
				}
				query.Set("after", id)
			}
		}
	}
}
