package credentials

import (
	"context"
	"errors"
	"time"

	"github.com/lukko-dev/lukko/core"
)

func (h *Handler) now() time.Time {
	if clock := h.cfg.Store.cfg.Clock; clock != nil {
		return clock.Now()
	}
	return time.Now()
}

// keys are the keys that seal. Where one process writes and the store can't
// tell what came between, one request at a time makes the first, and what was
// made is remembered, as a read may still miss it.
func (h *Handler) keys(ctx context.Context) (keyring, error) {
	cfg := h.cfg.Store.cfg
	if !cfg.OneProcess {
		return keyringOf(ctx, cfg.Secrets, h.cfg.KeyID, false)
	}
	select {
	case h.keyTurn <- struct{}{}:
		defer func() { <-h.keyTurn }()
	case <-ctx.Done():
		return nil, &core.Error{Op: "get", ID: h.cfg.KeyID, Err: ctx.Err()}
	}
	if h.keyMade != nil {
		if _, err := cfg.Secrets.Stat(ctx, h.cfg.KeyID, core.Fresh()); errors.Is(err, core.ErrNotFound) {
			return h.keyMade, nil
		}
	}
	ring, err := keyringOf(ctx, cfg.Secrets, h.cfg.KeyID, true)
	if err == nil {
		h.keyMade = ring
	}
	return ring, err
}
