package awstest

import (
	"slices"
	"time"
)

// secret is what stays the same while its states come and go.
type secret struct {
	account, name, arn string
	serial             int // order of creation
	created            time.Time
	// revisions are the states, oldest first. The last one is the truth, the
	// others are what a lagging read may still see. None is ever changed.
	revisions []revision
	// accessed is the day of the last read, per secret ("") and per version.
	// It lags behind everything anyway, so it has no revisions.
	accessed map[string]time.Time
}

type revision struct {
	at    time.Time
	state *state
}

// state is a secret at one moment.
type state struct {
	description, kmsKey string
	tags                []tag
	changed             time.Time
	versions            []*version // oldest first
	deletion            *deletion
}

// version is one value. Its labels change by a copy.
type version struct {
	id      string
	created time.Time
	value   value
	kmsKey  string
	stages  []string // sorted
}

// deletion is a scheduled one, or, when forced, one that the service is at.
type deletion struct {
	asked, due time.Time
	forced     bool
}

type tag struct{ Key, Value string }

// value is a string or bytes.
type value struct {
	text   *string
	binary []byte
}

func (v value) missing() bool { return v.text == nil && v.binary == nil }

func (v value) size() int {
	if v.text != nil {
		return len(*v.text)
	}
	return len(v.binary)
}

func (v value) equal(w value) bool {
	if (v.text == nil) != (w.text == nil) {
		return false
	}
	if v.text != nil {
		return *v.text == *w.text
	}
	return string(v.binary) == string(w.binary)
}

// latest is what writes are checked against.
func (sec *secret) latest() *state { return sec.revisions[len(sec.revisions)-1].state }

// seen is the state that a read of that lag sees: nil if the secret is too new.
func (sec *secret) seen(now time.Time, lag time.Duration) *state {
	if lag <= 0 {
		return sec.latest()
	}
	for _, r := range slices.Backward(sec.revisions) {
		if !r.at.After(now.Add(-lag)) {
			return r.state
		}
	}
	return nil
}

// record makes st the truth, and forgets what no lag can show any more.
func (s *Server) record(sec *secret, now time.Time, st *state) {
	if s.cfg.DropUnlabelled {
		st.versions = slices.DeleteFunc(st.versions, func(v *version) bool { return len(v.stages) == 0 })
	}
	sec.revisions = append(sec.revisions, revision{now, st})
	old := now.Add(-max(s.cfg.ReadLag, s.cfg.ListLag, 0))
	for len(sec.revisions) > 1 && !sec.revisions[1].at.After(old) {
		sec.revisions = sec.revisions[1:]
	}
}

// edit returns a copy of the truth to change and record.
func (sec *secret) edit(now time.Time) *state {
	st := *sec.latest()
	st.versions = slices.Clone(st.versions)
	st.tags = slices.Clone(st.tags)
	st.changed = now
	return &st
}

// expire removes the secrets whose time has come: "at the end of the recovery
// window, Secrets Manager deletes the secret permanently", at any later time.
func (s *Server) expire(now time.Time) {
	s.secrets = slices.DeleteFunc(s.secrets, func(sec *secret) bool {
		d := sec.latest().deletion
		return d != nil && !now.Before(d.due)
	})
}

func (st *state) version(id string) *version {
	i := slices.IndexFunc(st.versions, func(v *version) bool { return v.id == id })
	if i < 0 {
		return nil
	}
	return st.versions[i]
}

// holder is the version with a label.
func (st *state) holder(stage string) *version {
	i := slices.IndexFunc(st.versions, func(v *version) bool { return slices.Contains(v.stages, stage) })
	if i < 0 {
		return nil
	}
	return st.versions[i]
}

// deleted is the refusal for a secret on its way out, nil for any other.
func (st *state) deleted() *APIError {
	switch {
	case st.deletion == nil:
		return nil
	case st.deletion.forced:
		return invalidRequest("You can't perform this operation on the secret because it was deleted.")
	}
	return invalidRequest("You can't perform this operation on the secret because it was marked for deletion.")
}

// stagesByVersion is what DescribeSecret and ListSecrets show: versions with labels.
func (st *state) stagesByVersion() map[string][]string {
	out := map[string][]string{}
	for _, v := range st.versions {
		if len(v.stages) > 0 {
			out[v.id] = v.stages
		}
	}
	return out
}
