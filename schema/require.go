package schema

import (
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// requirementFaults says what contradicts itself about when a value must be
// there.
func (s Spec) requirementFaults() []string {
	var wrong []string
	group := s.AnyOf + s.OneOf
	switch {
	case s.AnyOf != "" && s.OneOf != "":
		wrong = append(wrong, "it is in one group by AnyOf and in another by OneOf; it can be in one only")
	case group != "" && !isName(group):
		wrong = append(wrong, `the name of a group is letters, digits, "_", "-" and ".", beginning with a letter`)
	case group != "" && (s.Optional || len(s.RequiredIn) > 0):
		wrong = append(wrong, "a member of a group is optional by itself, so Optional and RequiredIn are not for it")
	case s.Optional && len(s.RequiredIn) > 0:
		wrong = append(wrong, "Optional and RequiredIn contradict each other")
	}
	if slices.Contains(s.RequiredIn, "") {
		wrong = append(wrong, "RequiredIn holds an empty name")
	}
	return wrong
}

func (d *definition) requiredIn(environment string) bool {
	return Meta{Spec: d.spec}.RequiredInEnvironment(environment)
}

// judgeGroups finds the groups that are not as they must be. One of which a
// member was not asked for, or could not be told, is not judged: it may be
// that one. More than one of a OneOf is wrong whatever else there is.
func (r *readings) judgeGroups(defs []*definition) {
	if r.err != nil {
		return
	}
	seen := map[groupKey]bool{}
	for _, d := range defs {
		key := d.group()
		if key.name == "" || seen[key] {
			continue
		}
		seen[key] = true
		members := key.members(defs)
		var there []*definition
		told := true
		for _, m := range members {
			told = told && r.failed[m.spec.ID] == nil && slices.ContainsFunc(defs, func(d *definition) bool { return d.spec.ID == m.spec.ID })
			if r.has(m.spec.ID) {
				there = append(there, m)
			}
		}
		there = slices.CompactFunc(there, func(a, b *definition) bool { return a.spec.ID == b.spec.ID })
		var wrong []*definition
		what, kind := "", error(nil)
		switch {
		case len(there) == 0 && told:
			wrong, kind = members, core.ErrNotFound
			what = `at least one of the group "` + key.name + `" must be there: `
			if key.exactly {
				what = `one of the group "` + key.name + `" must be there: `
			}
		case len(there) > 1 && key.exactly:
			wrong, kind = there, core.ErrInvalidValue
			what = `only one of the group "` + key.name + `" may be there: `
		}
		what += listed(members)
		for _, m := range defs {
			if !slices.ContainsFunc(wrong, func(w *definition) bool { return w.spec.ID == m.spec.ID }) || m.group() != key {
				continue
			}
			if r.groups == nil {
				r.groups = map[*definition]Problem{}
			}
			r.groups[m] = m.problem("", RuleGroup, "", &core.Error{Op: "get", ID: m.spec.ID, Kind: kind, Hint: what})
		}
	}
}

// groupKey is a group of a set.
type groupKey struct {
	set     *Set
	name    string
	exactly bool
}

func (d *definition) group() groupKey {
	return groupKey{set: d.set, name: d.spec.AnyOf + d.spec.OneOf, exactly: d.spec.OneOf != ""}
}

// members are those of the set, or of defs where there is no set, one an id.
func (k groupKey) members(defs []*definition) []*definition {
	if k.set != nil {
		defs = nil
		for _, d := range k.set.list() {
			defs = append(defs, d.base())
		}
	}
	var members []*definition
	for _, d := range defs {
		if d.group() == k && !slices.ContainsFunc(members, func(m *definition) bool { return m.spec.ID == d.spec.ID }) {
			members = append(members, d)
		}
	}
	return members
}

func listed(members []*definition) string {
	ids := make([]string, len(members))
	for i, m := range members {
		ids[i] = m.spec.ID
	}
	return strings.Join(ids, ", ")
}
