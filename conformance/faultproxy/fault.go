package faultproxy

import (
	"io"
	"net/http"
)

// A Fault is what a [Rule] does to a request or its answer. The zero Fault does nothing.
type Fault struct {
	name    string
	kind    kind
	until   <-chan struct{} // of hold
	handler http.Handler    // of makeUp
	after   int64           // of cutBody
	how     Ending          // of cutBody
}

type kind int

const (
	pass kind = iota
	loseRequest
	hold
	makeUp
	loseAnswer
	keepAnswer
	cutBody
)

var (
	// LoseRequest resets the client's connection, and the server gets nothing of
	// the request.
	LoseRequest = Fault{name: "LoseRequest", kind: loseRequest}
	// LoseAnswer delivers the whole request, waits until the server has begun to answer, which
	// is when it has acted, and then resets the client's connection before any byte
	// of the answer.
	LoseAnswer = Fault{name: "LoseAnswer", kind: loseAnswer}
	// KeepAnswer delivers the request, and never passes the answer on. The connection stays
	// open, until the client gives up.
	KeepAnswer = Fault{name: "KeepAnswer", kind: keepAnswer}
	// Endless answers 200 with a body that does not end. The server gets nothing
	// of the request.
	Endless = Fault{name: "Endless", kind: makeUp, handler: http.HandlerFunc(endless)}
)

// CutBody passes the head of the server's answer and n bytes of its body, as it is on
// the wire, and then ends the client's connection. A body that is shorter
// passes whole, and nothing is cut.
func CutBody(n int64, how Ending) Fault {
	return Fault{name: "CutBody", kind: cutBody, after: n, how: how}
}

// Hold keeps the request from the server until the channel is closed, and then passes it, also
// if the client has given up by then. So a test can wait until several requests
// are there, or let a write arrive late.
func Hold(until <-chan struct{}) Fault { return Fault{name: "Hold", kind: hold, until: until} }

// Answer has the proxy answer by handler. The server gets nothing of the request. The
// request's context ends when the client goes, and the handler must then return. One that
// waits for that reads the body first, as with every server.
func Answer(handler http.Handler) Fault {
	return Fault{name: "Answer", kind: makeUp, handler: handler}
}

// Status is an [Answer] with a status, header fields given as names and values in turn,
// and no body: Status(429, "Retry-After", "1").
func Status(code int, fields ...string) Fault {
	return Fault{name: "Status", kind: makeUp, handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(fields); i += 2 {
			w.Header().Add(fields[i], fields[i+1])
		}
		w.WriteHeader(code)
	})}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	page := make([]byte, chunk)
	for i := range page {
		page[i] = ' '
	}
	for {
		if _, err := w.Write(page); err != nil {
			return
		}
	}
}

// A cutter passes n bytes, and then ends the connection.
type cutter struct {
	c    *conn
	left int64
	how  Ending
}

func (w *cutter) Write(b []byte) (int, error) {
	if int64(len(b)) < w.left {
		w.left -= int64(len(b))
		return w.c.Write(b)
	}
	_, _ = w.c.Write(b[:w.left])
	w.c.end(w.how)
	return 0, io.ErrClosedPipe
}
