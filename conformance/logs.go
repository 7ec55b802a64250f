package conformance

import (
	"context"
	"io"
	"log"
	"log/slog"
	"strings"
	"sync"
)

// While a Run goes on, what is logged to the default loggers of log/slog and
// log is passed on as before and searched for values as well. Several runs at
// once share one tap.

type logSink struct{ l *ledger }

var tap struct {
	mu    sync.Mutex
	sinks map[*logSink]bool
	undo  func()
}

// watchLogs puts a ledger on the tap until stop is called.
func watchLogs(l *ledger) (stop func()) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	sink := &logSink{l}
	if len(tap.sinks) == 0 {
		tap.sinks = map[*logSink]bool{}
		handler, writer, flags := slog.Default(), log.Writer(), log.Flags()
		var next slog.Handler = handler.Handler()
		if isStandard(next) {
			// slog's own first handler writes to package log, which would come
			// back here.
			next = slog.NewTextHandler(writer, nil)
		}
		slog.SetDefault(slog.New(tee{next, func(h slog.Handler) slog.Handler { return h }}))
		tap.undo = func() {
			slog.SetDefault(handler)
			log.SetOutput(writer)
			log.SetFlags(flags)
		}
	}
	tap.sinks[sink] = true
	return func() {
		tap.mu.Lock()
		defer tap.mu.Unlock()
		delete(tap.sinks, sink)
		if len(tap.sinks) == 0 {
			tap.undo()
		}
	}
}

// isStandard tells slog's first handler, whose type has no name outside.
func isStandard(h slog.Handler) bool {
	return strings.HasPrefix(typeName(h), "*slog.default")
}

// tee passes records on and keeps a copy for the sinks. build remakes the
// groups and attributes that were added on the way.
type tee struct {
	next  slog.Handler
	build func(slog.Handler) slog.Handler
}

func (h tee) Enabled(context.Context, slog.Level) bool { return true }

func (h tee) Handle(ctx context.Context, r slog.Record) error {
	var text strings.Builder
	all := &slog.HandlerOptions{Level: slog.Level(-128)}
	if err := h.build(slog.NewTextHandler(io.Writer(&text), all)).Handle(ctx, r); err == nil {
		tap.mu.Lock()
		for sink := range tap.sinks {
			sink.l.logged(text.String())
		}
		tap.mu.Unlock()
	}
	if !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	return h.next.Handle(ctx, r)
}

func (h tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	return tee{h.next.WithAttrs(attrs), func(s slog.Handler) slog.Handler { return h.build(s).WithAttrs(attrs) }}
}

func (h tee) WithGroup(name string) slog.Handler {
	return tee{h.next.WithGroup(name), func(s slog.Handler) slog.Handler { return h.build(s).WithGroup(name) }}
}
