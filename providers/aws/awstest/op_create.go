package awstest

import "slices"

type createInput struct {
	Name, ClientRequestToken, Description, KmsKeyId string
	SecretString                                    *string
	SecretBinary                                    []byte
	Tags                                            []tag
}

// written is the answer of the operations that write.
type written struct {
	ARN, Name     string
	VersionId     string   `json:",omitempty"`
	VersionStages []string `json:",omitempty"`
}

func createSecret(s *Server, r *request) (any, *APIError) {
	in, err := decode[createInput](r)
	if err != nil {
		return nil, err
	}
	v := value{in.SecretString, in.SecretBinary}
	c := s.check().name(in.Name).token(in.ClientRequestToken).length("description", in.Description, 0, maxDescription).
		length("kmsKeyId", in.KmsKeyId, 0, maxKMSKey).tags(in.Tags).value(v)
	if c.err != nil {
		return nil, c.err
	}
	if err := s.authorize(r, "CreateSecret", in.Name); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.authorize(r, "TagResource", in.Name); err != nil {
			return nil, err
		}
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	if old := s.first(func(sec *secret) bool { return sec.account == r.account && sec.name == in.Name }); old != nil {
		return s.createAgain(old, in.ClientRequestToken, v)
	}
	if s.countOf(r.account) >= s.cfg.SecretQuota {
		return nil, limitExceeded("The account has reached its quota of %d secrets in this region.", s.cfg.SecretQuota)
	}

	st := &state{description: in.Description, kmsKey: kmsKey(in.KmsKeyId), tags: tags, changed: r.now}
	out := written{ARN: s.newARN(r.account, in.Name), Name: in.Name}
	if !v.missing() {
		if err := s.encrypt(st.kmsKey); err != nil {
			return nil, err
		}
		first := s.newVersion(in.ClientRequestToken, v, st.kmsKey, r.now)
		if err := s.add(st, first, []string{current}, r.now); err != nil {
			return nil, err
		}
		out.VersionId = first.id
	}
	s.serial++
	sec := &secret{account: r.account, name: in.Name, arn: out.ARN, serial: s.serial, created: r.now}
	s.record(sec, r.now, st)
	s.secrets = append(s.secrets, sec)
	return out, nil
}

// createAgain is a create on a name that is taken: ignored if it is the same
// request, by its token and value, and refused otherwise.
func (s *Server) createAgain(old *secret, token string, v value) (any, *APIError) {
	st := old.latest()
	if st.deletion != nil {
		return nil, invalidRequest("You can't create this secret because a secret with this name is already scheduled for deletion.")
	}
	if made := st.version(token); made != nil && !s.cfg.IgnoreClientRequestToken {
		if !made.value.equal(v) {
			return nil, tokenInUse(token, old)
		}
		return written{ARN: old.arn, Name: old.name, VersionId: made.id}, nil
	}
	return nil, exists("The operation failed because the secret %s already exists.", old.name)
}

func tokenInUse(token string, sec *secret) *APIError {
	return exists("You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", token, sec.arn)
}

func (s *Server) countOf(account string) int {
	n := 0
	for _, sec := range s.secrets {
		if sec.account == account {
			n++
		}
	}
	return n
}

// kmsKey is "" for the managed key, which answers never name.
func kmsKey(id string) string {
	if slices.Contains([]string{DefaultKMSKey, "aws/secretsmanager"}, id) {
		return ""
	}
	return id
}
