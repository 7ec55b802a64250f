package awstest

import "encoding/json"

// Set writes a value as a test's preparation: a new secret of the default
// account, or a new current version of the one that is there. It is no call: no
// permission is asked, no fault happens, and [Server.Calls] does not show it. The
// service's own rules hold, and a refusal is an [*APIError]. It returns the version's id.
func (s *Server) Set(name, value string) (versionID string, err error) {
	out, refused := s.seed(createSecret, map[string]string{"Name": name, "ClientRequestToken": newUUID(), "SecretString": value})
	if refused != nil && refused.Code == "ResourceExistsException" {
		out, refused = s.seed(putSecretValue, map[string]string{"SecretId": name, "ClientRequestToken": newUUID(), "SecretString": value})
	}
	if refused != nil {
		return "", refused
	}
	return out.(written).VersionId, nil
}

func (s *Server) seed(run operation, in any) (any, *APIError) {
	body, err := json.Marshal(in)
	if err != nil {
		panic("awstest: texts are not JSON")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock()
	s.expire(now)
	return run(s, &request{account: s.cfg.Account, trusted: true, now: now, body: body})
}
