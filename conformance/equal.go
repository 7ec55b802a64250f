package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
)

// difference says how what came back differs from what was stored, without
// showing either; empty where it may come back so. Bytes come back identical,
// but for a JSON object without repeated names or lone surrogates: there
// spacing and the order of names may differ.
func difference(got, want core.Value) string {
	g, w := got.Reveal(), want.Reveal()
	if g == w {
		return ""
	}
	if wt, ok := object(w); ok {
		gt, ok := object(g)
		if ok && sameJSON(gt, wt) {
			return ""
		}
		if !ok {
			return fmt.Sprintf("a JSON object of %d bytes came back as %d bytes that are no such object", len(w), len(g))
		}
		return fmt.Sprintf("a JSON object of %d bytes came back as another object, of %d bytes", len(w), len(g))
	}
	at := 0
	for at < len(g) && at < len(w) && g[at] == w[at] {
		at++
	}
	return fmt.Sprintf("another value came back: %d bytes in place of %d, the first difference is at byte %d", len(g), len(w), at)
}

// object parses a JSON object that may come back rewritten. Names and strings
// are decoded, numbers kept as they are written.
func object(s string) (any, bool) {
	if !utf8.ValidString(s) || loneSurrogate(s) {
		return nil, false
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	v, ok := element(dec)
	if !ok {
		return nil, false
	}
	if _, isObject := v.(map[string]any); !isObject {
		return nil, false
	}
	_, err := dec.Token()
	return v, err != nil && !dec.More() && len(bytes.TrimSpace([]byte(s[dec.InputOffset():]))) == 0
}

// element reads one JSON value; not ok if it is none, or repeats a name.
func element(dec *json.Decoder) (any, bool) {
	tok, err := dec.Token()
	if err != nil {
		return nil, false
	}
	switch tok {
	case json.Delim('{'):
		m := map[string]any{}
		for dec.More() {
			key, err := dec.Token()
			if err != nil {
				return nil, false
			}
			name, isName := key.(string)
			if _, twice := m[name]; twice || !isName {
				return nil, false
			}
			v, ok := element(dec)
			if !ok {
				return nil, false
			}
			m[name] = v
		}
		_, err := dec.Token()
		return m, err == nil
	case json.Delim('['):
		list := []any{}
		for dec.More() {
			v, ok := element(dec)
			if !ok {
				return nil, false
			}
			list = append(list, v)
		}
		_, err := dec.Token()
		return list, err == nil
	}
	return tok, true
}

func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			w, ok := b[name]
			if !ok || !sameJSON(v, w) {
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
	default:
		return a == b
	}
}

// sameNumber compares two JSON numbers as numbers, exactly: 1.50 is 1.5, and
// 9007199254740993 is not 9007199254740992.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	am, ae := scientific(a)
	bm, be := scientific(b)
	return am == bm && ae.Cmp(be) == 0
}

// scientific writes a JSON number as digits without zeros at either end, and
// a power of ten. It does not expand the exponent, which may be huge.
func scientific(s string) (digits string, exp *big.Int) {
	exp = new(big.Int)
	negative := strings.HasPrefix(s, "-")
	s = strings.ToLower(strings.TrimPrefix(s, "-"))
	s, e, ok := strings.Cut(s, "e")
	if ok {
		exp.SetString(strings.TrimPrefix(e, "+"), 10)
	}
	whole, fraction, _ := strings.Cut(s, ".")
	exp.Sub(exp, big.NewInt(int64(len(fraction))))
	digits = strings.TrimLeft(whole+fraction, "0")
	trimmed := strings.TrimRight(digits, "0")
	exp.Add(exp, big.NewInt(int64(len(digits)-len(trimmed))))
	if trimmed == "" {
		return "0", new(big.Int)
	}
	if negative {
		trimmed = "-" + trimmed
	}
	return trimmed, exp
}

// loneSurrogate reports whether a JSON text has a \u escape of half a pair.
// A backslash in valid JSON stands in strings only.
func loneSurrogate(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		i++
		if s[i] != 'u' {
			continue
		}
		r := escape(s, i-1)
		i += 4
		if !utf16.IsSurrogate(r) {
			continue
		}
		if utf16.DecodeRune(r, escape(s, i+1)) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// escape reads the \u escape at i; 0 if there is none.
func escape(s string, i int) rune {
	if i+6 > len(s) || s[i] != '\\' || s[i+1] != 'u' {
		return 0
	}
	n, err := strconv.ParseUint(s[i+2:i+6], 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}
