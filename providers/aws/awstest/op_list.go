package awstest

import (
	"cmp"
	"slices"
	"time"
)

type listInput struct {
	Filters                []filter
	IncludePlannedDeletion bool
	MaxResults             *int
	NextToken              *string
	SortBy, SortOrder      string
}

type listAnswer struct {
	SecretList []listEntry
	NextToken  string `json:",omitempty"`
}

type listEntry struct {
	description
	SecretVersionsToStages map[string][]string `json:",omitempty"`
}

const maxPage = 100

// place is where a page ended: what the last entry was sorted by, so that
// secrets which come or go between two pages shift nothing.
type place struct {
	Key    string
	Serial int
}

func listSecrets(s *Server, r *request) (any, *APIError) {
	in, err := decode[listInput](r)
	if err != nil {
		return nil, err
	}
	c := s.check().page(maxPage, in.MaxResults, in.NextToken).filters(in.Filters).
		that(slices.Contains([]string{"", "created-date", "last-accessed-date", "last-changed-date", "name"}, in.SortBy), "sortBy", "Member must satisfy enum value set").
		that(slices.Contains([]string{"", "asc", "desc"}, in.SortOrder), "sortOrder", "Member must satisfy enum value set")
	if c.err != nil {
		return nil, c.err
	}
	if err := s.authorize(r, "ListSecrets", ""); err != nil {
		return nil, err
	}
	about := queryHash(in.Filters, in.IncludePlannedDeletion, in.SortBy, in.SortOrder)
	after, err := openToken[place](in.NextToken, about)
	if err != nil {
		return nil, err
	}
	found := s.matching(r, in.Filters, in.IncludePlannedDeletion)
	order := func(a, b place) int {
		n := cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Serial, b.Serial))
		if in.SortOrder == "desc" {
			return -n
		}
		return n
	}
	at := func(e seen) place { return place{sortKey(e, in.SortBy), e.sec.serial} }
	slices.SortFunc(found, func(a, b seen) int { return order(at(a), at(b)) })

	page := maxPage
	if in.MaxResults != nil {
		page = *in.MaxResults
	}
	out := listAnswer{SecretList: []listEntry{}}
	var last place
	for _, e := range found {
		if in.NextToken != nil && order(at(e), after) <= 0 {
			continue
		}
		if len(out.SecretList) == page {
			out.NextToken = sealToken(last, about)
			break
		}
		entry := listEntry{describe(e.sec, e.state), e.state.stagesByVersion()}
		if d := e.state.deletion; d != nil {
			entry.DeletedDate = stampOf(d.asked) // "the date and time the deletion of the secret occurred"
		}
		out.SecretList = append(out.SecretList, entry)
		last = at(e)
	}
	return out, nil
}

// seen is a secret with the state that a list shows.
type seen struct {
	sec   *secret
	state *state
}

// matching lists an account's secrets as a list sees them.
func (s *Server) matching(r *request, filters []filter, planned bool) []seen {
	var out []seen
	for _, sec := range s.secrets {
		st := sec.seen(r.now, s.cfg.ListLag)
		if sec.account != r.account || st == nil || (st.deletion != nil && (st.deletion.forced || !planned)) {
			continue
		}
		if !slices.ContainsFunc(filters, func(f filter) bool { return !f.matches(sec, st) }) {
			out = append(out, seen{sec, st})
		}
	}
	return out
}

func sortKey(e seen, by string) string {
	const sortable = "2006-01-02T15:04:05.000000000"
	date := func(t time.Time) string { return t.UTC().Format(sortable) }
	switch by {
	case "name":
		return e.sec.name
	case "last-changed-date":
		return date(e.state.changed)
	case "last-accessed-date":
		return date(e.sec.accessed[""])
	}
	return date(e.sec.created)
}

type versionsInput struct {
	SecretId          string
	IncludeDeprecated bool
	MaxResults        *int
	NextToken         *string
}

type versionsAnswer struct {
	ARN, Name string
	Versions  []versionEntry
	NextToken string `json:",omitempty"`
}

type versionEntry struct {
	VersionId        string
	CreatedDate      stamp
	KmsKeyIds        []string
	LastAccessedDate *stamp   `json:",omitempty"`
	VersionStages    []string `json:",omitempty"`
}

func listSecretVersionIds(s *Server, r *request) (any, *APIError) {
	in, err := decode[versionsInput](r)
	if err != nil {
		return nil, err
	}
	if c := s.check().secretID(in.SecretId).page(maxPage, in.MaxResults, in.NextToken); c.err != nil {
		return nil, c.err
	}
	if err := s.authorize(r, "ListSecretVersionIds", in.SecretId); err != nil {
		return nil, err
	}
	sec, st, err := s.visible(r, in.SecretId)
	if err != nil {
		return nil, err
	}
	about := queryHash(sec.arn, in.IncludeDeprecated)
	after, err := openToken[string](in.NextToken, about)
	if err != nil {
		return nil, err
	}
	page := maxPage
	if in.MaxResults != nil {
		page = *in.MaxResults
	}
	out := versionsAnswer{ARN: sec.arn, Name: sec.name, Versions: []versionEntry{}}
	skip := in.NextToken != nil && st.version(after) != nil
	for _, v := range st.versions {
		if skip {
			skip = v.id != after
			continue
		}
		if len(v.stages) == 0 && !in.IncludeDeprecated {
			continue
		}
		if len(out.Versions) == page {
			out.NextToken = sealToken(out.Versions[page-1].VersionId, about)
			break
		}
		out.Versions = append(out.Versions, versionEntry{
			VersionId: v.id, CreatedDate: stamp(v.created), KmsKeyIds: []string{cmp.Or(v.kmsKey, "DefaultEncryptionKey")},
			LastAccessedDate: stampOf(sec.accessed[v.id]), VersionStages: v.stages,
		})
	}
	return out, nil
}
