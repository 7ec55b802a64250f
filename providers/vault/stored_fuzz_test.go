package vault

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// FuzzStored stores every value that the fuzzer finds, and has it back from
// either engine.
func FuzzStored(f *testing.F) {
	for _, file := range []string{"objects", "text", "bytes", "others"} {
		for _, fixture := range fixtures(f, file) {
			f.Add(fixture.value().RevealBytes())
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if len(value) > core.MaxValueLen {
			return
		}
		comesBack(t, core.Bytes(value))
	})
}

// FuzzStoredDecode reads whatever a server may answer.
func FuzzStoredDecode(f *testing.F) {
	for _, file := range []string{"objects", "text", "bytes", "others", "broken"} {
		for _, fixture := range fixtures(f, file) {
			f.Add([]byte(fixture.Data))
		}
	}
	f.Add([]byte(`{"a":"\ud83d\ude00\u003c\/\ud800"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decode(data)
		if !json.Valid(data) {
			if err == nil {
				t.Fatal("what is no JSON was read")
			}
			return
		}
		isObject := bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
		switch {
		case strings.TrimSpace(string(data)) == "null":
			if err != nil || !v.IsZero() {
				t.Fatal("null was not nothing")
			}
		case !isObject:
			if err == nil {
				t.Fatal("what is no data map was read")
			}
		case isWrapped(t, data): // FuzzStored is about those
		case err != nil:
			t.Fatal("an object that is not wrapped was not read")
		case !core.Equivalent(v, core.Bytes(data)) && !comparesByBytes(core.Bytes(data)):
			t.Fatal("another object was read")
		case v.Len() > len(data):
			t.Fatal("what was read is longer than what was answered")
		}
	})
}

// comparesByBytes reports whether core compares a value by its bytes only. Of
// JSON objects that is one with a name twice, half a surrogate pair or bytes
// that are not UTF-8, which no server answers.
func comparesByBytes(v core.Value) bool {
	return !core.Equivalent(v, core.String(v.Reveal()+" "))
}
