package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// The examples of RFC 6901, section 5.
func TestFieldFollowsTheExamplesOfRFC6901(t *testing.T) {
	t.Parallel()
	document := `{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}`
	for pointer, want := range map[string]string{
		"": document, "/foo": `["bar", "baz"]`, "/foo/0": "bar", "/": "0", "/a~1b": "1", "/c%d": "2",
		"/e^f": "3", "/g|h": "4", `/i\j`: "5", `/k"l`: "6", "/ ": "7", "/m~0n": "8",
	} {
		got, err := field([]byte(document), pointer)
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v, want %q", pointer, got, err, want)
		}
	}
}

func TestFieldOfANestedEscapeIsReadOnce(t *testing.T) {
	t.Parallel()
	got, err := field([]byte(`{"~1": 1, "/": 2}`), "/~01")
	if err != nil || string(got) != "1" {
		t.Errorf("%q, %v, want 1", got, err)
	}
}

// FuzzField: a field is JSON or the text of a string, and no error holds a
// part of the document.
func FuzzField(f *testing.F) {
	f.Add([]byte(`{"apiKey": "sk_canary", "n": [1, {"x": null}]}`), "/n/1/x")
	f.Add([]byte(`{"a": "\ud800", "a": 1}`), "/a")
	f.Add([]byte(`[["canary"]]`), "/0/00")
	f.Add([]byte("\"\xff\""), "")
	f.Add([]byte(`" canary "`), "")
	f.Add([]byte(`{"a~b": {"c/d": true}}`), "/a~0b/c~1d")
	f.Fuzz(func(t *testing.T, document []byte, pointer string) {
		got, err := field(document, pointer)
		if err != nil {
			if bytes.Contains(document, []byte("canary")) && strings.Contains(err.Error(), "canary") {
				t.Error("an error holds a part of the document")
			}
			return
		}
		want, ok := look(document, pointer)
		if !ok {
			t.Fatal("a field that encoding/json does not find")
		}
		if text, isText := want.(string); isText {
			if string(got) != text {
				t.Fatal("a text that is not that of encoding/json")
			}
			return
		}
		have, ok := look(got, "")
		if !ok || !reflect.DeepEqual(have, want) {
			t.Fatal("a field that is not that of encoding/json")
		}
	})
}

// look is field by encoding/json.
func look(document []byte, pointer string) (any, bool) {
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	var at any
	if err := dec.Decode(&at); err != nil {
		return nil, false
	}
	if pointer == "" {
		return at, true
	}
	for _, name := range strings.Split(pointer, "/")[1:] {
		name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
		switch v := at.(type) {
		case map[string]any:
			next, ok := v[name]
			if !ok {
				return nil, false
			}
			at = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			at = v[i]
		default:
			return nil, false
		}
	}
	return at, true
}
