package oauthtest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// api counts what the resource server is asked.
type api struct {
	mu      sync.Mutex
	ok      map[string]int // by user
	refused map[string]int // by user; "" are tokens that are nobody's, and requests without
}

// Answer is what the resource server says, as JSON.
type Answer struct {
	User  string `json:"user"`
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"` // of the request's body
}

// RefusedBody is the body of each 401 of the resource server.
const RefusedBody = `{"error":"invalid_token","about":"the whole of this text reaches the caller"}`

// serveAPI is the resource server: all paths below /api/.
func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		http.NotFound(w, r)
		return
	}
	n, _ := io.Copy(io.Discard, r.Body)
	user, ok := s.bearer(r)
	s.api.mu.Lock()
	if s.api.ok == nil {
		s.api.ok, s.api.refused = map[string]int{}, map[string]int{}
	}
	if ok {
		s.api.ok[user]++
	} else {
		s.api.refused[user]++
	}
	s.api.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`) // RFC 6750 section 3.1
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, RefusedBody)
		return
	}
	_ = json.NewEncoder(w).Encode(Answer{User: user, Path: r.URL.Path, Bytes: n})
}

// bearer returns whose token a request has, and whether it is good.
func (s *Server) bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	plain, err := s.provider.Crypto().Decrypt(token)
	if err != nil {
		return "", false
	}
	id, user, _ := strings.Cut(plain, ":")
	switch s.store.check(id) {
	case fresh:
		return user, true
	case expired:
		return user, false
	}
	return "", false
}

// Served returns how many requests of a user the resource server has answered.
func (s *Server) Served(user string) int {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	return s.api.ok[user]
}

// Refused returns how many requests with a user's token got a 401; for "", those
// without a token that is anybody's.
func (s *Server) Refused(user string) int {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	return s.api.refused[user]
}
