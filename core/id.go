package core

import (
	"strconv"
	"strings"
)

// The classes of bytes in an id. They are bits, so that one pass without a
// branch finds what an id is made of: the check runs before every read.
const (
	classPlain   = 0
	classSegment = 1 << iota // '/' and '.', of which bad segments are made
	classNone                // no byte of an id
)

var idBytes = func() (t [256]byte) {
	for c := range t {
		t[c] = classNone
	}
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=@:" {
		t[c] = classPlain
	}
	t['.'], t['/'] = classSegment, classSegment
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
	var class byte
	rest := id
	for ; len(rest) >= 8; rest = rest[8:] { // eight at a time, since this comes before every read
		class |= idBytes[rest[0]] | idBytes[rest[1]] | idBytes[rest[2]] | idBytes[rest[3]] |
			idBytes[rest[4]] | idBytes[rest[5]] | idBytes[rest[6]] | idBytes[rest[7]]
	}
	for i := range len(rest) {
		class |= idBytes[rest[i]]
	}
	if class != classPlain || id == "" || len(id) > MaxIDLen {
		return idFaultIn(id)
	}
	return ""
}

// idFaultIn is idFault for what is not obviously an id.
func idFaultIn(id string) string {
	if id == "" {
		return "the id is empty"
	}
	if len(id) > MaxIDLen {
		return "the id has " + strconv.Itoa(len(id)) + " bytes; at most " + strconv.Itoa(MaxIDLen) + " are allowed"
	}
	if hint := byteFault(id, "id"); hint != "" {
		return hint
	}
	for segment := range strings.SplitSeq(id, "/") {
		switch segment {
		case "", ".", "..":
			return `the id has an empty, "." or ".." segment`
		}
	}
	return ""
}

// byteFault names the first byte that no id may hold.
func byteFault(s, what string) string {
	for i := range len(s) {
		if idBytes[s[i]] == classNone {
			return "byte " + strconv.Itoa(i) + " of the " + what + ` is none of letters, digits and "_-./+=@:"`
		}
	}
	return ""
}

// prefixFault says what is wrong with a list's prefix; empty if nothing is.
// A prefix is the beginning of ids, so it may end within a segment.
func prefixFault(prefix string) string {
	if len(prefix) > MaxIDLen {
		return "the prefix has " + strconv.Itoa(len(prefix)) + " bytes; at most " + strconv.Itoa(MaxIDLen) + " are allowed"
	}
	return byteFault(prefix, "prefix")
}
