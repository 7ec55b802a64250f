package gotypes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// comment writes texts as a comment, with a paragraph for each and for each
// empty line within. It can't break out: each line has its own slashes, and
// what does not print is a space.
func comment(b *strings.Builder, indent string, texts ...string) {
	const width = 77
	first := true
	for _, text := range texts {
		for paragraph := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
			words := strings.FieldsFunc(paragraph, func(r rune) bool {
				return r == ' ' || r == utf8.RuneError || !unicode.IsPrint(r)
			})
			if len(words) == 0 {
				continue
			}
			if !first {
				b.WriteString(indent + "//\n")
			}
			first = false
			line := ""
			for _, w := range words {
				if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) > width {
					b.WriteString(indent + "//" + line + "\n")
					line = ""
				}
				line += " " + w
			}
			b.WriteString(indent + "//" + line + "\n")
		}
	}
}

// rawJSON writes a schema as a raw string. What can't stand there, or does not
// show, is an escape of JSON.
func rawJSON(schema []byte) string {
	var tree any
	dec := json.NewDecoder(bytes.NewReader(schema))
	dec.UseNumber()
	if dec.Decode(&tree) != nil {
		return strconv.Quote(string(schema))
	}
	var laid strings.Builder
	layOut(&laid, tree, 0)
	var b strings.Builder
	for _, r := range laid.String() {
		switch {
		case r == '\n' || r == '\t' || r != '`' && unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return "`" + b.String() + "`"
}

// layOut writes JSON as a person would: what is short in one line.
func layOut(b *strings.Builder, v any, depth int) {
	const short = 100
	if line := oneLine(v); len(line) <= short {
		b.WriteString(line)
		return
	}
	indent := strings.Repeat("\t", depth+1)
	sep := "\n" + indent
	switch v := v.(type) {
	case map[string]any:
		b.WriteString("{")
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(sep + oneLine(name) + ": ")
			layOut(b, v[name], depth+1)
			sep = ",\n" + indent
		}
		b.WriteString("\n" + indent[1:] + "}")
	case []any:
		b.WriteString("[")
		for _, item := range v {
			b.WriteString(sep)
			layOut(b, item, depth+1)
			sep = ",\n" + indent
		}
		b.WriteString("\n" + indent[1:] + "]")
	default:
		b.WriteString(oneLine(v))
	}
}

func oneLine(v any) string {
	var b strings.Builder
	switch v := v.(type) {
	case map[string]any:
		sep := ""
		b.WriteString("{")
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(sep + oneLine(name) + ": " + oneLine(v[name]))
			sep = ", "
		}
		b.WriteString("}")
	case []any:
		sep := ""
		b.WriteString("[")
		for _, item := range v {
			b.WriteString(sep + oneLine(item))
			sep = ", "
		}
		b.WriteString("]")
	default:
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(v) // a text, a number, true, false or null
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// duration writes a time as a person would.
func duration(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == day:
		return "24 * time.Hour"
	case d%day == 0:
		return strconv.FormatInt(int64(d/day), 10) + " * 24 * time.Hour"
	}
	for _, u := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "Hour"}, {time.Minute, "Minute"}, {time.Second, "Second"}, {time.Millisecond, "Millisecond"}, {1, "Nanosecond"}} {
		if n := d / u.length; d%u.length == 0 {
			if n == 1 {
				return "time." + u.name
			}
			return strconv.FormatInt(int64(n), 10) + " * time." + u.name
		}
	}
	return ""
}
