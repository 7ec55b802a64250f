package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// readOnly is a service over one that can write, which does not claim it.
func readOnly(s *service) {
	s.caps = func(context.Context) (core.Capabilities, error) {
		return core.Capabilities{List: true, Versions: true, AtVersion: true}, nil
	}
	s.set = func(_ context.Context, id string, _ core.Value, _ ...core.SetOption) (core.Info, error) {
		return core.Info{}, refusal("set", id, errors.ErrUnsupported)
	}
	s.del = func(_ context.Context, id string, _ ...core.DeleteOption) error {
		return refusal("delete", id, errors.ErrUnsupported)
	}
}

func refusal(op, id string, kind error) error {
	if core.CheckID(id) != nil {
		id = ""
	}
	return &core.Error{Op: op, Provider: "model", ID: id, Kind: kind}
}

// without takes claims away and refuses nothing.
func without(s *service, take func(*core.Capabilities)) {
	s.caps = func(ctx context.Context) (core.Capabilities, error) {
		c, err := s.next.Capabilities(ctx)
		take(&c)
		return c, err
	}
}

var brokenServices = []brokenStore{
	byHand("drops-the-options-of-reads", "MUST/AtVersion/returns-that-version", func(s *service) {
		s.get = func(ctx context.Context, id string, _ ...core.GetOption) (core.Secret, error) {
			return s.next.Get(ctx, id)
		}
		s.stat = func(ctx context.Context, id string, _ ...core.GetOption) (core.Info, error) {
			return s.next.Stat(ctx, id)
		}
	}),
	byHand("drops-the-options-of-writes", "MUST/IfVersion/another-version-conflicts", func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, _ ...core.SetOption) (core.Info, error) {
			return s.next.Set(ctx, id, v)
		}
	}),
	byHand("compares-the-bytes-of-objects", "MUST/IfChanged/an-equal-object-makes-no-version", func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			o, _ := core.SetOptionsOf(opts...)
			if o != (core.SetOptions{IfChanged: true}) {
				return s.next.Set(ctx, id, v, opts...)
			}
			current, err := s.next.Get(ctx, id, core.Fresh())
			switch {
			case err != nil:
				return s.next.Set(ctx, id, v, opts...)
			case current.Value.Equal(v):
				return current.Info, nil
			default:
				return s.next.Set(ctx, id, v)
			}
		}
	}),
	byHand("compares-numbers-as-floats", "MUST/IfChanged/an-equal-object-makes-no-version", func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			o, _ := core.SetOptionsOf(opts...)
			var was, is any
			if o == (core.SetOptions{IfChanged: true}) && json.Unmarshal(v.RevealBytes(), &is) == nil {
				current, err := s.next.Get(ctx, id, core.Fresh())
				if err == nil && json.Unmarshal(current.Value.RevealBytes(), &was) == nil && reflect.DeepEqual(was, is) {
					return current.Info, nil
				}
			}
			return s.next.Set(ctx, id, v, opts...)
		}
	}),
	byHand("drops-the-options-of-deletes", "MUST/Purge/works-on-deleted-ids", func(s *service) {
		s.del = func(ctx context.Context, id string, _ ...core.DeleteOption) error { return s.next.Delete(ctx, id) }
	}),
	byHand("drops-options-it-does-not-know", "MUST/Options/structs-are-options", func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			known := slices.DeleteFunc(slices.Clone(opts), func(o core.SetOption) bool {
				set, ok := o.(core.SetOptions)
				return ok && set != core.IfAbsent() && set != core.IfChanged()
			})
			return s.next.Set(ctx, id, v, known...)
		}
	}),
	byHand("ignores-if-changed", "MUST/IfChanged/an-equal-value-makes-no-version", func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			rest := slices.DeleteFunc(slices.Clone(opts), func(o core.SetOption) bool { return o == core.IfChanged() })
			return s.next.Set(ctx, id, v, rest...)
		}
	}),
	byHand("if-changed-comes-before-conditions", "MUST/IfChanged/conditions-are-checked-first", func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			if slices.ContainsFunc(opts, func(o core.SetOption) bool { return o == core.IfChanged() }) {
				if got, err := s.next.Get(ctx, id); err == nil && got.Value.Equal(v) {
					return got.Info, nil
				}
			}
			return s.next.Set(ctx, id, v, opts...)
		}
	}),
	byHand("batch-swallows-errors", "MUST/GetMany/denied-is-not-missing", func(s *service) {
		s.getMany = func(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
			got := map[string]core.Secret{}
			for _, id := range ids {
				if secret, err := s.next.Get(ctx, id, opts...); err == nil {
					got[id] = secret
				}
			}
			return got, nil
		}
	}),
	byHand("batch-of-nothing-is-refused", "MUST/GetMany/of-nothing-is-empty", func(s *service) {
		s.getMany = func(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
			if len(ids) == 0 {
				return nil, &core.Error{Op: "get many", Provider: "model", Kind: core.ErrInvalidOption}
			}
			return s.next.GetMany(ctx, ids, opts...)
		}
	}),
	byHand("batch-reports-missing-ids", ruleOnePlace, func(s *service) {
		s.getMany = func(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
			got, err := s.next.GetMany(ctx, ids, opts...)
			var batch *core.BatchError
			if err != nil && !errors.As(err, &batch) {
				return nil, err
			}
			if batch == nil {
				batch = &core.BatchError{ByID: map[string]error{}}
			}
			for _, id := range ids {
				if _, ok := got[id]; !ok && batch.ByID[id] == nil {
					batch.ByID[id] = &core.Error{Op: "get", Provider: "model", ID: id, Kind: core.ErrNotFound}
				}
			}
			if len(batch.ByID) == 0 {
				return got, nil
			}
			return got, batch
		}
	}),
	byHand("batch-returns-a-map-of-what-failed", ruleOnePlace, func(s *service) {
		s.getMany = func(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
			got, err := s.next.GetMany(ctx, ids, opts...)
			if got == nil {
				got = map[string]core.Secret{}
			}
			return got, err
		}
	}),
	byHand("batch-sorts-the-callers-ids", "MUST/Aliasing/the-callers-ids-stay", func(s *service) {
		s.getMany = func(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
			slices.Sort(ids)
			return s.next.GetMany(ctx, ids, opts...)
		}
	}),
	byHand("batch-shares-its-map", "MUST/Aliasing/returned-maps-are-the-callers", func(s *service) {
		var mu sync.Mutex
		kept := map[string]map[string]core.Secret{}
		s.getMany = func(ctx context.Context, ids []string, opts ...core.GetOption) (map[string]core.Secret, error) {
			got, err := s.next.GetMany(ctx, ids, opts...)
			if err != nil || len(opts) > 0 {
				return got, err
			}
			mu.Lock()
			defer mu.Unlock()
			key := fmt.Sprintf("%q", ids)
			for _, id := range ids {
				key += " " + got[id].Version
			}
			if kept[key] == nil {
				kept[key] = got
			}
			return kept[key], nil
		}
	}),
	byHand("errors-of-its-own", ruleCoreError, func(s *service) {
		s.get = func(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
			secret, err := s.next.Get(ctx, id, opts...)
			if kind := core.KindOf(err); kind != nil {
				err = fmt.Errorf("get: %w", kind)
			}
			return secret, err
		}
	}),
	byHand("errors-quote-values", ruleErrorLeak, func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			info, err := s.next.Set(ctx, id, v, opts...)
			if err != nil {
				err = fmt.Errorf("set %s=%s: %w", id, v.Reveal(), err)
			}
			return info, err
		}
	}),
	byHand("errors-keep-the-vendors", ruleErrorLeak, func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			info, err := s.next.Set(ctx, id, v, opts...)
			var e *core.Error
			if errors.As(err, &e) && e.Err == nil {
				with := *e
				with.Err = vendorError{body: v.Reveal()}
				err = &with
			}
			return info, err
		}
	}),
	byHand("errors-repeat-what-is-no-id", ruleErrorLeak, func(s *service) {
		s.get = func(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
			secret, err := s.next.Get(ctx, id, opts...)
			var e *core.Error
			if errors.As(err, &e) && errors.Is(err, core.ErrInvalidID) {
				with := *e
				with.Hint = fmt.Sprintf("%q is no id", id)
				err = &with
			}
			return secret, err
		}
	}),
	byHand("errors-match-two-kinds", ruleOneKind, func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			info, err := s.next.Set(ctx, id, v, opts...)
			if errors.Is(err, core.ErrIndeterminate) {
				err = errors.Join(err, &core.Error{Op: "set", Provider: "model", ID: id, Kind: core.ErrUnavailable})
			}
			return info, err
		}
	}),
	byHand("errors-of-its-own-time-limit", ruleContextErrors, func(s *service) {
		s.get = func(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
			secret, err := s.next.Get(ctx, id, opts...)
			var e *core.Error
			if errors.As(err, &e) && errors.Is(err, core.ErrUnavailable) {
				with := *e
				with.Kind, with.Err = nil, context.DeadlineExceeded
				err = &with
			}
			return secret, err
		}
	}),
	byHand("errors-of-reads-are-indeterminate", ruleReadsDetermined, func(s *service) {
		s.stat = func(ctx context.Context, id string, opts ...core.GetOption) (core.Info, error) {
			info, err := s.next.Stat(ctx, id, opts...)
			var e *core.Error
			if errors.As(err, &e) && errors.Is(err, core.ErrUnavailable) {
				with := *e
				with.Kind = core.ErrIndeterminate
				err = &with
			}
			return info, err
		}
	}),
	byHand("value-beside-an-error", ruleNothingBesideError, func(s *service) {
		s.get = func(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
			secret, err := s.next.Get(ctx, id, opts...)
			if errors.Is(err, core.ErrCorrupt) {
				secret.Value = core.String("what was left of it")
			}
			return secret, err
		}
	}),
	{name: "service-prefix-shows-the-ids-below", aim: ruleInfoID, open: func(m *model) Subject {
		return Subject{Service: belowShows(m)}
	}},
	{name: "service-prefix-shows-the-ids-below-in-errors", aim: ruleNamed, open: func(m *model) Subject {
		return Subject{Service: belowShowsInErrors(m)}
	}},
	byHand("list-goes-on-after-an-error", ruleErrorLast, func(s *service) {
		s.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range s.next.List(ctx, prefix) {
					if !yield(info, err) {
						return
					}
					if err != nil && !yield(core.Info{}, err) {
						return
					}
				}
			}
		}
	}),
	byHand("list-goes-on-after-it-was-left", "MUST/List/may-be-left", func(s *service) {
		s.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range s.next.List(ctx, prefix) {
					yield(info, err)
				}
			}
		}
	}),
	byHand("list-can-be-ranged-once", "MUST/List/starts-anew", func(s *service) {
		s.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			used := false
			return func(yield func(core.Info, error) bool) {
				if !used {
					used = true
					s.next.List(ctx, prefix)(yield)
				}
			}
		}
	}),
	byHand("list-is-a-snapshot-of-the-call", "MUST/List/starts-anew", func(s *service) {
		s.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			infos, err := collect(s.next.List(ctx, prefix))
			return func(yield func(core.Info, error) bool) {
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
	}),
	byHand("versions-can-be-ranged-once", "MUST/Versions/may-be-left-and-start-anew", func(s *service) {
		s.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] {
			used := false
			return func(yield func(core.Info, error) bool) {
				if !used {
					used = true
					s.next.Versions(ctx, id)(yield)
				}
			}
		}
	}),
	byHand("list-shows-what-lacks-the-prefix", "MUST/List/prefix-is-bytes", func(s *service) {
		s.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] { return s.next.List(ctx, "") }
	}),
	byHand("list-just-stops-with-its-context", "MUST/List/ends-with-its-context", func(s *service) {
		s.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range s.next.List(context.WithoutCancel(ctx), prefix) {
					if ctx.Err() != nil || !yield(info, err) {
						return
					}
				}
			}
		}
	}),
	byHand("versions-of-nothing-are-empty", "MUST/Versions/of-what-is-missing-is-not-found", func(s *service) {
		s.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range s.next.Versions(ctx, id) {
					if errors.Is(err, core.ErrNotFound) || !yield(info, err) {
						return
					}
				}
			}
		}
	}),
	byHand("versions-just-stop-with-their-context", "MUST/Versions/end-with-their-context", func(s *service) {
		s.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range s.next.Versions(context.WithoutCancel(ctx), id) {
					if ctx.Err() != nil || !yield(info, err) {
						return
					}
				}
			}
		}
	}),
	byHand("begins-a-write-after-the-context-ended", "MUST/Context/ended-before-the-call", func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			ended := ctx.Err()
			info, err := s.next.Set(context.WithoutCancel(ctx), id, v, opts...)
			if err == nil && ended != nil {
				err = &core.Error{Op: "set", Provider: "model", ID: id, Err: ended}
			}
			return info, err
		}
	}),
	byHand("close-does-not-wait", "MUST/Close/waits-for-calls-in-flight", func(s *service) {
		s.close = func() error {
			go func() { _ = s.next.Close() }()
			return nil
		}
	}),
	byHand("close-cuts-off-calls", "MUST/Close/waits-for-calls-in-flight", func(s *service) {
		ctx, cancel := context.WithCancel(context.Background())
		s.get = func(call context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
			both, stop := context.WithCancel(call)
			defer context.AfterFunc(ctx, stop)()
			defer stop()
			secret, err := s.next.Get(both, id, opts...)
			if err != nil && ctx.Err() != nil && call.Err() == nil {
				err = &core.Error{Op: "get", Provider: "model", ID: id, Kind: core.ErrUnavailable}
			}
			return secret, err
		}
		s.close = func() error {
			cancel()
			return s.next.Close()
		}
	}),
	byHand("close-takes-the-client-away", "MUST/Close/under-load", func(s *service) {
		var closed atomic.Bool
		s.get = func(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
			before := closed.Load()
			secret, err := s.next.Get(ctx, id, opts...)
			turns()
			if !before && closed.Load() {
				return core.Secret{}, &core.Error{Op: "get", Provider: "model", ID: id, Kind: core.ErrUnavailable}
			}
			return secret, err
		}
		s.close = func() error {
			closed.Store(true)
			return s.next.Close()
		}
	}),
	byHand("close-twice-panics", "MUST/Close/twice-is-no-failure", func(s *service) {
		stop := make(chan struct{})
		s.close = func() error {
			err := s.next.Close()
			close(stop)
			return err
		}
	}),
	byHand("close-twice-fails", "MUST/Close/twice-is-no-failure", func(s *service) {
		var mu sync.Mutex
		closed := false
		s.close = func() error {
			mu.Lock()
			defer mu.Unlock()
			if closed {
				return errors.New("closed already")
			}
			closed = true
			return s.next.Close()
		}
	}),
	byHand("close-closes-nothing", "MUST/Close/then-every-call-is-closed", func(s *service) {
		s.close = func() error { return nil }
	}),
	byHand("settle-is-negative", "MUST/Capabilities/are-consistent", func(s *service) {
		s.caps = func(ctx context.Context) (core.Capabilities, error) {
			c, err := s.next.Capabilities(ctx)
			c.Settle = -time.Second
			return c, err
		}
	}),
	byHand("unclaimed-set-succeeds-silently", "MUST/Capabilities/unclaimed-set-is-unsupported", func(s *service) {
		readOnly(s)
		s.set = func(_ context.Context, id string, _ core.Value, _ ...core.SetOption) (core.Info, error) {
			return core.Info{ID: id}, nil
		}
	}),
	byHand("unclaimed-set-writes", "MUST/Capabilities/unclaimed-set-is-unsupported", func(s *service) {
		readOnly(s)
		s.set = nil
	}),
	byHand("unclaimed-set-is-denied", "MUST/Capabilities/unclaimed-set-is-unsupported", func(s *service) {
		readOnly(s)
		s.set = func(_ context.Context, id string, _ core.Value, _ ...core.SetOption) (core.Info, error) {
			return core.Info{}, refusal("set", id, core.ErrPermissionDenied)
		}
	}),
	byHand("unclaimed-delete-deletes", "MUST/Capabilities/unclaimed-delete-is-unsupported", func(s *service) {
		readOnly(s)
		s.del = nil
	}),
	byHand("unclaimed-purge-deletes", "MUST/Capabilities/unclaimed-purge-is-unsupported", func(s *service) {
		without(s, func(c *core.Capabilities) { c.Purge = false })
	}),
	byHand("unclaimed-list-is-empty", "MUST/Capabilities/unclaimed-list-is-unsupported", func(s *service) {
		without(s, func(c *core.Capabilities) { c.List = false })
		s.list = func(context.Context, string) iter.Seq2[core.Info, error] {
			return func(func(core.Info, error) bool) {}
		}
	}),
	byHand("unclaimed-versions-are-empty", "MUST/Capabilities/unclaimed-versions-is-unsupported", func(s *service) {
		without(s, func(c *core.Capabilities) { c.Versions = false })
		s.versions = func(context.Context, string) iter.Seq2[core.Info, error] {
			return func(func(core.Info, error) bool) {}
		}
	}),
	byHand("unclaimed-at-version-is-ignored", "MUST/Capabilities/unclaimed-at-version-is-unsupported", func(s *service) {
		without(s, func(c *core.Capabilities) { c.AtVersion = false })
		s.get = func(ctx context.Context, id string, _ ...core.GetOption) (core.Secret, error) {
			return s.next.Get(ctx, id)
		}
	}),
	byHand("unclaimed-if-absent-is-ignored", "MUST/Capabilities/unclaimed-if-absent-is-unsupported", func(s *service) {
		without(s, func(c *core.Capabilities) { c.IfAbsent = false })
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			return s.next.Set(ctx, id, v, slices.DeleteFunc(slices.Clone(opts), func(o core.SetOption) bool { return o == core.IfAbsent() })...)
		}
	}),
	byHand("unclaimed-if-version-is-done-anyway", "MUST/Capabilities/unclaimed-if-version-is-unsupported", func(s *service) {
		without(s, func(c *core.Capabilities) { c.IfVersion = false })
	}),
	byHand("takes-any-id", "MUST/IDs/invalid-are-refused", func(s *service) {
		s.get = func(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
			secret, err := s.next.Get(ctx, id, opts...)
			if errors.Is(err, core.ErrInvalidID) {
				err = &core.Error{Op: "get", Provider: "model", Kind: core.ErrNotFound}
			}
			return secret, err
		}
	}),
	byHand("takes-any-value", "MUST/Set/refuses-values-of-no-legal-size", func(s *service) {
		s.set = func(ctx context.Context, id string, v core.Value, opts ...core.SetOption) (core.Info, error) {
			if v.Len() > core.MaxValueLen {
				v = core.String(v.Reveal()[:core.MaxValueLen])
			}
			return s.next.Set(ctx, id, v, opts...)
		}
	}),
	byHand("takes-an-option-that-makes-no-sense", "MUST/Options/that-make-no-sense-are-refused", func(s *service) {
		s.get = func(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
			secret, err := s.next.Get(ctx, id, opts...)
			if errors.Is(err, core.ErrInvalidOption) {
				return s.next.Get(ctx, id)
			}
			return secret, err
		}
	}),
}

// vendorError has a text that quotes what was sent.
type vendorError struct{ body string }

func (e vendorError) Error() string { return "400 Bad Request: " + e.body }

const below = "below_"

// belowShows is a prefix by hand that forgets to rename what it returns.
func belowShows(m *model) core.SecretService {
	s := whole(m)
	s.get = func(ctx context.Context, id string, opts ...core.GetOption) (core.Secret, error) {
		secret, err := s.next.Get(ctx, id, opts...)
		if err == nil {
			secret.ID = below + id
		}
		return secret, err
	}
	return s
}

// belowShowsInErrors forgets it in errors.
func belowShowsInErrors(m *model) core.SecretService {
	s := whole(m)
	s.stat = func(ctx context.Context, id string, opts ...core.GetOption) (core.Info, error) {
		info, err := s.next.Stat(ctx, id, opts...)
		var e *core.Error
		if errors.As(err, &e) && e.ID != "" {
			with := *e
			with.ID = below + e.ID
			err = &with
		}
		return info, err
	}
	return s
}
