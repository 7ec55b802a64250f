package core_test

import (
	"errors"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

func TestWhatAnIDMayBe(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		id       string
		ok       bool
		portable bool
	}{
		{"STRIPE_API_KEY", true, true},
		{"_x", true, true},
		{"a", true, true},
		{strings.Repeat("x", 100), true, true},
		{strings.Repeat("x", 101), true, false},
		{strings.Repeat("x", 255), true, false},
		{"1PASSWORD", true, false},
		{"shop/stripe", true, false},
		{"arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/stripe-AbCdEf", true, false},
		{"user@example.com", true, false},
		{"a+b=c", true, false},
		{"...", true, false},
		{".hidden", true, false},
		{"a..b", true, false},
		{"", false, false},
		{strings.Repeat("x", 256), false, false},
		{".", false, false},
		{"..", false, false},
		{"/a", false, false},
		{"a/", false, false},
		{"a//b", false, false},
		{"a/./b", false, false},
		{"../a", false, false},
		{"a/..", false, false},
		{"a b", false, false},
		{"a\n", false, false},
		{"a\x00", false, false},
		{"ä", false, false},
		{"a%2fb", false, false},
		{"a\\b", false, false},
		{"a*", false, false},
		{"a~", false, false},
		{"a#b", false, false},
	} {
		err := core.CheckID(test.id)
		if (err == nil) != test.ok {
			t.Errorf("CheckID(%q) = %v, want an error: %v", test.id, err, !test.ok)
		}
		if err != nil && !errors.Is(err, core.ErrInvalidID) {
			t.Errorf("CheckID(%q) = %v, want ErrInvalidID", test.id, err)
		}
		if got := core.IsPortable(test.id); got != test.portable {
			t.Errorf("IsPortable(%q) = %v, want %v", test.id, got, test.portable)
		}
	}
}

// FuzzID holds CheckID against the rule in other words.
func FuzzID(f *testing.F) {
	for _, seed := range []string{"STRIPE", "shop/stripe", "a//b", "..", "a/.", "\x00", "ä", strings.Repeat("x", 256)} {
		f.Add(seed)
	}
	alphabet := regexp.MustCompile(`\A[A-Za-z0-9_./+=@:-]{1,255}\z`)
	portable := regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_]{0,99}\z`)
	f.Fuzz(func(t *testing.T, id string) {
		// path.Clean mends just what we refuse: empty, "." and ".." segments.
		want := alphabet.MatchString(id) && path.Clean("/"+id) == "/"+id && id != ""
		err := core.CheckID(id)
		if (err == nil) != want {
			t.Errorf("CheckID(%q) = %v, want valid: %v", id, err, want)
		}
		if err != nil && len(id) > 8 && strings.Contains(err.Error(), id) {
			t.Errorf("the error repeats the id %q", id)
		}
		if got := core.IsPortable(id); got != portable.MatchString(id) {
			t.Errorf("IsPortable(%q) = %v", id, got)
		}
		if core.IsPortable(id) && err != nil {
			t.Errorf("%q is portable and invalid", id)
		}
	})
}
