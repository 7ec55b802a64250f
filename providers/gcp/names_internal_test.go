package gcp

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// What is asked of Google under an id is one secret, and nothing that a path or a
// pattern would take for more.
func FuzzParse(f *testing.F) {
	for _, id := range []string{"a", "A_b-9", "projects/p/secrets/a", "projects/42/locations/europe-west3/secrets/a", "projects/p/secrets/a/versions/1", "projects//secrets/a", "a.b", "projects/example.com:p/secrets/a", strings.Repeat("x", 256), ""} {
		f.Add(id, "")
		f.Add(id, "europe-west3")
	}
	whole := regexp.MustCompile(`^projects/([a-z0-9.-]+:)?[a-z0-9-]+(/locations/[a-z0-9-]+)?/secrets/[A-Za-z0-9_-]{1,255}$`)
	f.Fuzz(func(t *testing.T, id, location string) {
		if location != "" && !locationForm.MatchString(location) {
			return
		}
		n, err := parse(id, location)
		if err != nil {
			if !errors.Is(err, core.ErrInvalidID) {
				t.Fatalf("%v, want ErrInvalidID", err)
			}
			return
		}
		in := place{project: n.project, location: location}
		if in.project == "" {
			in.project = "p"
		}
		name := in.String() + "/secrets/" + n.name
		if !whole.MatchString(name) {
			t.Fatalf("%q becomes %q", id, name)
		}
		if n.project != "" && name != id || n.project == "" && n.name != id {
			t.Fatalf("%q becomes %q", id, name)
		}
	})
}

func TestVersionsAreOrderedAsNumbers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{{"10", "9", true}, {"9", "10", false}, {"11", "10", true}, {"10", "10", false}} {
		if got := newer(c.a, c.b) < 0; got != c.want {
			t.Errorf("%s is newer than %s: %t", c.a, c.b, got)
		}
	}
	for text, want := range map[string]bool{"1": true, "907": true, "": false, "0": false, "01": false, "latest": false, "1a": false, "-1": false, "12345678901234567890": false} {
		if isNumber(text) != want {
			t.Errorf("%q is a number: %t", text, !want)
		}
	}
}
