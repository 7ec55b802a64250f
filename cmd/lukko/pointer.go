package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
)

// field returns the part of a JSON document that a JSON pointer (RFC 6901)
// names: a string as its own text, anything else as the JSON that is stored.
// No error holds a part of the document.
func field(document []byte, pointer string) ([]byte, error) {
	names, err := parsePointer(pointer)
	if err != nil {
		return nil, err
	}
	if !utf8.Valid(document) || !json.Valid(document) {
		return nil, failure(exitNo, "the value is no JSON document, so it has no fields", "leave --field out to get it as it is")
	}
	part := json.RawMessage(document)
	for _, name := range names {
		if part, err = member(part, name); err != nil {
			return nil, err
		}
	}
	part = bytes.TrimSpace(part)
	if part[0] != '"' {
		return part, nil
	}
	// A Value decodes a string exactly, or not at all.
	var text core.Value
	if err := text.UnmarshalJSON(part); err != nil {
		return nil, failure(exitNo, "the field is a string that can't be printed exactly", "get the whole value, and look at its escapes")
	}
	return text.RevealBytes(), nil
}

// parsePointer returns the names and indexes that a pointer is made of.
func parsePointer(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(pointer, "/")
	if !ok {
		return nil, usage("--field takes a JSON pointer, which begins with a slash", "for a field of the name apiKey that is --field /apiKey")
	}
	names := strings.Split(rest, "/")
	for i, name := range names {
		escapes := strings.Count(name, "~")
		if strings.Count(name, "~0")+strings.Count(name, "~1") != escapes {
			return nil, usage("--field has a ~ that is no escape of a JSON pointer", "in a name, ~ is written ~0 and / is written ~1")
		}
		names[i] = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	}
	return names, nil
}

var errNoField = failure(exitNo, "the value has no such field", "names match exactly, and arrays count from 0")

// member returns one member of an object, or one element of an array. A name
// that is there twice has no one value.
func member(document json.RawMessage, name string) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(document))
	open, err := dec.Token()
	if err != nil {
		return nil, errNoField
	}
	index := -1
	switch open {
	case json.Delim('['):
		if index, err = arrayIndex(name); err != nil {
			return nil, err
		}
	case json.Delim('{'):
	default:
		return nil, errNoField
	}
	var found json.RawMessage
	for i := 0; dec.More(); i++ {
		matches := i == index
		if index < 0 {
			key, err := dec.Token()
			if err != nil {
				return nil, errNoField
			}
			matches = key == name
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errNoField
		}
		if !matches {
			continue
		}
		if found != nil {
			return nil, failure(exitNo, "the value has this field twice", "set it anew with each name once")
		}
		found = value
	}
	if found == nil {
		return nil, errNoField
	}
	return found, nil
}

// arrayIndex is 0, or digits that begin with no zero.
func arrayIndex(name string) (int, error) {
	i, err := strconv.Atoi(name)
	if errors.Is(err, strconv.ErrRange) || err == nil && i < 0 {
		return 0, errNoField
	}
	if err != nil || strconv.Itoa(i) != name {
		return 0, errNoField
	}
	return i, nil
}
