package conformance

import (
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

func TestDifference(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, want, got string
		same            bool
	}{
		{"the same bytes", "a\n", "a\n", true},
		{"a newline less", "a\n", "a", false},
		{"an object with other spacing and order", `{"a":1,"b":[1,{"c":null}]}`, "{\n \"b\": [1, {\"c\":null}], \"a\":1 }\n", true},
		{"an object with another number", `{"a":9007199254740993}`, `{"a":9007199254740992}`, false},
		{"a number written otherwise", `{"a":1.50,"b":100,"c":-0.0,"d":1E+2}`, `{"a":1.5,"b":1e2,"c":0,"d":100}`, true},
		{"a huge exponent", `{"a":1e400}`, `{"a":10e399}`, true},
		{"another huge exponent", `{"a":1e400}`, `{"a":1e401}`, false},
		{"an exponent that no integer holds", `{"a":1e99999999999999999999}`, `{"a":1e99999999999999999998}`, false},
		{"a string for a number", `{"a":1}`, `{"a":"1"}`, false},
		{"an escape decoded", `{"a":"\u00e9\/"}`, `{"a":"é/"}`, true},
		{"a name more", `{"a":1}`, `{"a":1,"b":2}`, false},
		{"another name", `{"a":1}`, `{"A":1}`, false},
		{"null for absent", `{"a":null}`, `{}`, false},
		{"an array in another order", `{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{"a shorter array", `{"a":[1,2]}`, `{"a":[1]}`, false},
		{"an array with other spacing", `[1, 2]`, `[1,2]`, false},
		{"a string with an escape decoded", `"\u0061"`, `"a"`, false},
		{"repeated names that are lost", `{"a":1,"a":2}`, `{"a":2}`, false},
		{"repeated names inside that are lost", `{"x":[{"a":1,"a":2}]}`, `{"x":[{"a":2}]}`, false},
		{"repeated names with other spacing", `{"a":1,"a":2}`, `{"a":1, "a":2}`, false},
		{"a lone surrogate replaced", `{"a":"\ud800"}`, `{"a":"\ufffd"}`, false},
		{"a lone surrogate with other spacing", `{"a":"\ud800"}`, `{ "a":"\ud800"}`, false},
		{"a pair decoded", `{"a":"\ud83d\udd11"}`, `{"a":"🔑"}`, true},
		{"an escaped backslash before a u", `{"a":"\\ud800"}`, `{ "a" : "\\ud800" }`, true},
		{"invalid UTF-8 replaced", "{\"a\":\"\xff\"}", "{\"a\":\"\ufffd\"}", false},
		{"an object and a space that is not JSON's", `{"a":1}`, "{\"a\":1}\v", false},
		{"an object and more", `{"a":1} x`, `{"a":1}  x`, false},
		{"an object cut", `{"a":1`, `{"a" :1`, false},
		{"an object unwrapped", `{"value":"x"}`, `x`, false},
	} {
		diff := difference(core.String(test.got), core.String(test.want))
		if (diff == "") != test.same {
			t.Errorf("%s: the difference is %q", test.name, diff)
		}
		if strings.Contains(diff, "9007") {
			t.Errorf("%s: the difference shows a value", test.name)
		}
	}
}

func TestTheDifferenceIsToldByItsKind(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ want, got, text string }{
		{`{"a":1}`, `{"a": 2}`, "a JSON object of 7 bytes came back as another object, of 8 bytes"},
		{`{"a":1}`, `a`, "a JSON object of 7 bytes came back as 1 bytes that are no such object"},
		{`{"a":1}`, `{"a":1,"a":1}`, "a JSON object of 7 bytes came back as 13 bytes that are no such object"},
		{`{"a":1,"a":2}`, `{"a":2}`, "another value came back: 7 bytes in place of 13, the first difference is at byte 5"},
		{"text\n", "text", "another value came back: 4 bytes in place of 5, the first difference is at byte 4"},
	} {
		if got := difference(core.String(test.got), core.String(test.want)); got != test.text {
			t.Errorf("got %q, want %q", got, test.text)
		}
	}
}

func TestMarksFindPartsOfValues(t *testing.T) {
	t.Parallel()
	m := newMarks()
	v := m.text()
	for _, text := range []string{v, "x" + v[:8] + "…", "…" + v[len(v)-6:], strings.ToUpper("x") + v[3:10]} {
		if !m.in(text) || !newFind([]marks{newMarks(), m}).in(text) {
			t.Error("a part of a value was not found")
		}
		if m.in(m.scrub(text)) {
			t.Error("a text that was scrubbed shows a part of a value")
		}
	}
	if other := newMarks().text(); m.in(other) {
		t.Error("the value of another trial was found")
	}
}

func TestHashesOfValuesAreFound(t *testing.T) {
	t.Parallel()
	v := []byte("a value")
	for version, want := range map[string]bool{
		sha256Hex("a value"): true, sha256Hex("a value")[:12]: true, "v-" + sha256Hex("a value")[:8]: true,
		sha256Hex("another"): false, "v12": false, "": false, "12-0a1b2c3d4e5f60718293": false,
	} {
		if got := hashIn(version, v) != ""; got != want {
			t.Errorf("hashIn(%q) is %v", version, got)
		}
	}
}
