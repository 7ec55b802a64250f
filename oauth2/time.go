package oauth2

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Time is a time in a stored form. It is written as RFC 3339 in UTC, and null
// where it is not known. It reads RFC 3339 and, as a number or as the text of
// one, the seconds or the milliseconds since the beginning of 1970: from 1e11
// on they are milliseconds, which as seconds would be the year 5138. All that
// can't be read as a time of the years 1970 to 9999 is the zero Time, not
// known, and never an error: a token must not be lost for it.
type Time struct{ time.Time }

// millisFrom is where a number of seconds would be one of milliseconds.
const millisFrom = 1e11

// lastSecond is the last one that RFC 3339 has, of the year 9999.
const lastSecond = 253402300799

// MarshalJSON writes RFC 3339 in UTC, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if text := t.stored(); text != "" {
		return []byte(`"` + text + `"`), nil
	}
	return []byte("null"), nil
}

// MarshalText writes RFC 3339 in UTC, or nothing.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.stored()), nil }

// UnmarshalJSON reads what [Time] says, and never returns an error.
func (t *Time) UnmarshalJSON(data []byte) error {
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, `"`) {
		var s string
		if json.Unmarshal([]byte(text), &s) != nil {
			s = ""
		}
		text = s
	}
	*t = readTime(text)
	return nil
}

// UnmarshalText reads what [Time] says, and never returns an error.
func (t *Time) UnmarshalText(text []byte) error {
	*t = readTime(string(text))
	return nil
}

func (t Time) stored() string {
	if u := t.UTC(); isKnown(u) {
		return u.Format(time.RFC3339Nano)
	}
	return ""
}

func isKnown(t time.Time) bool { return t.Unix() > 0 && t.Unix() <= lastSecond }

func readTime(text string) Time {
	text = strings.TrimSpace(text)
	if len(text) > 64 {
		return Time{}
	}
	if at, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text)); err == nil {
		if isKnown(at) {
			return Time{at.UTC()}
		}
		return Time{}
	}
	at, ok := fromNumber(text)
	if !ok || !isKnown(at) {
		return Time{}
	}
	return Time{at.UTC()}
}

// fromNumber reads seconds or milliseconds, exactly where they are whole.
func fromNumber(text string) (time.Time, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n >= millisFrom {
			return time.UnixMilli(n), true
		}
		return time.Unix(n, 0), true
	}
	n, ok := readNumber(text)
	if !ok || n < 0 || n > 1000*(lastSecond+1) {
		return time.Time{}, false
	}
	if n >= millisFrom {
		n /= 1000
	}
	whole, part := math.Modf(n)
	return time.Unix(int64(whole), int64(math.Round(part*1e6))*1000), true // a float has no more than microseconds of these
}

// readNumber reads a decimal number, which is no hexadecimal, infinity or NaN.
func readNumber(text string) (float64, bool) {
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && !math.IsInf(n, 0)
}
