package file

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// recordingFS is a file system in memory that writes down every change in the
// order in which it was asked for, so that a test can tell what a crash at
// any point could have left of them. fault, if it is set, makes an operation
// fail before it does anything.
type recordingFS struct {
	mu    sync.Mutex
	nodes []*node
	log   []change
	fault func(op, name string) error
	stop  func() // called before every change, if it is set
	lock  sync.Mutex
}

type node struct {
	dir     bool
	data    []byte
	entries map[string]int
}

const rootNode = 0

// change is one thing that a disk may have or not have after a crash: the
// content of a file, or one entry of a folder (to node 0: none). A sync makes
// those before it durable that concern its node.
type change struct {
	kind changeKind
	node int // the file or folder
	name string
	to   int
	data []byte
}

type changeKind int

const (
	wroteData changeKind = iota
	setEntry
	synced
)

func newRecordingFS() *recordingFS {
	return &recordingFS{nodes: []*node{{dir: true, entries: map[string]int{}}}}
}

func (r *recordingFS) record(c change) {
	r.log = append(r.log, c)
	r.apply(c)
}

func (r *recordingFS) apply(c change) {
	switch c.kind {
	case wroteData:
		r.nodes[c.node].data = append(slices.Clone(r.nodes[c.node].data), c.data...)
	case setEntry:
		if c.to == rootNode {
			delete(r.nodes[c.node].entries, c.name)
		} else {
			r.nodes[c.node].entries[c.name] = c.to
		}
	case synced:
	}
}

// begin locks, and asks the fault.
func (r *recordingFS) begin(op, name string) (func(), error) {
	if r.stop != nil {
		r.stop()
	}
	r.mu.Lock()
	if r.fault != nil {
		if err := r.fault(op, name); err != nil {
			r.mu.Unlock()
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
	}
	return r.mu.Unlock, nil
}

// find returns the node of a name, and the folder that it is in.
func (r *recordingFS) find(name string) (folder int, base string, n int, err error) {
	folder, n = rootNode, rootNode
	if name == "." {
		return rootNode, ".", rootNode, nil
	}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		folder, base = n, part
		at := r.nodes[folder]
		if !at.dir {
			return 0, "", 0, syscall.ENOTDIR
		}
		next, ok := at.entries[part]
		if !ok {
			if i < len(parts)-1 {
				return 0, "", 0, fs.ErrNotExist
			}
			return folder, base, -1, fs.ErrNotExist
		}
		n = next
	}
	return folder, base, n, nil
}

func (r *recordingFS) open(name string) (io.ReadCloser, error) {
	done, err := r.begin("open", name)
	if err != nil {
		return nil, err
	}
	defer done()
	_, _, n, err := r.find(name)
	if err != nil {
		return nil, err
	}
	if r.nodes[n].dir {
		return nil, errNotRegular
	}
	return io.NopCloser(bytes.NewReader(r.nodes[n].data)), nil
}

type recordingFile struct {
	r *recordingFS
	n int
}

func (r *recordingFS) create(name string) (newFile, error) {
	done, err := r.begin("create", name)
	if err != nil {
		return nil, err
	}
	defer done()
	folder, base, n, err := r.find(name)
	if err == nil {
		return nil, fs.ErrExist
	}
	if n != -1 {
		return nil, err
	}
	r.nodes = append(r.nodes, &node{})
	n = len(r.nodes) - 1
	r.record(change{kind: setEntry, node: folder, name: base, to: n})
	return &recordingFile{r, n}, nil
}

func (f *recordingFile) Write(data []byte) (int, error) {
	done, err := f.r.begin("write", "")
	if err != nil {
		return 0, err
	}
	defer done()
	f.r.record(change{kind: wroteData, node: f.n, data: bytes.Clone(data)})
	return len(data), nil
}

func (f *recordingFile) Sync() error {
	done, err := f.r.begin("sync", "")
	if err != nil {
		return err
	}
	defer done()
	f.r.record(change{kind: synced, node: f.n})
	return nil
}

func (f *recordingFile) Close() error { return nil }

func (r *recordingFS) link(from, to string) error {
	done, err := r.begin("link", to)
	if err != nil {
		return err
	}
	defer done()
	_, _, n, err := r.find(from)
	if err != nil {
		return err
	}
	folder, base, there, err := r.find(to)
	if err == nil {
		return fs.ErrExist
	}
	if there != -1 {
		return err
	}
	r.record(change{kind: setEntry, node: folder, name: base, to: n})
	return nil
}

// rename records its two halves apart: a crash may keep one of them.
func (r *recordingFS) rename(from, to string) error {
	done, err := r.begin("rename", to)
	if err != nil {
		return err
	}
	defer done()
	fromFolder, fromBase, n, err := r.find(from)
	if err != nil {
		return err
	}
	folder, base, there, err := r.find(to)
	if err != nil && there != -1 {
		return err
	}
	r.record(change{kind: setEntry, node: folder, name: base, to: n})
	r.record(change{kind: setEntry, node: fromFolder, name: fromBase, to: rootNode})
	return nil
}

func (r *recordingFS) remove(name string) error {
	done, err := r.begin("remove", name)
	if err != nil {
		return err
	}
	defer done()
	folder, base, n, err := r.find(name)
	if err != nil {
		return err
	}
	if len(r.nodes[n].entries) > 0 {
		return syscall.ENOTEMPTY
	}
	r.record(change{kind: setEntry, node: folder, name: base, to: rootNode})
	return nil
}

func (r *recordingFS) mkdir(name string) error {
	done, err := r.begin("mkdir", name)
	if err != nil {
		return err
	}
	defer done()
	folder, base, n, err := r.find(name)
	if err == nil {
		return fs.ErrExist
	}
	if n != -1 {
		return err
	}
	r.nodes = append(r.nodes, &node{dir: true, entries: map[string]int{}})
	r.record(change{kind: setEntry, node: folder, name: base, to: len(r.nodes) - 1})
	return nil
}

func (r *recordingFS) syncDir(name string) error {
	done, err := r.begin("syncDir", name)
	if err != nil {
		return err
	}
	defer done()
	_, _, n, err := r.find(name)
	if err != nil {
		return err
	}
	r.record(change{kind: synced, node: n})
	return nil
}

func (r *recordingFS) readDir(name string) ([]fs.DirEntry, error) {
	done, err := r.begin("readDir", name)
	if err != nil {
		return nil, err
	}
	defer done()
	_, _, n, err := r.find(name)
	if err != nil {
		return nil, err
	}
	if !r.nodes[n].dir {
		return nil, syscall.ENOTDIR
	}
	var list []fs.DirEntry
	for _, name := range slices.Sorted(maps.Keys(r.nodes[n].entries)) {
		list = append(list, fs.FileInfoToDirEntry(nodeInfo{name, r.nodes[r.nodes[n].entries[name]]}))
	}
	return list, nil
}

func (r *recordingFS) lstat(name string) (fs.FileInfo, error) {
	done, err := r.begin("lstat", name)
	if err != nil {
		return nil, err
	}
	defer done()
	_, base, n, err := r.find(name)
	if err != nil {
		return nil, err
	}
	return nodeInfo{base, r.nodes[n]}, nil
}

type nodeInfo struct {
	name string
	n    *node
}

func (i nodeInfo) Name() string       { return i.name }
func (i nodeInfo) Size() int64        { return int64(len(i.n.data)) }
func (i nodeInfo) ModTime() time.Time { return time.Time{} }
func (i nodeInfo) IsDir() bool        { return i.n.dir }
func (i nodeInfo) Sys() any           { return nil }
func (i nodeInfo) Mode() fs.FileMode {
	if i.n.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

func (r *recordingFS) refusesWrites() string { return "" }

func (r *recordingFS) tryLock() (storeLock, lockHolder, error) {
	if r.fault != nil {
		if err := r.fault("lock", lockName); err != nil {
			return nil, "", err
		}
	}
	if !r.lock.TryLock() {
		return nil, "4711", nil
	}
	return (*recordingLock)(r), "", nil
}

type recordingLock recordingFS

func (l *recordingLock) held() bool { return true }
func (l *recordingLock) release()   { l.lock.Unlock() }

// pending returns the changes among the first n that a crash could lose, by
// their index. Of several to one entry only the last two count: an older one
// is a state that the crash test has seen at an earlier point.
func (r *recordingFS) pending(n int) []int {
	var open []int
	for i, c := range r.log[:n] {
		if c.kind == synced {
			open = slices.DeleteFunc(open, func(j int) bool { return r.log[j].node == c.node })
			continue
		}
		open = append(open, i)
	}
	type key struct {
		node int
		name string
	}
	count := map[key]int{}
	var kept []int
	for _, i := range slices.Backward(open) {
		c := r.log[i]
		k := key{c.node, c.name}
		if c.kind == setEntry {
			if count[k]++; count[k] > 2 {
				continue
			}
		}
		kept = append(kept, i)
	}
	slices.Reverse(kept)
	return kept
}

// crash returns what is on the disk after the first n changes if those for
// which lost reports true never reached it. Data that is lost may have
// reached it in part; cut tells how much of it.
func (r *recordingFS) crash(n int, lost func(i int) bool, cut func(data []byte) []byte) *recordingFS {
	after := newRecordingFS()
	for _, old := range r.nodes[1:] {
		fresh := &node{dir: old.dir}
		if old.dir {
			fresh.entries = map[string]int{}
		}
		after.nodes = append(after.nodes, fresh)
	}
	for i, c := range r.log[:n] {
		if lost(i) {
			if c.kind != wroteData {
				continue
			}
			c.data = cut(c.data)
		}
		after.apply(c)
	}
	return after
}

// fingerprint tells two disks apart by what is on them.
func (r *recordingFS) fingerprint() [sha256.Size]byte {
	h := sha256.New()
	var walk func(n int, path string)
	walk = func(n int, path string) {
		node := r.nodes[n]
		fmt.Fprintf(h, "%q %v %d\n", path, node.dir, len(node.data))
		h.Write(node.data)
		for _, name := range slices.Sorted(maps.Keys(node.entries)) {
			walk(node.entries[name], path+"/"+name)
		}
	}
	walk(rootNode, "")
	return [sha256.Size]byte(h.Sum(nil))
}
