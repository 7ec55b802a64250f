package awstest

import "slices"

// KMSFailure is what is wrong with a key, see [Server.BreakKMS].
type KMSFailure int

const (
	// KMSWorks is a key that works.
	KMSWorks KMSFailure = iota
	// KMSDisabled is a key that can't be used: writes answer EncryptionFailure,
	// reads DecryptionFailure.
	KMSDisabled
	// KMSDenied is a key that the caller may not use: AccessDeniedException.
	KMSDenied
)

// DefaultKMSKey is the key of secrets that name none: AWS's own.
const DefaultKMSKey = "alias/aws/secretsmanager"

// BreakKMS makes the key, by the id that secrets name it by or
// [DefaultKMSKey], fail from now on; KMSWorks mends it.
func (s *Server) BreakKMS(key string, failure KMSFailure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[key] = failure
}

// lostKey is the key of versions whose own one is gone.
const lostKey = "arn:aws:kms:us-east-1:000000000000:key/00000000-0000-0000-0000-000000000000"

// LoseKey makes what is stored of a secret of the default account unreadable, as
// when the KMS key of its versions is deleted and the secret gets another:
// reading a version that it has by now answers DecryptionFailure, one that is
// written later does not. It is seen at once, whatever the lags, as it is no write.
func (s *Server) LoseKey(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(s.cfg.Clock())
	sec := s.find(s.cfg.Account, name)
	if sec == nil {
		return noSecret()
	}
	for i, r := range sec.revisions {
		st := *r.state
		st.versions = slices.Clone(st.versions)
		for j, v := range st.versions {
			lost := *v
			lost.kmsKey = lostKey
			st.versions[j] = &lost
		}
		sec.revisions[i].state = &st
	}
	return nil
}

func (s *Server) encrypt(key string) *APIError {
	return s.useKey(key, fail("EncryptionFailure", "Secrets Manager can't encrypt the protected secret text using the provided KMS key."))
}

func (s *Server) decrypt(key string) *APIError {
	return s.useKey(key, fail("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key."))
}

func (s *Server) useKey(key string, disabled *APIError) *APIError {
	if key == "" {
		key = DefaultKMSKey
	}
	failure := s.broken[key]
	if key == lostKey {
		failure = KMSDisabled
	}
	switch failure {
	case KMSDisabled:
		return disabled
	case KMSDenied:
		return fail("AccessDeniedException", "Access to KMS is not allowed")
	}
	return nil
}
