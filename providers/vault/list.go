package vault

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// List goes through the folders, as many at a time as there may be requests.
// It begins at the folder that the prefix lies in, so that no right is needed
// to list above it.
func (b *backend) List(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
	return func(yield func(core.Info, error) bool) {
		engine, err := b.kv(ctx)
		if err != nil {
			yield(core.Info{}, err)
			return
		}
		failed := map[string]error{}
		top := prefix[:strings.LastIndexByte(prefix, '/')+1]
		for folders := []string{top}; len(folders) > 0; {
			batch := folders[:min(len(folders), cap(b.conn.slots))]
			folders = folders[len(batch):]
			listed := make([][]string, len(batch))
			errs := core.Each(ctx, len(batch), cap(b.conn.slots), func(i int) (err error) {
				listed[i], err = b.keys(ctx, engine, batch[i])
				return err
			})
			var ids []string
			for i, dir := range batch {
				switch {
				case errs[i] == nil:
				case dir == top || ctx.Err() != nil:
					yield(core.Info{}, errs[i])
					return
				default:
					failed[strings.TrimSuffix(dir, "/")] = errs[i]
				}
				for _, key := range listed[i] {
					path := dir + key
					switch {
					case strings.HasSuffix(key, "/"):
						// A folder that no id lies in would have to be asked for
						// by another name, or without end.
						if core.CheckID(strings.TrimSuffix(path, "/")) != nil {
							continue
						}
						if strings.HasPrefix(path, prefix) || strings.HasPrefix(prefix, path) {
							folders = append(folders, path)
						}
					case strings.HasPrefix(path, prefix) && core.CheckID(path) == nil:
						ids = append(ids, path)
					}
				}
			}
			if !b.yieldFound(ctx, engine, ids, failed, yield) {
				return
			}
		}
		if len(failed) > 0 {
			yield(core.Info{}, &core.BatchError{ByID: failed})
		}
	}
}

// yieldFound yields those of the ids that are there, and notes those that
// could not be looked at. It reports whether to go on.
func (b *backend) yieldFound(ctx context.Context, engine kv, ids []string, failed map[string]error, yield func(core.Info, error) bool) bool {
	for size := 4 * cap(b.conn.slots); len(ids) > 0; {
		batch := ids[:min(len(ids), size)]
		ids = ids[len(batch):]
		infos := make([]core.Info, len(batch))
		errs := core.Each(ctx, len(batch), cap(b.conn.slots), func(i int) (err error) {
			infos[i], err = engine.found(ctx, batch[i])
			return err
		})
		for i, id := range batch {
			switch {
			case errs[i] == nil:
				infos[i].ID = id
				if !yield(infos[i], nil) {
					return false
				}
			case ctx.Err() != nil:
				yield(core.Info{}, ctx.Err())
				return false
			case !errors.Is(errs[i], core.ErrNotFound):
				failed[id] = errs[i]
			}
		}
	}
	return true
}

// keys lists one folder: keys, and folders with a slash at their end.
func (b *backend) keys(ctx context.Context, engine kv, dir string) ([]string, error) {
	r := request{method: http.MethodGet, path: engine.folder(strings.TrimSuffix(dir, "/")), query: listing, limit: largeAnswer}
	a, err := b.engine.do(ctx, r)
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusNotFound && !a.absent() {
		return nil, a.foreign()
	}
	if a.status == http.StatusNotFound {
		return nil, b.engine.confirm(ctx) // an empty folder, if this is the right engine
	}
	var body struct {
		Data *struct {
			Keys []string `json:"keys"`
		} `json:"data"`
	}
	if err := a.decode(&body); err != nil {
		return nil, err
	}
	if body.Data == nil || body.Data.Keys == nil {
		return nil, a.foreign()
	}
	return body.Data.Keys, nil
}
