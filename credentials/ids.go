package credentials

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

// The id of what a user has is the base, "__", and the user, encoded so that
//
//   - two users never have one id, also where a backend folds case, and
//     whatever bytes they are made of: nothing is normalised,
//   - it holds nothing but a-z, 0-9 and "_", so that every backend can hold it and
//     no user is a path, a pattern or another id,
//   - it has a bound, and
//   - what is kept beside it, of which ClaimSuffix and pendingSuffix are the
//     ends, is no user's id.
//
// A byte of a-z and 0-9 is itself, every other is "_" and two lower-case
// hexadecimal digits. A user whose encoding would be longer than maxEncodedLen
// is "_h" and the SHA-256 of it in lower-case base32 (RFC 4648 section 6): "h"
// is no hexadecimal digit. Nor are the letters after the underscore of the
// suffixes: "_cl" and "_pe" can't be in an encoding.
const (
	userSeparator = "__"
	digestMark    = "_h"
	maxEncodedLen = len(digestMark) + 52
	maxUserLen    = len(userSeparator) + maxEncodedLen

	// pendingSuffix is what the id has of what says which attempts at a connect
	// page were finished. It is as short as the claim's, so that both fit where
	// the claim does.
	pendingSuffix = "_PEND"

	// maxBaseLen is how long the base may be at most.
	maxBaseLen = core.MaxIDLen - maxUserLen - len("_CLAIM")
)

var digestEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Kept is an id at which a program keeps what it writes as it runs, beside what
// people store: the tokens of an account, what stands beside them, and all that
// users have.
type Kept struct {
	ID    string
	Users bool // ID is what the ids of all users begin with
}

// Has reports whether something at that id is kept there.
func (k Kept) Has(id string) bool {
	if k.Users {
		return strings.HasPrefix(id, k.ID)
	}
	return id == k.ID
}

// Keeps returns the ids at which the program keeps the credential as it runs. Of
// one that each user has it is one, with Users. Of an account of the application
// itself these are the tokens, the claim of a refresh (oauth2.ClaimSuffix), and
// what says which attempts at a connect page were finished. Of the application's
// own key there is none: people store it.
func (m Meta) Keeps() []Kept {
	switch {
	case m.PerUser:
		return []Kept{{ID: userPrefix(m.valueID()), Users: true}}
	case m.OAuth2 == nil:
		return nil
	}
	var kept []Kept
	for _, id := range accountIDs(m.valueID()) {
		kept = append(kept, Kept{ID: id})
	}
	return kept
}

// accountIDs are the ids of an account whose tokens are at id: these first, and
// last what says which attempts to connect were finished.
func accountIDs(id string) []string { return []string{id, id + oauth2.ClaimSuffix, id + pendingSuffix} }

// userPrefix is what the ids of all users begin with.
func userPrefix(base string) string { return base + userSeparator }

// userID is the id of what a user has, who is not empty.
func userID(base, user string) string { return userPrefix(base) + encodeUser(user) }

func encodeUser(user string) string {
	if len(user) <= maxEncodedLen {
		var b strings.Builder
		for i := range len(user) {
			if c := user[i]; isPlain(c) {
				b.WriteByte(c)
			} else {
				const digits = "0123456789abcdef"
				b.Write([]byte{'_', digits[c>>4], digits[c&15]})
			}
		}
		if b.Len() <= maxEncodedLen {
			return b.String()
		}
	}
	return digestMark + userDigest(user)
}

func isPlain(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

func userDigest(user string) string {
	sum := sha256.Sum256([]byte(user))
	return digestEncoding.EncodeToString(sum[:])
}

// decodeUser returns the user that an encoding stands for, which of a digest
// is not known. What is nobody's encoding is not ok: a claim, what is pending,
// and what others have put there.
func decodeUser(encoded string) (u User, ok bool) {
	if digest, long := strings.CutPrefix(encoded, digestMark); long {
		sum, err := digestEncoding.DecodeString(digest)
		// Encoding again refuses the spellings that decode to the same bytes.
		if err != nil || len(sum) != sha256.Size || digestEncoding.EncodeToString(sum) != digest {
			return User{}, false
		}
		return User{Digest: digest}, true
	}
	var b strings.Builder
	for rest := encoded; rest != ""; {
		if rest[0] != '_' {
			b.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		if len(rest) < 3 {
			return User{}, false
		}
		c, err := hex.DecodeString(rest[1:3])
		if err != nil {
			return User{}, false
		}
		b.Write(c)
		rest = rest[3:]
	}
	user := b.String()
	if user == "" || encodeUser(user) != encoded {
		return User{}, false
	}
	return User{ID: user}, true
}

// User is one who has a credential.
type User struct {
	// ID is the user, as the application calls them. It is empty where only the
	// digest is stored, which is of users whose ids are long: over 54 bytes, of
	// which all but a-z and 0-9 count thrice.
	ID string

	// Digest is the SHA-256 of such a user in lower-case base32; else it is
	// empty.
	Digest string
}

// Is reports whether it is that user.
func (u User) Is(user string) bool {
	if user == "" {
		return false
	}
	if u.Digest != "" {
		return u.Digest == userDigest(user)
	}
	return u.ID == user
}
