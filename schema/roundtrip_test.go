package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// trip is a round trip of one Go value: Set, what is stored, Get.
type trip struct {
	run    func(t *testing.T, spec schema.Spec) (stored string)
	stored string // empty: not looked at
}

// of makes a trip. equal is reflect.DeepEqual if it is nil.
func of[T any](v T, stored string, equal func(a, b T) bool) trip {
	if equal == nil {
		equal = func(a, b T) bool { return reflect.DeepEqual(a, b) }
	}
	return trip{func(t *testing.T, spec schema.Spec) string {
		t.Helper()
		ctx := context.Background()
		f := newFake(nil)
		d := declare[T](spec)
		if err := d.Set(ctx, f.service(), v); err != nil {
			t.Fatalf("Set: %v", err)
		}
		got, err := d.Get(ctx, f.service())
		if err != nil {
			t.Fatalf("Get: %v", err)
		}
		if !equal(v, got) {
			t.Error("what is read is not what was set")
		}
		return f.stored("ID")
	}, stored}
}

type everything struct {
	S     string                `json:"s"`
	V     core.Value            `json:"v"`
	B     []byte                `json:"b"`
	I     int                   `json:"i"`
	I8    int8                  `json:"i8"`
	U64   uint64                `json:"u64"`
	F     float64               `json:"f"`
	F32   float32               `json:"f32"`
	Bool  bool                  `json:"bool"`
	T     time.Time             `json:"t"`
	D     time.Duration         `json:"d"`
	P     *string               `json:"p"`
	L     []string              `json:"l"`
	A     [2]int                `json:"a"`
	M     map[string]core.Value `json:"m"`
	MI    map[int]string        `json:"mi"`
	Raw   json.RawMessage       `json:"raw"`
	Num   json.Number           `json:"num"`
	Addr  netip.Addr            `json:"addr"`
	Level level                 `json:"level"`
	Any   any                   `json:"any"`
	In    struct {
		V core.Value `json:"v"`
	} `json:"in"`
	Quoted int64 `json:"quoted,string"`
	Untag  string
}

func TestEveryKindComesBackAsItIs(t *testing.T) {
	t.Parallel()
	text := "x"
	when := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	values := func(a, b core.Value) bool { return a.Equal(b) }
	full := everything{
		S: "a\"b\\c/\u2028\x00😀<>&", V: core.String("sk_<&>\u2028"), B: []byte{0, 255}, I: math.MinInt64, I8: -128, U64: math.MaxUint64,
		F: 0.1, F32: 0.1, Bool: true, T: when, D: time.Hour, P: &text, L: []string{"", "b"}, A: [2]int{1, 2},
		M: map[string]core.Value{"k/~": core.String("v")}, MI: map[int]string{-1: "a", 7: "b"}, Raw: json.RawMessage(`{"n":1.50}`),
		Num: "12345678901234567890.5", Addr: netip.MustParseAddr("::1"), Level: 2, Any: map[string]any{"n": json.Number("12345678901234567890")},
		Quoted: math.MaxInt64, Untag: "u",
	}
	full.In.V = core.String("w")
	for name, test := range map[string]trip{
		"a string":                  of("5432", "5432", nil),
		"a string with a newline":   of("a\n", "a\n", nil),
		"a string that is no UTF-8": of("\xff", "\xff", nil),
		"bytes":                     of([]byte{0, 1}, "\x00\x01", nil),
		"a Value":                   of(core.String("null"), "null", values),
		"a named string":            of(namedString("s"), "s", nil),
		"named bytes":               of(namedBytes("b"), "b", nil),
		"an int":                    of(-7, "-7", nil),
		"an int64":                  of(int64(math.MaxInt64), "9223372036854775807", nil),
		"a uint64":                  of(uint64(math.MaxUint64), "18446744073709551615", nil),
		"a uint8":                   of(uint8(255), "255", nil),
		"a float64":                 of(1e-300, "1e-300", nil),
		"a float64 of many digits":  of(0.30000000000000004, "0.30000000000000004", nil),
		"a float32":                 of(float32(0.1), "0.1", nil),
		"a bool":                    of(false, "false", nil),
		"a duration":                of(time.Minute, "60000000000", nil),
		"a time":                    of(when, `"2026-01-02T03:04:05.678901234Z"`, nil),
		"a time elsewhere":          of(when.In(time.FixedZone("", 3600)), "", func(a, b time.Time) bool { return a.Equal(b) }),
		"a json.Number":             of(json.Number("1e400"), "1e400", nil),
		"a json.RawMessage":         of(json.RawMessage(`[1.0]`), "[1.0]", nil),
		"a big.Int":                 of(*big.NewInt(0).Exp(big.NewInt(10), big.NewInt(40), nil), "1"+strings.Repeat("0", 40), nil),
		"a pointer to a big.Int":    of(big.NewInt(7), "7", nil),
		"a netip.Addr":              of(netip.MustParseAddr("10.0.0.1"), `"10.0.0.1"`, nil),
		"a text type":               of(level(1), `"low"`, nil),
		"a list":                    of([]int{1, 2}, "[1,2]", nil),
		"an empty list":             of([]string{}, "[]", nil),
		"a nil list":                of([]string(nil), "[]", func(_, b []string) bool { return len(b) == 0 }),
		"an array":                  of([3]bool{true}, "[true,false,false]", nil),
		"a map":                     of(map[string]int{"b": 2, "a": 1}, `{"a":1,"b":2}`, nil),
		"a nil map":                 of(map[string]int(nil), "{}", func(_, b map[string]int) bool { return len(b) == 0 }),
		"a map of ints":             of(map[int8]string{-5: "x"}, `{"-5":"x"}`, nil),
		"a map of uints":            of(map[uint]string{5: "x"}, `{"5":"x"}`, nil),
		"a map of texts":            of(map[netip.Addr]int{netip.MustParseAddr("::2"): 1}, `{"::2":1}`, nil),
		"a map of Values":           of(map[string]core.Value{"k": core.String("v")}, `{"k":"v"}`, func(a, b map[string]core.Value) bool { return len(a) == len(b) && a["k"].Equal(b["k"]) }),
		"anything":                  of[any](map[string]any{"a": []any{nil, true, "x", json.Number("1.0")}}, `{"a":[null,true,"x",1.0]}`, nil),
		"nothing in an interface":   of[any](nil, "null", nil),
		"an int in an interface":    of[any](5, "5", func(_, b any) bool { return b == json.Number("5") }),
		"a Value in an interface":   of[any](core.String("sk"), `"sk"`, func(_, b any) bool { return b == "sk" }),
		"a pointer":                 of(&text, `"x"`, nil),
		"a struct within a list":    of([]StripeCredentials{{core.String("sk_1"), core.String("w")}}, `[{"apiKey":"sk_1","webhookSecret":"w"}]`, func(a, b []StripeCredentials) bool { return a[0].APIKey.Equal(b[0].APIKey) }),
		"a struct": of(StripeCredentials{core.String("sk_1"), core.String("w\n")}, `{"apiKey":"sk_1","webhookSecret":"w\n"}`, func(a, b StripeCredentials) bool {
			return a.APIKey.Equal(b.APIKey) && a.WebhookSecret.Equal(b.WebhookSecret)
		}),
		"a recursive struct":   of(treeNode{Name: "a", Left: &treeNode{Name: "b"}}, "", nil),
		"a pointer to a Value": of(struct{ V *core.Value }{ptr(core.String("v"))}, `{"V":"v"}`, func(a, b struct{ V *core.Value }) bool { return a.V.Equal(*b.V) }),
		"an embedded struct":   of(struct{ EmbeddedPart }{EmbeddedPart{Key: "k"}}, `{"key":"k"}`, nil),
		"an embedded pointer":  of(struct{ *EmbeddedPart }{&EmbeddedPart{Key: "k"}}, `{"key":"k"}`, nil),
		"an empty Value, left out": of(struct {
			V core.Value `json:"v,omitempty"`
		}{}, `{}`, func(_, b struct {
			V core.Value `json:"v,omitempty"`
		},
		) bool {
			return b.V.IsZero()
		}),
		"an empty Value, in": of(struct{ V core.Value }{}, `{"V":""}`, func(_, b struct{ V core.Value }) bool { return b.V.IsZero() }),
		"a zero time, left out": of(struct {
			T time.Time `json:"t,omitzero"`
		}{}, `{}`, nil),
		"quoted in a pointer": of(struct {
			N *int `json:"n,string"`
		}{new(int)}, `{"n":"0"}`, nil),
		"a quoted bool": of(struct {
			B bool `json:"b,string"`
		}{true}, `{"b":"true"}`, nil),
		"a field that is not stored": of(struct {
			A string
			B string `json:"-"`
		}{A: "a"}, `{"A":"a"}`, nil),
		"all kinds at once": of(full, "", sameEverything),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.run(t, schema.Spec{ID: "ID"}); test.stored != "" && got != test.stored {
				t.Errorf("stored is %q, want %q", got, test.stored)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

// EmbeddedPart is embedded by tests.
type EmbeddedPart struct {
	Key string `json:"key"`
}

func sameEverything(a, b everything) bool {
	same := a.V.Equal(b.V) && a.In.V.Equal(b.In.V) && a.T.Equal(b.T) && len(a.M) == len(b.M)
	for k, v := range a.M {
		same = same && v.Equal(b.M[k])
	}
	for _, e := range []*everything{&a, &b} {
		e.V, e.In.V, e.M, e.T = core.Value{}, core.Value{}, nil, time.Time{}
	}
	return same && reflect.DeepEqual(a, b)
}

// lossy writes what it does not read back.
type lossy struct{ n int }

func (l lossy) Equal(other lossy) bool      { return l == other }
func (lossy) MarshalText() ([]byte, error)  { return []byte("lossy"), nil }
func (l *lossy) UnmarshalText([]byte) error { l.n = 0; return nil }

// failing can't be written; its error quotes a value.
type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("canary") }
func (*failing) UnmarshalJSON([]byte) error  { return errors.New("canary") }

// masked writes a Value as everything that prints does.
type masked struct{ V core.Value }

func (m masked) MarshalJSON() ([]byte, error) { return json.Marshal(struct{ V core.Value }{m.V}) }
func (m *masked) UnmarshalJSON(data []byte) error {
	var v struct{ V core.Value }
	err := json.Unmarshal(data, &v)
	m.V = v.V
	return err
}

// refused sets a value that must not be stored.
func refused[T any](v T) func(spec schema.Spec, svc core.SecretService) error {
	return func(spec schema.Spec, svc core.SecretService) error {
		spec.ID = "ID"
		return declare[T](spec).Set(context.Background(), svc, v)
	}
}

func TestWhatWouldNotComeBackIsNotStored(t *testing.T) {
	t.Parallel()
	loop := &treeNode{Name: "a"}
	loop.Left = loop
	var ring any
	ring = &ring
	type pointer struct {
		P *string `json:"p"`
	}
	for name, test := range map[string]struct {
		set  func(schema.Spec, core.SecretService) error
		spec schema.Spec
		at   string
	}{
		"what the schema refuses":         {refused(StripeCredentials{APIKey: core.String("pk_canary")}), schema.Spec{}, "/apiKey pattern"},
		"what a Value prints as":          {refused(StripeCredentials{core.String("sk_1"), core.String("[REDACTED]")}), schema.Spec{}, "/webhookSecret decode"},
		"a Value that is no UTF-8":        {refused(StripeCredentials{core.String("sk_canary\xff"), core.String("w")}), schema.Spec{}, "/apiKey unicode"},
		"a string that is no UTF-8":       {refused(struct{ S []string }{[]string{"canary\xff"}}), schema.Spec{}, "/S/0 unicode"},
		"a key that is no UTF-8":          {refused(map[string]int{"canary\xff": 1}), schema.Spec{}, " encode"},
		"NaN":                             {refused(math.NaN()), schema.Spec{}, " number"},
		"infinity within":                 {refused(map[string]float64{"canary": math.Inf(1)}), schema.Spec{}, "/* number"},
		"a json.Number that is none":      {refused(json.Number("canary")), schema.Spec{}, " number"},
		"an empty json.Number":            {refused(struct{ N json.Number }{}), schema.Spec{}, "/N number"},
		"a channel in an interface":       {refused[any](make(chan int)), schema.Spec{}, " encode"},
		"a func within an interface":      {refused[any](struct{ X any }{func() {}}), schema.Spec{}, "/* encode"},
		"a zero that a default replaces":  {refused(withDefaults{Host: "h"}), schema.Spec{}, " roundtrip"},
		"a type that reads another value": {refused(struct{ L lossy }{lossy{1}}), schema.Spec{}, " roundtrip"},
		"a method that fails":             {refused(struct{ F failing }{}), schema.Spec{}, "/F encode"},
		"a method that redacts":           {refused(struct{ M masked }{masked{core.String("canary")}}), schema.Spec{}, " decode"},
		"a pointer that is nil":           {refused(pointer{}), schema.Spec{}, "/p type"},
		"pointers in a circle":            {refused(loop), schema.Spec{}, " encode"},
		"an interface that holds itself":  {refused(ring), schema.Spec{}, " encode"},
		"an empty string":                 {refused(""), schema.Spec{}, " minLength"},
		"an empty Value":                  {refused(core.Value{}), schema.Spec{}, " minLength"},
		"a text that does not match":      {refused("canary"), schema.Spec{Schema: json.RawMessage(`{"pattern":"^sk_"}`)}, " pattern"},
		"more than 64 KiB":                {refused(strings.Repeat("x", core.MaxValueLen+1)), schema.Spec{}, " maxLength"},
		"more than 64 KiB of JSON":        {refused([]string{strings.Repeat("x", core.MaxValueLen-3)}), schema.Spec{}, " maxLength"},
		"a list that is too short":        {refused([]int{1}), schema.Spec{Schema: json.RawMessage(`{"type":"array","minItems":2}`)}, " minItems"},
		"null where none is allowed":      {refused[any](nil), schema.Spec{Schema: json.RawMessage(`{"type":"object"}`)}, " type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(nil)
			err := test.set(test.spec, f.service())
			if err == nil {
				t.Fatalf("it is stored: %q", f.stored("ID"))
			}
			if got := at(t, err); got != test.at {
				t.Errorf("got %q, want %q", got, test.at)
			}
			if !errors.Is(err, core.ErrInvalidValue) {
				t.Errorf("%v does not match ErrInvalidValue", err)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("%v shows a value", err)
			}
			if f.writes > 0 {
				t.Error("something was written")
			}
		})
	}
}
