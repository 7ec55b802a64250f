package awstest

import "time"

type deleteInput struct {
	SecretId                   string
	ForceDeleteWithoutRecovery bool
	RecoveryWindowInDays       *int64
}

type deleteAnswer struct {
	ARN, Name    string
	DeletionDate stamp
}

func deleteSecret(s *Server, r *request) (any, *APIError) {
	in, err := decode[deleteInput](r)
	if err != nil {
		return nil, err
	}
	if c := s.check().secretID(in.SecretId); c.err != nil {
		return nil, c.err
	}
	window := int64(30)
	if in.RecoveryWindowInDays != nil {
		window = *in.RecoveryWindowInDays
		if in.ForceDeleteWithoutRecovery {
			return nil, invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
		}
	}
	if window < 7 || window > 30 {
		return nil, invalidParameter("RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	}
	if err := s.authorize(r, "DeleteSecret", in.SecretId); err != nil {
		return nil, err
	}
	sec := s.find(r.account, in.SecretId)
	switch {
	case sec == nil && in.ForceDeleteWithoutRecovery: // "does not return ResourceNotFoundException"
		name := friendlyName(in.SecretId)
		return deleteAnswer{ARN: s.newARN(r.account, name), Name: name, DeletionDate: stamp(r.now)}, nil
	case sec == nil:
		return nil, noSecret()
	}
	if d := sec.latest().deletion; d != nil && !d.forced && !in.ForceDeleteWithoutRecovery && s.cfg.DeleteAgain {
		return deleteAnswer{ARN: sec.arn, Name: sec.name, DeletionDate: stamp(d.due)}, nil
	} else if d != nil && !in.ForceDeleteWithoutRecovery {
		return nil, invalidRequest("You tried to perform the operation on a secret that's currently marked deleted.")
	} else if d != nil && d.forced {
		return deleteAnswer{ARN: sec.arn, Name: sec.name, DeletionDate: stamp(d.asked)}, nil
	}

	st := sec.edit(r.now)
	st.deletion = &deletion{asked: r.now, due: r.now.Add(time.Duration(window) * 24 * time.Hour)}
	answer := deleteAnswer{ARN: sec.arn, Name: sec.name, DeletionDate: stamp(st.deletion.due)}
	if in.ForceDeleteWithoutRecovery {
		st.deletion = &deletion{asked: r.now, due: r.now.Add(s.cfg.ForceDeleteDelay), forced: true}
		answer.DeletionDate = stamp(r.now)
	}
	s.record(sec, r.now, st)
	return answer, nil
}

func restoreSecret(s *Server, r *request) (any, *APIError) {
	in, err := decode[describeInput](r)
	if err != nil {
		return nil, err
	}
	if c := s.check().secretID(in.SecretId); c.err != nil {
		return nil, c.err
	}
	if err := s.authorize(r, "RestoreSecret", in.SecretId); err != nil {
		return nil, err
	}
	sec := s.find(r.account, in.SecretId)
	if sec == nil {
		return nil, noSecret()
	}
	if d := sec.latest().deletion; d != nil {
		if d.forced {
			return nil, sec.latest().deleted()
		}
		st := sec.edit(r.now)
		st.deletion = nil
		s.record(sec, r.now, st)
	}
	return written{ARN: sec.arn, Name: sec.name}, nil
}
