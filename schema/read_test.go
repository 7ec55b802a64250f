package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// get stores a value as it is and reads it typed.
func get[T any](spec schema.Spec, stored string) (T, error) {
	if spec.ID == "" {
		spec.ID = "ID"
	}
	svc := newFake(map[string]string{spec.ID: stored}).service()
	return declare[T](spec).Get(context.Background(), svc)
}

// at lists pointer and rule of each problem.
func at(t *testing.T, err error) string {
	t.Helper()
	var all []string
	for _, p := range problems(t, err) {
		all = append(all, p.Pointer+" "+p.Rule)
	}
	return strings.Join(all, ", ")
}

func TestGetReadsTyped(t *testing.T) {
	t.Parallel()
	creds, err := get[StripeCredentials](schema.Spec{}, `{"apiKey":"sk_1","webhookSecret":"w","addedLater":{"x":[1]}}`)
	if err != nil {
		t.Fatal(err)
	}
	if creds.APIKey.Reveal() != "sk_1" || creds.WebhookSecret.Reveal() != "w" {
		t.Error("the fields are not what is stored")
	}
}

type namedString string

type namedBytes []byte

type level int // a JSON string through its text methods

func (l *level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return errors.New("no level: " + string(text))
	}
	return nil
}

func (l level) MarshalText() ([]byte, error) {
	return []byte([]string{"zero", "low", "high"}[l]), nil
}

func TestAStringAndBytesAndAValueAreTheStoredBytes(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{
		"5432", "12345678901234567890", "null", `"quoted"`, `{"a":1}`, "1e400", "true", " padded \n", "line\r\n", "\xff\xfe\x00", "[REDACTED]", `{"a":1,"a":2}`, "\ufeffx",
	} {
		t.Run(fmt.Sprintf("%q", stored), func(t *testing.T) {
			t.Parallel()
			s, err := get[string](schema.Spec{}, stored)
			if err != nil || s != stored {
				t.Errorf("string: %q, %v", s, err)
			}
			b, err := get[[]byte](schema.Spec{}, stored)
			if err != nil || string(b) != stored {
				t.Errorf("[]byte: %q, %v", b, err)
			}
			v, err := get[core.Value](schema.Spec{}, stored)
			if err != nil || v.Reveal() != stored {
				t.Errorf("Value: %v", err)
			}
			ns, err := get[namedString](schema.Spec{}, stored)
			if err != nil || string(ns) != stored {
				t.Errorf("a named string: %q, %v", ns, err)
			}
			nb, err := get[namedBytes](schema.Spec{}, stored)
			if err != nil || string(nb) != stored {
				t.Errorf("named bytes: %q, %v", nb, err)
			}
		})
	}
}

func TestATextIsValidatedAsOne(t *testing.T) {
	t.Parallel()
	spec := schema.Spec{Schema: json.RawMessage(`{"pattern":"^[0-9]+$","maxLength":6}`)}
	if got, err := get[string](spec, "5432"); err != nil || got != "5432" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := get[string](spec, "canary-7")
	if got := at(t, err); got != " maxLength,  pattern" {
		t.Errorf("got %q", got)
	}
	// A schema of another type is of a document, which is handed out as it is.
	spec.Schema = json.RawMessage(`{"type":"integer","minimum":1024}`)
	if got, err := get[string](spec, "5432"); err != nil || got != "5432" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err = get[string](spec, "80"); at(t, err) != " minimum" {
		t.Errorf("got %v", err)
	}
	if _, err = get[string](spec, `"5432"`); at(t, err) != " type" {
		t.Errorf("got %v", err)
	}
}

func TestMissingDeniedAndBrokenStayThreeThings(t *testing.T) {
	t.Parallel()
	for _, kind := range []error{
		core.ErrNotFound, core.ErrPermissionDenied, core.ErrUnauthenticated, core.ErrUnavailable, core.ErrExhausted, core.ErrCorrupt,
	} {
		t.Run(kind.Error(), func(t *testing.T) {
			t.Parallel()
			f := newFake(nil)
			f.fail("ID", kind)
			d := declare[StripeCredentials](schema.Spec{ID: "ID", Optional: true})
			_, err := d.Get(context.Background(), f.service())
			for _, other := range []error{core.ErrNotFound, core.ErrPermissionDenied, core.ErrUnauthenticated, core.ErrUnavailable, core.ErrExhausted, core.ErrCorrupt, core.ErrInvalidValue} {
				if errors.Is(err, other) != (other == kind) {
					t.Errorf("Is(%v) is %v", other, errors.Is(err, other))
				}
			}
			if !strings.Contains(err.Error(), "ID") || !strings.Contains(err.Error(), "fake") {
				t.Errorf("%q names neither id nor provider", err)
			}
			_, ok, err := d.Lookup(context.Background(), f.service())
			if ok || (err == nil) != (kind == core.ErrNotFound) {
				t.Errorf("Lookup: %v, %v", ok, err)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := declare[string](schema.Spec{ID: "ID"}).Get(ctx, newFake(nil).service())
		if !errors.Is(err, context.Canceled) || core.KindOf(err) != nil {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no service", func(t *testing.T) {
		t.Parallel()
		d := declare[string](schema.Spec{ID: "ID"})
		_, err := d.Get(context.Background(), nil)
		_, loadErr := schema.Load(context.Background(), nil, d)
		for _, err := range []error{err, loadErr, d.Set(context.Background(), nil, "x")} {
			if !errors.Is(err, core.ErrInvalidOption) {
				t.Errorf("got %v", err)
			}
		}
	})
}

// rich has a problem for each rule to find.
type rich struct {
	Key    core.Value        `json:"key" jsonschema:"pattern=^sk_,minLength=8"`
	Port   int               `json:"port" jsonschema:"minimum=1024,maximum=65535"`
	Mode   string            `json:"mode" jsonschema:"enum=live,enum=test"`
	URL    string            `json:"url" jsonschema:"format=uri"`
	Tags   []string          `json:"tags" jsonschema:"minItems=1,uniqueItems=true"`
	Nested map[string]nested `json:"nested"`
	Slash  string            `json:"a/b~c,omitempty"`
}

type nested struct {
	User core.Value `json:"user"`
	Pass core.Value `json:"pass"`
}

func TestAllProblemsOfADocumentAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := get[rich](schema.Spec{}, `{"key":"pk_c1","port":80,"mode":"canary2","url":"::canary3","tags":["c4","c4"],
		"nested":{"canary5":{"user":6},"canary7":[]},"a/b~c":8,"canary9":{"canary10":1,"canary10":2}}`)
	want := "/*/* duplicate, /a~1b~0c type, /key minLength, /key pattern, /mode enum, /nested/* type, " +
		"/nested/*/pass required, /nested/*/user type, /port minimum, /tags uniqueItems, /url format"
	if got := at(t, err); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !errors.Is(err, core.ErrInvalidValue) || errors.Is(err, core.ErrNotFound) {
		t.Error("it does not match ErrInvalidValue alone")
	}
	for _, p := range problems(t, err) {
		if p.Detail == "" {
			t.Errorf("%v says nothing of what the rule asks for", p)
		}
	}
}

// raw is a declaration of many keywords, so that each error of the validator
// is taken apart.
const rawSchema = `{"type":"object","properties":{
	"pattern":{"type":"string","pattern":"^sk_"},
	"format":{"format":"email"},
	"minLength":{"minLength":1000},"maxLength":{"maxLength":1},
	"minimum":{"minimum":1e300},"maximum":{"maximum":-1e300},"exclusiveMinimum":{"exclusiveMinimum":1e300},"exclusiveMaximum":{"exclusiveMaximum":-1e300},
	"multipleOf":{"multipleOf":1e200},
	"enum":{"enum":["declared"]},"const":{"const":"declared"},"not":{"not":{}},
	"items":{"type":"array","items":{"type":"boolean"}},"prefixItems":{"prefixItems":[{"type":"boolean"}],"items":false},
	"contains":{"type":"array","contains":{"type":"boolean"}},"maxContains":{"contains":{},"maxContains":0,"minContains":0},
	"minItems":{"minItems":9},"maxItems":{"maxItems":0},"uniqueItems":{"uniqueItems":true},
	"minProperties":{"minProperties":9},"maxProperties":{"maxProperties":0},
	"additionalProperties":{"additionalProperties":false},"additionalSchema":{"additionalProperties":{"type":"boolean"}},
	"propertyNames":{"propertyNames":{"maxLength":1}},"patternProperties":{"patternProperties":{"^c":{"type":"boolean"}}},
	"required":{"required":["declared"]},"dependentRequired":{"dependentRequired":{"declared":["other"]}},
	"dependentSchemas":{"dependentSchemas":{"declared":false}},
	"anyOf":{"anyOf":[{"type":"boolean"},{"type":"null"}]},"oneOf":{"oneOf":[{},{"minProperties":0}]},"allOf":{"allOf":[{"type":"boolean"},false]},
	"nearest":{"anyOf":[{"type":"null"},{"type":"object","required":["declared"]}]},
	"if":{"if":{},"then":{"type":"boolean"}},"else":{"if":false,"else":{"type":"boolean"}},
	"false":false,"unevaluated":{"unevaluatedProperties":false},"contentEncoding":{"contentEncoding":"base64"}
}}`

func TestNoErrorRepeatsAValueOrAnUndeclaredName(t *testing.T) {
	t.Parallel()
	// The canary is text, number, name and path at once.
	const canary = "98765432109"
	values := []string{
		`"` + canary + `"`, canary, "-" + canary, `["` + canary + `",` + canary + `,` + canary + `]`,
		`{"` + canary + `":"` + canary + `","declared":` + canary + `}`,
		`{"c` + canary + `":{"` + canary + `/~%2F":"\ud800` + canary + `"}}`, `{"` + canary + `":1,"` + canary + `":2}`,
		`[REDACTED]` + canary, canary + "e99999", `"\u00` + canary, `{"` + canary, "\xff" + canary, "1e" + canary,
		strings.Repeat("[", 300) + canary + strings.Repeat("]", 300),
	}
	var root struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal([]byte(rawSchema), &root); err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, d schema.Declared, stored string) (failed bool) {
		t.Helper()
		err := d.Validate(core.String(stored))
		if err == nil {
			return false
		}
		if errors.Is(err, schema.ErrDeclaration) {
			t.Fatalf("the declaration is wrong: %v", err)
		}
		printed := fmt.Sprint(err) + fmt.Sprintf("%v %+v %#v %s %q %x %d", err, err, err, err, err, err, err)
		var e *schema.Error
		if errors.As(err, &e) {
			printed += fmt.Sprintf("%v %+v %#v", e.Problems, e.Problems, e.Problems)
			text, _ := json.Marshal(e)
			printed += string(text)
		}
		if strings.Contains(printed, canary[:5]) {
			t.Errorf("a value shows: %s", printed)
		}
		return true
	}
	// Of each keyword at least one value is a fault, so that nothing is tested
	// that never fails.
	for keyword := range root.Properties {
		t.Run(keyword, func(t *testing.T) {
			t.Parallel()
			d := declare[map[string]any](schema.Spec{ID: "ID", Schema: json.RawMessage(rawSchema)})
			if err := d.Check(); err != nil {
				t.Fatal(err)
			}
			failures := 0
			for _, v := range values {
				if json.Valid([]byte(v)) && check(t, d, `{"`+keyword+`":`+v+`}`) {
					failures++
				}
			}
			if keyword != "contentEncoding" && keyword != "unevaluated" && failures < 3 {
				t.Errorf("only %d values fail", failures)
			}
		})
	}
	for name, d := range map[string]schema.Declared{
		"rich": declare[rich](schema.Spec{ID: "ID"}), "text": declare[string](schema.Spec{ID: "ID", Schema: json.RawMessage(`{"pattern":"^sk_"}`)}),
		"int8": declare[int8](schema.Spec{ID: "ID"}), "bool": declare[bool](schema.Spec{ID: "ID"}), "level": declare[level](schema.Spec{ID: "ID"}),
		"big": declare[big.Int](schema.Spec{ID: "ID"}), "list": declare[[]uint8](schema.Spec{ID: "ID", Schema: json.RawMessage(`{"type":"array"}`)}),
		"raw": declare[json.RawMessage](schema.Spec{ID: "ID"}), "loose": declare[rich](schema.Spec{ID: "ID", Schema: json.RawMessage(`{}`)}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, v := range values {
				check(t, d, v)
				check(t, d, `{"key":`+v+`,"nested":`+v+`,"tags":`+v+`}`)
			}
		})
	}
}

func TestWhatIsValidatedIsWhatIsDecoded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stored string
		key    string // of what is decoded
		fails  string // else
	}{
		"another case of a name comes later":    {`{"apiKey":"sk_1","webhookSecret":"w","APIKEY":"pk_2"}`, "sk_1", ""},
		"another case of a name comes first":    {`{"apikey":"pk_2","apiKey":"sk_1","webhookSecret":"w"}`, "sk_1", ""},
		"another case of a name is all":         {`{"apikey":"pk_2","webhookSecret":"w"}`, "", "/apiKey required"},
		"a name that folds to it":               {`{"api\u212aey":"pk_2","apiKey":"sk_1","webhookSecret":"w"}`, "sk_1", ""},
		"the Go name":                           {`{"APIKey":"pk_2","apiKey":"sk_1","webhookSecret":"w"}`, "sk_1", ""},
		"a name twice, the good one last":       {`{"apiKey":"pk_2","apiKey":"sk_1","webhookSecret":"w"}`, "", "/apiKey duplicate, /apiKey pattern"},
		"a name twice, the good one first":      {`{"apiKey":"sk_1","apiKey":"pk_2","webhookSecret":"w"}`, "", "/apiKey duplicate"},
		"a name twice, once escaped":            {`{"apiKey":"sk_1","\u0061piKey":"pk_2","webhookSecret":"w"}`, "", "/apiKey duplicate"},
		"an undeclared name twice":              {`{"apiKey":"sk_1","webhookSecret":"w","x":1,"x":1}`, "", "/* duplicate"},
		"a lone surrogate":                      {`{"apiKey":"sk_\ud800","webhookSecret":"w"}`, "", "/apiKey unicode"},
		"a lone surrogate in another name":      {`{"apiKey":"sk_1","webhookSecret":"w","\udc00":1}`, "", " unicode"},
		"surrogates in the wrong order":         {`{"apiKey":"sk_\udc00\ud800","webhookSecret":"w"}`, "", "/apiKey unicode"},
		"a pair of surrogates":                  {`{"apiKey":"sk_\ud83d\ude00","webhookSecret":"w"}`, "sk_😀", ""},
		"an escaped backslash before a u":       {`{"apiKey":"sk_\\ud800","webhookSecret":"w"}`, `sk_\ud800`, ""},
		"bytes that are no UTF-8":               {"{\"apiKey\":\"sk_\xff\",\"webhookSecret\":\"w\"}", "", " unicode"},
		"two documents":                         {`{"apiKey":"sk_1","webhookSecret":"w"}{}`, "", " json"},
		"no document":                           {`sk_1`, "", " json"},
		"an empty text":                         {` `, "", " json"},
		"another type":                          {`["sk_1"]`, "", " type"},
		"null":                                  {`null`, "", " type"},
		"null for a Value":                      {`{"apiKey":null,"webhookSecret":"w"}`, "", "/apiKey type"},
		"what a Value prints as":                {`{"apiKey":"sk_1","webhookSecret":"[REDACTED]"}`, "", "/webhookSecret decode"},
		"a number for a Value":                  {`{"apiKey":1,"webhookSecret":"w"}`, "", "/apiKey type"},
		"a NUL":                                 {`{"apiKey":"sk_\u0000x","webhookSecret":"w"}`, "sk_\x00x", ""},
		"a document of other spacing and order": {"\n{ \"webhookSecret\" : \"w\",\r\n\t\"apiKey\":\"sk_1\" }\n", "sk_1", ""},
		"a name of another type":                {`{"apiKey":"sk_1","webhookSecret":"w","":[{}]}`, "sk_1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := get[StripeCredentials](schema.Spec{}, test.stored)
			if test.fails == "" {
				if err != nil || got.APIKey.Reveal() != test.key || got.WebhookSecret.Reveal() != "w" {
					t.Errorf("got %v, or another key", err)
				}
				return
			}
			if err == nil {
				t.Fatal("it is read")
			}
			if got := at(t, err); got != test.fails {
				t.Errorf("got %q, want %q", got, test.fails)
			}
			if !got.APIKey.IsZero() || !got.WebhookSecret.IsZero() {
				t.Error("a value comes with the error")
			}
		})
	}
}

func TestNamesWithinAreExactToo(t *testing.T) {
	t.Parallel()
	type inner struct {
		Key string `json:"key,omitempty"`
	}
	type outer struct {
		inner
		List []inner          `json:"list,omitempty"`
		Map  map[string]inner `json:"map,omitempty"`
		Ptr  **inner          `json:"ptr,omitempty"`
	}
	got, err := get[outer](schema.Spec{}, `{"KEY":"a","list":[{"Key":"b"}],"map":{"M":{"kEy":"c"},"m":{"key":"d"}},"ptr":{"keY":"e"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got.Key != "" || got.List[0].Key != "" || got.Map["M"].Key != "" || got.Map["m"].Key != "d" || (**got.Ptr).Key != "" {
		t.Errorf("got %+v", got)
	}
}

type withDefaults struct {
	Host  string            `json:"host" jsonschema:"default=localhost"`
	Port  int               `json:"port,omitempty" jsonschema:"default=5432"`
	Big   uint64            `json:"big,omitempty" jsonschema:"default=12345678901234567890"`
	Key   core.Value        `json:"key,omitempty" jsonschema:"default=none"`
	On    bool              `json:"on,omitempty" jsonschema:"default=true"`
	Tags  []string          `json:"tags,omitempty" jsonschema:"default=a,default=b"`
	Inner *defaultsInner    `json:"inner,omitempty"`
	List  []defaultsInner   `json:"list,omitempty"`
	Map   map[string]int    `json:"map,omitempty"`
	Plain map[string]string `json:"plain,omitempty"`
}

type defaultsInner struct {
	Name string `json:"name" jsonschema:"default=x"`
}

func TestDefaultsAreAppliedOnRead(t *testing.T) {
	t.Parallel()
	got, err := get[withDefaults](schema.Spec{}, `{"inner":{},"list":[{},{"name":"y"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got.Host != "localhost" || got.Port != 5432 || got.Big != 12345678901234567890 || got.Key.Reveal() != "none" || !got.On ||
		strings.Join(got.Tags, "") != "ab" || got.Inner.Name != "x" || got.List[0].Name != "x" || got.List[1].Name != "y" {
		t.Errorf("got %+v", got)
	}
	got, err = get[withDefaults](schema.Spec{}, `{"host":"","port":0,"on":false,"tags":[],"key":""}`)
	if err != nil || got.Host != "" || got.Port != 0 || got.On || len(got.Tags) != 0 || got.Inner != nil || !got.Key.IsZero() {
		t.Errorf("what is there is replaced: %+v, %v", got, err)
	}
	// A caller that changes what it got does not change the default.
	got, _ = get[withDefaults](schema.Spec{}, `{}`)
	got.Tags[0] = "changed"
	if again, _ := get[withDefaults](schema.Spec{}, `{}`); again.Tags[0] != "a" {
		t.Error("a default is shared with a caller")
	}
}

func TestDefaultsOfARawSchemaFollowRefAndAllOf(t *testing.T) {
	t.Parallel()
	spec := schema.Spec{Schema: json.RawMessage(`{"type":"object","$ref":"#/$defs/a","allOf":[{"properties":{"c":{"$ref":"#/$defs/d"}}}],
		"required":["b","c"],"anyOf":[{"properties":{"never":{"default":1}}},true],
		"$defs":{"a":{"properties":{"b":{"default":1}}},"d":{"type":"integer","default":2}}}`)}
	got, err := get[map[string]int](spec, `{}`)
	if err != nil || len(got) != 2 || got["b"] != 1 || got["c"] != 2 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestARecursiveSchemaDoesNotTakeForever(t *testing.T) {
	t.Parallel()
	// Each level doubles the work: a legitimate form of union, and 2 to the
	// 90th for this document.
	spec := schema.Spec{ID: "ID", Schema: json.RawMessage(`{"type":"object","$ref":"#/$defs/n","$defs":{"n":{"anyOf":[
		{"properties":{"k":{"const":"a"},"c":{"$ref":"#/$defs/n"}}},{"properties":{"k":{"const":"b"},"c":{"$ref":"#/$defs/n"}}}]}}}`)}
	d := declare[map[string]any](spec)
	if err := d.Validate(core.String(`{"k":"b","c":{"k":"a","c":{"k":"b"}}}`)); err != nil {
		t.Errorf("a small document: %v", err)
	}
	err := d.Validate(core.String(strings.Repeat(`{"k":"b","c":`, 90) + `{}` + strings.Repeat(`}`, 90)))
	if got := at(t, err); got != " effort" {
		t.Errorf("got %q", got)
	}
	err = d.Validate(core.String(strings.Repeat(`{"c":`, 201) + `{}` + strings.Repeat(`}`, 201)))
	if got := at(t, err); got != " json" {
		t.Errorf("a document that is too deep: %q", got)
	}
}

func TestNumbersAreExact(t *testing.T) {
	t.Parallel()
	type numbers struct {
		I8  int8        `json:"i8,omitempty"`
		I64 int64       `json:"i64,omitempty"`
		U64 uint64      `json:"u64,omitempty"`
		U8  uint8       `json:"u8,omitempty"`
		F32 float32     `json:"f32,omitempty"`
		F64 float64     `json:"f64,omitempty"`
		Num json.Number `json:"num,omitempty"`
		Big *big.Int    `json:"big,omitempty"`
		Any any         `json:"any,omitempty"`
		Str int64       `json:"str,omitempty,string"`
	}
	for stored, want := range map[string]string{
		`{"i64":9223372036854775807}`:                     "9223372036854775807",
		`{"i64":-9223372036854775808}`:                    "-9223372036854775808",
		`{"u64":12345678901234567890}`:                    "12345678901234567890",
		`{"num":12345678901234567890.123456789012345678}`: "12345678901234567890.123456789012345678",
		`{"num":1e400}`:                                   "1e400",
		`{"num":0.1}`:                                     "0.1",
		`{"any":12345678901234567890}`:                    "12345678901234567890",
		`{"any":1E+2}`:                                    "1E+2",
		`{"big":123456789012345678901234567890}`:          "123456789012345678901234567890",
		`{"i64":5.0}`:                                     "5",
		`{"i64":1e3}`:                                     "1000",
		`{"u8":255}`:                                      "255",
		`{"str":"9223372036854775807"}`:                   "9223372036854775807",
	} {
		got, err := get[numbers](schema.Spec{}, stored)
		if err != nil {
			t.Errorf("%s: %v", stored, err)
			continue
		}
		text := fmt.Sprintf("%d %d %s %v %v", got.I64+got.Str+int64(got.I8)+int64(got.U8), got.U64, got.Num, got.Big, got.Any)
		if !strings.Contains(" "+text+" ", " "+want+" ") {
			t.Errorf("%s: got %s", stored, text)
		}
	}
	for stored, want := range map[string]string{
		`{"i8":128}`:                   "/i8 range",
		`{"i8":-129}`:                  "/i8 range",
		`{"u8":-1}`:                    "/u8 range",
		`{"u64":18446744073709551616}`: "/u64 range",
		`{"i64":9223372036854775808}`:  "/i64 range",
		`{"i64":1.5}`:                  "/i64 type",
		`{"f32":1e39}`:                 "/f32 range",
		`{"f64":1e400}`:                "/f64 range",
		`{"num":1e1001}`:               "/num number",
		`{"any":1e-99999999999999999}`: "/any number",
		`{"big":1.5}`:                  "/big type",
		`{"i64":"5"}`:                  "/i64 type",
		`{"str":5}`:                    "/str type",
		`{"str":"5x"}`:                 "/str decode",
		`{"i8":1,"i64":"a","u8":256}`:  "/i64 type",
	} {
		_, err := get[numbers](schema.Spec{}, stored)
		if err == nil {
			t.Errorf("%s is read", stored)
			continue
		}
		if got := at(t, err); got != want {
			t.Errorf("%s: got %q, want %q", stored, got, want)
		}
	}
}

func TestWhatTheGoTypeCantHoldHasAPointer(t *testing.T) {
	t.Parallel()
	type all struct {
		Array [2]string         `json:"array,omitempty"`
		Bytes []byte            `json:"bytes,omitempty"`
		Ints  map[int8]string   `json:"ints,omitempty"`
		Level level             `json:"level,omitempty"`
		Value core.Value        `json:"value,omitempty"`
		Bool  bool              `json:"bool,omitempty"`
		Text  string            `json:"text,omitempty"`
		Map   map[string]string `json:"map,omitempty"`
	}
	for stored, want := range map[string]string{
		`{"array":["a"]}`:             "/array decode",
		`{"array":["a","b","c"]}`:     "/array decode",
		`{"array":["a",1]}`:           "/array/1 decode",
		`{"bytes":"no base64"}`:       "/bytes contentEncoding",
		`{"bytes":[1]}`:               "/bytes decode",
		`{"ints":{"1":"a","01":"b"}}`: "/ints/* propertyNames",
		`{"ints":{"128":"a"}}`:        "/ints/* propertyNames",
		`{"ints":{"x":"a"}}`:          "/ints/* propertyNames",
		`{"level":"canary"}`:          " decode",
		`{"value":1}`:                 "/value decode",
		`{"bool":"true"}`:             "/bool decode",
		`{"text":1}`:                  "/text decode",
		`{"map":[]}`:                  "/map decode",
		`[]`:                          " decode",
		`{"map":{"x":1},"text":2}`:    "/map/* decode, /text decode",
	} {
		loose := schema.Spec{Schema: json.RawMessage(`{"properties":{"array":true,"bytes":true,"ints":true,"level":true,"value":true,"bool":true,"text":true,"map":true}}`)}
		_, err := get[all](loose, stored)
		if err == nil {
			t.Errorf("%s is read", stored)
			continue
		}
		if got := at(t, err); got != want {
			t.Errorf("%s: got %q, want %q", stored, got, want)
		}
	}
}
