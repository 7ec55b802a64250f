package awstest

import (
	"slices"
	"time"
)

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	// young versions are never pruned.
	young = 24 * time.Hour
)

// relabel replaces a version by a copy with other labels.
func (st *state) relabel(id string, change func([]string) []string) {
	i := slices.IndexFunc(st.versions, func(v *version) bool { return v.id == id })
	if i < 0 {
		return
	}
	v := *st.versions[i]
	v.stages = change(slices.Clone(v.stages))
	slices.Sort(v.stages)
	v.stages = slices.Compact(v.stages)
	st.versions[i] = &v
}

// move takes a label from where it is, and puts it on a version unless to is "".
// When AWSCURRENT leaves a version for another, AWSPREVIOUS follows to the one that it left.
func (st *state) move(stage, to string) {
	from := st.holder(stage)
	if from != nil && from.id == to {
		return
	}
	if from != nil {
		st.relabel(from.id, func(all []string) []string {
			return slices.DeleteFunc(all, func(s string) bool { return s == stage })
		})
	}
	if to == "" {
		return
	}
	st.relabel(to, func(all []string) []string { return append(all, stage) })
	if stage == current && from != nil {
		st.move(previous, from.id)
	}
}

// labels counts the labels over all versions, which is what the quota counts.
func (st *state) labels() int {
	n := 0
	for _, v := range st.versions {
		n += len(v.stages)
	}
	return n
}

// add puts a new version in, with its labels, within the quotas.
func (s *Server) add(st *state, v *version, stages []string, now time.Time) *APIError {
	if !s.cfg.NoVersionQuota {
		st.prune(s.cfg.VersionQuota-1, now)
		if len(st.versions) >= s.cfg.VersionQuota {
			return limitExceeded("The secret has reached its quota of %d versions. Versions created in the last 24 hours are kept.", s.cfg.VersionQuota)
		}
	}
	st.versions = append(st.versions, v)
	for _, stage := range stages {
		st.move(stage, v.id)
	}
	return s.withinLabels(st)
}

func (s *Server) withinLabels(st *state) *APIError {
	if st.labels() > s.cfg.LabelQuota {
		return limitExceeded("The secret has reached its quota of %d staging labels over all versions.", s.cfg.LabelQuota)
	}
	return nil
}

// prune removes the oldest versions until keep are left, but none with a
// label and none of the last 24 hours.
func (st *state) prune(keep int, now time.Time) {
	excess := len(st.versions) - keep
	st.versions = slices.DeleteFunc(slices.Clone(st.versions), func(v *version) bool {
		if excess <= 0 || len(v.stages) > 0 || now.Sub(v.created) < young {
			return false
		}
		excess--
		return true
	})
}
