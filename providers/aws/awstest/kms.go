package awstest

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
	switch s.broken[key] {
	case KMSDisabled:
		return disabled
	case KMSDenied:
		return fail("AccessDeniedException", "Access to KMS is not allowed")
	}
	return nil
}
