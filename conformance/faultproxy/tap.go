package faultproxy

import "io"

// A tap passes a stream on as it is, while somebody reads along. What was
// read last is held, until more is asked for or flush says so: so whoever parses
// decides on the head of a message before a byte of it has passed, and knows that one is
// complete before the other side can.
type tap struct {
	src    io.Reader
	dst    io.Writer
	open   bool // reading on passes what is held
	held   []byte
	srcErr error
	dstErr error
}

func (t *tap) Read(b []byte) (int, error) {
	if t.open {
		if err := t.flush(0); err != nil {
			return 0, err
		}
	}
	n, err := t.src.Read(b)
	t.held = append(t.held, b[:n]...)
	if err != nil {
		t.srcErr = err
	}
	return n, err
}

// flush passes what is held, without the last keep bytes, which the parser has yet to read.
func (t *tap) flush(keep int) error {
	n := len(t.held) - keep
	if t.dstErr == nil && n > 0 {
		_, t.dstErr = t.dst.Write(t.held[:n])
	}
	t.held = append(t.held[:0], t.held[n:]...)
	return t.dstErr
}

// stop lets nothing more pass.
func (t *tap) stop() { t.dstErr = io.ErrClosedPipe }

// rest passes the rest of the stream.
func (t *tap) rest() {
	t.open = true
	if t.flush(0) == nil && t.srcErr == nil {
		_, _ = io.Copy(io.Discard, t)
	}
}
