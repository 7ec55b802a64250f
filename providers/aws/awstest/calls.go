package awstest

import "slices"

// Call is one request that reached the fake. It has no values.
type Call struct {
	// Operation is the part of X-Amz-Target after the dot, for example GetSecretValue.
	Operation string
	// SecretIDs are the names or ARNs that the request gave: one for most
	// operations, all for a batch, none for ListSecrets. For CreateSecret it is the name.
	SecretIDs []string
	// Token is the ClientRequestToken, if the operation has one.
	Token string
	// Code is the error code of the answer, "" for success. A call whose
	// answer was lost has what the client would have seen.
	Code string
	// Lost says that an injected fault took the answer away, or the request.
	Lost bool
}

// Calls returns what reached the fake since it began or since
// [Server.ResetCalls], in order of arrival, refused requests too.
func (s *Server) Calls() []Call {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	out := make([]Call, len(s.calls))
	for i, c := range s.calls {
		out[i] = *c
		out[i].SecretIDs = slices.Clone(c.SecretIDs)
	}
	return out
}

// CountCalls counts the calls of one operation, or of all if it is "".
func (s *Server) CountCalls(operation string) int {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	n := 0
	for _, c := range s.calls {
		if operation == "" || c.Operation == operation {
			n++
		}
	}
	return n
}

// ResetCalls forgets the calls so far.
func (s *Server) ResetCalls() {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	s.calls = nil
}

func (s *Server) arrive(operation string, about subject) *Call {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	c := &Call{Operation: operation, SecretIDs: about.ids(), Token: about.ClientRequestToken}
	s.calls = append(s.calls, c)
	return c
}

func (s *Server) answered(c *Call, err *APIError, lost bool) {
	s.callMu.Lock()
	defer s.callMu.Unlock()
	if err != nil {
		c.Code = err.Code
	}
	c.Lost = lost
}
