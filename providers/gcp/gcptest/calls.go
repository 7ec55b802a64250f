package gcptest

import (
	"slices"
	"sync"
)

// Call is a call that arrived at an endpoint, whatever became of it. It has no
// part of a payload.
type Call struct {
	Method   string // such as AccessSecretVersion
	Resource string // the name or parent of the request, as the request wrote it
}

// calls is a record of calls in the order of their arrival.
type calls struct {
	mu  sync.Mutex
	all []Call
}

func (c *calls) add(call Call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, call)
}

// Calls returns the calls that arrived at any endpoint since the start or the
// last [Server.ResetCalls], in the order of their arrival. The result is the
// caller's to keep.
func (s *Server) Calls() []Call {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	return slices.Clone(s.calls.all)
}

// CountCalls is the number of those calls that have the method; an empty method
// counts all.
func (s *Server) CountCalls(method string) int {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	n := 0
	for _, call := range s.calls.all {
		if method == "" || call.Method == method {
			n++
		}
	}
	return n
}

// ResetCalls forgets the calls so far.
func (s *Server) ResetCalls() {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	s.calls.all = nil
}
