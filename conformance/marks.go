package conformance

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/lukko-dev/lukko/core"
)

// marks make the values of one trial recognizable, also a part of one: each
// value begins and ends with a random mark, so that a text which shows the
// first or the last few characters of a value is found out.
type marks struct {
	head, tail string
	n          *atomic.Int64
	needles    []string
}

const (
	markLen = 12
	// partLen is the shortest part of a value that is looked for. Shorter ones
	// would be found by chance: 62^6 is over 50 billion.
	partLen = 6
)

func newMarks() marks {
	m := marks{head: mark(), tail: mark(), n: new(atomic.Int64)}
	for _, s := range []string{m.head, m.tail} {
		for i := range len(s) - partLen + 1 {
			m.needles = append(m.needles, s[i:i+partLen])
		}
	}
	for _, part := range []string{m.head[:partLen], m.head[markLen-partLen:], m.tail[:partLen], m.tail[markLen-partLen:]} {
		m.needles = append(m.needles, hex.EncodeToString([]byte(part)))
	}
	// The head is where the bytes of a value begin, so its base64 is known.
	m.needles = append(m.needles, base64.StdEncoding.EncodeToString([]byte(m.head[:partLen])))
	return m
}

func mark() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, markLen)
	_, _ = rand.Read(b) // never fails
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// text is a new, distinct value as a string.
func (m marks) text() string {
	return m.head + "-" + strconv.FormatInt(m.n.Add(1), 10) + "-" + m.tail
}

// value is a new, distinct value.
func (m marks) value() core.Value { return core.String(m.text()) }

// in reports whether a text shows a value or a part of one.
func (m marks) in(text string) bool {
	for _, needle := range m.needles {
		if strings.Contains(text, needle) {
			return true
		}
	}
	return false
}

// find is a search for the values of many trials in one pass.
type find map[int]map[string]bool // needles by their length

func newFind(all []marks) find {
	f := find{}
	for _, m := range all {
		for _, needle := range m.needles {
			if f[len(needle)] == nil {
				f[len(needle)] = map[string]bool{}
			}
			f[len(needle)][needle] = true
		}
	}
	return f
}

// in reports whether a text shows a value or a part of one.
func (f find) in(text string) bool {
	for n, needles := range f {
		for i := range len(text) - n + 1 {
			if needles[text[i:i+n]] {
				return true
			}
		}
	}
	return false
}

// scrub makes a text safe to print.
func (m marks) scrub(text string) string {
	if !m.in(text) {
		return text
	}
	for _, needle := range m.needles {
		text = strings.ReplaceAll(text, needle, "[LEAKED VALUE]")
	}
	return text
}
