package gcp

import (
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// place is where secrets are: a project, by id or number, and a location, or none.
type place struct{ project, location string }

func (p place) String() string {
	if p.location == "" {
		return "projects/" + p.project
	}
	return "projects/" + p.project + "/locations/" + p.location
}

// secretName is the name of a secret in its project, and the project where the id
// names it.
type secretName struct{ project, name string }

// parse reads an id: a secret's name, or its full resource name. location is that
// of the store.
func parse(id, location string) (secretName, error) {
	project, name := "", id
	if strings.ContainsRune(id, '/') {
		var ok bool
		if project, name, ok = cutResource(id, location); !ok {
			return secretName{}, &core.Error{Kind: core.ErrInvalidID, Hint: "an id here has no slash, or is projects/PROJECT/secrets/NAME, with locations/LOCATION before secrets exactly where the store has that location"}
		}
	}
	if !isName(name) {
		return secretName{}, &core.Error{Kind: core.ErrInvalidID, Hint: "Google's names of secrets are 1 to 255 letters, digits, _ and -"}
	}
	return secretName{project, name}, nil
}

// cutResource takes projects/PROJECT/secrets/ off a full name, or
// projects/PROJECT/locations/LOCATION/secrets/ for a location.
func cutResource(full, location string) (project, name string, ok bool) {
	rest, ok := strings.CutPrefix(full, "projects/")
	if !ok {
		return "", "", false
	}
	project, rest, _ = strings.Cut(rest, "/")
	if location != "" {
		if rest, ok = strings.CutPrefix(rest, "locations/"+location+"/"); !ok {
			return "", "", false
		}
	}
	name, ok = strings.CutPrefix(rest, "secrets/")
	return project, name, ok && projectForm.MatchString(project)
}

func isName(s string) bool {
	if s == "" || len(s) > core.MaxIDLen {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// number returns the version of a resource name, which is all that is taken from
// a name in an answer: the project in it is a number, whatever it was asked by.
// It is empty where it is no number, as stand-ins repeat the latest that they were
// asked for.
func number(resource string) string {
	last := resource[strings.LastIndexByte(resource, '/')+1:]
	if !isNumber(last) {
		return ""
	}
	return last
}

// isNumber reports whether s is a version as Google writes them.
func isNumber(s string) bool {
	if s == "" || len(s) > 19 || s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// newer orders versions by their numbers.
func newer(a, b string) int {
	if len(a) != len(b) {
		return len(b) - len(a)
	}
	return strings.Compare(b, a)
}
