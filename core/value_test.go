package core_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/lukko-dev/lukko/core"
)

func TestAValueHoldsItsBytes(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "x", "a\x00b", "\xff\xfe", "line\n", strings.Repeat("x", core.MaxValueLen)} {
		b := []byte(s)
		fromBytes := core.Bytes(b)
		if len(b) > 0 {
			b[0] ^= 1
		}
		for name, v := range map[string]core.Value{"String": core.String(s), "Bytes": fromBytes} {
			if v.Reveal() != s || string(v.RevealBytes()) != s || v.Len() != len(s) || v.IsZero() != (s == "") {
				t.Errorf("%s of %d bytes does not hold them", name, len(s))
			}
			if got := v.RevealBytes(); len(got) > 0 {
				got[0] ^= 1
				if v.Reveal() != s {
					t.Errorf("%s: what RevealBytes returns is not a copy", name)
				}
			}
			if !v.Equal(core.String(s)) || v.Equal(core.String(s+"x")) || v.Equal(core.String("y"+s)) {
				t.Errorf("%s: Equal does not tell equal from other", name)
			}
		}
	}
	var zero core.Value
	if !zero.IsZero() || zero.Reveal() != "" || !zero.Equal(core.String("")) {
		t.Error("the zero Value holds something")
	}
}

func TestAValueIsOneWord(t *testing.T) {
	t.Parallel()
	if got := unsafe.Sizeof(core.Value{}); got != unsafe.Sizeof(uintptr(0)) {
		t.Errorf("a Value has %d bytes", got)
	}
	if reflect.TypeFor[core.Value]().Comparable() {
		t.Error("Values can be compared with ==, which would tell apart equal ones")
	}
}

func TestAValueDecodesFromAJSONString(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		json string
		want string
		ok   bool
	}{
		{`"sk_live"`, "sk_live", true},
		{` "padded" `, "padded", true},
		{`""`, "", true},
		{`"\u00e4\n\"\\"`, "ä\n\"\\", true},
		{`"\ud83d\ude00"`, "😀", true},
		{`"\uD83D\uDE00\uD83D\uDE00"`, "😀😀", true},
		{`"\\ud800"`, `\ud800`, true},
		{`"null"`, "null", true},
		{`null`, "before", true},
		{`"\ud800"`, "", false},
		{`"\ud800x"`, "", false},
		{`"\ude00"`, "", false},
		{`"\ud800\u0041"`, "", false},
		{`"\ud83d\ude00\ud83d"`, "", false},
		{"\"\xff\"", "", false},
		{`"[REDACTED]"`, "", false},
		{`"[REDACTED\u005d"`, "", false},
		{`5432`, "", false},
		{`true`, "", false},
		{`{}`, "", false},
		{`["x"]`, "", false},
	} {
		into := struct{ V core.Value }{core.String("before")}
		err := json.Unmarshal([]byte(`{"V":`+test.json+`}`), &into)
		if (err == nil) != test.ok {
			t.Errorf("decoding %s: %v, want it to work: %v", test.json, err, test.ok)
			continue
		}
		if err == nil && into.V.Reveal() != test.want {
			t.Errorf("decoding %s gives another content", test.json)
		}
		if err != nil && into.V.Reveal() != "before" {
			t.Errorf("decoding %s failed and changed the value", test.json)
		}
	}
}

func TestDecodingErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	var v core.Value
	for _, data := range []string{"\"" + canary + "\"\v", `"` + canary + `\ud800"`, `{"` + canary + `":1}`, `["` + canary + `"]`, canary, ``} {
		if err := v.UnmarshalJSON([]byte(data)); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v, want an error without the input", err)
		}
	}
	if err := v.UnmarshalText([]byte("[REDACTED]")); err == nil || !v.IsZero() {
		t.Errorf("[REDACTED] was taken as text: %v", err)
	}
	if err := v.UnmarshalText([]byte("x")); err != nil || v.Reveal() != "x" {
		t.Errorf("a text was not taken: %v", err)
	}
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(core.String(canary)); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&buf).Decode(&v); err == nil || v.Reveal() != "x" {
		t.Errorf("a redacted value was decoded from gob: %v", err)
	}
}

// FuzzValueJSON holds that a string that is taken is taken exactly.
func FuzzValueJSON(f *testing.F) {
	for _, seed := range []string{`"x"`, `"\ud83d\ude00"`, `"\ud800"`, "\"\xff\"", `null`, `"\u005bREDACTED]"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v core.Value
		if v.UnmarshalJSON(data) != nil || v.IsZero() {
			return
		}
		// Encoding what was taken and decoding it again must give the same,
		// and no replacement character may have come in.
		var s string
		if err := json.Unmarshal(data, &s); err != nil || s != v.Reveal() {
			t.Errorf("%q decodes to another content than encoding/json's: %v", data, err)
		}
		// Nothing was replaced, unless the replacement character was there.
		if strings.Contains(s, "\ufffd") && !bytes.Contains(data, []byte("\ufffd")) &&
			!bytes.Contains(bytes.ToLower(data), []byte(`\ufffd`)) {
			t.Errorf("%q was changed in decoding", data)
		}
	})
}
