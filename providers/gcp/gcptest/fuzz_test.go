package gcptest

import (
	"strings"
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
)

// A filter that parses is a predicate that answers; one with NOT before it
// answers the opposite.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{"name:a", `name:"a\"b"`, "NOT (a OR -b) c", "labels.k=v", "create_time>=2026-01-01", "state:ENABLED", "((", "a AND"} {
		f.Add(seed)
	}
	secret := &secretmanagerpb.Secret{Name: "projects/1/secrets/a", Labels: map[string]string{"k": "v"}}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := parseFilter(text, secretItem(nil))
		if !ok {
			return
		}
		not, ok := parseFilter("NOT ("+text+")", secretItem(nil))
		if !ok {
			if strings.Count(text, "(") < maxNesting {
				t.Fatalf("%q parses, and its negation does not", text)
			}
			return
		}
		if p.secret(secret) == not.secret(secret) {
			t.Fatalf("%q and its negation both say %v", text, p.secret(secret))
		}
	})
}

// A name that parses is the one that it was written as.
func FuzzName(f *testing.F) {
	for _, seed := range []string{"projects/p", "projects/p/locations/l/secrets/s", "projects/p/secrets/s/versions/latest", "projects/p/secrets/s/versions/1", "//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range []kind{projectName, secretName, versionName} {
			if n, ok := parseName(text, k); ok && n.String() != text {
				t.Fatalf("%q parses as %q", text, n)
			}
		}
	})
}
