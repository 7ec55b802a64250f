package wire

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// Match says which requests are meant.
type Match func(Request) bool

// To matches a method and the beginning of a path, with its query; an empty
// method is each of them.
func To(method, prefix string) Match {
	return func(r Request) bool {
		return (method == "" || r.Method == method) && strings.HasPrefix(r.Path, prefix)
	}
}

// An Answer is what a request gets in place of the server's own.
type Answer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   string      `json:"body"`
	Bytes  []byte      `json:"body_base64"` // in place of Body

	// Raw is the whole answer as it goes over the connection, in place of
	// all the above, after which the connection is closed. HTTP/1 only.
	Raw string `json:"raw"`

	// Promise is the Content-Length where the body ends before it, and the
	// connection with it.
	Promise int64 `json:"promise"`

	// Filler is how many more bytes follow the body; those who stop reading
	// end it. Zipped bytes go over the connection as gzip.
	Filler int64 `json:"filler"`
	Zipped bool  `json:"zipped"`

	// Drop closes the connection without an answer.
	Drop bool `json:"drop"`

	// Never gives no answer until the client goes away.
	Never bool `json:"never"`

	// Stall sends the status, the headers and the body, and then nothing until the client
	// goes away.
	Stall bool `json:"stall"`

	// After lets the server do first what it was asked: the answer is lost, and
	// the effect is there.
	After bool `json:"after"`

	// Echo makes the answer of the request that it answers.
	Echo func(*http.Request) Answer `json:"-"`

	// Sent counts the bytes of the filler that the connection took.
	Sent *atomic.Int64 `json:"-"`
}

type rule struct {
	match Match
	only  int // 0: each
	count int
	Answer
}

// Replace replaces the answer to the nth request from now on that matches, or
// to each if n is 0. Of several rules the first one decides.
func (s *Server) Replace(match Match, n int, a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, &rule{match: match, only: n, Answer: a})
}

// Restore forgets all rules.
func (s *Server) Restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

func (s *Server) replaced(r Request) *Answer {
	for _, rule := range s.rules {
		if rule.match(r) {
			rule.count++
			if rule.only == 0 || rule.only == rule.count {
				return &rule.Answer
			}
		}
	}
	return nil
}

func (a *Answer) write(w http.ResponseWriter, r *http.Request) {
	if a.Echo != nil {
		made := a.Echo(r)
		a = &made
	}
	switch {
	case a.Never:
		<-r.Context().Done()
		return
	case a.Drop:
		panic(http.ErrAbortHandler)
	case a.Raw != "":
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_, _ = io.WriteString(conn, a.Raw)
			_ = conn.Close()
		}
		return
	}
	maps.Copy(w.Header(), a.Header)
	body := a.Bytes
	if body == nil {
		body = []byte(a.Body)
	}
	if a.Promise > 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(a.Promise, 10))
	}
	if a.Zipped {
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.WriteHeader(a.Status)
	var to io.Writer = &counter{w, a.Sent}
	flush := func() {}
	if a.Zipped {
		zipped := gzip.NewWriter(to)
		defer zipped.Close()
		to = zipped
		flush = func() {
			_ = zipped.Flush()
			_ = http.NewResponseController(w).Flush()
		}
	}
	_, _ = to.Write(body)
	if a.Stall {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	}
	chunk := bytes.Repeat([]byte{' '}, 32<<10)
	for left := a.Filler; left > 0; left -= int64(len(chunk)) {
		if left%(1<<20) == 0 {
			flush() // else the packer keeps what would be read long since
		}
		if _, err := to.Write(chunk[:min(left, int64(len(chunk)))]); err != nil {
			return
		}
	}
	if a.Promise > 0 {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // so that the connection ends here
	}
}

type counter struct {
	io.Writer
	sent *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	if c.sent != nil {
		c.sent.Add(int64(n))
	}
	return n, err
}
