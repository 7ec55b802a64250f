package awstest

type updateInput struct {
	SecretId, ClientRequestToken string
	Description, KmsKeyId        *string
	SecretString                 *string
	SecretBinary                 []byte
}

func updateSecret(s *Server, r *request) (any, *APIError) {
	in, err := decode[updateInput](r)
	if err != nil {
		return nil, err
	}
	v := value{in.SecretString, in.SecretBinary}
	c := s.check().secretID(in.SecretId).token(in.ClientRequestToken).value(v)
	if in.Description != nil {
		c.length("description", *in.Description, 0, maxDescription)
	}
	if in.KmsKeyId != nil {
		c.length("kmsKeyId", *in.KmsKeyId, 0, maxKMSKey)
	}
	if c.err != nil {
		return nil, c.err
	}
	sec, err := s.writable(r, "UpdateSecret", in.SecretId)
	if err != nil {
		return nil, err
	}
	st := sec.edit(r.now)
	if in.Description != nil {
		st.description = *in.Description
	}
	if in.KmsKeyId != nil {
		st.kmsKey = kmsKey(*in.KmsKeyId)
		if err := s.encrypt(st.kmsKey); err != nil {
			return nil, err
		}
		for i, old := range st.versions { // those with a label of rotation are encrypted anew
			for _, stage := range []string{current, previous, "AWSPENDING"} {
				if st.holder(stage) == old && old.kmsKey != lostKey {
					anew := *old
					anew.kmsKey = st.kmsKey
					st.versions[i] = &anew
				}
			}
		}
	}
	out := written{ARN: sec.arn, Name: sec.name}
	if !v.missing() {
		if st.version(in.ClientRequestToken) != nil && !s.cfg.IgnoreClientRequestToken {
			return nil, tokenInUse(in.ClientRequestToken, sec)
		}
		if err := s.encrypt(st.kmsKey); err != nil {
			return nil, err
		}
		made := s.newVersion(in.ClientRequestToken, v, st.kmsKey, r.now)
		if err := s.add(st, made, []string{current}, r.now); err != nil {
			return nil, err
		}
		out.VersionId = made.id
	}
	s.record(sec, r.now, st)
	return out, nil
}
