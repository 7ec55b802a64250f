package core

import (
	"unicode/utf16"
	"unicode/utf8"
)

// hasLoneSurrogate reports whether a JSON text has a \u escape of half a
// surrogate pair. encoding/json replaces those by U+FFFD without a word. In
// valid JSON a backslash stands in strings only, so any text will do.
func hasLoneSurrogate(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		if i >= len(data) || data[i] != 'u' {
			continue
		}
		r := hex4(data[min(i+1, len(data)):])
		i += 4
		if !utf16.IsSurrogate(r) {
			continue
		}
		rest := data[min(i+1, len(data)):]
		if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' ||
			utf16.DecodeRune(r, hex4(rest[2:])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

// hex4 reads four hexadecimal digits; what is none counts as zero, as the
// decoder refuses it anyway.
func hex4(b []byte) (r rune) {
	for i := range 4 {
		r <<= 4
		if i >= len(b) {
			continue
		}
		switch c := b[i]; {
		case '0' <= c && c <= '9':
			r |= rune(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r |= rune(c|0x20-'a') + 10
		}
	}
	return r
}
