package awstest

import (
	"time"
)

type putInput struct {
	SecretId, ClientRequestToken string
	SecretString                 *string
	SecretBinary                 []byte
	VersionStages                []string
}

func putSecretValue(s *Server, r *request) (any, *APIError) {
	in, err := decode[putInput](r)
	if err != nil {
		return nil, err
	}
	v := value{in.SecretString, in.SecretBinary}
	if c := s.check().secretID(in.SecretId).token(in.ClientRequestToken).stages(in.VersionStages).value(v); c.err != nil {
		return nil, c.err
	}
	find := s.writable
	if s.cfg.PutWhileDeleted {
		find = s.known
	}
	sec, err := find(r, "PutSecretValue", in.SecretId)
	if err != nil {
		return nil, err
	}
	if v.missing() {
		return nil, invalidRequest("You must provide either SecretString or SecretBinary.")
	}
	if made := sec.latest().version(in.ClientRequestToken); made != nil && !s.cfg.IgnoreClientRequestToken {
		if !made.value.equal(v) {
			return nil, tokenInUse(in.ClientRequestToken, sec)
		}
		return written{ARN: sec.arn, Name: sec.name, VersionId: made.id, VersionStages: made.stages}, nil
	}
	stages := in.VersionStages
	if stages == nil {
		stages = []string{current}
	}
	if len(sec.latest().versions) == 0 && !s.cfg.FirstPutKeepsStages {
		stages = append([]string{current}, stages...)
	}
	st := sec.edit(r.now)
	made := s.newVersion(in.ClientRequestToken, v, st.kmsKey, r.now)
	if err := s.encrypt(st.kmsKey); err != nil {
		return nil, err
	}
	if err := s.add(st, made, stages, r.now); err != nil {
		return nil, err
	}
	s.record(sec, r.now, st)
	return written{ARN: sec.arn, Name: sec.name, VersionId: made.id, VersionStages: st.version(made.id).stages}, nil
}

func (s *Server) newVersion(token string, v value, kmsKey string, now time.Time) *version {
	if s.cfg.IgnoreClientRequestToken {
		token = newUUID()
	}
	return &version{id: token, created: now, value: v, kmsKey: kmsKey}
}

// writable is the secret that an operation may change, asked in the
// service's order: permission, existence, deletion.
func (s *Server) writable(r *request, action, id string) (*secret, *APIError) {
	sec, err := s.known(r, action, id)
	if err != nil {
		return nil, err
	}
	if err := sec.latest().deleted(); err != nil {
		return nil, err
	}
	return sec, nil
}

// known is the same, of a secret that may be on its way out.
func (s *Server) known(r *request, action, id string) (*secret, *APIError) {
	if err := s.authorize(r, action, id); err != nil {
		return nil, err
	}
	sec := s.find(r.account, id)
	if sec == nil {
		return nil, noSecret()
	}
	return sec, nil
}
