package guide

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const token = "made up"

// kv is the key-value service: the part of it that the backend uses, and what
// a test can do to it.
type kv struct {
	mu      sync.Mutex
	keys    map[string]entry
	seq     int
	answers map[string]int // status for a path
	failing int            // status for everything
	held    map[string]*held
}

type entry struct {
	etag string
	body []byte
}

type held struct {
	reached, release chan struct{}
	once             sync.Once
}

func newKV() *kv {
	return &kv{keys: map[string]entry{}, answers: map[string]int{}, held: map[string]*held{}}
}

// put writes a key, as another client does. The lock is not held.
func (k *kv) put(id string, body []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set(id, body)
	return nil
}

// set writes a key. The lock is held.
func (k *kv) set(id string, body []byte) entry {
	k.seq++
	e := entry{etag: `"` + strconv.Itoa(k.seq) + `"`, body: body}
	k.keys[id] = e
	return e
}

func (k *kv) answer(path string, status int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answers[path] = status
	return nil
}

func (k *kv) fail(status int) (restore func()) {
	set := func(status int) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.failing = status
	}
	set(status)
	return func() { set(0) }
}

func (k *kv) hold(id string) (<-chan struct{}, func()) {
	h := &held{reached: make(chan struct{}), release: make(chan struct{})}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held["/keys/"+id] = h
	return h.reached, func() { h.once.Do(func() { close(h.release) }) }
}

func (k *kv) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	h, status := k.held[r.URL.Path], k.answers[r.URL.Path]
	delete(k.held, r.URL.Path)
	if k.failing == http.StatusInsufficientStorage && r.Method == "PUT" || k.failing != http.StatusInsufficientStorage && k.failing != 0 {
		status = k.failing
	}
	k.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+token {
		status = http.StatusUnauthorized
	}
	body, err := io.ReadAll(r.Body)
	if h != nil {
		close(h.reached)
		select {
		case <-h.release:
		case <-r.Context().Done():
			return
		}
	}
	switch {
	case status != 0:
		w.WriteHeader(status)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case r.URL.Path == "/keys":
		k.list(w, r)
	default:
		k.one(w, r, strings.TrimPrefix(r.URL.Path, "/keys/"), body)
	}
}

func (k *kv) one(w http.ResponseWriter, r *http.Request, id string, body []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, found := k.keys[id]
	match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	switch {
	case match != "" && match != e.etag, none != "" && found:
		w.WriteHeader(http.StatusPreconditionFailed)
	case r.Method == "PUT":
		w.Header().Set("ETag", k.set(id, body).etag)
	case !found:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == "DELETE":
		delete(k.keys, id)
	default:
		w.Header().Set("ETag", e.etag)
		_, _ = w.Write(e.body)
	}
}

// list writes a page of ids, after one if that is given.
func (k *kv) list(w http.ResponseWriter, r *http.Request) {
	const page = 100
	prefix, after := r.FormValue("prefix"), r.FormValue("after")
	k.mu.Lock()
	defer k.mu.Unlock()
	var ids []string
	for id := range k.keys {
		if strings.HasPrefix(id, prefix) && id > after {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids[:min(len(ids), page)] {
		_, _ = io.WriteString(w, id+"\n")
	}
}
