package oauth2

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
)

// maxReplay is the longest body, in bytes, that is kept to be sent again where
// a request has no GetBody: 1 MiB.
const maxReplay = 1 << 20

// replay can send the body of a request a second time.
type replay struct {
	again func() (io.ReadCloser, error) // nil: as record says
	rec   *recorder
	kept  []byte
	body  io.ReadCloser // what is sent the first time
}

// replayOf prepares the body of a request. A body of a known length up to
// maxReplay is read here, before anything is sent. One of unknown length is
// recorded as it is sent, since whoever writes it may wait for the answer's
// first bytes; it can be sent again if all of it was sent, and was no longer
// than that. req is not changed; its body is closed with an error.
func replayOf(req *http.Request) (replay, error) {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return replay{body: req.Body}, nil
	case req.GetBody != nil:
		return replay{body: req.Body, again: req.GetBody}, nil
	case req.ContentLength > maxReplay:
		return replay{body: req.Body, rec: &recorder{over: true}}, nil
	case req.ContentLength > 0:
		kept, err := readWithin(req.Context(), req.Body, req.ContentLength)
		if err != nil {
			return replay{}, err
		}
		return replay{body: io.NopCloser(bytes.NewReader(kept)), kept: kept}, nil
	}
	rec := &recorder{from: req.Body}
	return replay{body: rec, rec: rec}, nil
}

// second returns the body for a second time, if there can be one.
func (r *replay) second() (io.ReadCloser, bool) {
	switch {
	case r.again != nil:
		body, err := r.again()
		return body, err == nil
	case r.rec != nil:
		kept, ok := r.rec.all()
		return io.NopCloser(bytes.NewReader(kept)), ok
	case r.kept != nil:
		return io.NopCloser(bytes.NewReader(r.kept)), true
	}
	return r.body, true // there is none
}

// readWithin reads a body of n bytes, and closes it. One that goes on is kept
// with one byte more, so that net/http finds it too long.
func readWithin(ctx context.Context, body io.ReadCloser, n int64) ([]byte, error) {
	// Closing a body ends a read of it: see http.Request.Body.
	stop := context.AfterFunc(ctx, func() { body.Close() })
	defer stop()
	defer body.Close()
	kept, err := io.ReadAll(io.LimitReader(body, n+1))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return kept, err
}

// recorder keeps what is read of a body.
type recorder struct {
	from io.ReadCloser

	mu   sync.Mutex // a transport may read on after it has answered
	kept []byte
	end  bool // all was read
	over bool // more than is kept
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.over:
	case len(r.kept)+n > maxReplay:
		r.kept, r.over = nil, true
	default:
		r.kept = append(r.kept, p[:n]...)
	}
	r.end = r.end || err == io.EOF //nolint:errorlint // a reader returns it as it is
	return n, err
}

func (r *recorder) Close() error { return r.from.Close() }

func (r *recorder) all() ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept, r.end && !r.over
}
