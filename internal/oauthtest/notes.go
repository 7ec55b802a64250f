package oauthtest

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Request is what came to an endpoint, and what became of it.
type Request struct {
	Path      string
	Grant     string   // the grant_type
	Auth      string   // how the client authenticated; empty for several ways at once
	Resources []string // RFC 8707
	Status    int
	Error     string // the code of RFC 6749 section 5.2
}

// notes are what tests ask about later.
type notes struct {
	mu       sync.Mutex
	requests []Request
	issued   []issued
	known    map[string]bool
	ids      map[string]bool // of assertions
}

type issued struct{ kind, value string }

func (s *Server) seen(r Request) {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	s.notes.requests = append(s.notes.requests, r)
}

// Requests returns what came to the token, revocation and device endpoints, in the
// order of the answers.
func (s *Server) Requests() []Request {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	return slices.Clone(s.notes.requests)
}

// TokenRequests returns how many requests with a grant came to the token endpoint;
// with "", how many in all.
func (s *Server) TokenRequests(grant string) int {
	n := 0
	for _, r := range s.Requests() {
		if r.Path == TokenPath && (grant == "" || r.Grant == grant) {
			n++
		}
	}
	return n
}

// once returns whether an assertion's id is there and was not there before.
func (n *notes) once(id string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id == "" || n.ids[id] {
		return false
	}
	if n.ids == nil {
		n.ids = map[string]bool{}
	}
	n.ids[id] = true
	return true
}

// note remembers a secret, for Leaks.
func (s *Server) note(kind, value string) {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	if value == "" || s.notes.known[value] {
		return
	}
	if s.notes.known == nil {
		s.notes.known = map[string]bool{}
	}
	s.notes.known[value] = true
	s.notes.issued = append(s.notes.issued, issued{kind, value})
}

// Watch has Leaks look for a secret of a test's own, too.
func (s *Server) Watch(kind, value string) { s.note(kind, value) }

// Issued returns how many secrets of each kind Leaks looks for: "access token",
// "refresh token", "id token", "code", "device code", "code verifier", "client
// secret", "client assertion", and those of [Server.Watch].
func (s *Server) Issued() map[string]int {
	s.notes.mu.Lock()
	defer s.notes.mu.Unlock()
	n := map[string]int{}
	for _, i := range s.notes.issued {
		n[i.kind]++
	}
	return n
}

// Leaks returns the kinds of secrets that stand in a text: tokens, codes, verifiers,
// assertions and client secrets that the server gave out or was sent, whole,
// their first or last 16 characters, or encoded for a URL or in base64. It never
// returns one itself.
func (s *Server) Leaks(text []byte) []string {
	s.notes.mu.Lock()
	all := slices.Clone(s.notes.issued)
	s.notes.mu.Unlock()
	var kinds []string
	for _, i := range all {
		if !slices.Contains(kinds, i.kind) && slices.ContainsFunc(forms(i.value), func(form string) bool {
			return bytes.Contains(text, []byte(form))
		}) {
			kinds = append(kinds, i.kind)
		}
	}
	return kinds
}

// forms are the ways in which a secret may stand in a text.
func forms(value string) []string {
	const part = 16
	all := []string{value, url.QueryEscape(value), strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "=")}
	if len(value) > 2*part {
		all = append(all, value[:part], value[len(value)-part:])
	}
	return all
}
