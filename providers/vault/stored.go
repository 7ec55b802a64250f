package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
)

// The stored form of a value: docs/vault-stored-form.md specifies it. A name
// of what is wrapped is an identifier, so that templates can pick it.
const (
	textName   = "lukko_text"
	base64Name = "lukko_base64"
)

// Within these a JSON object is stored as it is. Each is well below what a
// server refuses by default: Vault a depth of 300 and an array of 10,000
// elements, OpenBao 1,000 strings in a request.
const (
	maxStoredDepth    = 64
	maxStoredElements = 1000 // of one array
	maxStoredStrings  = 500  // of the whole object: its names and strings, at any depth
)

// maxStoredLen is more than the longest answer for a value of
// core.MaxValueLen bytes, each of which the server may escape as six.
const maxStoredLen = 1 << 20

// encode returns the secret's data map for a value.
func encode(v core.Value) json.RawMessage {
	s := v.Reveal()
	var wrapped map[string]string
	switch {
	case storedAsIs(v):
		return json.RawMessage(s)
	case utf8.ValidString(s):
		wrapped = map[string]string{textName: s}
	default:
		wrapped = map[string]string{base64Name: base64.StdEncoding.EncodeToString([]byte(s))}
	}
	data, _ := json.Marshal(wrapped) // strings always encode
	return data
}

// storedAsIs reports whether a value is a JSON object that comes back as the
// same one, from any server. That is found by doing what a server of KV v2
// does: whatever that loses makes another object. The numbers of KV v1 lose
// nothing.
func storedAsIs(v core.Value) bool {
	var members map[string]any
	if json.Unmarshal(v.RevealBytes(), &members) != nil || len(members) == 0 {
		return false // KV v1 refuses an empty data map
	}
	if len(members) == 1 {
		_, isText := members[textName]
		_, isBase64 := members[base64Name]
		if isText || isBase64 {
			return false // it would be read as what it wraps
		}
	}
	if left := maxStoredStrings; !modest(members, 1, &left) {
		return false
	}
	answer, err := json.Marshal(members)
	if err != nil {
		return false
	}
	back, ok := canonical(answer)
	return ok && len(back) <= core.MaxValueLen && core.Equivalent(v, core.Bytes(back))
}

// modest reports whether an element at a depth is within the limits. left is
// how many strings the object may still have.
func modest(element any, depth int, left *int) bool {
	switch e := element.(type) {
	case string:
		*left--
	case map[string]any:
		*left -= len(e)
		if depth > maxStoredDepth {
			return false
		}
		for _, member := range e {
			if !modest(member, depth+1, left) {
				return false
			}
		}
	case []any:
		if depth > maxStoredDepth || len(e) > maxStoredElements {
			return false
		}
		for _, member := range e {
			if !modest(member, depth+1, left) {
				return false
			}
		}
	}
	return *left >= 0
}

// decode returns the value of a secret's data map as the server's answer
// holds it. It is the zero Value for null, which is what the answer has where
// there is no secret. Of a map that is longer than that of any value it
// returns a part, which is still too long for a value.
//
// It returns a [*core.Error] of ErrCorrupt for what is no data map, and for a
// wrapping that somebody broke. The error quotes nothing.
func decode(data json.RawMessage) (core.Value, error) {
	if len(data) > maxStoredLen {
		return core.Bytes(data[:core.MaxValueLen+1]), nil
	}
	object, ok := canonical(data)
	switch {
	case !ok:
		return core.Value{}, errNoDataMap()
	case string(object) == "null":
		return core.Value{}, nil
	case object[0] != '{':
		return core.Value{}, errNoDataMap()
	}
	if v, wrapped, err := unwrap(object); wrapped {
		return v, err
	}
	return core.Bytes(object), nil
}

// unwrap returns the value that a canonical object wraps, if it does.
func unwrap(object []byte) (v core.Value, wrapped bool, err error) {
	// Nearly all objects end here, and without having been parsed.
	if !bytes.HasPrefix(object, []byte(`{"`+textName+`":`)) && !bytes.HasPrefix(object, []byte(`{"`+base64Name+`":`)) {
		return core.Value{}, false, nil
	}
	var members map[string]any
	if json.Unmarshal(object, &members) != nil || len(members) != 1 {
		return core.Value{}, false, nil
	}
	text, isText := members[textName].(string)
	encoded, isBase64 := members[base64Name].(string)
	switch {
	case isText:
		return core.String(text), true, nil
	case isBase64:
		// Strict refuses other spellings of the same bytes, the decoder itself
		// only skips line breaks.
		content, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err != nil || strings.ContainsAny(encoded, "\r\n") {
			return core.Value{}, true, errBrokenWrapping()
		}
		return core.Bytes(content), true, nil
	default:
		return core.Value{}, true, errBrokenWrapping()
	}
}

func errNoDataMap() error {
	return &core.Error{Kind: core.ErrCorrupt, Hint: "the answer holds no data map of a KV secret; " +
		"see that the address is that of Vault itself and the mount a KV engine"}
}

func errBrokenWrapping() error {
	return &core.Error{Kind: core.ErrCorrupt, Hint: "the secret's only field is " + textName + " or " + base64Name +
		", and its content is not what that stands for, a text or padded standard base64; set the secret again, or take an earlier version"}
}

// canonical rewrites JSON as docs/vault-stored-form.md has it: no spaces, and
// in strings no escape that can be done without, so that a value is not six
// times as long for having been escaped for HTML. Numbers and the order of
// names stay as they are. It is not ok if data is no JSON.
func canonical(data []byte) (rewritten []byte, ok bool) {
	var compact bytes.Buffer
	compact.Grow(len(data))
	if json.Compact(&compact, data) != nil {
		return nil, false
	}
	// In JSON a backslash stands in strings only. No escape becomes longer,
	// so what is written never overtakes what is read.
	rest := compact.Bytes()
	i := bytes.IndexByte(rest, '\\')
	if i < 0 {
		return rest, true
	}
	out := rest[:i]
	for rest = rest[i:]; len(rest) > 0; {
		var n int
		out, n = appendEscape(out, rest)
		rest = rest[n:]
		if i = bytes.IndexByte(rest, '\\'); i < 0 {
			i = len(rest)
		}
		out = append(out, rest[:i]...)
		rest = rest[i:]
	}
	return out, true
}

// appendEscape appends what the escape that s begins with stands for, in the
// shortest form, and returns the length of the escape. Half a surrogate pair
// stays as it is. What s is of is JSON, so that no escape is cut short.
func appendEscape(out, s []byte) (_ []byte, n int) {
	switch s[1] {
	case '/':
		return append(out, '/'), 2
	case 'u':
	default:
		return append(out, s[:2]...), 2
	}
	r, n := hex4(s[2:]), 6
	if utf16.IsSurrogate(r) {
		if !bytes.HasPrefix(s[6:], []byte(`\u`)) {
			return append(out, s[:6]...), 6
		}
		if r = utf16.DecodeRune(r, hex4(s[8:])); r == utf8.RuneError {
			return append(out, s[:6]...), 6
		}
		n = 12
	}
	if i := strings.IndexRune("\"\\\b\f\n\r\t", r); i >= 0 {
		return append(out, '\\', `"\bfnrt`[i]), n
	}
	if r < ' ' {
		return append(out, s[:6]...), n
	}
	return utf8.AppendRune(out, r), n
}

// hex4 reads the four hexadecimal digits that b begins with.
func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		switch r <<= 4; {
		case c <= '9':
			r |= rune(c - '0')
		default:
			r |= rune(c|0x20-'a') + 10
		}
	}
	return r
}
