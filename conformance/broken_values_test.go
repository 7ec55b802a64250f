package conformance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
)

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// storing changes values on the way in.
func storing(name, aim string, f func(string) string) brokenStore {
	return backend(name, aim, func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			return p.model.Set(ctx, id, core.String(f(v.Reveal())), o)
		}
	})
}

// reading changes values on the way out.
func reading(name, aim string, f func(string) string) brokenStore {
	return backend(name, aim, func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			if err == nil {
				s.Value = core.String(f(s.Value.Reveal()))
			}
			return s, err
		}
	})
}

// rewriteObject does to a JSON object what a store may: other spacing, order
// and escapes.
func rewriteObject(s string) string {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if !rewritable(s) || dec.Decode(&v) != nil {
		return s
	}
	return string(must(json.MarshalIndent(v, "", "\t")))
}

// loneSurrogate reports whether decoding has to replace half a pair.
func loneSurrogate(s string) bool {
	var v any
	return json.Unmarshal([]byte(s), &v) == nil && !strings.Contains(s, "\ufffd") && utf8.ValidString(s) &&
		strings.Contains(fmt.Sprint(v), "\ufffd")
}

var brokenValues = []brokenStore{
	reading("newline-is-trimmed", "MUST/Values/trailing-newline", func(s string) string { return strings.TrimSuffix(s, "\n") }),
	storing("space-is-trimmed", "MUST/Values/trailing-space", strings.TrimSpace),
	storing("line-ends-are-rewritten", "MUST/Values/crlf-inside", func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }),
	reading("quotes-are-taken-off", "MUST/Values/quotes", func(s string) string { return strings.Trim(s, `"`) }),
	reading("nul-ends-the-value", "MUST/Values/nul-byte", func(s string) string {
		s, _, _ = strings.Cut(s, "\x00")
		return s
	}),
	storing("invalid-utf-8-is-replaced", "MUST/Values/invalid-utf-8", func(s string) string { return strings.ToValidUTF8(s, "\ufffd") }),
	storing("byte-order-mark-is-dropped", "MUST/Values/byte-order-mark", func(s string) string { return strings.TrimPrefix(s, "\ufeff") }),
	storing("null-becomes-nothing", "MUST/Values/json-null", func(s string) string {
		if s == "null" {
			return ""
		}
		return s
	}),
	storing("numbers-go-through-float64", "MUST/Values/json-object-numbers", func(s string) string {
		var v map[string]any
		if !rewritable(s) || json.Unmarshal([]byte(s), &v) != nil {
			return s
		}
		return string(must(json.Marshal(v)))
	}),
	storing("any-json-is-rewritten", "MUST/Values/json-array", func(s string) string {
		var b bytes.Buffer
		if !utf8.ValidString(s) || json.Compact(&b, []byte(s)) != nil {
			return s
		}
		return b.String()
	}),
	storing("repeated-names-are-lost", "MUST/Values/json-object-repeated-name", func(s string) string {
		var v map[string]json.RawMessage
		if !utf8.ValidString(s) || loneSurrogate(s) || json.Unmarshal([]byte(s), &v) != nil || v == nil {
			return s
		}
		return string(must(json.Marshal(v)))
	}),
	storing("lone-surrogates-are-replaced", "MUST/Values/json-object-lone-surrogate", func(s string) string {
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		var v map[string]any
		if !loneSurrogate(s) || dec.Decode(&v) != nil {
			return s
		}
		return string(must(json.Marshal(v)))
	}),
	storing("names-are-folded", "MUST/Values/json-object-case", func(s string) string {
		var v map[string]json.RawMessage
		if !rewritable(s) || json.Unmarshal([]byte(s), &v) != nil {
			return s
		}
		folded := map[string]json.RawMessage{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			folded[strings.ToLower(name)] = v[name]
		}
		return string(must(json.Marshal(folded)))
	}),
	backend("texts-are-wrapped-and-objects-unwrapped", "MUST/Values/json-object-value-key", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			var wrapped map[string]string
			if err == nil && json.Unmarshal(s.Value.RevealBytes(), &wrapped) == nil && len(wrapped) == 1 && wrapped["value"] != "" {
				s.Value = core.String(wrapped["value"])
			}
			return s, err
		}
	}),
	reading("base64-is-decoded", "MUST/Values/base64-text", func(s string) string {
		if s == "aGVsbG8=" {
			return "hello"
		}
		return s
	}),
	storing("escapes-are-decoded", "MUST/Values/percent-escapes", func(s string) string {
		return strings.NewReplacer("%25", "%", "+", " ").Replace(s)
	}),
	{
		name: "values-share-one-buffer", aim: "MUST/Aliasing/values-stay-what-they-were", only: "MUST/Aliasing/",
		open: func(m *model) Subject {
			p := &patched{model: m}
			var mu sync.Mutex
			buffer := make([]byte, core.MaxValueLen)
			p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
				mu.Lock()
				defer mu.Unlock()
				s, err := p.model.Get(ctx, id, o)
				if err == nil {
					n := copy(buffer, s.Value.Reveal())
					s.Value = alias(buffer[:n])
				}
				return s, err
			}
			return Subject{Backend: p}
		},
	},
	{
		name: "values-are-the-stored-bytes", aim: "MUST/Aliasing/values-stay-what-they-were", only: "MUST/Aliasing/",
		open: func(m *model) Subject {
			p := &patched{model: m}
			kept := map[string][]byte{}
			p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
				s, err := p.model.Get(ctx, id, o)
				if err == nil {
					p.mu.Lock()
					defer p.mu.Unlock()
					if len(kept[id]) != s.Value.Len() {
						kept[id] = s.Value.RevealBytes()
					}
					copy(kept[id], s.Value.Reveal())
					s.Value = alias(kept[id])
				}
				return s, err
			}
			return Subject{Backend: p}
		},
	},
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// naming changes ids on the way to the store. back is what the listing makes
// of them.
func naming(name, aim string, to, back func(string) string) brokenStore {
	return brokenStore{name: name, aim: aim, open: func(m *model) Subject {
		p := &patched{model: m}
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			return m.Get(ctx, to(id), o)
		}
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			return m.Set(ctx, to(id), v, o)
		}
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error { return m.Delete(ctx, to(id), o) }
		p.versions = func(ctx context.Context, id string) iter.Seq2[core.Info, error] { return m.Versions(ctx, to(id)) }
		p.list = func(ctx context.Context, prefix string) iter.Seq2[core.Info, error] {
			return func(yield func(core.Info, error) bool) {
				for info, err := range m.List(ctx, "") {
					info.ID = back(info.ID)
					if err == nil && !strings.HasPrefix(info.ID, prefix) {
						continue
					}
					if err != nil {
						info = core.Info{}
					}
					if !yield(info, err) {
						return
					}
				}
			}
		}
		return Subject{Backend: p}
	}}
}

func same(s string) string { return s }

var brokenIDs = []brokenStore{
	naming("ids-are-folded", "MUST/IDs/case-is-kept-apart", strings.ToLower, same),
	naming("ids-lose-their-separators", "MUST/IDs/separators-are-kept-apart", func(id string) string {
		return strings.NewReplacer("/", "_", "-", "_", ".", "_").Replace(id)
	}, same),
	naming("ids-are-decoded-as-a-query", "MUST/IDs/plus", func(id string) string { return strings.ReplaceAll(id, "+", " ") }, same),
	naming("ids-are-cut", "MUST/IDs/longest", func(id string) string { return id[:min(len(id), 200)] }, same),
	naming("ids-lose-their-extension", "MUST/IDs/extensions-are-kept-apart", func(id string) string {
		return strings.TrimSuffix(id, path.Ext(id))
	}, same),
	naming("ids-lose-their-folder", "MUST/IDs/slashes", path.Base, same),
	backend("ids-are-refused-without-a-word", "MUST/IDs/arn", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			if strings.Contains(id, ":") {
				return core.Info{}, core.ErrInvalidID
			}
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("ids-are-files-or-folders", "MUST/IDs/prefixes-are-kept-apart", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			p.mu.Lock()
			for other := range p.secrets {
				if strings.HasPrefix(id, other+"/") || strings.HasPrefix(other, id+"/") {
					p.mu.Unlock()
					return core.Info{}, core.NotWritten(errors.New("not a directory"))
				}
			}
			p.mu.Unlock()
			return p.model.Set(ctx, id, v, o)
		}
	}),
}

var brokenContexts = []brokenStore{
	backend("cut-write-is-called-certain", "MUST/Context/set-cut-in-flight", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			return info, core.NotWritten(err)
		}
	}),
	backend("cut-delete-is-called-certain", "MUST/Context/delete-cut-in-flight", func(p *patched) {
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			return core.NotWritten(p.model.Delete(ctx, id, o))
		}
	}),
	backend("cut-write-is-called-unavailable", "MUST/Context/set-cut-in-flight", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			return info, instead(err, context.Canceled, core.ErrUnavailable)
		}
	}),
	backend("cut-create-leaves-a-shell", "MUST/Context/create-cut-in-flight", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			p.mu.Lock()
			isNew := len(p.secrets[id]) == 0 && p.failing == nil && o.IfVersion == ""
			if isNew && ctx.Err() == nil {
				p.apply(id, nil)
			}
			p.mu.Unlock()
			if isNew && o.IfAbsent {
				p.mu.Lock()
				p.purge(id)
				p.mu.Unlock()
			}
			if err := ctx.Err(); err != nil {
				return core.Info{}, err
			}
			return p.model.Set(ctx, id, v, o)
		}
	}),
	backend("cut-read-is-called-missing", "MUST/Context/reads-cut-in-flight", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			return s, instead(err, context.Canceled, core.ErrNotFound)
		}
	}),
	backend("context-is-ignored-by-reads", "MUST/Context/a-waiting-read-obeys", func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			return p.model.Get(context.WithoutCancel(ctx), id, o)
		}
	}),
	backend("context-is-ignored-by-writes", "MUST/Context/a-waiting-write-obeys", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			return p.model.Set(context.WithoutCancel(ctx), id, v, o)
		}
	}),
	backend("first-context-is-kept", "MUST/Context/is-not-kept", func(p *patched) {
		var once sync.Once
		var first context.Context
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			once.Do(func() { first = ctx })
			if err := first.Err(); err != nil {
				return core.Secret{}, err
			}
			return p.model.Get(ctx, id, o)
		}
	}),
	backend("goroutine-is-left-by-a-call", "MUST/Goroutines/calls-leave-none-behind", func(p *patched) {
		done := make(chan struct{})
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			if ctx.Err() == nil {
				go func() { <-done }()
			}
			return p.model.Get(ctx, id, o)
		}
		p.close = func() error {
			close(done)
			return nil
		}
	}),
	backend("goroutine-is-left-by-a-cut-read", "MUST/Goroutines/calls-leave-none-behind", func(p *patched) {
		done := make(chan struct{})
		p.stat = func(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
			info, err := p.model.Stat(ctx, id, o)
			if errors.Is(err, context.Canceled) {
				go func() { <-done }()
			}
			return info, err
		}
		p.close = func() error {
			close(done)
			return nil
		}
	}),
	backend("goroutine-is-left-by-the-open", "MUST/Close/leaves-no-goroutine", func(p *patched) {
		go func() { select {} }()
	}),
}

// quoting puts a value into an error.
func quoting(name string, f func(v core.Value) error) brokenStore {
	return backend(name, ruleErrorLeak, func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			info, err := p.model.Set(ctx, id, v, o)
			if errors.Is(err, core.ErrConflict) {
				err = f(v)
			}
			return info, err
		}
	})
}

var brokenLeaks = []brokenStore{
	quoting("value-in-a-hint", func(v core.Value) error {
		return &core.Error{Kind: core.ErrConflict, Hint: "refused to store " + v.Reveal()}
	}),
	quoting("value-in-a-code", func(v core.Value) error { return &core.Error{Kind: core.ErrConflict, Code: v.Reveal()} }),
	quoting("value-in-a-request-id", func(v core.Value) error { return &core.Error{Kind: core.ErrConflict, RequestID: v.Reveal()} }),
	quoting("part-of-a-value-in-a-hint", func(v core.Value) error {
		return &core.Error{Kind: core.ErrConflict, Hint: "refused to store " + v.Reveal()[:8] + "..."}
	}),
	quoting("encoded-value-in-a-hint", func(v core.Value) error {
		return &core.Error{Kind: core.ErrConflict, Hint: fmt.Sprintf("refused to store %x", v.Reveal())}
	}),
	backend("value-in-the-source", ruleInfoLeak, func(p *patched) {
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			if err == nil {
				s.Source = "https://example.com/?last=" + url.QueryEscape(s.Value.Reveal())
			}
			return s, err
		}
	}),
	backend("value-in-the-default-log", "MUST/Leaks/logs-hold-no-value", func(p *patched) {
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			slog.Debug("request", "id", id, "body", v.Reveal())
			return p.model.Set(ctx, id, v, o)
		}
	}),
	{name: "value-in-its-own-log", aim: "MUST/Leaks/logs-hold-no-value", open: func(m *model) Subject {
		var mu sync.Mutex
		var log strings.Builder
		p := &patched{model: m}
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			s, err := p.model.Get(ctx, id, o)
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&log, "get %s: %s\n", id, s.Value.Reveal())
			return s, err
		}
		return Subject{Backend: p, Logs: func() string {
			mu.Lock()
			defer mu.Unlock()
			return log.String()
		}}
	}},
}

var brokenStores = []brokenStore{
	{name: "connection-caches-reads", aim: "MUST/Store/second-connection-sees-writes", open: func(m *model) Subject {
		p := &patched{model: m}
		var mu sync.Mutex
		cache := map[string]core.Secret{}
		forget := func(id string) {
			mu.Lock()
			delete(cache, id)
			mu.Unlock()
		}
		p.get = func(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
			m.mu.Lock()
			plain := o == (core.GetOptions{}) && m.failing == nil && !m.denied[id] && !m.corrupted[id] && m.holds[id] == nil
			m.mu.Unlock()
			if !plain || ctx.Err() != nil {
				return m.Get(ctx, id, o)
			}
			mu.Lock()
			defer mu.Unlock()
			if s, ok := cache[id]; ok {
				return s, nil
			}
			s, err := m.Get(ctx, id, o)
			if err == nil {
				cache[id] = s
			}
			return s, err
		}
		p.set = func(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
			defer forget(id)
			return m.Set(ctx, id, v, o)
		}
		p.del = func(ctx context.Context, id string, o core.DeleteOptions) error {
			defer forget(id)
			return m.Delete(ctx, id, o)
		}
		return Subject{Backend: p}
	}},
	{name: "versions-start-again-when-reopened", aim: "MUST/Store/reopening-keeps-everything", open: func(m *model) Subject {
		return Subject{Backend: m, Reopen: func() (core.SecretService, error) {
			m.mu.Lock()
			m.seq = 0
			m.mu.Unlock()
			return core.New("model", m), nil
		}}
	}},
	{name: "deletes-are-forgotten-when-reopened", aim: "MUST/Store/reopening-keeps-everything", open: func(m *model) Subject {
		return Subject{Backend: m, Reopen: func() (core.SecretService, error) {
			m.mu.Lock()
			clear(m.deleted)
			m.mu.Unlock()
			return core.New("model", m), nil
		}}
	}},
}
