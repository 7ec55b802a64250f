package file

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/core"
)

// readingFS counts the bytes that are read of files.
type readingFS struct {
	*recordingFS
	bytes  int
	opened int
}

func (r *readingFS) open(name string) (io.ReadCloser, error) {
	f, err := r.recordingFS.open(name)
	if err != nil {
		return nil, err
	}
	r.opened++
	return &countingReader{f, r}, nil
}

type countingReader struct {
	io.ReadCloser
	fs *readingFS
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.fs.bytes += n
	return n, err
}

func (c *countingReader) Close() error {
	c.fs.opened--
	return c.ReadCloser.Close()
}

// What a list costs does not grow with the values: of each file the header is
// read, one file is open at a time, and nothing of one is kept for the next.
func TestAListReadsHeadersOnly(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	read := map[int]int{}
	for _, size := range []int{1, core.MaxValueLen} {
		r := &readingFS{recordingFS: newRecordingFS()}
		initOn(t, r.recordingFS, Recipient{Key: owner.Recipient().String()})
		s := storeOn(r, &memPins{}, 2, owner)
		const n = 20
		for i := range n {
			_, err := s.Set(t.Context(), fmt.Sprint("S", i), core.String(strings.Repeat("x", size)))
			must(t, err)
		}
		r.bytes = 0
		count := 0
		for info, err := range s.List(t.Context(), "") {
			must(t, err)
			if info.Version == "" || info.Created.IsZero() {
				t.Errorf("List tells %+v", info)
			}
			if count++; r.opened > 1 {
				t.Errorf("%d files are open at a time", r.opened)
			}
		}
		if count != n || r.opened != 0 {
			t.Errorf("List yields %d secrets and leaves %d files open", count, r.opened)
		}
		read[size] = r.bytes / n
	}
	const most = 10 << 10 // two buffers ahead of the header
	if read[core.MaxValueLen] > most {
		t.Errorf("a list reads %d bytes of a secret of 64 KiB, and %d of one of a byte; want at most %d", read[core.MaxValueLen], read[1], most)
	}
}
