package config_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/schema"
)

// folder is absolute everywhere.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func parse(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	return config.Parse(filepath.Join(folder(t), "lukko.yaml"), []byte(text))
}

const full = `# every key
default: development

environments:
  development: file:secrets
  ci: [env:, "file:secrets"]
  production:
    stores:
      - env:
      - name: cloud
        url: aws://eu-west-1?prefix=shop/
      - aws://eu-central-1
    writeTo: cloud
    fallThrough: [unavailable, permission denied, unauthenticated, exhausted]
  staging:
    stores: file+dotenv:../.env?x=1

secrets:
  STRIPE_CREDENTIALS:
    name: stripe
    displayName: Stripe API
    description: API keys for Stripe
    docsURL: https://docs.stripe.com/keys
    rotationPeriod: 90d
    schema:
      type: object
      required: [apiKey]
      properties:
        apiKey: {type: string, pattern: ^sk_}
        retries: {type: integer, maximum: 12345678901234567890}
        day: {default: 2024-01-01, type: string}
        country: {enum: [no, on, yes, ~]}
  SESSION_KEY:
    optional: true
  shop/db:

variables:
  LOG_LEVEL:
    schema: {type: string, enum: [debug, info]}
`

func TestAFileSaysWhereSecretsAreAndWhatTheyLookLike(t *testing.T) {
	t.Parallel()
	c, err := parse(t, full)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.ToSlash(folder(t))
	if !strings.HasPrefix(dir, "/") {
		dir = "/" + dir
	}
	var got []string
	for _, e := range c.Environments {
		line := e.Name + " " + e.Place
		for _, s := range e.Stores {
			line += " " + s.Name + "=" + s.URL
		}
		got = append(got, fmt.Sprint(line, " ", e.WriteTo, e.FallThrough))
	}
	want := []string{
		"development lukko.yaml:5 file=file://" + dir + "/secrets []",
		"ci lukko.yaml:6 env=env: file=file://" + dir + "/secrets []",
		"production lukko.yaml:7 env=env: cloud=aws://eu-west-1?prefix=shop/ aws=aws://eu-central-1 cloud[unavailable permission denied unauthenticated exhausted]",
		"staging lukko.yaml:15 file+dotenv=file+dotenv://" + strings.TrimSuffix(dir, "/testdata") + "/.env?x=1 []",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c.Default != "development" || c.Path != filepath.Join(folder(t), "lukko.yaml") || strings.Join(c.Names(), " ") != "development ci production staging" {
		t.Errorf("got %+v", c)
	}
	var metas []schema.Meta
	for d := range c.Declarations.All() {
		metas = append(metas, d.Meta())
	}
	if len(metas) != 4 {
		t.Fatalf("%d declarations", len(metas))
	}
	m := metas[0]
	if m.ID != "STRIPE_CREDENTIALS" || m.Name != "stripe" || m.DisplayName != "Stripe API" || m.Description != "API keys for Stripe" ||
		m.DocsURL != "https://docs.stripe.com/keys" || m.RotationPeriod != 90*24*time.Hour || m.Optional || m.Variable || m.Text || m.Place != "lukko.yaml:19" {
		t.Errorf("got %+v", m)
	}
	for _, part := range []string{`"pattern":"^sk_"`, `"maximum":12345678901234567890`, `"default":"2024-01-01"`, `["no","on","yes",null]`} {
		if !strings.Contains(string(m.Schema), part) {
			t.Errorf("the schema lacks %s: %s", part, m.Schema)
		}
	}
	if m = metas[1]; m.ID != "SESSION_KEY" || !m.Optional || !m.Text || len(m.Schema) > 0 {
		t.Errorf("got %+v", m)
	}
	if m = metas[2]; m.ID != "shop/db" || len(m.Warnings) != 1 {
		t.Errorf("got %+v", m)
	}
	if m = metas[3]; m.ID != "LOG_LEVEL" || !m.Variable || !m.Text {
		t.Errorf("got %+v", m)
	}
	d, _ := c.Declarations.ByID("STRIPE_CREDENTIALS")
	if err := d.Validate(core.String(`{"apiKey":"pk_1"}`)); !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("an invalid value: %v", err)
	}
}

func TestEverythingThatIsWrongIsToldWithLineAndColumn(t *testing.T) {
	t.Parallel()
	const env = "environments: {a: env:x}\n"
	for name, test := range map[string]struct {
		text string
		want []string // each the beginning and a part of a line, by "…"
	}{
		"an empty file":            {"", []string{": it is empty"}},
		"comments only":            {"# canary\n", []string{": it is empty"}},
		"an empty document":        {"---\n", []string{":…the file is empty"}},
		"a list":                   {"- canary\n", []string{":1:1: the file is a mapping, and no list"}},
		"a single value":           {"canary\n", []string{":1:1: the file is a mapping, and no single value"}},
		"no environments":          {"secrets: {A: }\n", []string{":1:1: environments is missing"}},
		"no environment":           {"environments:\n", []string{":1:14: environments is empty"}},
		"environments as a list":   {"environments: [a]\n", []string{":1:15: environments is a mapping, and no list"}},
		"a key that is nearly one": {"enviroments: {}\n" + env, []string{`:1:1: unknown key "enviroments"; did you mean "environments"?`}},
		"a key that is none":       {"sk_live_canary: 1\n" + env, []string{":1:1: unknown key; known here are default, environments, secrets, variables"}},
		"several at once": {
			"defalt: x\nenvironments:\n  a: 5\n  b: {store: env:x}\nsecrets:\n  A: {optinal: yes, optional: yes}\n",
			[]string{`:1:1: unknown key "defalt"; did you mean "default"?`, ":3:6: a store's URL is a text", `:4:6:…stores is missing`, `:4:7: unknown key "store"; did you mean "stores"?`, `:6:7: unknown key "optinal"; did you mean "optional"?`, ":6:31: optional is true or false"},
		},
		"a key twice":                        {"environments:\n  a: env:x\n  a: env:y\n", []string{":3:3: the key is there twice, first in line 2"}},
		"a key twice in a schema":            {env + "secrets:\n  A:\n    schema: {type: string, type: object}\n", []string{":4:28: the key is there twice, first in line 4"}},
		"an anchor":                          {"environments:\n  a: &canary env:x\n  b: *canary\n", []string{":2:6: anchors are not supported", ":3:6: aliases are not supported"}},
		"a merge key":                        {env + "secrets:\n  A:\n    <<: {optional: true}\n", []string{":4:5: merge keys are not supported"}},
		"a tag":                              {env + "secrets:\n  A: {name: !!str 5}\n", []string{":3:13: tags are not supported"}},
		"a tag of one's own":                 {env + "secrets: !canary {}\n", []string{":2:10: tags are not supported"}},
		"a second document":                  {env + "---\ncanary: 1\n", []string{":2:…a second document"}},
		"no YAML":                            {"environments:\n  a: [canary\nb: 1\n", []string{":…it is no YAML from here"}},
		"a tab":                              {"environments:\n\ta: canary\n", []string{":…it is no YAML from here"}},
		"no UTF-8":                           {"environments: \xff\xfe", []string{": it is no valid UTF-8"}},
		"UTF-16":                             {"\xff\xfee\x00", []string{": it is no valid UTF-8"}},
		"a key that is a list":               {env + "? [canary]\n: 1\n", []string{":2:3: a key is a text"}},
		"a key that is null":                 {env + "~: 1\n", []string{":2:1: a key is a text"}},
		"a key that is a bool":               {env + "secrets: {true: }\n", []string{":2:11: a key is a text"}},
		"a default that is not there":        {"default: canary\n" + env, []string{":1:10: default names no environment; there are a"}},
		"a default that is nearly there":     {"default: prodution\nenvironments: {production: env:x}\n", []string{`:1:10:…did you mean "production"?`}},
		"a default of another type":          {"default: [a]\n" + env, []string{":1:10: default is a text, and no list"}},
		"a default that is a number":         {"default: 1\nenvironments: {1: env:x}\n", []string{":1:10: default is a text; this one needs quotes"}},
		"a name of an environment":           {"environments: {\"can ary\": env:x}\n", []string{":1:16: the name of an environment"}},
		"an empty list of stores":            {"environments: {a: []}\n", []string{":1:19: the list of stores is empty"}},
		"an empty URL":                       {"environments: {a: \"\"}\n", []string{":1:19: a store's URL is empty"}},
		"a null URL":                         {"environments: {a: }\n", []string{":…a store's URL is empty"}},
		"a URL without a scheme":             {"environments: {a: canary/secret}\n", []string{":1:19: this is no URL of a store"}},
		"a URL that does not parse":          {"environments: {a: \"file:%zzcanary\", b: \"ht tp://canary\"}\n", []string{":1:19:…a % that begins no escape", ":1:40: this is no URL"}},
		"a URL with a password":              {"environments: {a: \"vault://u:canary@host/secret\"}\n", []string{":1:19: the URL holds a user or password"}},
		"a store without a url":              {"environments: {a: [{name: b}]}\n", []string{":1:20: url is missing"}},
		"a store with another key":           {"environments: {a: [{nmae: b, url: env:x}]}\n", []string{`:1:21: unknown key "nmae"; did you mean "name"?`}},
		"a store's name twice":               {"environments: {a: [{name: b, url: env:x}, {name: b, url: env:y}]}\n", []string{":1:50: two stores"}},
		"a store's name that is none":        {"environments: {a: [{name: \"a:canary\", url: env:x}]}\n", []string{":1:27: the name of a store"}},
		"writeTo that names none":            {"environments: {a: {stores: [env:x], writeTo: canary}}\n", []string{":1:46: writeTo names no store of the environment; there are env"}},
		"fallThrough of a kind that is none": {"environments: {a: {stores: [env:x], fallThrough: [unavailible, canary]}}\n", []string{`:1:51: unknown kind of failure; did you mean "unavailable"?`, ":1:64: unknown kind of failure; known are"}},
		"fallThrough of what must not":       {"environments: {a: {stores: [env:x], fallThrough: corrupt}}\n", []string{":1:50: unknown kind of failure"}},
		"secrets as a list":                  {env + "secrets: [A]\n", []string{":2:10: secrets is a mapping, and no list"}},
		"an id that is none":                 {env + "secrets: {\"can ary\": }\n", []string{":2:11: this is no id"}},
		"a secret in the file":               {env + "secrets: {A: sk_live_canary}\n", []string{":2:14:…a secret itself never belongs into this file"}},
		"a secret in the file as value":      {env + "secrets: {A: {value: sk_live_canary}}\n", []string{":2:15:…a secret itself never belongs into this file"}},
		"a bool that is a text":              {env + "secrets: {A: {optional: no}, B: {optional: \"true\"}}\n", []string{":2:25: optional is true or false; yes, no, on and off are texts", ":2:44: optional is true or false"}},
		"a time without a unit":              {env + "secrets: {A: {rotationPeriod: 90}, B: {rotationPeriod: -1d}, C: {rotationPeriod: 99999999w}, D: {rotationPeriod: 0d}}\n", []string{":2:31: rotationPeriod is a time", ":2:56: rotationPeriod", ":2:82: rotationPeriod", ":2:114: rotationPeriod"}},
		"a name that is none":                {env + "secrets: {A: {name: can ary}}\n", []string{":2:11: the declaration is wrong: a name is"}},
		"one name for two":                   {env + "secrets: {A: {name: n}, B: {name: n}}\n", []string{":2:25: the declaration is wrong: the name stands for two ids; the other is at lukko.yaml:2"}},
		"a secret that is a variable":        {env + "secrets: {A: }\nvariables: {A: }\n", []string{":3:13: the declaration is wrong: the id is declared as a secret and as a variable"}},
		"a schema that is wrong":             {env + "secrets: {A: {schema: {type: strin}}}\n", []string{":2:11: the declaration is wrong: the schema is wrong at /type"}},
		"a schema without a type":            {env + "secrets: {A: {schema: {properties: {a: {}}}}}\n", []string{`:2:11: the declaration is wrong: the schema lacks its "type"`}},
		"a schema that is remote":            {env + "secrets: {A: {schema: {$ref: \"https://example.com\"}}}\n", []string{":2:11: the declaration is wrong: a $ref"}},
		"a schema that is null":              {env + "secrets: {A: {schema: }}\n", []string{":2:…schema is empty"}},
		"numbers that JSON does not have":    {env + "secrets: {A: {schema: {maximum: 0x10, minimum: 012, multipleOf: 1_000, const: .inf}}}\n", []string{":2:33: a number here", ":2:48: a number here", ":2:65: a number here", ":2:79: a number here"}},
		"nested without end":                 {env + "secrets: {A: {schema: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}}\n", []string{":2:…it is nested more than 100 deep"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, test.text)
			if err == nil {
				t.Fatal("it is read")
			}
			printed := fmt.Sprintf("%v %+v %#v %q", err, err, err, err)
			if strings.Contains(printed, "canary") && name != "a tag of one's own" || strings.Contains(printed, "can ary") {
				t.Errorf("a value shows: %v", err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("got %d lines, want %d:\n%v", len(lines), len(test.want), err)
			}
			for i, want := range test.want {
				start, part, _ := strings.Cut(want, "…")
				if !strings.HasPrefix(lines[i], "lukko.yaml"+start) || !strings.Contains(lines[i], part) {
					t.Errorf("line %d is %q, want %q", i, lines[i], want)
				}
			}
		})
	}
}

func TestTheDefaultIsTheOnlyEnvironmentThereIs(t *testing.T) {
	t.Parallel()
	if c, err := parse(t, "environments: {one: env:x}"); err != nil || c.Default != "one" {
		t.Errorf("got %v, %v", c, err)
	}
	c, err := parse(t, "\ufeffenvironments: {one: env:x, two: env:y}")
	if err != nil || c.Default != "" {
		t.Fatalf("got %v, %v", c, err)
	}
	if e, err := c.Environment("two"); err != nil || e.Name != "two" {
		t.Errorf("got %v, %v", e, err)
	}
	for name, says := range map[string]string{"": "name one; there are one, two", "tow": `did you mean "two"?; there are one, two`, "canary": "is not there; there are one, two"} {
		_, err := c.Environment(name)
		if !errors.Is(err, config.ErrUnknownEnvironment) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestAFileThatCantBeReadIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := config.Load(filepath.Join(dir, "lukko.yaml")); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "lukko init") {
		t.Errorf("a missing one: %v", err)
	}
	if _, err := config.Load(dir); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a folder: %v", err)
	}
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, make([]byte, config.MaxLen+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(large); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("a large one: %v", err)
	}
}

// stores are schemes of stores in memory, by their URLs' opaque part.
type stores struct {
	schemes core.Schemes
	opened  []string
	closed  []string
	failing map[string]error
}

type store struct {
	*stores
	name   string
	values map[string]string
}

func newStores() *stores {
	s := &stores{failing: map[string]error{}}
	for _, scheme := range []string{"mem", "other"} {
		s.schemes.Register(scheme, func(_ context.Context, u *url.URL) (*core.Store, error) {
			if _, err := core.Query(u); err != nil {
				return nil, err
			}
			s.opened = append(s.opened, u.Opaque)
			if err := s.failing["open "+u.Opaque]; err != nil {
				return nil, err
			}
			return core.New(scheme, &store{s, u.Opaque, map[string]string{}}), nil
		})
	}
	return s
}

func (s *store) Get(_ context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	if err := s.failing[s.name]; err != nil {
		return core.Secret{}, err
	}
	v, ok := s.values[id]
	if !ok {
		return core.Secret{}, core.ErrNotFound
	}
	return core.Secret{Value: core.String(v)}, nil
}

func (s *store) Set(_ context.Context, id string, v core.Value, _ core.SetOptions) (core.Info, error) {
	s.values[id] = v.Reveal()
	return core.Info{}, nil
}

func (s *store) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{Set: s.name != "readonly"}, nil
}

func (s *store) Close() error {
	s.closed = append(s.closed, s.name)
	return nil
}

func TestAnIDThatAStoreCanNotHoldIsReadFromTheNext(t *testing.T) {
	t.Parallel()
	c, err := parse(t, "environments: {a: {stores: [mem:narrow, {name: wide, url: mem:b}], writeTo: wide}}\n")
	if err != nil {
		t.Fatal(err)
	}
	s := newStores()
	s.failing["narrow"] = core.ErrInvalidID
	opened, err := c.OpenWith(t.Context(), "a", s.schemes)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if _, err := opened.Set(t.Context(), "tls/KEY_FILE", core.String("v"), core.IfChanged()); err != nil {
		t.Errorf("Set: %v", err)
	}
	if got, err := opened.Get(t.Context(), "tls/KEY_FILE"); err != nil || got.Value.Reveal() != "v" {
		t.Errorf("Get: %v", err)
	}
}

func TestOpenChainsTheStoresOfAnEnvironment(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	c, err := parse(t, `
default: two
environments:
  one: mem:a
  two: [mem:readonly, mem:b]
  three: {stores: [mem:down, {name: low, url: mem:low}, mem:x], writeTo: low, fallThrough: unavailable}
  broken: [mem:a, "mem:b#canary"]
  unknown: [mem:a, nothing:x]
  closed: [mem:fails, mem:b]
`)
	if err != nil {
		t.Fatal(err)
	}
	s := newStores()
	s.failing["down"], s.failing["open fails"] = core.ErrUnavailable, core.ErrPermissionDenied

	one, err := c.OpenWith(ctx, "one", s.schemes)
	if err != nil || one.Chain != nil || one.Environment.Name != "one" || one.Provider() != "mem" || one.Config != c {
		t.Fatalf("a single store: %+v, %v", one, err)
	}
	var events []chain.Event
	c.OnFallThrough = func(e chain.Event) { events = append(events, e) }
	two, err := c.OpenWith(ctx, "", s.schemes)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(s.opened, " ") != "a readonly" {
		t.Errorf("opened are %v", s.opened)
	}
	if _, err := two.Set(ctx, "ID", core.String("v")); err != nil {
		t.Errorf("the only one that can be written to: %v", err)
	}
	if got, err := two.Get(ctx, "ID"); err != nil || got.Value.Reveal() != "v" {
		t.Errorf("Get: %v", err)
	}
	if x, err := two.Chain.Explain(ctx, "ID"); err != nil || len(x) != 1 {
		t.Errorf("Explain: %v, %v", x, err)
	}
	three, err := c.OpenWith(ctx, "three", s.schemes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := three.Set(ctx, "ID", core.String("w")); err != nil {
		t.Errorf("writeTo: %v", err)
	}
	if got, err := three.Get(ctx, "ID"); err != nil || got.Value.Reveal() != "w" || len(events) == 0 || events[0].Layer != "mem" {
		t.Errorf("fallThrough: %v, %v", err, events)
	}
	for _, o := range []*config.Opened{one, two, three} {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := strings.Join(s.closed, " "); got != "a b readonly low down" {
		t.Errorf("closed are %s", got)
	}
	for name, test := range map[string]struct {
		kind error
		says string
	}{
		"broken":  {core.ErrInvalidOption, `store "mem-2" of the environment "broken"`},
		"unknown": {errors.ErrUnsupported, `store "nothing" of the environment "unknown"`},
		"closed":  {core.ErrPermissionDenied, `store "mem" of the environment "closed"`},
		"onee":    {config.ErrUnknownEnvironment, `did you mean "one"`},
	} {
		opened, err := c.OpenWith(ctx, name, s.schemes)
		if opened != nil || !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
