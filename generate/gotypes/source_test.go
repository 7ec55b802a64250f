package gotypes_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/generate/gotypes"
	"github.com/lukko-dev/lukko/schema"
)

func meta(id string, change ...func(*schema.Meta)) schema.Meta {
	m := schema.Meta{Spec: schema.Spec{ID: id, Name: id}, Place: "lukko.yaml:1"}
	for _, c := range change {
		c(&m)
	}
	return m
}

func TestWhatCannotBeDeclaredIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	named := func(name string) func(*schema.Meta) { return func(m *schema.Meta) { m.Name = name } }
	variable := func(m *schema.Meta) { m.Variable = true }
	with := func(raw string) func(*schema.Meta) { return func(m *schema.Meta) { m.Schema = []byte(raw) } }
	for _, c := range []struct {
		name  string
		pkg   string
		metas []schema.Meta
		want  []string
	}{
		{"a program", "main", nil, []string{`"main"`, "--package"}},
		{"no identifier", "a-b", nil, []string{`"a-b"`, "--package"}},
		{"a keyword", "type", nil, []string{`"type"`, "--package"}},
		{"two names that are one in Go", "x", []schema.Meta{meta("A", named("api-key")), meta("B", named("API_KEY"))}, []string{"api-key", "API_KEY", "both names are APIKey in Go", "rename"}},
		{"one name of two ids", "x", []schema.Meta{meta("A", named("n")), meta("B", named("n"))}, []string{"the name stands for two ids"}},
		{"one id with two schemas", "x", []schema.Meta{meta("A", with(`{"type":"string"}`)), meta("A", named("n"))}, []string{"two schemas"}},
		{"a secret and a variable", "x", []schema.Meta{meta("A"), meta("A", variable)}, []string{"as a secret and as a variable"}},
		{"what schema refuses", "x", []schema.Meta{
			meta("A", with(`{"type":"strin"}`)), meta("B", func(m *schema.Meta) { m.DocsURL = "ftp://x" }),
			meta("C", func(m *schema.Meta) { m.Default = "hunter2" }),
			meta("D", variable, with(`{"type":"integer"}`), func(m *schema.Meta) { m.Default = "hunter2" }),
		}, []string{"lukko.yaml:1: A: the schema is wrong", "B: DocsURL begins with", "C: a secret has no Default", "D: the default is invalid"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source, err := gotypes.Source(c.pkg, c.metas)
			if err == nil {
				t.Fatalf("it is written:\n%s", source)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q holds a value", err)
			}
		})
	}
}

func TestTheSameDeclarationTwiceIsDeclaredOnce(t *testing.T) {
	t.Parallel()
	source, err := gotypes.Source("x", []schema.Meta{meta("A"), meta("A", func(m *schema.Meta) { m.Place = "b.go:2" })})
	if err != nil || strings.Count(string(source), "schema.Declare") != 1 {
		t.Errorf("%v\n%s", err, source)
	}
}

func TestRotationPeriodsAreWrittenAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for period, want := range map[time.Duration]string{
		24 * time.Hour: "24 * time.Hour", 90 * 24 * time.Hour: "90 * 24 * time.Hour", 36 * time.Hour: "36 * time.Hour", time.Hour: "time.Hour",
		90 * time.Minute: "90 * time.Minute", 45 * time.Second: "45 * time.Second", 1500 * time.Millisecond: "1500 * time.Millisecond", 1: "time.Nanosecond",
	} {
		source, err := gotypes.Source("x", []schema.Meta{meta("A", func(m *schema.Meta) { m.RotationPeriod = period })})
		if err != nil {
			t.Fatal(err)
		}
		checkSource(t, source)
		if !strings.Contains(string(source), "RotationPeriod: "+want+",") {
			t.Errorf("%v is not written as %s:\n%s", period, want, source)
		}
	}
}

// What comes after the file's own names may not take them from GEN's, nor a
// type that of a variable.
func TestNamesOfTheFileDoNotCollide(t *testing.T) {
	t.Parallel()
	object := func(m *schema.Meta) {
		m.Schema = []byte(`{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}}}}`)
	}
	var metas []schema.Meta
	for _, name := range []string{
		"stripe", "stripe.secret", "stripe.id", "stripe.secret.a", "typed_secret_service", "secret_types", "loaded-secrets", "variables", "core", "json", "schema", "x",
	} {
		metas = append(metas, meta(strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(name)), object, func(m *schema.Meta) { m.Name = name }))
	}
	source, err := gotypes.Source("x", metas)
	if err != nil {
		t.Fatal(err)
	}
	checkSource(t, source)
	for _, generated := range []string{"StripeID", "SecretTypes", "TypedSecretService", "LoadedSecrets", "Variables"} {
		if strings.Contains(string(source), "var "+generated+" ") || strings.Contains(string(source), "type "+generated+" ") {
			t.Errorf("%s is declared, and so it is by what is generated beside it", generated)
		}
	}
}
