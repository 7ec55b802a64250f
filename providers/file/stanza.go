package file

import (
	"strings"
	"time"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/core"
)

// stanzaType is the type of the one stanza that this package adds to the
// header of an age file:
//
//	-> lukko.dev/v1 ID VERSION TIME RECIPIENTS
//
// with an empty body. age's MAC over the header, under the file's key,
// authenticates it; other programs ignore it.
const (
	stanzaType   = "lukko.dev/v1"
	stanzaFamily = "lukko.dev/"
	unknownTime  = "-"
)

// meta is what the stanza tells.
type meta struct {
	id         string
	version    string
	created    time.Time // zero if it isn't known
	recipients string    // the digest of the set that the file was made for
}

func (m *meta) stanza() *age.Stanza {
	created := unknownTime
	if !m.created.IsZero() {
		created = m.created.UTC().Format(time.RFC3339Nano)
	}
	return &age.Stanza{Type: stanzaType, Args: []string{m.id, m.version, created, m.recipients}}
}

// metaOf finds the stanza in a header. It returns nil if there is none, which
// is somebody's plain age file.
func metaOf(stanzas []*age.Stanza) (*meta, error) {
	var found *meta
	for _, s := range stanzas {
		if !strings.HasPrefix(s.Type, stanzaFamily) {
			continue
		}
		if s.Type != stanzaType {
			return nil, corrupt("the file was written by a newer version of Lukko; upgrade to read it")
		}
		if found != nil {
			return nil, corrupt("the file has two stanzas of Lukko; it was tampered with")
		}
		m, ok := parseStanza(s)
		if !ok {
			return nil, corrupt("the file's stanza of Lukko is malformed")
		}
		found = m
	}
	return found, nil
}

func parseStanza(s *age.Stanza) (*meta, bool) {
	if len(s.Args) != 4 || len(s.Body) != 0 {
		return nil, false
	}
	m := &meta{id: s.Args[0], version: s.Args[1], recipients: s.Args[3]}
	if core.CheckID(m.id) != nil || !isDigest(m.recipients) {
		return nil, false
	}
	if _, ok := versionNumber(m.version); !ok {
		return nil, false
	}
	if s.Args[2] != unknownTime {
		created, err := time.Parse(time.RFC3339Nano, s.Args[2])
		if err != nil {
			return nil, false
		}
		m.created = created.UTC()
	}
	return m, true
}

// check says whether the file belongs where it was found: version is empty
// for the current one.
func (m *meta) check(id, version string) error {
	if m.id != id {
		return corrupt("the file is the secret of another id; it was swapped or renamed")
	}
	if version != "" && m.version != version {
		return corrupt("the file is another version of this secret; it was swapped or renamed")
	}
	return nil
}

// corrupt is the error of a file that does not verify. Texts of age are never
// in it: they quote what they could not parse.
func corrupt(hint string) error { return &core.Error{Kind: core.ErrCorrupt, Hint: hint} }
