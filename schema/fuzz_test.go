package schema_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// FuzzSchema takes any schema and any document: nothing panics, nothing takes
// long, no error shows the document, and what is valid is decoded without a
// change.
func FuzzSchema(f *testing.F) {
	for _, s := range []string{
		`{}`, `true`, `false`, `{"type":"string","pattern":"^sk_"}`, rawSchema, doubling(8), doublingProperties(5),
		`{"type":"object","properties":{"a":{"default":1}},"additionalProperties":{"type":["integer","null"]}}`,
		`{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"c":{"$ref":"#/$defs/n"}},"anyOf":[true,{"$ref":"#/$defs/m"}]},"m":{"not":{}}}}`,
		`{"type":"array","prefixItems":[{"const":1}],"items":{"enum":["a",null,1.0]},"contains":{},"uniqueItems":true,"unevaluatedItems":false}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a":{"dependencies":{"x":["y"]}}},"items":[{}],"additionalItems":false}`,
		`{"$id":"https://example.com/a","$defs":{"b":{"$id":"b","$anchor":"c"}},"$ref":"b#c"}`,
		`{"if":{"required":["a"]},"then":{"multipleOf":0.1},"else":{"maximum":1e999},"unevaluatedProperties":false}`,
	} {
		for _, doc := range []string{`{}`, `{"a":1,"c":{"c":{}}}`, `[1,"a",[1],[1]]`, `"sk_1"`, `1e-1000`, `{"a":1,"a":2}`, `null`, "\xff"} {
			f.Add([]byte(s), []byte(doc))
		}
	}
	f.Fuzz(func(t *testing.T, raw, doc []byte) {
		watch := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer watch.Stop()
		spec := schema.Spec{ID: "ID", Schema: raw}
		free := declare[any](spec)
		bytesOf := declare[core.Value](spec)
		if (free.Check() == nil) != (free.Meta().Schema != nil) {
			t.Fatal("a declaration that is right has no schema, or a wrong one has")
		}
		for _, d := range []schema.Declared{free, bytesOf} {
			_ = d.Meta()
			if err := d.Validate(core.Bytes(doc)); err != nil && !errors.Is(err, schema.ErrDeclaration) {
				noLeak(t, err, doc, raw)
			}
		}
		if got, err := getFrom(free, doc); err == nil && !strings.Contains(string(raw), "default") && len(raw) > 0 {
			if want := decoded(t, doc); !reflect.DeepEqual(got, want) {
				t.Fatalf("decoded is %v, want %v", got, want)
			}
		}
		if got, err := getFrom(bytesOf, doc); err == nil && !bytes.Equal(got.RevealBytes(), doc) {
			t.Fatal("a Value is not the stored bytes")
		}
	})
}

// noLeak looks for any run of 8 letters or digits of a document in an error,
// beside those that the schema has too.
func noLeak(t *testing.T, err error, doc, raw []byte) {
	t.Helper()
	text := err.Error()
	for i := 0; i+8 <= len(doc); i++ {
		part := doc[i : i+8]
		if strings.IndexFunc(string(part), func(r rune) bool { return !('a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9') }) < 0 &&
			strings.Contains(text, string(part)) && !bytes.Contains(raw, part) && !strings.Contains(ownWords, string(part)) {
			t.Fatalf("%q shows %q of the document", text, part)
		}
	}
}

// ownWords are those of the package's own texts that a document may have by
// chance.
var ownWords = func() string {
	var all strings.Builder
	for _, name := range []string{"errors.go", "plan.go", "shape.go", "document.go", "validate.go"} {
		all.WriteString(readSource(name))
	}
	return all.String()
}()

func getFrom[T any](d *schema.Declaration[T], stored []byte) (T, error) {
	return d.Get(context.Background(), newFake(map[string]string{"ID": string(stored)}).service())
}

// decoded is what encoding/json makes of a document.
func decoded(t *testing.T, doc []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("a document that does not decode was read: %v", err)
	}
	return v
}

type fuzzed struct {
	S   string            `json:"s"`
	V   core.Value        `json:"v"`
	B   []byte            `json:"b"`
	I   int64             `json:"i"`
	U   uint64            `json:"u"`
	F   float64           `json:"f"`
	Num json.Number       `json:"num"`
	M   map[string]string `json:"m"`
	L   []core.Value      `json:"l,omitempty"`
	P   *fuzzed           `json:"p,omitempty"`
	Q   int64             `json:"q,string"`
}

// FuzzRoundTrip stores a struct of any content: it is refused, or it comes
// back as it is; and an Update leaves alone what it doesn't declare.
func FuzzRoundTrip(f *testing.F) {
	f.Add("a", "sk_1", []byte{0, 255}, int64(-1), uint64(math.MaxUint64), 0.1, "12345678901234567890", "k", "extra")
	f.Add("\x00\u2028<", "[REDACTED]", []byte{}, int64(math.MinInt64), uint64(0), math.Copysign(0, -1), "1e400", "", "S")
	f.Add("\xff", "\\ud800", []byte(nil), int64(0), uint64(1), math.MaxFloat64, "-0.10", "a/~b", "apiKey")
	f.Add("\"}", "{\"a\":1}", []byte("x"), int64(1<<53+1), uint64(1<<53+1), 5e-324, "1E+2", "\u212a", "\ufffd")
	f.Fuzz(func(t *testing.T, s, v string, b []byte, i int64, u uint64, fl float64, num, key, extra string) {
		ctx := context.Background()
		in := fuzzed{S: s, V: core.String(v), B: b, I: i, U: u, F: fl, Num: json.Number(num), M: map[string]string{key: s}, L: []core.Value{core.String(v)}, Q: i}
		in.P = &fuzzed{S: v, Num: "0", M: map[string]string{}}
		backend := newFake(nil)
		svc := backend.service()
		d := declare[fuzzed](schema.Spec{ID: "ID"})
		err := d.Set(ctx, svc, in)
		good := utf8.ValidString(s) && utf8.ValidString(v) && utf8.ValidString(key) && v != "[REDACTED]" && !math.IsNaN(fl) && !math.IsInf(fl, 0) && isJSONNumber(num)
		if err != nil {
			if good && len(s)+len(v)+len(b)+len(num)+len(key) < core.MaxValueLen/16 {
				t.Fatalf("a good value is refused: %v", err)
			}
			if backend.writes > 0 {
				t.Fatal("what was refused is stored")
			}
			return
		}
		if !good {
			t.Fatal("a bad value is stored")
		}
		out, err := d.Get(ctx, svc)
		if err != nil {
			t.Fatalf("what was stored can't be read: %v", err)
		}
		if !sameFuzzed(in, out) {
			t.Fatal("what is read is not what was set")
		}
		stored := backend.stored("ID")
		if strings.Contains(stored, "[REDACTED]") && !strings.Contains(s+v+key, "[REDACTED]") {
			t.Fatal("a redacted value is stored")
		}

		// A field that newer code wrote stays, whatever its name.
		name, _ := json.Marshal(extra)
		for _, declared := range []string{"s", "v", "b", "i", "u", "f", "num", "m", "l", "p", "q"} {
			if extra == declared {
				return
			}
		}
		if !utf8.ValidString(extra) || len(stored)+len(extra) > core.MaxValueLen/2 {
			return
		}
		backend.put("ID", `{`+string(name)+`:[12345678901234567890,{"x":1.50}],`+stored[1:])
		if err := d.Set(ctx, svc, in); !errors.Is(err, core.ErrConflict) {
			t.Fatalf("Set over an undeclared field: %v", err)
		}
		if err := d.Update(ctx, svc, func(v *fuzzed) error { v.I++; return nil }); err != nil {
			t.Fatalf("Update: %v", err)
		}
		var kept map[string]json.RawMessage
		if err := json.Unmarshal([]byte(backend.stored("ID")), &kept); err != nil || string(kept[extra]) != `[12345678901234567890,{"x":1.50}]` {
			t.Fatalf("the undeclared field is %s, %v", kept[extra], err)
		}
		in.I++
		if out, err := d.Get(ctx, svc); err != nil || !sameFuzzed(in, out) {
			t.Fatalf("after Update: %v", err)
		}
	})
}

// isJSONNumber reports whether a declaration can hold s as a json.Number.
func isJSONNumber(s string) bool {
	var n json.Number
	if json.Unmarshal([]byte(s), &n) != nil || strings.TrimSpace(s) != s || strings.Contains(s, `"`) || s == "null" {
		return false
	}
	_, exponent, ok := strings.Cut(strings.ToLower(s), "e")
	if !ok {
		return true
	}
	e, err := json.Number(strings.TrimPrefix(exponent, "+")).Int64()
	return err == nil && -1000 <= e && e <= 1000
}

func sameFuzzed(a, b fuzzed) bool {
	same := a.V.Equal(b.V) && len(a.L) == len(b.L) && a.L[0].Equal(b.L[0]) && bytes.Equal(a.B, b.B) && a.P.S == b.P.S
	for _, v := range []*fuzzed{&a, &b} {
		v.V, v.L, v.B, v.P = core.Value{}, nil, nil, nil
	}
	return same && reflect.DeepEqual(a, b)
}
