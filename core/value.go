package core

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"
)

// redacted is what everything that prints gets in place of a value. It tells
// neither the content nor the length, nor whether there is one.
const redacted = "[REDACTED]"

// Value holds the bytes of a secret so that nothing that prints can follow
// them: fmt with every verb, log/slog, the encoders of the standard library
// and printers that work by reflection show "[REDACTED]" or an address, never
// the content. [Value.Reveal] and [Value.RevealBytes] are the only ways to
// it, so that a search for Reveal finds every use.
//
// The zero Value holds nothing. A Value is one word, immutable, safe for
// concurrent use, and can't be compared with ==; see [Value.Equal].
//
// A Value decodes from a JSON string, so declared structs use it for their
// fields. It never encodes to its content: code that stores a struct reveals
// explicitly.
//
// Do not embed a Value in a struct: its methods would be promoted, and the
// whole struct would print and encode as "[REDACTED]".
type Value struct {
	// A func, since no printer and no comparer that works by reflection can
	// see what it closes over, and since == does not compile with it.
	reveal func() string
}

// String makes a Value of the bytes of s.
func String(s string) Value {
	if s == "" {
		return Value{}
	}
	return Value{reveal: func() string { return s }}
}

// Bytes makes a Value of a copy of b.
func Bytes(b []byte) Value { return String(string(b)) }

// Reveal returns the content. It costs nothing.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// RevealBytes returns a copy of the content, which the caller may overwrite.
func (v Value) RevealBytes() []byte { return []byte(v.Reveal()) }

// Len returns the number of bytes.
func (v Value) Len() int { return len(v.Reveal()) }

// IsZero reports whether the Value holds no bytes.
func (v Value) IsZero() bool { return v.Len() == 0 }

// Equal reports whether both hold the same bytes, in a time that depends on
// their lengths only.
func (v Value) Equal(other Value) bool {
	a, b := v.Reveal(), other.Reveal()
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// String returns "[REDACTED]".
func (v Value) String() string { return redacted }

// GoString returns "[REDACTED]".
func (v Value) GoString() string { return redacted }

// Format writes "[REDACTED]" for every verb and flag. It implements
// [fmt.Formatter].
func (v Value) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, redacted) }

// LogValue returns "[REDACTED]". It implements [slog.LogValuer].
func (v Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns "[REDACTED]" as a JSON string.
func (v Value) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText returns "[REDACTED]".
func (v Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// GobEncode returns "[REDACTED]".
func (v Value) GobEncode() ([]byte, error) { return []byte(redacted), nil }

// The errors of decoding say what was wrong and quote nothing.
var (
	errRedactedInput = errors.New("core: refusing to decode " + redacted + ": it stands for a value that was not revealed when this was written")
	errNotString     = errors.New("core: a Value decodes from a JSON string only")
	errNotUnicode    = errors.New("core: the JSON string has a lone surrogate or is not valid UTF-8, and can't be kept exactly")
	errNoGob         = errors.New("core: a Value does not decode from gob, since it never encodes to its content")
)

// UnmarshalJSON takes the content of a JSON string. It refuses "[REDACTED]",
// which would be a value lost, and strings that Go would have to change: lone
// surrogates and invalid UTF-8. As for other types, null changes nothing.
func (v *Value) UnmarshalJSON(data []byte) error {
	data = bytes.Trim(data, " \t\r\n") // what JSON takes for space
	if string(data) == "null" {
		return nil
	}
	if len(data) == 0 || data[0] != '"' {
		return errNotString
	}
	if !utf8.Valid(data) || hasLoneSurrogate(data) {
		return errNotUnicode
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return errNotString // the package's own error may quote the input
	}
	return v.UnmarshalText([]byte(s))
}

// UnmarshalText takes text as the content. It refuses "[REDACTED]".
func (v *Value) UnmarshalText(text []byte) error {
	if string(text) == redacted {
		return errRedactedInput
	}
	*v = Bytes(text)
	return nil
}

// GobDecode returns an error: a Value never encodes to its content, so there
// is nothing that it could be decoded from.
func (v *Value) GobDecode([]byte) error { return errNoGob }
