package awstest

import "time"

type getInput struct {
	SecretId                string
	VersionId, VersionStage *string
}

// valueAnswer is the answer of GetSecretValue and an entry of a batch.
type valueAnswer struct {
	ARN, Name, VersionId string
	CreatedDate          stamp
	SecretString         *string  `json:",omitempty"`
	SecretBinary         []byte   `json:",omitempty"`
	VersionStages        []string `json:",omitempty"`
	size                 int
}

func getSecretValue(s *Server, r *request) (any, *APIError) {
	in, err := decode[getInput](r)
	if err != nil {
		return nil, err
	}
	c := s.check().secretID(in.SecretId).versionID("versionId", in.VersionId)
	if in.VersionStage != nil {
		c.stage(*in.VersionStage)
	}
	if c.err != nil {
		return nil, c.err
	}
	out, err := s.read(r, in)
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Server) read(r *request, in getInput) (*valueAnswer, *APIError) {
	if err := s.authorize(r, "GetSecretValue", in.SecretId, text(in.VersionId), text(in.VersionStage)); err != nil {
		return nil, err
	}
	sec, st, err := s.visible(r, in.SecretId)
	if err != nil {
		return nil, err
	}
	if err := st.deleted(); err != nil {
		return nil, err
	}
	v, err := s.choose(st, in)
	if err != nil {
		return nil, err
	}
	if err := s.decrypt(v.kmsKey); err != nil {
		return nil, err
	}
	sec.touch(v.id, r.now)
	return &valueAnswer{
		ARN: sec.arn, Name: sec.name, VersionId: v.id, CreatedDate: stamp(v.created),
		SecretString: v.value.text, SecretBinary: v.value.binary, VersionStages: v.stages, size: v.value.size(),
	}, nil
}

// visible is a secret as a read sees it, which may be late.
func (s *Server) visible(r *request, id string) (*secret, *state, *APIError) {
	sec := s.find(r.account, id)
	if sec == nil {
		return nil, nil, noSecret()
	}
	st := sec.seen(r.now, s.cfg.ReadLag)
	if st == nil {
		return nil, nil, noSecret()
	}
	return sec, st, nil
}

// choose finds the version: by id and stage, which must agree, by one of
// them, or AWSCURRENT.
func (s *Server) choose(st *state, in getInput) (*version, *APIError) {
	if in.VersionId != nil {
		v := st.version(*in.VersionId)
		if v == nil {
			return nil, notFound("Secrets Manager can't find the specified secret value for VersionId: %s", *in.VersionId)
		}
		if in.VersionStage != nil && st.holder(*in.VersionStage) != v {
			return nil, invalidRequest("You provided a VersionStage that is not associated to the provided VersionId.")
		}
		return v, nil
	}
	if in.VersionStage == nil && s.cfg.IgnoreDefaultStage && len(st.versions) > 0 {
		return st.versions[len(st.versions)-1], nil
	}
	stage := current
	if in.VersionStage != nil {
		stage = *in.VersionStage
	}
	if v := st.holder(stage); v != nil {
		return v, nil
	}
	return nil, notFound("Secrets Manager can't find the specified secret value for staging label: %s", stage)
}

// touch notes the day of a read: LastAccessedDate has no time of day.
func (sec *secret) touch(version string, now time.Time) {
	if sec.accessed == nil {
		sec.accessed = map[string]time.Time{}
	}
	day := now.UTC().Truncate(24 * time.Hour)
	sec.accessed[""], sec.accessed[version] = day, day
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
