package awstest

import (
	"regexp"
	"slices"
	"strings"
)

type filter struct {
	Key    string
	Values []string
}

var (
	filterKeys   = []string{"description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"}
	filterLetter = regexp.MustCompile(`^!?[a-zA-Z0-9 :_@/+=.\-!]*$`)
)

func (c *check) filters(filters []filter) *check {
	c.that(len(filters) <= 10, "filters", "Member must have at most 10 elements")
	for _, f := range filters {
		c.that(slices.Contains(filterKeys, f.Key), "filters.key", "Member must satisfy enum value set")
		c.that(len(f.Values) >= 1 && len(f.Values) <= 10, "filters.values", "Member must have between 1 and 10 elements")
		for _, v := range f.Values {
			c.length("filters.values", v, 0, 512).that(filterLetter.MatchString(v), "filters.values", "Member must satisfy its pattern")
		}
	}
	return c
}

// matches holds a secret to one filter: one of the plain values must match, and
// none of those behind an exclamation mark may.
func (f filter) matches(sec *secret, st *state) bool {
	plain, matched := false, false
	for _, v := range f.Values {
		if not, ok := strings.CutPrefix(v, "!"); ok {
			if f.matchesOne(sec, st, not) {
				return false
			}
			continue
		}
		plain = true
		matched = matched || f.matchesOne(sec, st, v)
	}
	return matched || !plain
}

func (f filter) matchesOne(sec *secret, st *state, v string) bool {
	prefix := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return strings.HasPrefix(t, v) })
	}
	var keys, values []string
	for _, t := range st.tags {
		keys, values = append(keys, t.Key), append(values, t.Value)
	}
	switch f.Key {
	case "name":
		return prefix(sec.name)
	case "tag-key":
		return prefix(keys...)
	case "tag-value":
		return prefix(values...)
	case "description":
		return strings.HasPrefix(strings.ToLower(st.description), strings.ToLower(v))
	case "all":
		all := strings.ToLower(strings.Join(slices.Concat([]string{sec.name, st.description}, keys, values), "\n"))
		return !slices.ContainsFunc(strings.Fields(strings.ToLower(v)), func(word string) bool { return !strings.Contains(all, word) })
	}
	return false // primary-region and owning-service: the fake has no replicas and no managed secrets
}
