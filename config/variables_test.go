package config_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

func TestTheValueOfAVariableIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]string{
		"info": "info", "8080": "8080", "0x1F": "0x1F", "0o17": "0o17", "007": "007", "1e3": "1e3", "1.50": "1.50", "+1": "+1", "1_000": "1_000", ".inf": ".inf",
		"true": "true", "True": "True", "no": "no", "2024-01-01": "2024-01-01", "a b # c": "a b", "a\n        b": "a b",
		`"8080"`: "8080", `'it''s'`: "it's", `"null"`: "null", `"~"`: "~", `" a\n\t"`: " a\n\t", `"a\x00"`: "a\x00",
		"|\n        a\n        b": "a\nb\n", "|-\n        a\n        b": "a\nb", ">-\n        a\n        b": "a b",
		"[]": "[]", "{}": "{}", `[1, "1", a, true, ~, 1e3, <b>]`: `[1,"1","a",true,null,1e3,"<b>"]`,
		"\n        b: {c: 12345678901234567890}\n        a:\n        - 1.50": `{"b":{"c":12345678901234567890},"a":[1.50]}`,
	} {
		c, err := parse(t, "environments:\n  a:\n    stores: env:x\n    variables:\n      V: "+written+"\n")
		if err != nil {
			t.Errorf("%q: %v", written, err)
			continue
		}
		v, ok := c.Environments[0].Variable("V")
		if !ok || v != (config.Variable{ID: "V", Place: "lukko.yaml:5", Value: want}) {
			t.Errorf("%q is %+v, want %q", written, v, want)
		}
	}
}

func TestDeclarationsSayWhenAndHowValuesMustBeThere(t *testing.T) {
	t.Parallel()
	c, err := parse(t, `
environments: {development: env:x, staging: env:y, production: env:z}
secrets:
  SMTP: {anyOf: mail}
  MAILGUN: {anyOf: mail}
  CARD: {oneOf: pay}
  SENTRY: {requiredIn: production}
  KEY: {requiredIn: [staging, production], generate: "random:64"}
variables:
  LOG_LEVEL: {default: info, schema: {type: string}}
  PORT: {default: 0x1F}
  LIMITS: {default: {a: [1]}, schema: {type: object}}
  CODE: {default: 007}
  LEVEL: {schema: {type: string, default: warn}}
`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for d := range c.Declarations.All() {
		m := d.Meta()
		got[m.ID] = fmt.Sprint(m.AnyOf, "|", m.OneOf, "|", m.RequiredIn, "|", m.Generate, "|", m.Default)
	}
	for id, want := range map[string]string{
		"SMTP": "mail||[]||", "MAILGUN": "mail||[]||", "CARD": "|pay|[]||", "SENTRY": "||[production]||", "KEY": "||[staging production]|random:64|",
		"LOG_LEVEL": "||[]||info", "PORT": "||[]||0x1F", "LIMITS": `||[]||{"a":[1]}`, "CODE": "||[]||007", "LEVEL": "||[]||warn",
	} {
		if got[id] != want {
			t.Errorf("%s is %s, want %s", id, got[id], want)
		}
	}
}

func TestWhatIsWrongWithVariablesIsToldWithLineAndColumn(t *testing.T) {
	t.Parallel()
	at := func(variables string) string {
		return "environments:\n  a:\n    stores: env:x\n    variables: " + variables + "\n"
	}
	const level = "variables: {LEVEL: {schema: {type: string, enum: [debug, info]}}}\n"
	for name, test := range map[string]struct{ text, want string }{
		"a null":                                 {at("{V: ~}"), ":4:20: the value is empty"},
		"nothing":                                {at("{V: }"), ":4:20: the value is empty"},
		"an empty text":                          {at(`{V: ""}`), ":4:20: the value is empty"},
		"an id that is none":                     {at(`{"canary id": v}`), ":4:17: this is no id"},
		"a list of variables":                    {at("[canary]"), ":4:16: variables is a mapping, and no list"},
		"a value twice":                          {at("{V: canary, V: canary}"), ":4:28: the key is there twice"},
		"a tag":                                  {at("{V: !!str 5}"), ":4:20: tags are not supported"},
		"an alias":                               {at("{V: &a canary, W: *a}"), ":4:20: anchors are not supported"},
		"a number in a list that JSON lacks":     {at("{V: [0x1F]}"), ":4:21: a number here"},
		"a value that is too large":              {at("{V: " + strings.Repeat("x", core.MaxValueLen+1) + "}"), ":4:20: the value is larger than 64 KiB"},
		"a value that is not what is declared":   {at("{LEVEL: canary}") + level, ":4:24: the value is not what lukko.yaml:5 declares: enum: it is none of the declared values"},
		"one that is declared below":             {level + at("{LEVEL: canary}"), ":5:24: the value is not what lukko.yaml:1 declares"},
		"a field of a document":                  {at("{D: {n: canary}}") + "variables: {D: {schema: {type: object, properties: {n: {type: integer}}}}}\n", ":4:20: the value is not what lukko.yaml:5 declares: /n: type"},
		"a secret":                               {at("{KEY: canary}") + "secrets: {KEY: }\n", ":4:17: the id is declared as a secret, at lukko.yaml:5, and a secret never belongs into this file"},
		"a default that is null":                 {at("{V: v}") + "variables: {W: {default: }}\n", ":5:26: default is empty"},
		"a default that the schema refuses":      {at("{V: v}") + "variables: {W: {default: canary, schema: {type: integer}}}\n", ":5:13: the declaration is wrong: the default is invalid"},
		"a default of a secret":                  {at("{V: v}") + "secrets: {W: {default: canary}}\n", ":5:15: unknown key; a secret itself never belongs into this file: store it with lukko set"},
		"a value in a declaration":               {at("{V: v}") + "variables: {W: {value: canary}}\n", ":5:17: unknown key; the value of a variable is in environments"},
		"a variable that is to be made":          {at("{V: v}") + "variables: {W: {generate: random}}\n", ":5:13: the declaration is wrong: a variable is configuration"},
		"a way to make it that is none":          {at("{V: v}") + "secrets: {W: {generate: canary}}\n", ":5:11: the declaration is wrong: Generate is one of random, random:N"},
		"two kinds of groups":                    {at("{V: v}") + "secrets: {W: {anyOf: g, oneOf: h}}\n", ":5:11: the declaration is wrong: it is in one group by AnyOf and in another by OneOf"},
		"a group that is no text":                {at("{V: v}") + "secrets: {W: {anyOf: [canary]}}\n", ":5:22: anyOf is a text, and no list"},
		"requiredIn that is nearly there":        {"environments: {production: env:x, staging: env:y}\nsecrets: {W: {requiredIn: prodution}}\n", `:2:27: requiredIn names no environment; there are production, staging; did you mean "production"?`},
		"requiredIn that is not there":           {"environments: {production: env:x, staging: env:y}\nsecrets: {W: {requiredIn: [staging, canary]}}\n", ":2:37: requiredIn names no environment; there are production, staging"},
		"requiredIn that is empty":               {"environments: {production: env:x}\nsecrets: {W: {requiredIn: []}}\n", ":2:27: the list of environments is empty"},
		"requiredIn and optional":                {"environments: {production: env:x}\nsecrets: {W: {requiredIn: production, optional: true}}\n", ":2:11: the declaration is wrong: Optional and RequiredIn contradict each other"},
		"a key of a variable that is nearly one": {at("{V: v}") + "variables: {W: {defualt: canary}}\n", `:5:17: unknown key "defualt"; did you mean "default"?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, test.text)
			if err == nil {
				t.Fatal("it is read")
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "canary") {
				t.Errorf("a value shows: %v", err)
			}
			if strings.Contains(err.Error(), "\n") && name != "an alias" || !strings.HasPrefix(err.Error(), "lukko.yaml"+test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
	for name, text := range map[string]string{
		"no values yet": at(""), "no values": at("{}"), "comments only": at("\n      # V: w"), "what nobody declares": at("{V: w}") + level,
	} {
		if _, err := parse(t, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// environment is an environment of a process, as a scheme.
type environment struct {
	mu     sync.Mutex
	vars   map[string]string
	closed int
}

func (e *environment) schemes() core.Schemes {
	return core.Schemes{"env": func(context.Context, *url.URL) (*core.Store, error) { return core.New("env", e), nil }}
}

func (e *environment) set(id, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.vars[id] = value
}

func (e *environment) Get(_ context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch v := e.vars[id]; {
	case strings.HasSuffix(id, "_FILE"):
		return core.Secret{}, core.ErrInvalidID
	case v == "locked":
		return core.Secret{}, core.ErrPermissionDenied
	default: // New makes "not found" of an empty one
		return core.Secret{Value: core.String(v)}, nil
	}
}

func (e *environment) Close() error { e.closed++; return nil }

func TestTheProcessEnvironmentGoesBeforeTheFile(t *testing.T) {
	t.Parallel()
	c, err := parse(t, `
default: a
environments:
  a: {stores: env:x, variables: {BOTH: file, EMPTY: file, FILE: 8080, LOG_FILE: app.log, LOCKED: file}}
  b: {stores: env:x, variables: {FILE: other}}
variables:
  LEVEL: {default: info}
  NONE: {}
  FILE: {}
`)
	if err != nil {
		t.Fatal(err)
	}
	process := &environment{vars: map[string]string{"BOTH": "process", "EMPTY": "", "PROCESS": "process", "LOCKED": "locked"}}
	ctx := t.Context()
	store, err := c.OpenVariablesWith(ctx, "", process.schemes())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"BOTH": "process env", "EMPTY": "file lukko.yaml", "PROCESS": "process env", "FILE": "8080 lukko.yaml", "LOG_FILE": "app.log lukko.yaml",
	} {
		got, err := store.Get(ctx, id)
		if err != nil || got.Value.Reveal()+" "+got.Source != want {
			t.Errorf("%s is %q of %q, %v; want %s", id, got.Value.Reveal(), got.Source, err, want)
		}
	}
	if _, err := store.Get(ctx, "LOCKED"); !errors.Is(err, core.ErrPermissionDenied) {
		t.Errorf("what could not be told was passed over: %v", err)
	}
	if _, err := store.Get(ctx, "NONE"); !errors.Is(err, core.ErrNotFound) || !strings.Contains(err.Error(), "lukko var set NONE VALUE --env a") {
		t.Errorf("what nobody has: %v", err)
	}
	all, err := store.GetMany(ctx, []string{"BOTH", "FILE", "NONE", "LOCKED"})
	if failed := (*core.BatchError)(nil); len(all) != 2 || !errors.As(err, &failed) || len(failed.ByID) != 1 {
		t.Errorf("a batch: %d, %v", len(all), err)
	}
	var reports []string
	found, err := schema.Loader{Service: store, Environment: "a"}.Status(ctx, declarations(c)...)
	for _, r := range found {
		reports = append(reports, r.Meta.ID+" "+string(r.State))
	}
	if got := strings.Join(reports, ", "); err != nil || got != "LEVEL default, NONE missing, FILE ok" {
		t.Errorf("got %s, %v", got, err)
	}
	for name, err := range map[string]error{
		"var set FILE VALUE --env a": second(store.Set(ctx, "FILE", core.String("v"))),
		"var rm FILE --env a":        store.Delete(ctx, "FILE"),
	} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "lukko "+name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := store.Close(); err != nil || process.closed != 1 {
		t.Errorf("closed %d times, %v", process.closed, err)
	}
	other, err := c.OpenVariablesWith(ctx, "b", process.schemes())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if got, err := other.Get(ctx, "FILE"); err != nil || got.Value.Reveal() != "other" {
		t.Errorf("another environment: %v", err)
	}
	if _, err := c.OpenVariablesWith(ctx, "canary", process.schemes()); !errors.Is(err, config.ErrUnknownEnvironment) {
		t.Errorf("an unknown environment: %v", err)
	}
	if _, err := c.OpenVariables(ctx, "a"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "providers/env") {
		t.Errorf("a program without providers/env: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func declarations(c *config.Config) (all []schema.Declared) {
	for d := range c.Declarations.All() {
		all = append(all, d)
	}
	return all
}

func TestVariablesConformance(t *testing.T) {
	conformance.Run(t, conformance.Harness{
		Refuses: func(string) bool { return false },
		Open: func(t testing.TB) conformance.Subject {
			process := &environment{vars: map[string]string{}}
			c, err := config.Parse("lukko.yaml", []byte("environments: {a: {stores: env:x, variables: {CONFIGURED: here}}}"))
			if err != nil {
				t.Fatal(err)
			}
			store, err := c.OpenVariablesWith(t.Context(), "", process.schemes())
			if err != nil {
				t.Fatal(err)
			}
			return conformance.Subject{Service: store, Seed: func(id string, v core.Value) error {
				process.set(id, v.Reveal())
				return nil
			}}
		},
	})
}

// meta writes a secrets_meta.json.
func meta(t *testing.T, path, secrets, variables string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	text := `{"version": 1, "secrets": [` + secrets + `], "variables": [` + variables + `]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFilesOfMetadataDeclareWithTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	load := func(text string) (*config.Config, error) {
		path := filepath.Join(dir, "conf", "lukko.yaml")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return config.Load(path)
	}
	const key = `{"name": "key", "id": "KEY", "text": true, "schema": {"type": "string", "minLength": 3}, "place": "../../billing/key.go:12"}`
	meta(t, filepath.Join(dir, "conf", "internal", "secrets", "secrets_meta.json"), key+`, {"name": "db", "id": "DB", "optional": true}`,
		`{"name": "level", "id": "LEVEL", "text": true, "schema": {"type": "string", "enum": ["info"]}, "default": "info", "place": "level.go:3"}`)

	if c, err := load("environments: {a: env:x}\n"); err != nil || len(declarations(c)) != 0 {
		t.Errorf("a file that nobody named was read: %v", err)
	}
	const named = "metadata: internal/secrets/secrets_meta.json\n"
	c, err := load(named + "environments: {a: env:x}\nsecrets: {OWN: }\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range declarations(c) {
		m := d.Meta()
		got = append(got, fmt.Sprint(m.ID, " ", m.Place, " ", m.Variable, " ", m.Optional, " ", m.Default))
	}
	want := "OWN lukko.yaml:3 false false , DB internal/secrets/secrets_meta.json false true , KEY billing/key.go:12 false false , LEVEL internal/secrets/level.go:3 true false info"
	if strings.Join(got, ", ") != want {
		// The order of the entries is that of the file.
		want = "OWN lukko.yaml:3 false false , KEY billing/key.go:12 false false , DB internal/secrets/secrets_meta.json false true , LEVEL internal/secrets/level.go:3 true false info"
	}
	if strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	for name, test := range map[string]struct{ text, want string }{
		"a file that is not there":      {"metadata: [internal/canary.json]\nenvironments: {a: env:x}\n", "lukko.yaml:1:12: there is no such file of metadata; lukko generate writes it"},
		"a folder":                      {"metadata: internal\nenvironments: {a: env:x}\n", "lukko.yaml:1:11: the file of metadata: it is no regular file"},
		"a file that is none":           {"metadata: lukko.yaml\nenvironments: {a: env:x}\n", "lukko.yaml:1:11: metadata: the file is not as its schema says"},
		"an absolute path":              {"metadata: /canary.json\nenvironments: {a: env:x}\n", "lukko.yaml:1:11: metadata is a path from the folder of this file"},
		"a path of Windows":             {"metadata: canary\\x.json\nenvironments: {a: env:x}\n", "lukko.yaml:1:11: metadata is a path from the folder of this file"},
		"an empty list":                 {"metadata: []\nenvironments: {a: env:x}\n", "lukko.yaml:1:11: the list of metadata is empty"},
		"a number":                      {"metadata: [5]\nenvironments: {a: env:x}\n", "lukko.yaml:1:12: metadata is a text"},
		"another schema":                {named + "environments: {a: env:x}\nsecrets: {KEY: }\n", "lukko.yaml:1:11: the declaration of KEY at billing/key.go:12 is wrong: the id is declared with two schemas; the other is at lukko.yaml:3"},
		"a secret that is a variable":   {named + "environments: {a: env:x}\nvariables: {DB: }\n", "lukko.yaml:1:11: the declaration of DB at internal/secrets/secrets_meta.json is wrong: the id is declared as a secret and as a variable; the other is at lukko.yaml:3"},
		"a value that is not as there":  {named + "environments: {a: {stores: env:x, variables: {LEVEL: canary}}}\n", "lukko.yaml:2:54: the value is not what internal/secrets/level.go:3 declares: enum"},
		"a value of a secret of there":  {named + "environments: {a: {stores: env:x, variables: {KEY: canary}}}\n", "lukko.yaml:2:47: the id is declared as a secret, at billing/key.go:12"},
		"a file beside it that is none": {"environments: {a: env:x}\n", "lukko.yaml: secrets_meta.json beside it: metadata: the file is not as its schema says"},
	} {
		if name == "a file beside it that is none" {
			if err := os.WriteFile(filepath.Join(dir, "conf", "secrets_meta.json"), []byte(`{"version": 1, "canary": 1}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := load(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
		_ = os.Remove(filepath.Join(dir, "conf", "secrets_meta.json"))
	}

	// One beside it is read by itself, and once if it is named, too. What is
	// declared twice alike is there once, as lukko.yaml says it.
	meta(t, filepath.Join(dir, "conf", "secrets_meta.json"), key+`, {"name": "more", "id": "MORE"}`, "")
	c, err = load("metadata: [secrets_meta.json, internal/secrets/secrets_meta.json, ./internal/../secrets_meta.json]\nenvironments: {a: env:x}\n" +
		"secrets: {KEY: {name: key, displayName: Ours, schema: {minLength: 3, type: string}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	got = nil
	for _, d := range declarations(c) {
		got = append(got, d.Meta().ID+" "+d.Meta().DisplayName+" "+d.Meta().Place)
	}
	if len(got) != 4 || got[0] != "KEY Ours lukko.yaml:3" || c.Declarations.Check() != nil {
		t.Errorf("got %q", got)
	}
}

func TestEditingAFileKeepsWhatItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "real.yaml")
	if err := os.WriteFile(path, []byte("environments:\n  a: env:x\n  b: env:y\nsecrets: {KEY: }\nvariables: {PORT: {schema: {type: integer}}}\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "lukko.yaml")
	if err := os.Symlink("real.yaml", link); err != nil {
		if runtime.GOOS == "windows" {
			t.Skip("Windows needs a right for symbolic links")
		}
		t.Fatal(err)
	}
	v, err := config.SetVariable(link, "b", "PORT", "8080")
	if err != nil || v != (config.Variable{ID: "PORT", Value: "8080", Place: "lukko.yaml:6"}) {
		t.Fatalf("got %+v, %v", v, err)
	}
	data, err := os.ReadFile(path)
	const want = "environments:\n  a: env:x\n  b:\n    stores: env:y\n    variables:\n      PORT: 8080\nsecrets: {KEY: }\nvariables: {PORT: {schema: {type: integer}}}\n"
	if err != nil || string(data) != want {
		t.Errorf("got %s, %v", data, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	for name, test := range map[string]struct {
		environment, id, value string
		kind                   error
		says                   string
	}{
		"what is not declared so": {"b", "PORT", "canary", core.ErrInvalidValue, "json"},
		"nothing":                 {"b", "PORT", "", core.ErrInvalidValue, "lukko var rm PORT"},
		"too much":                {"b", "OTHER", strings.Repeat("x", core.MaxValueLen+1), core.ErrInvalidValue, "64 KiB"},
		"no UTF-8":                {"b", "OTHER", "canary\xff", core.ErrInvalidValue, "UTF-8"},
		"a secret":                {"b", "KEY", "canary", core.ErrInvalidID, "declared as a secret, at lukko.yaml:7"},
		"no id":                   {"b", "a canary", "v", core.ErrInvalidID, ""},
		"no environment":          {"", "PORT", "1", config.ErrUnknownEnvironment, "there are a, b"},
	} {
		_, err := config.SetVariable(link, test.environment, test.id, test.value)
		if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != want {
		t.Errorf("a refused edit changed it: %s, %v", data, err)
	}
	if v, err := config.DeleteVariable(link, "b", "PORT"); err != nil || v.Value != "8080" {
		t.Errorf("got %+v, %v", v, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".lukko-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind are %v, %v", left, err)
	}
}

func TestAValueThatIsWrongCanBeSetAnew(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lukko.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const head = "environments: {a: {stores: env:x, variables: {PORT: high, KEY: secret, OTHER: high}}}\n"
	write(head + "variables: {PORT: {schema: {type: integer}}}\n")
	if _, err := config.SetVariable(path, "", "PORT", "80"); err != nil {
		t.Error(err)
	}
	if c, err := config.Load(path); err != nil || c.Environments[0].Variables[0].Value != "80" {
		t.Errorf("got %+v, %v", c, err)
	}
	write(head + "secrets: {KEY: }\n")
	if _, err := config.DeleteVariable(path, "", "KEY"); err != nil {
		t.Error(err)
	}
	write(head + "variables: {PORT: {schema: {type: integer}}, OTHER: {schema: {type: integer}}}\n")
	if _, err := config.SetVariable(path, "", "PORT", "80"); err == nil || !strings.Contains(err.Error(), "lukko.yaml:1:") {
		t.Errorf("another one is wrong, too: %v", err)
	}
}

func TestEditsAtOnceAllHappen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lukko.yaml")
	if err := os.WriteFile(path, []byte("environments: {a: env:x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if _, err := config.SetVariable(path, "", fmt.Sprint("V", i), "v"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if c, err := config.Load(path); err != nil || len(c.Environments[0].Variables) != 8 {
		t.Errorf("got %+v, %v", c, err)
	}
}
