package awstest

type stageInput struct {
	SecretId, VersionStage               string
	MoveToVersionId, RemoveFromVersionId *string
}

func updateSecretVersionStage(s *Server, r *request) (any, *APIError) {
	in, err := decode[stageInput](r)
	if err != nil {
		return nil, err
	}
	c := s.check().secretID(in.SecretId).stage(in.VersionStage).
		versionID("moveToVersionId", in.MoveToVersionId).versionID("removeFromVersionId", in.RemoveFromVersionId)
	if c.err != nil {
		return nil, c.err
	}
	sec, err := s.writable(r, "UpdateSecretVersionStage", in.SecretId)
	if err != nil {
		return nil, err
	}
	st := sec.edit(r.now)
	if err := s.mayMove(st, in); err != nil {
		return nil, err
	}
	to := ""
	if in.MoveToVersionId != nil {
		to = *in.MoveToVersionId
	}
	st.move(in.VersionStage, to)
	if err := s.withinLabels(st); err != nil {
		return nil, err
	}
	s.record(sec, r.now, st)
	return written{ARN: sec.arn, Name: sec.name}, nil
}

// mayMove holds a move to the page of RemoveFromVersionId: "If the label is
// attached and you either do not specify this parameter, or the version ID does not
// match, then the operation fails." A label that is already where it should go is
// attached to no different version, so it may be moved there again without RemoveFromVersionId.
func (s *Server) mayMove(st *state, in stageInput) *APIError {
	if in.MoveToVersionId == nil && in.RemoveFromVersionId == nil {
		return invalidParameter("You must specify MoveToVersionId or RemoveFromVersionId.")
	}
	if in.MoveToVersionId != nil && st.version(*in.MoveToVersionId) == nil {
		return notFound("Secrets Manager can't find the specified secret version.")
	}
	if in.MoveToVersionId == nil && in.VersionStage == current {
		return invalidParameter("You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.")
	}
	if s.cfg.IgnoreRemoveFrom {
		return nil
	}
	holder := st.holder(in.VersionStage)
	switch {
	case in.RemoveFromVersionId != nil && (holder == nil || holder.id != *in.RemoveFromVersionId):
		return invalidParameter("The staging label %s is not attached to the version in RemoveFromVersionId.", in.VersionStage)
	case in.RemoveFromVersionId == nil && holder != nil && holder.id != *in.MoveToVersionId:
		return invalidParameter("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", in.VersionStage, holder.id)
	}
	return nil
}
