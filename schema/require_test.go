package schema_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// states tells the state of each declaration, "ID state".
func states(reports []schema.Report) string {
	var all []string
	for _, r := range reports {
		all = append(all, r.Meta.ID+" "+string(r.State))
	}
	return strings.Join(all, ", ")
}

func TestOfAGroupWhatMustBeThereIsTold(t *testing.T) {
	t.Parallel()
	anyOf := func(id string) schema.Spec { return schema.Spec{ID: id, AnyOf: "mail"} }
	oneOf := func(id string) schema.Spec { return schema.Spec{ID: id, OneOf: "mail"} }
	for name, test := range map[string]struct {
		spec    func(id string) schema.Spec
		there   []string
		denied  string
		states  string
		kind    error
		problem string
	}{
		"any of it, none there":              {anyOf, nil, "", "A missing, B missing", core.ErrNotFound, `at least one of the group "mail" must be there: A, B`},
		"any of it, one there":               {anyOf, []string{"B"}, "", "A absent, B ok", nil, ""},
		"any of it, both there":              {anyOf, []string{"A", "B"}, "", "A ok, B ok", nil, ""},
		"any of it, one denied":              {anyOf, nil, "A", "A unknown, B absent", core.ErrPermissionDenied, ""},
		"one of it, none there":              {oneOf, nil, "", "A missing, B missing", core.ErrNotFound, `one of the group "mail" must be there: A, B`},
		"one of it, one there":               {oneOf, []string{"A"}, "", "A ok, B absent", nil, ""},
		"one of it, both there":              {oneOf, []string{"A", "B"}, "", "A invalid, B invalid", core.ErrInvalidValue, `only one of the group "mail" may be there: A, B`},
		"one of it, one there, other denied": {oneOf, []string{"A"}, "B", "A ok, B unknown", core.ErrPermissionDenied, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(nil)
			for _, id := range test.there {
				f.put(id, "canary")
			}
			if test.denied != "" {
				f.fail(test.denied, core.ErrPermissionDenied)
			}
			var set schema.Set
			a := schema.DeclareIn[string](&set, test.spec("A"))
			b := schema.DeclareIn[string](&set, test.spec("B"))
			reports, _ := schema.Status(context.Background(), f.service(), a, b)
			if got := states(reports); got != test.states {
				t.Errorf("got %s, want %s", got, test.states)
			}
			loaded, err := schema.Load(context.Background(), f.service(), a, b)
			if loaded != nil {
				defer loaded.Close()
			}
			if !errors.Is(err, test.kind) || (err == nil) != (test.kind == nil) {
				t.Errorf("Load returns %v, want %v", err, test.kind)
			}
			if test.problem != "" && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("got %v, want %q in it", err, test.problem)
			}
			missing, _ := schema.Missing(context.Background(), f.service(), a, b)
			if want := strings.Count(test.states, "missing"); len(missing) != want {
				t.Errorf("%d are missing, want %d", len(missing), want)
			}
		})
	}
}

func TestAGroupIsJudgedOnlyWhereAllOfItIsLoaded(t *testing.T) {
	t.Parallel()
	var set schema.Set
	a := schema.DeclareIn[string](&set, schema.Spec{ID: "A", AnyOf: "mail"})
	schema.DeclareIn[string](&set, schema.Spec{ID: "B", AnyOf: "mail"})
	loaded, err := schema.Load(context.Background(), newFake(nil).service(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	if v, ok := a.From(loaded).Lookup(); ok {
		t.Errorf("there is a value of %d bytes", len(v))
	}
}

func TestAsLongAsAGroupIsWrongHandlesKeepWhatTheyHad(t *testing.T) {
	t.Parallel()
	f := newFake(map[string]string{"A": "old"})
	var set schema.Set
	a := schema.DeclareIn[string](&set, schema.Spec{ID: "A", OneOf: "mail"})
	b := schema.DeclareIn[string](&set, schema.Spec{ID: "B", OneOf: "mail"})
	loaded, err := schema.Loader{Service: f.service(), Every: -1}.Load(context.Background(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	is := func(when string, want error, first string, second string) {
		t.Helper()
		if err := loaded.Refresh(context.Background()); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", when, err, want)
		}
		if gotA, gotB := a.From(loaded).Get(), b.From(loaded).Get(); gotA != first || gotB != second {
			t.Errorf("%s the handles give other values", when)
		}
	}
	f.put("B", "new")
	is("with both", core.ErrInvalidValue, "old", "")
	f.remove("A")
	is("with the second", nil, "", "new")
	f.remove("B")
	is("with none", core.ErrNotFound, "", "new")
	f.put("A", "newest")
	is("with the first again", nil, "newest", "")
}

func TestWhatIsRequiredInSomeEnvironmentsIsOptionalInOthers(t *testing.T) {
	t.Parallel()
	for environment, want := range map[string]string{
		"production":  "A missing",
		"development": "A absent",
		"":            "A missing",
	} {
		d := declare[string](schema.Spec{ID: "A", RequiredIn: []string{"staging", "production"}})
		loader := schema.Loader{Service: newFake(nil).service(), Environment: environment, Every: -1}
		reports, err := loader.Status(context.Background(), d)
		if got := states(reports); got != want || err != nil {
			t.Errorf("in %q: got %s, %v; want %s", environment, got, err, want)
		}
		loaded, err := loader.Load(context.Background(), d)
		if (err == nil) != strings.HasSuffix(want, "absent") {
			t.Errorf("in %q: Load returns %v", environment, err)
		}
		if err == nil {
			_ = loaded.Close()
		} else if says := strings.Contains(err.Error(), "required in staging, production only"); says != (environment == "") {
			t.Errorf("in %q the error is %v", environment, err)
		}
	}
}

func TestTheEnvironmentIsThatOfTheProcessUnlessToldOtherwise(t *testing.T) {
	t.Setenv("LUKKO_ENV", "development")
	d := declare[string](schema.Spec{ID: "A", RequiredIn: []string{"production"}})
	reports, _ := schema.Status(context.Background(), newFake(nil).service(), d)
	if got := states(reports); got != "A absent" {
		t.Errorf("got %s", got)
	}
	reports, _ = schema.Loader{Service: newFake(nil).service(), Environment: "production"}.Status(context.Background(), d)
	if got := states(reports); got != "A missing" {
		t.Errorf("got %s", got)
	}
}

func TestWhenAValueMustBeThereCantContradictItself(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		spec schema.Spec
		want string
	}{
		"two groups":                 {schema.Spec{AnyOf: "a", OneOf: "b"}, "one group by AnyOf and in another by OneOf"},
		"a name that is none":        {schema.Spec{OneOf: "a b"}, "the name of a group"},
		"a group and optional":       {schema.Spec{OneOf: "a", Optional: true}, "optional by itself"},
		"a group and required":       {schema.Spec{AnyOf: "a", RequiredIn: []string{"production"}}, "optional by itself"},
		"optional and required":      {schema.Spec{Optional: true, RequiredIn: []string{"production"}}, "contradict"},
		"required where nobody says": {schema.Spec{RequiredIn: []string{""}}, "empty name"},
	} {
		test.spec.ID = "A"
		err := declare[string](test.spec).Check()
		if !errors.Is(err, schema.ErrDeclaration) || !strings.Contains(fmt.Sprint(err), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	for name, test := range map[string]struct {
		first, second schema.Spec
		want          string
	}{
		"one group in two ways": {schema.Spec{ID: "A", AnyOf: "g"}, schema.Spec{ID: "B", OneOf: "g"}, "by AnyOf and by OneOf"},
		"one id in two groups":  {schema.Spec{ID: "A", AnyOf: "g"}, schema.Spec{ID: "A", AnyOf: "h"}, "in two groups"},
	} {
		var set schema.Set
		schema.DeclareIn[string](&set, test.first)
		schema.DeclareIn[string](&set, test.second)
		if err := set.Check(); err == nil || strings.Count(err.Error(), "require_test.go") != 4 || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q with both places", name, err, test.want)
		}
	}
}

func TestMetaSaysWhetherAValueMayBeAbsent(t *testing.T) {
	t.Parallel()
	may := map[string]schema.Spec{
		"optional": {Optional: true}, "any of": {AnyOf: "g"}, "one of": {OneOf: "g"}, "required in": {RequiredIn: []string{"x"}},
	}
	for _, name := range slices.Sorted(maps.Keys(may)) {
		if !(schema.Meta{Spec: may[name]}).MayBeAbsent() {
			t.Errorf("%s: it may not be absent", name)
		}
	}
	for name, spec := range map[string]schema.Spec{"plain": {}, "with a default": {Optional: true, Default: "x"}} {
		if (schema.Meta{Spec: spec}).MayBeAbsent() {
			t.Errorf("%s: it may be absent", name)
		}
	}
}
