package core_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
)

// spellings are pairs of values, and whether they are equivalent.
var spellings = []struct {
	name string
	a, b string
	want bool
}{
	{"nothing and nothing", "", "", true},
	{"the same text", "a\n", "a\n", true},
	{"the same bytes that are no text", "\xff\x00", "\xff\x00", true},
	{"the same object", `{"a":1}`, `{"a":1}`, true},
	{"the same object that repeats a name", `{"a":1,"a":2}`, `{"a":1,"a":2}`, true},
	{"the same object with a lone surrogate", `{"a":"\ud800"}`, `{"a":"\ud800"}`, true},

	{"an object with other spacing", `{"a":[1,true]}`, " {\n\t\"a\" : [ 1 ,true ]\r\n}\n", true},
	{"an object behind a newline", `{"a":1}`, "\n{\"a\":1}", true},
	{"an empty object with a space in it", `{}`, `{ }`, true},
	{"an empty list with a space in it", `{"a":[]}`, `{"a":[ ]}`, true},
	{"names in another order", `{"a":1,"b":2}`, `{"b":2,"a":1}`, true},
	{"names in another order, further in", `{"x":[{"a":1,"b":{"c":null,"d":false}}]}`, `{"x":[{"b":{"d":false,"c":null},"a":1}]}`, true},
	{"the empty name", `{"":1}`, `{"" :1}`, true},
	{"an escaped letter", `{"a":"\u0041"}`, `{"a":"A"}`, true},
	{"an escaped letter in a name", `{"\u0041":1}`, `{"A":1}`, true},
	{"escapes of either case", `{"a":"\u00E9"}`, `{"a":"\u00e9"}`, true},
	{"an escaped slash", `{"a":"\/"}`, `{"a":"/"}`, true},
	{"an escape that JSON has a letter for", `{"a":"\u000a"}`, `{"a":"\n"}`, true},
	{"what Go escapes for the sake of pages", `{"a":"\u003c\u0026\u2028"}`, "{\"a\":\"<&\u2028\"}", true},
	{"an escaped pair", `{"a":"\ud83d\uDD11"}`, `{"a":"🔑"}`, true},
	{"the replacement character itself", `{"a":"\ufffd"}`, "{\"a\":\"\ufffd\"}", true},
	{"an escaped backslash before a u", `{"a":"\\ud800"}`, `{"a":"\u005cud800"}`, true},

	{"a zero at the end of a fraction", `{"a":1.50}`, `{"a":1.5}`, true},
	{"an exponent for a fraction", `{"a":1.5}`, `{"a":15e-1}`, true},
	{"an exponent with a sign and in capitals", `{"a":1E+2}`, `{"a":100}`, true},
	{"an exponent with zeros before it", `{"a":1e002}`, `{"a":100.00}`, true},
	{"a small number", `{"a":0.00012}`, `{"a":1.2e-4}`, true},
	{"a negative number", `{"a":-15}`, `{"a":-1.5e1}`, true},
	{"zero and minus zero", `{"a":0}`, `{"a":-0}`, true},
	{"zero with an exponent", `{"a":0.00}`, `{"a":-0e99}`, true},
	{"a huge exponent", `{"a":1e400}`, `{"a":10e399}`, true},
	{"an exponent that no integer holds", `{"a":1e99999999999999999999}`, `{"a":10e99999999999999999998}`, true},

	{"another text", "a", "b", false},
	{"a text and more", "a", "a\n", false},
	{"something and nothing", "", "{}", false},
	{"an object and its text with more behind", `{"a":1}`, `{"a":1} x`, false},
	{"an object and two of them", `{"a":1}`, `{"a":1}{"a":1}`, false},
	{"an object and a space that is not JSON's", `{"a":1}`, "{\"a\":1}\v", false},
	{"an object and another space that is not JSON's", `{"a":1}`, "{\"a\":1}\u00a0", false},
	{"an object behind a byte order mark", `{"a":1}`, "\ufeff{\"a\":1}", false},
	{"an object and its cut text", `{"a":1}`, `{"a":1`, false},
	{"two cut texts", `{"a":1`, `{"a" :1`, false},
	{"two texts with a comma too many", `{"a":1,}`, `{"a" :1,}`, false},
	{"two lists with a comma too many", `{"a":[1,]}`, `{"a" :[1,]}`, false},
	{"two texts with a name that is no string", `{1:1}`, `{1 :1}`, false},
	{"two texts with a number that is none", `{"a":01}`, `{"a" :01}`, false},
	{"two texts closed by the wrong bracket", `{"a":[1}`, `{"a" :[1}`, false},
	{"a list with other spacing", `[1,2]`, `[1, 2]`, false},
	{"a list of an object", `[{"a":1}]`, `[{"a": 1}]`, false},
	{"a string with another escape", `"\u0041"`, `"A"`, false},
	{"a number written otherwise", `1.50`, `1.5`, false},
	{"null with a newline", `null`, "null\n", false},
	{"null and an object", `null`, `{}`, false},
	{"true and true with a space", `true`, ` true`, false},
	{"a list and an object", `[]`, `{}`, false},
	{"a list and an object, further in", `{"a":[]}`, `{"a":{}}`, false},
	{"a list and an object, further in, with something in them", `{"a":[1]}`, `{"a":{"0":1}}`, false},

	{"a repeated name", `{"a":1,"a":2}`, `{"a":1, "a":2}`, false},
	{"a repeated name with the same value", `{"a":1,"a":1}`, `{"a":1}`, false},
	{"a repeated name in one of the two", `{"a":1,"a":2}`, `{"a":2}`, false},
	{"a repeated name, further in", `{"x":[{"a":1,"b":{"c":1,"c":2}}]}`, `{"x":[{"a":1,"b":{"c":1, "c":2}}]}`, false},
	{"a name repeated by an escape", `{"a":1,"\u0061":1}`, `{"a":1, "\u0061":1}`, false},
	{"the empty name, repeated", `{"":1,"":1}`, `{"":1, "":1}`, false},
	{"a lone surrogate with other spacing", `{"a":"\ud800"}`, `{"a": "\ud800"}`, false},
	{"a lone surrogate that was replaced", `{"a":"\ud800"}`, `{"a":"\ufffd"}`, false},
	{"a lone surrogate in a name", `{"\udc00":1}`, `{"\udc00": 1}`, false},
	{"two surrogates in the wrong order", `{"a":"\udd11\ud83d"}`, `{"a": "\udd11\ud83d"}`, false},
	{"invalid UTF-8 with other spacing", "{\"a\":\"\xff\"}", "{\"a\": \"\xff\"}", false},
	{"invalid UTF-8 that was replaced", "{\"a\":\"\xff\"}", "{\"a\":\"\ufffd\"}", false},

	{"a name more", `{"a":1}`, `{"a":1,"b":2}`, false},
	{"another name", `{"a":null}`, `{"b":null}`, false},
	{"a name of another case", `{"a":1}`, `{"A":1}`, false},
	{"a name that is composed otherwise", "{\"\u00e9\":1}", "{\"e\u0301\":1}", false},
	{"null and nothing", `{"a":null}`, `{}`, false},
	{"null and an empty string", `{"a":null}`, `{"a":""}`, false},
	{"null and false", `{"a":null}`, `{"a":false}`, false},
	{"a number and its text", `{"a":1}`, `{"a":"1"}`, false},
	{"true and its text", `{"a":true}`, `{"a":"true"}`, false},
	{"a list in another order", `{"a":[1,2]}`, `{"a":[2,1]}`, false},
	{"a list with less in it", `{"a":[1,2]}`, `{"a":[1]}`, false},
	{"a big integer with another last digit", `{"a":9007199254740993}`, `{"a":9007199254740992}`, false},
	{"a fraction with another last digit", `{"a":0.1000000000000000055}`, `{"a":0.1}`, false},
	{"a number of another sign", `{"a":1}`, `{"a":-1}`, false},
	{"another huge exponent", `{"a":1e400}`, `{"a":1e401}`, false},
	{"a number too small for a float, and zero", `{"a":1e-400}`, `{"a":0}`, false},
	{"another exponent that no integer holds", `{"a":1e99999999999999999999}`, `{"a":1e99999999999999999998}`, false},
	{"a digit moved over the point", `{"a":12.3}`, `{"a":1.23}`, false},
}

func TestEquivalent(t *testing.T) {
	t.Parallel()
	for _, test := range spellings {
		a, b := core.String(test.a), core.String(test.b)
		if got := core.Equivalent(a, b); got != test.want {
			t.Errorf("%s: the first is equivalent to the second: %v, want %v", test.name, got, test.want)
		}
		if got := core.Equivalent(b, a); got != test.want {
			t.Errorf("%s: the second is equivalent to the first: %v, want %v", test.name, got, test.want)
		}
	}
}

// A value may be all brackets, or one number. What counts here besides the
// result is that it comes: no stack overflows, nothing is expanded.
func TestEquivalentOfHostileObjects(t *testing.T) {
	t.Parallel()
	lists := func(depth int) string {
		return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
	}
	objects := func(depth int) string {
		return strings.Repeat(`{"a":`, depth-1) + "{}" + strings.Repeat("}", depth-1)
	}
	digits := strings.Repeat("7", core.MaxValueLen-16)
	for _, test := range []struct {
		name string
		a, b string
		want bool
	}{
		{"lists as deep as may be", lists(10_000), " " + lists(10_000), true},
		{"lists deeper than that", lists(10_001), " " + lists(10_001), false},
		{"the same lists deeper than that", lists(10_001), lists(10_001), true},
		{"objects as deep as may be", objects(10_000), " " + objects(10_000), true},
		{"objects deeper than that", objects(10_001), " " + objects(10_001), false},
		{"100,000 brackets", lists(100_000), " " + lists(100_000), false},
		{"100,000 brackets that nothing closes", `{"a":` + strings.Repeat("[", 100_000), `{"a":` + strings.Repeat("[", 100_001), false},
		{"100,000 braces that nothing closes", strings.Repeat(`{"a":`, 100_000), strings.Repeat(`{"a":`, 100_001), false},
		{"an exponent of 64 KiB and a shorter one", `{"a":1e` + digits + `}`, `{"a":1e` + digits[1:] + `}`, false},
		{"an exponent of 64 KiB with a digit more before it", `{"a":1e` + digits + `}`, `{"a":10e` + digits + `}`, false},
		{"an exponent of 64 KiB, one less for a digit more", `{"a":1e` + digits + `}`, `{"a":10e` + digits[:len(digits)-1] + `6}`, true},
		{"64 KiB of digits", `{"a":` + digits + `}`, `{"a":` + digits + `.0}`, true},
		{"64 KiB of digits, the last another", `{"a":` + digits + `}`, `{"a":` + digits[1:] + `8}`, false},
	} {
		if got := core.Equivalent(core.String(test.a), core.String(test.b)); got != test.want {
			t.Errorf("%s: equivalent: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestIfChangedKnowsAnObjectThatCameBackRewritten(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, stored, set string
		written           bool
	}{
		{"an object with other spacing, order, escapes and numbers", `{ "b":15e-1, "a":"\u0041" }`, `{"a":"A","b":1.50}`, false},
		{"an object with another number", `{"a":90071992547409920}`, `{"a":90071992547409921}`, true},
		{"a list with other spacing", `[1, 2]`, `[1,2]`, true},
		{"an object that repeats a name", `{"a":1, "a":2}`, `{"a":1,"a":2}`, true},
	} {
		written := false
		store := core.New("fake", &funcs{
			t: t,
			get: func(context.Context, string, core.GetOptions) (core.Secret, error) {
				return core.Secret{Info: core.Info{Version: "v1"}, Value: core.String(test.stored)}, nil
			},
			set: func(_ context.Context, _ string, v core.Value, _ core.SetOptions) (core.Info, error) {
				written = v.Reveal() == test.set
				return core.Info{Version: "v2"}, nil
			},
		})
		info, err := store.Set(t.Context(), "ID", core.String(test.set), core.IfChanged())
		want := core.Info{ID: "ID", Source: "fake", Version: "v1"}
		if test.written {
			want.Version = "v2"
		}
		if err != nil || written != test.written || info != want {
			t.Errorf("%s: written: %v, want %v; got %+v, %v, want %+v", test.name, written, test.written, info, err, want)
		}
	}
}

// FuzzEquivalent holds it to what can be told without it: it goes both ways,
// what it calls equivalent decodes alike, and it knows an object again after a
// rewrite that lost nothing, and no other.
func FuzzEquivalent(f *testing.F) {
	for _, p := range spellings {
		f.Add(p.a, p.b)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		v, w := core.String(a), core.String(b)
		if !core.Equivalent(v, core.Bytes([]byte(a))) {
			t.Errorf("%q is not equivalent to itself", a)
		}
		same := core.Equivalent(v, w)
		if core.Equivalent(w, v) != same {
			t.Errorf("%q and %q: one way it is %v, the other way %v", a, b, same, !same)
		}
		if same && a != b {
			var x, y map[string]any
			errX, errY := json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)
			if (errX == nil) != (errY == nil) || errX == nil && (x == nil || !reflect.DeepEqual(x, y)) {
				t.Errorf("%q and %q are equivalent, and decode to something else", a, b)
			}
		}

		spaced := core.Equivalent(v, core.String(a+"\n"))
		rewritten, lossless := rewrite(a)
		if !lossless {
			if spaced && !strings.Contains(strings.ToLower(a), `\ufffd`) {
				t.Errorf("%q can't be rewritten without a loss, and is equivalent to itself with a newline", a)
			}
			return
		}
		if !spaced || !core.Equivalent(v, core.String(rewritten)) {
			t.Errorf("%q is not equivalent to %q, or to itself with a newline", a, rewritten)
		}
	})
}

// rewrite writes a JSON object anew by encoding/json, its numbers with an
// exponent, if nothing is lost by that and if that can be told.
func rewrite(s string) (rewritten string, ok bool) {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var object map[string]any
	if !json.Valid([]byte(s)) || dec.Decode(&object) != nil || object == nil {
		return "", false
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(len(s)%2 == 0)
	if enc.Encode(respell(object)) != nil {
		return "", false
	}
	// A name that is there twice is there once afterwards, and half a pair and
	// a byte that is no text become U+FFFD.
	const replaced = "\ufffd"
	if !utf8.ValidString(s) || tokens(s) != tokens(b.String()) || strings.Contains(strings.ToLower(s), `\ufffd`) ||
		strings.Count(s, replaced) != strings.Count(b.String(), replaced) {
		return "", false
	}
	return b.String(), true
}

func respell(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = respell(v[name])
		}
	case []any:
		for i := range v {
			v[i] = respell(v[i])
		}
	case json.Number:
		if !strings.ContainsAny(string(v), "eE") {
			return v + "E-00"
		}
	}
	return v
}

func tokens(s string) (n int) {
	for dec := json.NewDecoder(strings.NewReader(s)); ; n++ {
		dec.UseNumber()
		if _, err := dec.Token(); err == io.EOF {
			return n
		} else if err != nil {
			return -1
		}
	}
}
