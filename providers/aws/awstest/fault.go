package awstest

import (
	"net/http"
	"slices"
)

// Fault is something that goes wrong with some calls. Its zero value matches
// the next call of any operation and cuts its connection before it has an effect.
type Fault struct {
	// Operation is the one it happens to, any if it is "".
	Operation string
	// Secret is a pattern for the name or ARN that the request gives, as in
	// [Server.Deny]: any if it is "". A batch matches if one of its ids does.
	Secret string
	// Skip is how many matching calls pass first.
	Skip int
	// Times is how many calls it then happens to: 0 is one, below 0 is all.
	Times int
	// AfterEffect lets the operation happen first, so that only its answer is
	// lost or replaced.
	AfterEffect bool
	// Answer is sent in place of the real answer; nil cuts the connection.
	Answer *APIError
	// Wait, if it is not nil, holds the request until the channel is closed, or
	// the client is gone, at the point of the fault: before the effect, or after it. A
	// client that goes while it waits does not take its request back.
	Wait <-chan struct{}
	// Pass lets the real answer through after Wait, so that the fault is a delay alone.
	Pass bool
}

type planned struct {
	Fault
	seen, done int
}

// Inject makes f happen from now on. The function that it returns takes it
// back. Of several faults that match a call, the one injected first happens.
func (s *Server) Inject(f Fault) (remove func()) {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	p := &planned{Fault: f}
	s.faults = append(s.faults, p)
	return func() {
		s.faultMu.Lock()
		defer s.faultMu.Unlock()
		s.faults = slices.DeleteFunc(s.faults, func(q *planned) bool { return q == p })
	}
}

func (s *Server) faultFor(c *Call) *Fault {
	s.faultMu.Lock()
	defer s.faultMu.Unlock()
	for _, p := range s.faults {
		if p.Operation != "" && p.Operation != c.Operation {
			continue
		}
		if p.Secret != "" && !slices.ContainsFunc(c.SecretIDs, func(id string) bool { return glob(p.Secret, id) }) {
			continue
		}
		times := p.Times
		if times == 0 {
			times = 1
		}
		if times > 0 && p.done >= times {
			continue
		}
		p.seen++
		if p.seen <= p.Skip {
			continue
		}
		p.done++
		return &p.Fault
	}
	return nil
}

// hold waits as the fault says. The client that has gone has nothing to be answered.
func (f *Fault) hold(r *http.Request) {
	if f.Wait == nil {
		return
	}
	select {
	case <-f.Wait:
	case <-r.Context().Done():
	}
}
