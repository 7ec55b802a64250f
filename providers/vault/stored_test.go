package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/vaulttest"
)

// fixture is an example of docs/vault-stored-form.md.
type fixture struct {
	Name   string          `json:"name"`
	Text   string          `json:"value"`
	Base64 []byte          `json:"value_base64"` // in place of Text
	Data   json.RawMessage `json:"data"`
}

func (f fixture) value() core.Value {
	if f.Base64 != nil {
		return core.Bytes(f.Base64)
	}
	return core.String(f.Text)
}

func fixtures(t testing.TB, name string) []fixture {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "stored", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []fixture
	if err := json.Unmarshal(content, &all); err != nil || len(all) == 0 {
		t.Fatalf("%s: %d fixtures, %v", name, len(all), err)
	}
	return all
}

// engines answer what a server would for a data map that was written to it.
var engines = []struct {
	name   string
	answer func(t testing.TB, data json.RawMessage) json.RawMessage
}{{"KV v2", answerOfV2}, {"KV v1", answerOfV1}}

func answerOfV2(t testing.TB, data json.RawMessage) json.RawMessage {
	t.Helper()
	var kept map[string]any
	if err := json.Unmarshal(received(t, data), &kept); err != nil {
		t.Fatal("the server could not read what it stored")
	}
	return answered(t, kept)
}

func answerOfV1(t testing.TB, data json.RawMessage) json.RawMessage {
	t.Helper()
	kept := numbers(t, received(t, data))
	if len(kept) == 0 {
		t.Fatal("the server refused an empty data map")
	}
	return answered(t, kept)
}

// received is what a server stores of a request.
func received(t testing.TB, data json.RawMessage) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"data": data, "options": map[string]any{"cas": 1}})
	if err != nil {
		t.Fatal("the data map is no JSON")
	}
	refused(t, body)
	request := numbers(t, body)
	stored, err := json.Marshal(request["data"])
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// refused fails for a request that OpenBao or Vault refuses by default.
func refused(t testing.TB, body []byte) {
	t.Helper()
	texts, depth, deepest := 0, 0, 0
	for dec := json.NewDecoder(bytes.NewReader(body)); ; {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if _, ok := token.(string); ok {
			texts++
		}
	}
	if texts > 1000 || deepest > 300 {
		t.Fatalf("the server refused a request of %d strings, nested %d deep", texts, deepest)
	}
}

func numbers(t testing.TB, data []byte) (members map[string]any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&members); err != nil {
		t.Fatal("the server refused what is no JSON object")
	}
	return members
}

func answered(t testing.TB, kept map[string]any) json.RawMessage {
	t.Helper()
	body, err := json.Marshal(map[string]any{"data": kept})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Data
}

// isWrapped reports whether a data map is of the wrapped form.
func isWrapped(t testing.TB, data json.RawMessage) bool {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		t.Fatal("the data map is no JSON object")
	}
	_, text := members[textName]
	_, encoded := members[base64Name]
	return len(members) == 1 && (text || encoded)
}

// comesBack fails if a value does not survive an engine.
func comesBack(t testing.TB, v core.Value) {
	t.Helper()
	data := encode(v)
	for _, engine := range engines {
		got, err := decode(engine.answer(t, data))
		if err != nil {
			t.Fatalf("%s: %v", engine.name, err)
		}
		if isWrapped(t, data) && !got.Equal(v) {
			t.Fatalf("%s: the bytes that came back are others: %d in place of %d", engine.name, got.Len(), v.Len())
		}
		if !core.Equivalent(got, v) {
			t.Fatalf("%s: the object that came back is another", engine.name)
		}
		if v.Len() <= core.MaxValueLen && got.Len() > core.MaxValueLen {
			t.Fatalf("%s: %d bytes became %d", engine.name, v.Len(), got.Len())
		}
		if !core.Equivalent(core.Bytes(encode(got)), core.Bytes(data)) {
			t.Fatalf("%s: what was read is stored otherwise than what was written", engine.name)
		}
	}
}

func TestStoredFormIsTheOneOfTheFixtures(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"objects", "text", "bytes"} {
		for _, f := range fixtures(t, file) {
			t.Run(file+"/"+f.Name, func(t *testing.T) {
				t.Parallel()
				got := encode(f.value())
				if !core.Equivalent(core.Bytes(got), core.Bytes(f.Data)) {
					t.Errorf("stored as %s, want %s", got, f.Data)
				}
				if isWrapped(t, got) != (file != "objects") {
					t.Errorf("wrapped: %t", isWrapped(t, got))
				}
				comesBack(t, f.value())
			})
		}
	}
}

func TestFixturesReadAsTheirValues(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"objects", "text", "bytes", "others"} {
		for _, f := range fixtures(t, file) {
			t.Run(file+"/"+f.Name, func(t *testing.T) {
				t.Parallel()
				for _, engine := range engines {
					if string(f.Data) == "{}" && engine.name == "KV v1" {
						continue // it can't have such a secret
					}
					got, err := decode(engine.answer(t, f.Data))
					if err != nil {
						t.Fatalf("%s: %v", engine.name, err)
					}
					if file == "objects" && !core.Equivalent(got, f.value()) {
						t.Errorf("%s: read another object", engine.name)
					}
					if file != "objects" && !got.Equal(f.value()) {
						t.Errorf("%s: read other bytes", engine.name)
					}
				}
			})
		}
	}
}

func TestBrokenWrappingIsCorruptAndNotQuoted(t *testing.T) {
	t.Parallel()
	for _, f := range fixtures(t, "broken") {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			for _, engine := range engines {
				v, err := decode(engine.answer(t, f.Data))
				wantCorrupt(t, engine.name, v, err)
			}
		})
	}
}

func wantCorrupt(t *testing.T, name string, v core.Value, err error) {
	t.Helper()
	var fault *core.Error
	if !errors.As(err, &fault) || !errors.Is(err, core.ErrCorrupt) || fault.Hint == "" || !v.IsZero() {
		t.Fatalf("%s: got %d bytes and the error %v, want ErrCorrupt with a hint", name, v.Len(), err)
	}
	for _, content := range []string{"SENT", "INEL", "31337"} {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), content) {
			t.Errorf("%s: the error quotes what is stored", name)
		}
	}
}

func TestWhatIsNoDataMapIsCorruptAndNotQuoted(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		"", " ", "[]", `"SENTINEL"`, "31337", "true", "SENTINEL", `{"a":SENTINEL}`, `{"SENTINEL"`, `{"a":"\uSENT"}`, `{"a":"SENTINEL\`,
		`{"a":1}SENTINEL`, `{"lukko_text":"SENTINEL"`, `{"lukko_text":`, `{"a":"SENTINEL` + "\n" + `"}`,
	} {
		v, err := decode(json.RawMessage(data))
		wantCorrupt(t, data, v, err)
	}
}

func TestNullIsNoSecret(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"null", " null\n"} {
		if v, err := decode(json.RawMessage(data)); err != nil || !v.IsZero() {
			t.Errorf("%q: got %d bytes and %v, want nothing", data, v.Len(), err)
		}
	}
}

func TestReadObjectsAreCompactAndEscapedAsLittleAsCanBe(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, data, want string }{
		{"spaces go, but not in strings", " { \"b\" : [ 1 , \" 2 \" ] ,\n\"a\":{ } } ", `{"b":[1," 2 "],"a":{}}`},
		{"numbers stay as they were written", `{"n":[1e+21,1.50,1E5,-0,9007199254740993]}`, `{"n":[1e+21,1.50,1E5,-0,9007199254740993]}`},
		{"HTML's escapes", `{"\u003c":"\u003c\u003e\u0026\u003C"}`, `{"<":"<>&<"}`},
		{"line separators", `{"a":"\u2028\u2029"}`, "{\"a\":\"\u2028\u2029\"}"},
		{"the solidus", `{"a":"\/"}`, `{"a":"/"}`},
		{"escapes that are due have their short form", `{"a":"\u0022\u005c\u0008\u000c\u000a\u000d\u0009\"\\\b\f\n\r\t"}`, `{"a":"\"\\\b\f\n\r\t\"\\\b\f\n\r\t"}`},
		{"other control characters stay escaped", `{"a":"\u0000\u001f\u000B"}`, `{"a":"\u0000\u001f\u000B"}`},
		{"an escaped backslash is no escape", `{"a":"\\u003c"}`, `{"a":"\\u003c"}`},
		{"a pair of surrogates", `{"a":"\ud83d\uDE00"}`, `{"a":"😀"}`},
		{"halves of pairs stay as they are", `{"a":"\ud800","b":"\ud800\u003c","c":"\udc00\ud800","d":"\ud800\ud83d\ude00","e":"\ud800\\","f":"\ud800xxdc00"}`, `{"a":"\ud800","b":"\ud800<","c":"\udc00\ud800","d":"\ud800😀","e":"\ud800\\","f":"\ud800xxdc00"}`},
		{"a repeated name is no crash", `{"a":1,"a":2}`, `{"a":1,"a":2}`},
		{"an escaped name of a wrapping is that name", `{"lukko\u005ftext":"a"}`, `a`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := decode(json.RawMessage(tt.data))
			if err != nil || got.Reveal() != tt.want {
				t.Errorf("got %s and %v, want %s", got.Reveal(), err, tt.want)
			}
		})
	}
}

func TestDecodeLeavesTheAnswerAsItWas(t *testing.T) {
	t.Parallel()
	data := json.RawMessage(`{ "a" : "\u003c" }`)
	before := string(data)
	v, err := decode(data)
	if err != nil || string(data) != before {
		t.Fatalf("the answer was changed, or %v", err)
	}
	clear(data)
	if v.Reveal() != `{"a":"<"}` {
		t.Error("the value changed with the answer's buffer")
	}
}

// All other tests of the stored form rest on this one.
func TestARealServerAnswersAsTheEnginesHere(t *testing.T) {
	t.Parallel()
	var values []core.Value
	for _, file := range []string{"objects", "text", "bytes"} {
		for _, f := range fixtures(t, file) {
			values = append(values, f.value())
		}
	}
	for _, s := range []string{
		strings.Repeat("<", core.MaxValueLen), strings.Repeat("\x00", core.MaxValueLen), strings.Repeat("\xff", core.MaxValueLen),
		`{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + `}`,
		`{"a":[` + strings.Repeat("1,", 999) + `1]}`,
		// Names that mean something in a request or to the engine.
		`{"data":{"a":1},"options":{"cas":7}}`, `{"data":null}`, `{"ttl":"30m","lease":5}`, `{"path":"x","version":3,"list":true,"help":1,"wrap_ttl":"5m","token":"x"}`,
	} {
		values = append(values, core.String(s))
	}
	server := vaulttest.Shared(t)
	v1, v2 := server.MountKV(t, 1), server.MountKV(t, 2)
	for i, v := range values {
		comesBack(t, v)
		data := encode(v)
		path := fmt.Sprintf("%s/%d", v1.Mount, i)
		if r := server.Do(t, "PUT", path, data); r.Status != 204 {
			t.Fatalf("value %d: KV v1 refused it with %d", i, r.Status)
		}
		var answer struct {
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(server.Do(t, "GET", path, nil).Body, &answer); err != nil || !bytes.Equal(answer.Data, answerOfV1(t, data)) {
			t.Errorf("value %d: KV v1 answers otherwise, %v", i, err)
		}
		path = fmt.Sprintf("%s/data/%d", v2.Mount, i)
		if r := server.Do(t, "PUT", path, map[string]any{"data": data}); r.Status != 200 {
			t.Fatalf("value %d: KV v2 refused it with %d", i, r.Status)
		}
		var nested struct {
			Data struct {
				Data json.RawMessage `json:"data"`
			} `json:"data"`
		}
		if err := json.Unmarshal(server.Do(t, "GET", path, nil).Body, &nested); err != nil || !bytes.Equal(nested.Data.Data, answerOfV2(t, data)) {
			t.Errorf("value %d: KV v2 answers otherwise, %v", i, err)
		}
	}
}

// The limits of an object that is stored as it is, each at its edge.
func TestObjectsOverALimitAreWrapped(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { // alternately in objects and arrays
		return strings.Repeat(`{"a":[`, depth/2) + strings.Repeat(`{"a":`, depth%2) + "1" + strings.Repeat("}", depth%2) + strings.Repeat("]}", depth/2)
	}
	array := func(n int) string { return `{"a":[` + strings.Repeat("1,", n-1) + "1]}" }
	members := func(n int, value string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf(`"%d":%s`, i, value)
		}
		return "{" + strings.Join(all, ",") + "}"
	}
	sized := func(n int, prefix, fill, suffix string) string {
		return prefix + strings.Repeat(fill, (n-len(prefix)-len(suffix))/len(fill)) + suffix
	}
	for _, tt := range []struct {
		name, value string
		wrapped     bool
	}{
		{"64 deep", nested(64), false},
		{"65 deep", nested(65), true},
		{"64 deep, in arrays", `{"a":` + strings.Repeat("[", 63) + strings.Repeat("]", 63) + "}", false},
		{"65 deep, in arrays", `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + "}", true},
		{"20,000 deep", nested(10_000), true},
		{"an array of 1,000", array(1000), false},
		{"an array of 1,001", array(1001), true},
		{"two arrays of 1,000", `{"x":[` + array(1000) + "," + array(1000) + `]}`, false},
		{"an array of 1,001, at a depth", `{"x":[` + array(1001) + `]}`, true},
		{"500 names", members(500, "1"), false},
		{"501 names", members(501, "1"), true},
		{"250 names and strings", members(250, `"x"`), false},
		{"251 names and strings", members(251, `"x"`), true},
		{"499 strings in an array", `{"a":[` + strings.Repeat(`"x",`, 498) + `"x"]}`, false},
		{"500 strings in an array", `{"a":[` + strings.Repeat(`"x",`, 499) + `"x"]}`, true},
		{"501 names at a depth", `{"a":[` + members(250, "1") + "," + members(250, "1") + `]}`, true},
		{"64 KiB", sized(core.MaxValueLen, `{"a":"`, "x", `"}`), false},
		{"64 KiB of <", sized(core.MaxValueLen, `{"a":"`, "<", `"}`), false},
		{"64 KiB of line separators", sized(core.MaxValueLen, `{"a":"`, "\u2028", `"}`), false},
		{"64 KiB of control characters", sized(core.MaxValueLen, `{"a":"`, `\u0001`, `"}`), false},
		{"64 KiB of short escapes", sized(core.MaxValueLen, `{"a":"`, `\b`, `"}`), false},
		{"64 KiB of spaces", sized(core.MaxValueLen, `{"a":1`, " ", `}`), false},
		{"numbers that the server writes longer, within 64 KiB", `{"a":[` + strings.Repeat("1e20,", 999) + `1],"b":"` + strings.Repeat("x", 40_000) + `"}`, false},
		{"numbers that the server writes longer, over 64 KiB", `{"a":[` + strings.Repeat("1e20,", 999) + `1],"b":"` + strings.Repeat("x", 50_000) + `"}`, true},
		{"exactly 64 KiB as the server writes it", `{"n":1e20,"b":"` + strings.Repeat("x", core.MaxValueLen-34) + `"}`, false},
		{"one byte above 64 KiB as the server writes it", `{"n":1e20,"b":"` + strings.Repeat("x", core.MaxValueLen-33) + `"}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if len(tt.value) > core.MaxValueLen && tt.name != "20,000 deep" {
				t.Fatalf("the case is wrong: %d bytes", len(tt.value))
			}
			v := core.String(tt.value)
			if got := isWrapped(t, encode(v)); got != tt.wrapped {
				t.Errorf("wrapped: %t, want %t", got, tt.wrapped)
			}
			comesBack(t, v)
		})
	}
}

func TestEveryCharacterComesBack(t *testing.T) {
	t.Parallel()
	const chunk = 0x1000
	for first := rune(0); first <= utf8.MaxRune; first += chunk {
		var text []byte
		for r := first; r < first+chunk; r++ {
			if utf8.ValidRune(r) {
				text = utf8.AppendRune(text, r)
			}
		}
		if len(text) == 0 {
			continue // surrogates
		}
		v := core.Bytes(text)
		var kept map[string]any
		if err := json.Unmarshal(encode(v), &kept); err != nil {
			t.Fatal("the data map is no JSON")
		}
		got, err := decode(answered(t, kept))
		if err != nil || !got.Equal(v) {
			t.Fatalf("not all of the text from U+%04X came back: %v", first, err)
		}
		if first > 0xFFFF {
			continue // no character from here on is special in JSON
		}
		comesBack(t, v)
		object, err := json.Marshal(map[string]string{string(text): string(text)})
		if err != nil {
			t.Fatal(err)
		}
		if isWrapped(t, encode(core.Bytes(object))) {
			t.Fatalf("an object with the characters from U+%04X is wrapped", first)
		}
		comesBack(t, core.Bytes(object))
	}
}

func TestEveryEscapeIsReadAsItsCharacter(t *testing.T) {
	t.Parallel()
	for r := range rune(0x10000) {
		written := fmt.Sprintf(`{"a":"\u%04x"}`, r)
		want := written
		if utf8.ValidRune(r) {
			if r >= ' ' && r != '"' && r != '\\' {
				want = `{"a":"` + string(r) + `"}`
			} else if short := strings.IndexRune("\"\\\b\f\n\r\t", r); short >= 0 {
				want = `{"a":"\` + `"\bfnrt`[short:short+1] + `"}`
			}
		}
		if got, err := decode(json.RawMessage(written)); err != nil || got.Reveal() != want {
			t.Fatalf("U+%04X: got %q and %v", r, got.Reveal(), err)
		}
	}
}

func TestValuesOf64KiBComeBack(t *testing.T) {
	t.Parallel()
	for _, fill := range []string{"<", "\x00", "\xff"} {
		v := core.String(strings.Repeat(fill, core.MaxValueLen))
		answer := answerOfV2(t, encode(v))
		if len(answer) > maxStoredLen {
			t.Errorf("%q: an answer of %d bytes, which is not read", fill, len(answer))
		}
		if got, err := decode(answer); err != nil || !got.Equal(v) {
			t.Errorf("%q: %d bytes came back, and %v", fill, got.Len(), err)
		}
	}
}

func TestWhatOthersWroteIsReadAlsoWhereItIsTooLongForAValue(t *testing.T) {
	t.Parallel()
	for _, n := range []int{core.MaxValueLen + 1, maxStoredLen - 8, maxStoredLen - 7, 4 * maxStoredLen} {
		data := `{"a":"` + strings.Repeat("x", n) + `"}`
		v, err := decode(json.RawMessage(data))
		if err != nil || v.Len() <= core.MaxValueLen {
			t.Errorf("%d: got %d bytes and %v; the store would not say that it is too long", n, v.Len(), err)
		}
		if n > maxStoredLen && v.Len() != core.MaxValueLen+1 {
			t.Errorf("%d: read %d bytes of what is no value anyway", n, v.Len())
		}
	}
}

func TestTheZeroValueComesBack(t *testing.T) {
	t.Parallel()
	comesBack(t, core.Value{})
}

// benchmarkData are data maps as a server answers them.
func benchmarkData(b *testing.B) map[string]json.RawMessage {
	b.Helper()
	object := `{"apiKey":"sk_live_` + strings.Repeat("k", 60) + `","host":"db.example.com","port":5432,"url":"https://example.com/?a=1&b=2","webhookSecret":"` + strings.Repeat("w", 50) + `"}`
	values := map[string]core.Value{
		"object":           core.String(object),
		"text":             core.String("correct horse battery staple"),
		"bytes":            core.String(strings.Repeat("\xff", 32)),
		"64KiB_object":     core.String(`{"a":"` + strings.Repeat("x", 1<<16-8) + `"}`),
		"64KiB_of_escapes": core.String(`{"a":"` + strings.Repeat("<", 1<<16-8) + `"}`),
	}
	data := map[string]json.RawMessage{}
	for name, v := range values {
		data[name] = answerOfV2(b, encode(v))
	}
	return data
}

// BenchmarkStoredDecode is this package's part in a Get.
func BenchmarkStoredDecode(b *testing.B) {
	for name, data := range benchmarkData(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v, err := decode(data); err != nil || v.IsZero() {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStoredDecodeBare is what the bare API client does to the same data.
//
//bench:ratio BenchmarkStoredDecode/object BenchmarkStoredDecodeBare/object 0.7
func BenchmarkStoredDecodeBare(b *testing.B) {
	for name, data := range benchmarkData(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var members map[string]any
				dec := json.NewDecoder(bytes.NewReader(data))
				dec.UseNumber()
				if err := dec.Decode(&members); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkStoredEncode(b *testing.B) {
	for name, data := range benchmarkData(b) {
		v, err := decode(data)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(encode(v)) == 0 {
					b.Fatal("nothing")
				}
			}
		})
	}
}
