package gcptest

import (
	"regexp"
	"strconv"
	"strings"
)

// kind is what a resource name stands for.
type kind int

const (
	projectName kind = iota
	secretName
	versionName
)

// name is a resource name, taken apart. The project is as the request wrote it
// until [Server.resolve] makes it canonical.
type name struct {
	project  string
	location string // empty for global resources
	secret   string
	version  string // a number, latest or an alias
}

var (
	secretIDs    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	segments     = regexp.MustCompile(`^[^/\s]+$`)
	aliasPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}$`)
)

// parseName takes a resource name of the kind apart:
// projects/P[/locations/L][/secrets/S[/versions/V]].
func parseName(s string, k kind) (name, bool) {
	parts := strings.Split(s, "/")
	var n name
	take := func(collection string) (string, bool) {
		if len(parts) < 2 || parts[0] != collection || !segments.MatchString(parts[1]) {
			return "", false
		}
		id := parts[1]
		parts = parts[2:]
		return id, true
	}
	var ok bool
	if n.project, ok = take("projects"); !ok {
		return name{}, false
	}
	n.location, _ = take("locations")
	if k >= secretName {
		if n.secret, ok = take("secrets"); !ok || !secretIDs.MatchString(n.secret) {
			return name{}, false
		}
	}
	if k == versionName {
		if n.version, ok = take("versions"); !ok || !validVersion(n.version) {
			return name{}, false
		}
	}
	return n, len(parts) == 0
}

// validVersion reports whether v can name a version: a number from 1, latest,
// or an alias.
func validVersion(v string) bool {
	if number, err := strconv.ParseInt(v, 10, 64); err == nil {
		return number > 0 && strconv.FormatInt(number, 10) == v
	}
	return aliasPattern.MatchString(v)
}

// parent is projects/P[/locations/L].
func (n name) parent() string {
	if n.location != "" {
		return "projects/" + n.project + "/locations/" + n.location
	}
	return "projects/" + n.project
}

// secretPath is the name of the secret, without a version.
func (n name) secretPath() string {
	return n.parent() + "/secrets/" + n.secret
}

// String is the resource name.
func (n name) String() string {
	switch {
	case n.version != "":
		return n.secretPath() + "/versions/" + n.version
	case n.secret != "":
		return n.secretPath()
	}
	return n.parent()
}
