package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

type limits struct {
	Rate  int    `json:"rate"`
	Burst int    `json:"burst,omitempty" jsonschema:"default=5"`
	Unit  string `json:"unit,omitempty"`
}

func declareVariable[T any](spec schema.Spec) *schema.Declaration[T] {
	return schema.DeclareVariableIn[T](new(schema.Set), spec)
}

func TestAVariableThatIsNotSetHasItsDefault(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	f := newFake(nil)
	port := declareVariable[int](schema.Spec{ID: "PORT", Default: "8080"})
	if got, err := port.Get(ctx, f.service()); got != 8080 || err != nil {
		t.Errorf("Get gives %v, %v", got, err)
	}
	if got, ok, err := port.Lookup(ctx, f.service()); got != 8080 || !ok || err != nil {
		t.Errorf("Lookup gives %v, %v, %v", got, ok, err)
	}
	if _, err := port.Get(ctx, core.New("fake", versioned{f}), core.AtVersion("7")); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("a version that is not there gives %v", err)
	}
	text := declareVariable[string](schema.Spec{ID: "CODE", Default: "007"})
	if got, err := text.Get(ctx, f.service()); got != "007" || err != nil {
		t.Errorf("a text's default gives %q, %v", got, err)
	}
	rates := declareVariable[limits](schema.Spec{ID: "LIMITS", Default: `{"rate":3}`})
	if got, err := rates.Get(ctx, f.service()); got != (limits{Rate: 3, Burst: 5}) || err != nil {
		t.Errorf("a document's default gives %+v, %v", got, err)
	}
	f.put("PORT", "9090")
	if got, err := port.Get(ctx, f.service()); got != 9090 || err != nil {
		t.Errorf("one that is set gives %v, %v", got, err)
	}
	f.put("PORT", "many")
	if got, err := port.Get(ctx, f.service()); got != 0 || !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("one that is invalid gives %v, %v", got, err)
	}
	f.fail("PORT", core.ErrPermissionDenied)
	if got, err := port.Get(ctx, f.service()); got != 0 || !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("one that is denied gives %v, %v", got, err)
	}
}

// versioned claims AtVersion and has no version but the current one.
type versioned struct{ *fake }

func (versioned) Get(context.Context, string, core.GetOptions) (core.Secret, error) {
	return core.Secret{}, core.ErrNotFound
}

func (versioned) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{AtVersion: true}, nil
}

func TestADefaultIsLoadedAndFollowsWhatIsSet(t *testing.T) {
	t.Parallel()
	f := newFake(nil)
	port := declareVariable[int](schema.Spec{ID: "PORT", Default: "8080"})
	var changes []schema.Change
	loaded, err := schema.Loader{
		Service: f.service(), Every: -1,
		OnChange: func(c schema.Change) { changes = append(changes, c) },
	}.Load(context.Background(), port)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	handle := port.From(loaded)
	for _, step := range []struct {
		do   func()
		want int
	}{
		{func() {}, 8080},
		{func() { f.put("PORT", "9090") }, 9090},
		{func() { f.remove("PORT") }, 8080},
	} {
		step.do()
		if err := loaded.Refresh(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got, ok := handle.Lookup(); got != step.want || !ok {
			t.Errorf("got %v, %v; want %v", got, ok, step.want)
		}
	}
	if len(changes) != 2 || changes[1].Absent {
		t.Errorf("the changes are %+v", changes)
	}
}

func TestStatusTellsADefaultFromAValue(t *testing.T) {
	t.Parallel()
	var set schema.Set
	schema.DeclareVariableIn[int](&set, schema.Spec{ID: "PORT", Default: "8080"})
	schema.DeclareVariableIn[int](&set, schema.Spec{ID: "LIMIT", Default: "1"})
	f := newFake(map[string]string{"LIMIT": "1"})
	reports, err := set.Status(context.Background(), f.service())
	if got := states(reports); got != "PORT default, LIMIT ok" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestTheDefaultAtTheRootOfASchemaIsOne(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		schema string
		text   bool
		want   string
	}{
		"a text":            {`{"type":"string","default":"info"}`, true, "info"},
		"a number":          {`{"type":"integer","default":12345678901234567890}`, false, "12345678901234567890"},
		"an object":         {`{"type":"object","default":{"b":1,"a":2}}`, false, `{"a":2,"b":1}`},
		"false":             {`{"type":"boolean","default":false}`, false, "false"},
		"none":              {`{"type":"boolean"}`, false, ""},
		"one from a $ref":   {`{"$ref":"#/$defs/a","type":"integer","$defs":{"a":{"default":1}}}`, false, "1"},
		"a text in a union": {`{"type":["string","null"],"default":"x"}`, true, "x"},
	} {
		var set schema.Set
		m := schema.DeclareAt(&set, "lukko.yaml:1", true, schema.Spec{ID: "A", Schema: json.RawMessage(test.schema)}).Meta()
		if m.Default != test.want || m.Text != test.text {
			t.Errorf("%s: got %q (text: %v), want %q; %v", name, m.Default, m.Text, test.want, set.Check())
		}
		secret := schema.DeclareAt(new(schema.Set), "lukko.yaml:1", false, schema.Spec{ID: "A", Schema: json.RawMessage(test.schema)})
		if err := secret.Check(); err != nil || secret.Meta().Default != "" {
			t.Errorf("%s: as a secret it has a default, or is refused: %v", name, err)
		}
	}
}

func TestADefaultThatCantBeIsAWrongDeclaration(t *testing.T) {
	t.Parallel()
	check := func(name string, d schema.Declared, want string) {
		t.Helper()
		err := d.Check()
		if !errors.Is(err, schema.ErrDeclaration) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	check("of a secret", declare[string](schema.Spec{ID: "A", Default: "canary"}), "a secret has no Default")
	check("that is no JSON", declareVariable[int](schema.Spec{ID: "A", Default: "canary"}), "the default is invalid: json")
	check("out of range", declareVariable[int8](schema.Spec{ID: "A", Default: "300"}), "the default is invalid: range")
	check("that the schema refuses", declareVariable[limits](schema.Spec{ID: "A", Default: `{"rate":"canary"}`}), "the default is invalid at /rate: type")
	check("with a condition", declareVariable[int](schema.Spec{ID: "A", Default: "1", RequiredIn: []string{"production"}}), "never missing")
	check("that is too long", declareVariable[string](schema.Spec{ID: "A", Default: strings.Repeat("canary", core.MaxValueLen)}), "too long")
	var set schema.Set
	first := schema.DeclareVariableIn[int](&set, schema.Spec{ID: "A", Default: "1"})
	schema.DeclareVariableIn[int](&set, schema.Spec{ID: "A", Default: "2"})
	check("that is two", first, "two defaults")
}
