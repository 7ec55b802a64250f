package core

import "strconv"

// idBytes tells which bytes an id may hold.
var idBytes = func() (t [256]bool) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = true, true
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = true
	}
	for _, c := range "_-./+=@:" {
		t[c] = true
	}
	return t
}()

// CheckID returns an error that matches ErrInvalidID if id is no id: 1 to
// MaxIDLen bytes of letters, digits and "_-./+=@:", with no empty, "." or ".."
// segment between slashes. The error does not repeat the id, since what lands
// there by mistake is often a value.
func CheckID(id string) error {
	if hint := idFault(id); hint != "" {
		return &Error{Kind: ErrInvalidID, Hint: hint}
	}
	return nil
}

// IsPortable reports whether every backend can hold id, also under a prefix
// of 50 bytes: a letter or underscore, then letters, digits and underscores,
// at most MaxPortableIDLen bytes.
func IsPortable(id string) bool {
	if id == "" || len(id) > MaxPortableIDLen || '0' <= id[0] && id[0] <= '9' {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

// idFault says what is wrong with an id; empty if nothing is.
func idFault(id string) string {
	if id == "" {
		return "the id is empty"
	}
	if len(id) > MaxIDLen {
		return "the id has " + strconv.Itoa(len(id)) + " bytes; at most 255 are allowed"
	}
	segment := 0 // where the current segment began
	for i := range len(id) {
		c := id[i]
		if !idBytes[c] {
			return `byte ` + strconv.Itoa(i) + ` of the id is none of letters, digits and "_-./+=@:"`
		}
		if c == '/' {
			if badSegment(id[segment:i]) {
				return `the id has an empty, "." or ".." segment`
			}
			segment = i + 1
		}
	}
	if badSegment(id[segment:]) {
		return `the id has an empty, "." or ".." segment`
	}
	return ""
}

func badSegment(s string) bool { return s == "" || s == "." || s == ".." }

// prefixFault says what is wrong with a list's prefix; empty if nothing is.
// A prefix is the beginning of ids, so it may end within a segment.
func prefixFault(prefix string) string {
	if len(prefix) > MaxIDLen {
		return "the prefix has " + strconv.Itoa(len(prefix)) + " bytes; at most 255 are allowed"
	}
	for i := range len(prefix) {
		if !idBytes[prefix[i]] {
			return `byte ` + strconv.Itoa(i) + ` of the prefix is none of letters, digits and "_-./+=@:"`
		}
	}
	return ""
}
