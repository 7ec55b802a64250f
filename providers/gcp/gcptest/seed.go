package gcptest

import (
	"slices"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
)

// Seed puts a secret with versions there, oldest first, without a call: no
// rights are needed, nothing is recorded and no quota is used. The secret is
// named by projects/P[/locations/L]/secrets/S, or by its ID alone in
// [ProjectID]. Where it exists already the versions are added to it. A global
// one is replicated automatically. It panics on a name that no secret can have.
func (s *Server) Seed(secret string, payloads ...[]byte) {
	n := s.mustName(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	found := s.store.find(n, now)
	if found == nil {
		pb := &secretmanagerpb.Secret{}
		if n.location == "" {
			pb.Replication = &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{
				Automatic: &secretmanagerpb.Replication_Automatic{},
			}}
		}
		pb = (&service{Endpoint: s.Endpoint}).stored(pb, n, now)
		found = s.store.insert(n, pb, now)
	}
	for _, data := range payloads {
		v := s.store.newVersion(found, n, data, now)
		s.store.change(found, now, func() { found.versions = append(found.versions, v) })
	}
}

// Damage flips a bit in the payload of each version of a secret, as a failing disk
// or network does, and leaves the checksums as they were. What is read afterwards
// no longer matches its checksum; a [Lenient] server sends none, so that nobody can
// tell. The name is as for [Server.Seed], and nothing is recorded. It panics if the
// secret has no payload.
func (s *Server) Damage(secret string) {
	n := s.mustName(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	damaged := false
	if found := s.store.find(n, s.clock()); found != nil {
		for i, v := range found.versions {
			if len(v.data) == 0 {
				continue
			}
			next := *v
			next.data = slices.Clone(v.data)
			next.data[0] ^= 1
			found.versions[i] = &next // which no view of the past shares
			damaged = true
		}
	}
	if !damaged {
		panic("gcptest: the secret to damage has no payload")
	}
}

// Versions returns the versions of a secret as they are now, oldest first,
// without a call, and whether the secret exists. The name is as for
// [Server.Seed]. The messages must not be changed.
func (s *Server) Versions(secret string) (versions []*secretmanagerpb.SecretVersion, exists bool) {
	n := s.mustName(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.store.find(n, s.clock())
	if found == nil {
		return nil, false
	}
	for _, v := range found.versions {
		versions = append(versions, v.pb)
	}
	return versions, true
}

// mustName is the canonical name of a secret.
func (s *Server) mustName(secret string) name {
	if !strings.Contains(secret, "/") {
		secret = "projects/" + ProjectID + "/secrets/" + secret
	}
	n, ok := parseName(secret, secretName)
	if !ok {
		panic("gcptest: no secret can have the name " + secret)
	}
	n.project, _ = s.canonicalProject(n.project)
	return n
}
