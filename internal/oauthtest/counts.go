package oauthtest

import (
	"slices"
	"time"
)

// Counts are what the server did for a user. The user of client credentials is
// the client's id.
type Counts struct {
	Codes             int // authorization codes exchanged
	Devices           int // device codes exchanged
	ClientCredentials int // tokens for the application itself
	Refreshes         int // refresh tokens exchanged
	Reuses            int // spent refresh tokens and codes that came again
	Revocations       int // connections that were revoked for that
	Disconnects       int // connections that their client revoked (RFC 7009)
}

// count returns a user's. The caller has the lock.
func (s *storage) count(user string) *Counts {
	c, ok := s.counts[user]
	if !ok {
		c = &Counts{}
		s.counts[user] = c
	}
	return c
}

// Counts returns what the server did for a user so far.
func (s *Server) Counts(user string) Counts {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return *s.store.count(user)
}

// Family is what became of one consent.
type Family struct {
	User, Client string
	Scopes       []string // granted
	Refreshes    int
	Reuses       int
	Revoked      bool // as a spent token came again
	Disconnected bool // by the client
}

// Families returns a user's connections, the oldest first.
func (s *Server) Families(user string) []Family {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	var all []Family
	for _, f := range s.store.families {
		if f.user == user {
			all = append(all, Family{
				User: f.user, Client: f.client, Scopes: slices.Clone(f.scopes),
				Refreshes: f.refreshes, Reuses: f.reuses, Revoked: f.revoked, Disconnected: f.ended,
			})
		}
	}
	return all
}

// ExpireAccessTokens ends all access tokens now: the resource server answers 401 to
// them. Their clients were told another time.
func (s *Server) ExpireAccessTokens() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, t := range s.store.access {
		t.expires = time.Time{}
	}
}

// Disconnect ends all connections of a user, as the user does on the provider's
// pages: access and refresh tokens are refused from now on.
func (s *Server) Disconnect(user string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	for _, f := range s.store.families {
		if f.user == user {
			f.ended = true
		}
	}
}

// SetAccessTTL changes how long access tokens live that are given from now on.
func (s *Server) SetAccessTTL(d time.Duration) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.cfg.AccessTTL = d
}
