package awstest

import "slices"

type batchInput struct {
	SecretIdList []string
	Filters      []filter
	MaxResults   *int
	NextToken    *string
}

type batchAnswer struct {
	SecretValues []*valueAnswer
	Errors       []batchError
	NextToken    string `json:",omitempty"`
}

type batchError struct {
	SecretId, ErrorCode, Message string
}

const maxBatch = 20

func batchGetSecretValue(s *Server, r *request) (any, *APIError) {
	in, err := decode[batchInput](r)
	if err != nil {
		return nil, err
	}
	c := s.check().page(maxBatch, in.MaxResults, in.NextToken).filters(in.Filters)
	if in.SecretIdList != nil {
		c.that(len(in.SecretIdList) >= 1 && len(in.SecretIdList) <= maxBatch, "secretIdList", "Member must have between 1 and 20 elements")
	}
	for _, id := range in.SecretIdList {
		c.secretID(id)
	}
	if c.err != nil {
		return nil, c.err
	}
	if err := s.authorize(r, "BatchGetSecretValue", ""); err != nil {
		return nil, err
	}
	switch {
	case (in.SecretIdList == nil) == (in.Filters == nil):
		return nil, invalidParameter("You must include Filters or SecretIdList, but not both.")
	case in.SecretIdList != nil && in.MaxResults != nil:
		return nil, invalidParameter("To use MaxResults, you must also use Filters.")
	case hasRepeated(in.SecretIdList):
		return nil, invalidParameter("The SecretIdList contains a secret more than once.")
	}
	return s.batch(r, in)
}

// entry is one secret of a batch, and its place for NextToken: in the list of
// ids, or in the order of creation, so that nothing shifts between two pages.
type entry struct {
	id    string
	place int
}

// batch answers from the place that the token names until the page or the
// answer is full.
func (s *Server) batch(r *request, in batchInput) (any, *APIError) {
	var asked []entry
	for i, id := range in.SecretIdList {
		asked = append(asked, entry{id, i})
	}
	if in.SecretIdList == nil {
		if err := s.authorize(r, "ListSecrets", ""); err != nil {
			return nil, err
		}
		for _, e := range s.matching(r, in.Filters, false) {
			asked = append(asked, entry{e.sec.arn, e.sec.serial})
		}
	}
	about := queryHash(in.SecretIdList, in.Filters)
	start, err := openToken[int](in.NextToken, about)
	if err != nil {
		return nil, err
	}
	asked = slices.DeleteFunc(asked, func(e entry) bool { return e.place < start })
	page := maxBatch
	if in.MaxResults != nil {
		page = *in.MaxResults
	}
	out := batchAnswer{SecretValues: []*valueAnswer{}, Errors: []batchError{}}
	size := 0
	for i, e := range asked {
		if i == page {
			out.NextToken = sealToken(e.place, about)
			break
		}
		v, err := s.read(r, getInput{SecretId: e.id})
		if err != nil {
			out.Errors = append(out.Errors, batchError{e.id, err.Code, err.Message})
			continue
		}
		if size += v.size; size > s.cfg.BatchAnswerBytes && len(out.SecretValues) > 0 {
			out.NextToken = sealToken(e.place, about)
			break
		}
		out.SecretValues = append(out.SecretValues, v)
	}
	return out, nil
}

func hasRepeated(ids []string) bool {
	sorted := slices.Sorted(slices.Values(ids))
	return len(slices.Compact(sorted)) < len(ids)
}
