package oauthtest

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// request is an authorization request, from its coming to the use of its code.
// What changes of it is guarded by the storage's lock; the library gets copies.
type request struct {
	oidc.AuthRequest
	id      string
	user    string
	done    bool
	at      time.Time // of the login
	code    string
	expires time.Time // of the code
	spent   *family   // what the code was exchanged for
}

var _ op.AuthRequest = (*request)(nil)

func (r *request) GetID() string          { return r.id }
func (r *request) GetACR() string         { return "" }
func (r *request) GetAMR() []string       { return []string{"pwd"} }
func (r *request) GetAudience() []string  { return []string{r.ClientID} }
func (r *request) GetAuthTime() time.Time { return r.at }
func (r *request) GetClientID() string    { return r.ClientID }
func (r *request) GetNonce() string       { return r.Nonce }
func (r *request) GetScopes() []string    { return r.Scopes }
func (r *request) GetSubject() string     { return r.user }
func (r *request) Done() bool             { return r.done }

func (r *request) GetCodeChallenge() *oidc.CodeChallenge {
	if r.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: r.CodeChallenge, Method: r.CodeChallengeMethod}
}

func (r *request) copy() *request {
	c := *r
	c.Scopes = slices.Clone(r.Scopes)
	return &c
}

func (s *storage) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, user string) (op.AuthRequest, error) {
	r := &request{AuthRequest: *asked, id: rand.Text(), user: user}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[r.id] = r
	return r.copy(), nil
}

func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.requests[id]; ok {
		return r.copy(), nil
	}
	return nil, errUnknown
}

// decide is the user's word on a request.
func (s *storage) decide(id, user string, yes bool) (*request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if !ok || r.done {
		return nil, errUnknown
	}
	if !yes {
		delete(s.requests, id)
		return r.copy(), nil
	}
	r.user, r.done, r.at = user, true, time.Now()
	return r.copy(), nil
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if !ok || r.code != "" {
		return errUnknown
	}
	r.code, r.expires = code, time.Now().Add(s.cfg.CodeTTL)
	s.codes[code] = r
	return nil
}

func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.codes[code]
	if !ok || time.Now().After(r.expires) {
		return nil, errUnknown
	}
	return r.copy(), nil // redeem looks whether it is spent
}

// redeem begins the family of a code, once. The caller has the lock.
func (s *storage) redeem(of *request) (*family, error) {
	r, ok := s.requests[of.id]
	if !ok || r.code == "" {
		return nil, oidc.ErrInvalidGrant()
	}
	if r.spent != nil {
		s.reuse(r.spent)
		return nil, oidc.ErrInvalidGrant()
	}
	r.spent = s.begin(r.user, r.ClientID, r.Scopes)
	s.count(r.user).Codes++
	return r.spent, nil
}

// DeleteAuthRequest is called when the code has been exchanged. It stays known, so that
// one that comes again is seen.
func (s *storage) DeleteAuthRequest(context.Context, string) error { return nil }
