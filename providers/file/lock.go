package file

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// fileLock is an advisory lock on an open file. It ends with the process
// whatever happens to that, so no lock is ever left behind.
type fileLock struct {
	f    *os.File
	path string
}

func (l *fileLock) held() bool {
	ours, err := l.f.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Lstat(l.path)
	return err == nil && os.SameFile(ours, theirs)
}

// sign writes down who holds the lock, for the message of those who wait. It
// is no part of the lock, so a failure does not matter. The text has one
// length, and is not written again by the same process, so that the disk has
// nothing to do for it when the write is synced.
func (l *fileLock) sign() {
	text := []byte(fmt.Sprintf("%-*d\n", holderLen-1, os.Getpid()))
	old := make([]byte, holderLen)
	if n, _ := l.f.ReadAt(old, 0); n == holderLen && bytes.Equal(old, text) {
		return
	}
	_, _ = l.f.WriteAt(text, 0)
}

// holderLen is the length of the text in the lock file.
const holderLen = 12

func (l *fileLock) release() { l.f.Close() }

func readHolder(f *os.File) lockHolder {
	buf := make([]byte, holderLen)
	n, err := f.ReadAt(buf, 0)
	if err != nil && err != io.EOF {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	if err != nil || pid <= 0 {
		return ""
	}
	return lockHolder(strconv.Itoa(pid))
}

const (
	// lockWait is how long a writer waits whose context has no deadline.
	lockWait = 30 * time.Second
	// The lock is asked for again after pauses that grow from one to the other
	// of these. Who has waited for lockPatience asks in short pauses again: the
	// lock knows no queue, and one who asks rarely would never find it free
	// between writers who come back at once.
	lockPauseMin = 500 * time.Microsecond
	lockPauseMax = 10 * time.Millisecond
	lockPatience = 500 * time.Millisecond
)

// lock takes the lock of the store, for all goroutines and processes. The
// caller releases it. Nothing was written if it fails.
func (b *backend) lock(ctx context.Context) (storeLock, error) {
	var limit <-chan time.Time
	if _, ok := ctx.Deadline(); !ok {
		timer := time.NewTimer(b.lockWait)
		defer timer.Stop()
		limit = timer.C
	}
	// Goroutines of one process queue here in place of polling.
	select {
	case b.writer <- struct{}{}:
	case <-ctx.Done():
		return nil, &core.Error{Err: ctx.Err(), Hint: "other writes of this process hold the store's lock; nothing was written"}
	case <-limit:
		return nil, &core.Error{Kind: core.ErrUnavailable, Hint: "other writes of this process have held the store's lock for " + b.lockWait.String() + "; nothing was written"}
	}
	l, err := b.pollLock(ctx, limit)
	if err != nil {
		<-b.writer
		return nil, err
	}
	return &queuedLock{l, b.writer}, nil
}

func (b *backend) pollLock(ctx context.Context, limit <-chan time.Time) (storeLock, error) {
	began := time.Now()
	pause := lockPauseMin
	var holder lockHolder
	for {
		if err := ctx.Err(); err != nil {
			return nil, &core.Error{Err: err, Hint: heldBy(holder) + " holds the store's lock; nothing was written"}
		}
		l, now, err := b.fs.tryLock()
		if err != nil {
			return nil, b.lockFault(err)
		}
		if l != nil {
			return l, nil
		}
		holder = now
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, &core.Error{Err: ctx.Err(), Hint: heldBy(holder) + " holds the store's lock; nothing was written"}
		case <-limit:
			timer.Stop()
			return nil, &core.Error{Kind: core.ErrUnavailable, Hint: heldBy(holder) + " has held the store's lock for " +
				b.lockWait.String() + "; nothing was written. See what that process does, or end it"}
		}
		if pause = min(2*pause, lockPauseMax); time.Since(began) > lockPatience {
			pause = lockPauseMin
		}
	}
}

func heldBy(holder lockHolder) string {
	if holder == "" {
		return "another process"
	}
	return "process " + string(holder)
}

// queuedLock also lets the next goroutine of this process in.
type queuedLock struct {
	storeLock
	writer chan struct{}
}

func (l *queuedLock) release() {
	l.storeLock.release()
	<-l.writer
}
