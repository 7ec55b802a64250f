package credentials_test

import (
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// users are ids as applications have them, and as attackers do.
var users = []string{
	"bob", "Bob", "BOB", "bob ", " bob", "../bob", "..", ".", "/", "/bob", "bob/", "a/b", `a\b`, "*", "?", "[a-z]*", "%62ob", "a:b", "a", "b", "a_b", "a__b", "_", "__",
	"_h", "_62", "_62ob", "62ob", "claim", "_CLAIM", "bob_CLAIM", "bob_PEND", "PEND", "bob__bob", "GITHUB__bob", "\x00", "bob\x00", "\x00bob", "\xff", "\xff\xfe", "\xc3\x28",
	"é", "e\u0301", "É", "ı", "i", "I", "İ", "K", "\u212a", "ſ", "s", "ß", "ss", "а", "bоb", "bob\u200b", "ｂｏｂ", "\u202ebob", "bob\n", "\r\n", "'; DROP TABLE users;--", "{{.}}", "$HOME", "~", "0", "00",
	"550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000", "bob.smith@example.com", "auth0|507f1f77bcf86cd799439011", "urn:example:bob",
	strings.Repeat("a", 54), strings.Repeat("a", 55), strings.Repeat("a", 56), strings.Repeat("A", 18), strings.Repeat("A", 19), strings.Repeat("_", 18), strings.Repeat("_", 19),
	strings.Repeat("a", 1<<20), strings.Repeat("a", 1<<20) + "b", strings.Repeat("A", 1<<20),
}

const base = "GITHUB"

func TestNoTwoUsersHaveOneID(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, user := range users {
		checkUser(t, user)
		for _, id := range idsOf(user) {
			folded := strings.ToLower(id)
			if other, ok := seen[folded]; ok {
				t.Errorf("%.80q and %.80q meet at %s", user, other, id)
			}
			seen[folded] = user
		}
	}
}

func idsOf(user string) []string {
	id := credentials.UserID(base, user)
	return []string{id, id + oauth2.ClaimSuffix, id + credentials.PendingSuffix}
}

// checkUser checks what holds of the id of each user.
func checkUser(t *testing.T, user string) {
	t.Helper()
	id := credentials.UserID(base, user)
	encoded, ok := strings.CutPrefix(id, base+"__")
	if !ok || encoded == "" || strings.Trim(encoded, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || len(encoded) > 54 {
		t.Errorf("%.80q has the id %q", user, id)
	}
	for _, id := range idsOf(user) {
		if !core.IsPortable(id) {
			t.Errorf("%.80q has the id %q, which is not portable", user, id)
		}
	}
	got, ok := credentials.DecodeUser(encoded)
	if !ok || !got.Is(user) || got.Is(user+"x") || got.Is("") {
		t.Errorf("%q is %+v, %t; want %.80q", encoded, got, ok, user)
	}
	if (got.ID == "") == (got.Digest == "") || got.ID != "" && got.ID != user {
		t.Errorf("%q is %+v, want %.80q", encoded, got, user)
	}
	for _, suffix := range []string{oauth2.ClaimSuffix, credentials.PendingSuffix, strings.ToLower(oauth2.ClaimSuffix), strings.ToLower(credentials.PendingSuffix)} {
		if other, ok := credentials.DecodeUser(encoded + suffix); ok {
			t.Errorf("what is beside %.80q is a user's: %+v", user, other)
		}
	}
}

func TestTheIDsOfUsersStayAsTheyAre(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]string{ // what is stored must be found by later versions
		"bob": "GITHUB__bob", "Bob": "GITHUB___42ob", "../bob": "GITHUB___2e_2e_2fbob", "*": "GITHUB___2a", "a:b": "GITHUB__a_3ab",
		"é": "GITHUB___c3_a9", "e\u0301": "GITHUB__e_cc_81", "\x00": "GITHUB___00", "\xff": "GITHUB___ff", "_": "GITHUB___5f",
		"550e8400-e29b-41d4-a716-446655440000": "GITHUB__550e8400_2de29b_2d41d4_2da716_2d446655440000",
		strings.Repeat("a", 54):                "GITHUB__" + strings.Repeat("a", 54),
		// printf 'a%.0s' $(seq 55) | sha256sum | xxd -r -p | base32 | tr A-Z a-z
		strings.Repeat("a", 55): "GITHUB___ht5bzb6gtbqw5slwj6ck3mxrltlu3bkjfuusy4ja4t4pjcd3timma",
	} {
		if got := credentials.UserID(base, user); got != want {
			t.Errorf("%.80q: got %s, want %s", user, got, want)
		}
	}
}

func TestWhatIsNobodysIDIsNobody(t *testing.T) {
	t.Parallel()
	digest := strings.TrimPrefix(credentials.UserID(base, strings.Repeat("a", 55)), base+"___h")
	for _, encoded := range []string{
		"", "_", "_6", "_61", "_5F", "_zz", "a_", "a_4", "Bob", "bob_CLAIM", "bob_PEND", "bob_claim", "é", "a b", "a-b", "_h", "_h" + digest[1:], "_h" + digest + "a",
		"_H" + digest, "_h" + strings.ToUpper(digest), "_h" + digest[:51] + "b", "_h" + digest + "_CLAIM", strings.Repeat("a", 55), "_h" + strings.Repeat("1", 52), "_h" + digest + "\n",
	} {
		if user, ok := credentials.DecodeUser(encoded); ok {
			t.Errorf("%q is %+v", encoded, user)
		}
	}
}

func FuzzUserIDs(f *testing.F) {
	for i, user := range users {
		if len(user) < 1000 {
			f.Add(user, users[(i+1)%len(users)])
		}
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == "" || b == "" {
			return
		}
		checkUser(t, a)
		if a == b {
			return
		}
		for _, id := range idsOf(a) {
			for _, other := range idsOf(b) {
				if strings.EqualFold(id, other) {
					t.Errorf("%q and %q meet at %s", a, b, id)
				}
			}
		}
	})
}

func FuzzDecodeUser(f *testing.F) {
	for _, user := range users {
		f.Add(strings.TrimPrefix(credentials.UserID(base, user), base+"__"))
	}
	f.Add("bob_CLAIM")
	f.Fuzz(func(t *testing.T, encoded string) {
		user, ok := credentials.DecodeUser(encoded)
		switch {
		case !ok:
		case user.Digest != "":
			if encoded != "_h"+user.Digest || user.ID != "" {
				t.Errorf("%q is %+v", encoded, user)
			}
		case credentials.UserID("", user.ID) != "__"+encoded:
			t.Errorf("%q is %+v, whose id is another", encoded, user)
		}
	})
}
