package awstest

import (
	"slices"
	"strings"
)

type tagInput struct {
	SecretId string
	Tags     []tag
	TagKeys  []string
}

func tagResource(s *Server, r *request) (any, *APIError) {
	in, err := decode[tagInput](r)
	if err != nil {
		return nil, err
	}
	if c := s.check().secretID(in.SecretId).that(in.Tags != nil, "tags", "Member must not be null").tags(in.Tags); c.err != nil {
		return nil, c.err
	}
	sec, err := s.writable(r, "TagResource", in.SecretId)
	if err != nil {
		return nil, err
	}
	st := sec.edit(r.now)
	if st.tags, err = mergeTags(st.tags, in.Tags); err != nil {
		return nil, err
	}
	s.record(sec, r.now, st)
	return struct{}{}, nil
}

func untagResource(s *Server, r *request) (any, *APIError) {
	in, err := decode[tagInput](r)
	if err != nil {
		return nil, err
	}
	if c := s.check().secretID(in.SecretId).that(in.TagKeys != nil, "tagKeys", "Member must not be null"); c.err != nil {
		return nil, c.err
	}
	sec, err := s.writable(r, "UntagResource", in.SecretId)
	if err != nil {
		return nil, err
	}
	st := sec.edit(r.now)
	st.tags = slices.DeleteFunc(st.tags, func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) })
	s.record(sec, r.now, st)
	return struct{}{}, nil
}

// mergeTags adds tags or replaces those of the same key, which is case
// sensitive, within the rules for tags: 50, none that begins with "aws:".
func mergeTags(old, more []tag) ([]tag, *APIError) {
	out := slices.Clone(old)
	for _, t := range more {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalidParameter("Tag keys that begin with aws: are reserved.")
		}
		if i := slices.IndexFunc(out, func(o tag) bool { return o.Key == t.Key }); i >= 0 {
			out[i] = t
			continue
		}
		out = append(out, t)
	}
	if len(out) > maxTags {
		return nil, invalidParameter("A secret can have at most %d tags.", maxTags)
	}
	return out, nil
}
