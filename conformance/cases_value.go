package conformance

import (
	"fmt"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// A nasty value is one that some store, somewhere, did not give back.
type nasty struct {
	name  string
	why   string // what goes wrong with it
	value string
	live  bool // among the cheap cases
}

// nasties are never printed, only their names.
func nasties() []nasty {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	return []nasty{
		{"one-byte", "the shortest value", "x", false},
		{"64-kib", "the longest value", strings.Repeat("0123456789abcdef", core.MaxValueLen/16), true},
		{"64-kib-of-bytes", "the longest value, and encoding makes it longer", strings.Repeat("\xff\x00\x80\n", core.MaxValueLen/4), false},
		{"every-byte", "bytes that are no text", string(every), false},
		{"nul-byte", "a byte that ends a string in C", "before\x00after", false},
		{"invalid-utf-8", "bytes that decoders replace by U+FFFD", "caf\xe9 \xff\xfe \xed\xa0\x80", true},
		{"replacement-character", "U+FFFD itself", "a\ufffdb", false},
		{"byte-order-mark", "a mark that readers drop", "\ufefftext", false},
		{"decomposed-unicode", "two characters that normalization joins", "e\u0301 \u00e9", false},
		{"emoji", "characters of four bytes", "🔑\U0010ffff", false},
		{"trailing-newline", "a newline that tools trim", "-----END KEY-----\n", true},
		{"two-trailing-newlines", "newlines that tools trim", "text\n\n", false},
		{"trailing-crlf", "a line end that tools trim or rewrite", "text\r\n", false},
		{"crlf-inside", "line ends that tools rewrite", "one\r\ntwo\rthree\nfour", false},
		{"leading-space", "spaces that tools trim", " \t text", false},
		{"trailing-space", "spaces that tools trim", "text \t ", false},
		{"only-a-newline", "a value of space alone", "\n", false},
		{"only-spaces", "a value of space alone", "  \t  ", false},
		{"quotes", "quotes that shells and files of settings take off", `"quoted"`, false},
		{"single-quotes", "quotes that shells take off", `'quoted'`, false},
		{"backslashes", "escapes that decoders resolve", `C:\new\table \u0041 \\`, false},
		{"dollar", "what shells expand", "$HOME ${HOME} $(id) `id` %PATH% {{ .x }}", false},
		{"equals-and-comments", "what files of settings cut", "a=b # c ; d // e", false},
		{"percent-escapes", "what URLs decode", "100%25+plus %zz", false},
		{"markup", "what pages and Go's JSON escape", `<a href="x">&amp;</a>` + "\u2028\u2029", false},
		{"control-characters", "what terminals act on", "\x1b[31mred\x07\x08\x7f", false},
		{"base64-text", "text that looks encoded", "aGVsbG8=", false},
		{"hex-text", "text that looks encoded", "deadbeef", false},
		{"redacted", "the word that stands for a value", "[REDACTED]", false},
		{"json-null", "null, which becomes nothing, or the text of it by another way", "null", true},
		{"json-true", "a JSON value that is no object", "true", false},
		{"json-string", "a JSON string with escapes", `"a\u00e9\n\"b\""`, false},
		{"json-array", "a JSON value that is no object", `[1, 2,3 ]`, false},
		{"json-number", "text that is a number", "5432", false},
		{"json-leading-zero", "text that looks like a number", "007", false},
		{"json-big-number", "a number above 2^53, alone", "9007199254740993", false},
		{"json-huge-exponent", "a number that no float holds", "1e400", false},
		{"json-negative-zero", "a number with a sign that is lost", "-0", false},
		{"json-object", "an object, which may come back with other spacing", `{"user":"app","port":5432,"ok":true,"none":null,"list":[1,"two",{}]}`, false},
		{"json-object-pretty", "an object on several lines", "{\n  \"b\": 1,\n  \"a\": [ ]\n}\n", false},
		{"json-object-empty", "an object with nothing in it", "{}", false},
		{"json-object-numbers", "numbers that floats round", `{"id":9007199254740993,"max":18446744073709551615,"pi":3.14159265358979323846264338327950288,"z":0.1}`, true},
		{"json-object-huge-exponent", "a number that no float holds, in an object", `{"e":1e400,"tiny":-1e-400}`, false},
		{"json-object-value-key", "an object with the one name that stores use to wrap others", `{"value":"x"}`, true},
		{"json-object-data-key", "an object like those that stores wrap others in", `{"data":{"data":"x"},"metadata":{}}`, false},
		{"json-object-empty-name", "an object with an empty name", `{"":"x"}`, false},
		{"json-object-escapes", "strings in an object with escapes", `{"a":"\u00e9\ud83d\udd11\u0000\/<&>\u2028"}`, false},
		{"json-object-repeated-name", "an object with a name twice, which must come back byte for byte", `{"a":1,"a":2}`, true},
		{"json-object-repeated-name-inside", "a name twice further in, which must come back byte for byte", `{"x":[{"a":1,"b":{"c":1,"c":2}}]}`, false},
		{"json-object-escaped-repeated-name", "one name written in two ways, which must come back byte for byte", `{"a":1,"\u0061":2}`, false},
		{"json-object-lone-surrogate", "half a pair, which decoders replace, so it must come back byte for byte", `{"a":"\ud800"}`, false},
		{"json-object-case", "names that differ by case", `{"key":1,"Key":2,"KEY":3}`, false},
		{"json-object-trailing-text", "an object and more, which is no object", `{"a":1} x`, false},
		{"json-object-broken", "an object that is cut", `{"a":1`, false},
		{"json-object-invalid-utf-8", "an object with bytes that are no text, which must come back byte for byte", "{\"a\":\"\xff\"}", false},
		{"json-object-deep", "an object with deep nesting", strings.Repeat(`{"a":`, 60) + "1" + strings.Repeat("}", 60), false},
		{"json-object-of-strings-of-numbers", "strings that look like numbers", `{"port":"5432","zip":"007","flag":"true"}`, false},
		{"private-key", "lines, dashes and a newline at the end", "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END PRIVATE KEY-----\n", false},
		{"yaml", "what YAML reads as something else", "no\n---\n- *a: !!binary\n", false},
	}
}

// valueCases is one case for each nasty value.
func valueCases() []Case {
	var cases []Case
	for _, n := range nasties() {
		c := Case{
			Name:  "MUST/Values/" + n.name,
			Rule:  "What is stored comes back exactly, a JSON object as an equal one: " + n.why + ".",
			Look:  "what the backend, and the client below it, do to the bytes on the way in and on the way out",
			Cost:  Cost{Class: Full, Calls: 2},
			needs: []need{needContent},
			run: func(t *trial) {
				id, v := t.id("a"), core.String(n.value)
				t.put(id, v)
				t.wantValue("after Set", id, v)
				if t.suite.live == nil { // where calls may cost, one read is enough
					got, err := t.svc.GetMany(t.ctx, []string{id})
					if err != nil {
						t.fatalf("GetMany failed: %v", err)
					}
					if diff := difference(got[id].Value, v); diff != "" {
						t.errorf("GetMany: %s", diff)
					}
				}
			},
		}
		if n.live {
			c.Cost.Class = Cheap
		}
		cases = append(cases, c)
	}
	return append(cases, Case{
		Name:  "MUST/Values/one-does-not-touch-the-next",
		Rule:  "A shorter value stored over a longer one leaves nothing of it.",
		Look:  "whether a write overwrites in place without cutting the rest",
		Cost:  Cost{Calls: 4},
		needs: []need{needSet},
		run: func(t *trial) {
			id := t.id("a")
			for _, s := range []string{strings.Repeat("long ", 2000), "short"} {
				v := core.String(s)
				t.put(id, v)
				t.wantValue(fmt.Sprintf("after Set of %d bytes", v.Len()), id, v)
			}
		},
	})
}
