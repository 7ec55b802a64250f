package awstest

type describeInput struct{ SecretId string }

type description struct {
	ARN, Name          string
	Description        string `json:",omitempty"`
	KmsKeyId           string `json:",omitempty"`
	CreatedDate        *stamp
	LastChangedDate    *stamp
	LastAccessedDate   *stamp              `json:",omitempty"`
	DeletedDate        *stamp              `json:",omitempty"`
	Tags               []tag               `json:",omitempty"`
	VersionIdsToStages map[string][]string `json:",omitempty"`
}

func describeSecret(s *Server, r *request) (any, *APIError) {
	in, err := decode[describeInput](r)
	if err != nil {
		return nil, err
	}
	if c := s.check().secretID(in.SecretId); c.err != nil {
		return nil, c.err
	}
	if err := s.authorize(r, "DescribeSecret", in.SecretId); err != nil {
		return nil, err
	}
	sec, st, err := s.visible(r, in.SecretId)
	if err != nil {
		return nil, err
	}
	d := describe(sec, st)
	d.VersionIdsToStages = st.stagesByVersion()
	if st.deletion != nil {
		d.DeletedDate = stampOf(st.deletion.due) // "the date the secret is scheduled for deletion"
	}
	return d, nil
}

func describe(sec *secret, st *state) description {
	return description{
		ARN: sec.arn, Name: sec.name, Description: st.description, KmsKeyId: st.kmsKey,
		CreatedDate: stampOf(sec.created), LastChangedDate: stampOf(st.changed), LastAccessedDate: stampOf(sec.accessed[""]),
		Tags: st.tags,
	}
}
