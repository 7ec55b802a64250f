package core

import (
	"encoding/json"
	"io"
	"math/big"
	"strings"
	"unicode/utf8"
)

// maxObjectDepth is that of encoding/json. It bounds the recursion, which the
// decoder does not do for those who read tokens.
const maxObjectDepth = 10_000

// Equivalent reports whether two values are the same for this package's
// contract: the same bytes, or two JSON objects that a backend may give back
// for one another. It is what [IfChanged] compares by.
//
// Two objects are equivalent if they have the same names with equivalent
// values: the order of the names, spacing, how a string is escaped and how a
// number is written don't matter. Numbers are compared exactly, as decimal
// numbers and never as floats: 1.50 is 1.5 and 15e-1, -0 is 0, and
// 9007199254740993 is not 9007199254740992. Arrays keep their order, and
// names their case.
//
// Only bytes count where one of the two is no JSON object (RFC 8259), or is
// one that decoders do not agree on: not in valid UTF-8, with a name twice in
// one object, at whatever depth, or with a \u escape of half a surrogate pair;
// or one that is nested more than 10,000 deep.
//
// Equal bytes are found in one comparison, without parsing. Else the time and
// the memory grow with the lengths, and depend on what the values hold, so
// that a stranger who may choose one of them and measures could learn
// about the other: [Value.Equal] is the comparison in constant time.
// Equivalent is safe for concurrent use.
func Equivalent(a, b Value) bool {
	if a.Equal(b) {
		return true
	}
	s, t := a.Reveal(), b.Reveal()
	if !beginsObject(s) || !beginsObject(t) {
		return false
	}
	v, ok := parseObject(s)
	if !ok {
		return false
	}
	w, ok := parseObject(t)
	return ok && sameJSON(v, w)
}

// beginsObject spares most values that are no objects from being parsed.
func beginsObject(s string) bool {
	return strings.HasPrefix(strings.TrimLeft(s, " \t\r\n"), "{")
}

// parseObject parses a JSON object that may come back rewritten. Names and
// strings are decoded, numbers kept as they are written.
func parseObject(s string) (object any, ok bool) {
	if !utf8.ValidString(s) || hasLoneSurrogate([]byte(s)) {
		return nil, false
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	if object, ok = parseElement(dec, 0); !ok {
		return nil, false
	}
	_, err := dec.Token()
	return object, err == io.EOF // nothing but JSON's own space behind it
}

// parseElement reads one JSON value at a depth. It is not ok if there is none,
// if it is too deep, or if it repeats a name.
func parseElement(dec *json.Decoder, depth int) (element any, ok bool) {
	token, err := dec.Token()
	if err != nil {
		return nil, false
	}
	delim, nested := token.(json.Delim)
	if !nested {
		return token, true
	}
	if depth == maxObjectDepth {
		return nil, false
	}
	if delim == '{' {
		element, ok = parseMembers(dec, depth+1)
	} else {
		element, ok = parseList(dec, depth+1)
	}
	if !ok {
		return nil, false
	}
	_, err = dec.Token() // the closing one
	return element, err == nil
}

func parseMembers(dec *json.Decoder, depth int) (members map[string]any, ok bool) {
	members = map[string]any{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, false
		}
		name, _ := token.(string) // where a name must be, the decoder takes nothing else
		if _, twice := members[name]; twice {
			return nil, false
		}
		if members[name], ok = parseElement(dec, depth); !ok {
			return nil, false
		}
	}
	return members, true
}

func parseList(dec *json.Decoder, depth int) (list []any, ok bool) {
	list = []any{}
	for dec.More() {
		element, ok := parseElement(dec, depth)
		if !ok {
			return nil, false
		}
		list = append(list, element)
	}
	return list, true
}

// sameJSON compares what parseElement made.
func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			if w, ok := b[name]; !ok || !sameJSON(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !sameJSON(a[i], b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(string(a), string(b))
	default: // a string, a bool or nil
		return a == b
	}
}

// sameNumber compares two JSON numbers as decimal numbers, exactly.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	digitsA, expA := scientific(a)
	digitsB, expB := scientific(b)
	return digitsA == digitsB && expA.Cmp(expB) == 0
}

// scientific writes a JSON number as digits without zeros at either end, and
// a power of ten. It does not expand the exponent, which may be huge.
func scientific(s string) (digits string, exp *big.Int) {
	exp = new(big.Int)
	s, negative := strings.CutPrefix(s, "-")
	if e := strings.IndexAny(s, "eE"); e >= 0 {
		exp.SetString(s[e+1:], 10)
		s = s[:e]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	exp.Sub(exp, big.NewInt(int64(len(fraction))))
	all := strings.TrimLeft(whole+fraction, "0")
	digits = strings.TrimRight(all, "0")
	if digits == "" {
		return "0", new(big.Int)
	}
	exp.Add(exp, big.NewInt(int64(len(all)-len(digits))))
	if negative {
		digits = "-" + digits
	}
	return digits, exp
}
