package file

import (
	"strings"
	"testing"
)

func TestTheSidesOfAConflictAreFoundInEveryStyleOfGit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text         string
		ours, theirs string
		wrong        bool
	}{
		"merge":            {text: "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\nd\n", ours: "a b d", theirs: "a c d"},
		"diff3":            {text: "a\n<<<<<<< HEAD\nb\n||||||| 123\no\n=======\nc\n>>>>>>> x\nd\n", ours: "a b d", theirs: "a c d"},
		"two hunks":        {text: "<<<<<<< HEAD\nb\n=======\n>>>>>>> x\nm\n<<<<<<< HEAD\n=======\nc\n>>>>>>> x\n", ours: "b m", theirs: "m c"},
		"CRLF":             {text: "a\r\n<<<<<<< HEAD\r\nb\r\n=======\r\nc\r\n>>>>>>> x\r\n", ours: "a b", theirs: "a c"},
		"no end":           {text: "<<<<<<< HEAD\nb\n=======\nc\n", wrong: true},
		"no middle":        {text: "<<<<<<< HEAD\nb\n>>>>>>> x\n", wrong: true},
		"nested":           {text: "<<<<<<< HEAD\n<<<<<<< HEAD\n=======\n>>>>>>> x\n>>>>>>> x\n", wrong: true},
		"a middle outside": {text: "=======\n<<<<<<< HEAD\n=======\n>>>>>>> x\n", wrong: true},
		"a base outside":   {text: "||||||| 1\n<<<<<<< HEAD\n=======\n>>>>>>> x\n", wrong: true},
		"none":             {text: "a\nb\n", wrong: true},
	} {
		ours, theirs, ok := sides([]byte(c.text))
		if ok == c.wrong {
			t.Errorf("%s: sides reports %v", name, ok)
		}
		if ok && (strings.Join(strings.Fields(string(ours)), " ") != c.ours || strings.Join(strings.Fields(string(theirs)), " ") != c.theirs) {
			t.Errorf("%s: the sides are %q and %q, want %q and %q", name, ours, theirs, c.ours, c.theirs)
		}
	}
}
