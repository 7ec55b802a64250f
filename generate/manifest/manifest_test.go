package manifest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/generate/manifest"
	"github.com/lukko-dev/lukko/schema"
)

// canary stands where a credential may have been put by mistake.
const canary = "CANARY-0123456789"

var kinds = map[string]func(manifest.Input) ([]byte, error){
	"kubernetes": manifest.Kubernetes, "ecs": manifest.ECS, "cloudrun": manifest.CloudRun, "compose": manifest.Compose, "systemd": manifest.Systemd,
}

// urls are stores that a kind takes secrets from.
var urls = map[string]string{
	"kubernetes": "vault:///secret", "ecs": "aws://eu-west-1", "cloudrun": "gcp://my-project", "compose": "file:secrets", "systemd": "file:secrets",
}

func secret(id string) schema.Meta { return schema.Meta{Spec: schema.Spec{Name: id, ID: id}} }
func optional(id string) schema.Meta {
	return schema.Meta{Spec: schema.Spec{Name: id, ID: id, Optional: true}}
}

func variable(id string) schema.Meta {
	return schema.Meta{Spec: schema.Spec{Name: id, ID: id}, Variable: true}
}

func input(kind string, metas ...schema.Meta) manifest.Input {
	return manifest.Input{
		Metas: metas, Account: "111122223333",
		Environment: config.Environment{Name: "production", Stores: []config.Store{{Name: "env", URL: "env:"}, {Name: "cloud", URL: urls[kind]}}},
	}
}

func member(id string) schema.Meta {
	return schema.Meta{Spec: schema.Spec{Name: id, ID: id, OneOf: "keys"}}
}

func TestAManifestThatCanNotBeWrittenSaysWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	with := func(i manifest.Input, change func(*manifest.Input)) manifest.Input {
		change(&i)
		return i
	}
	store := func(u string) func(*manifest.Input) {
		return func(i *manifest.Input) {
			i.Environment.Stores = []config.Store{{Name: "env", URL: "env:"}, {Name: "cloud", URL: u}}
		}
	}
	for name, tt := range map[string]struct {
		kind string
		in   manifest.Input
		want string
	}{
		"an id with a slash":         {"compose", input("compose", secret("db/main"), secret("a.b")), "a.b is no name of an environment variable; db/main is no name of an environment variable: give such an id the name that the program reads by --name ID=NAME"},
		"an id of a file":            {"ecs", input("ecs", secret("KEY_FILE")), "the file of another variable"},
		"an id of ours":              {"systemd", input("systemd", secret("LUKKO_ENV")), "configure Lukko itself"},
		"two of one name":            {"compose", with(input("compose", secret("A"), secret("a.b")), func(i *manifest.Input) { i.Names = map[string]string{"a.b": "A"} }), "a.b and A would be one environment variable"},
		"a variable like a secret":   {"kubernetes", with(input("kubernetes", secret("A"), variable("b")), func(i *manifest.Input) { i.Names = map[string]string{"b": "A"} }), "would be one environment variable"},
		"nothing declared":           {"compose", input("compose"), "nothing is declared"},
		"an app that is no name":     {"compose", with(input("compose", secret("A")), func(i *manifest.Input) { i.App = "My App" }), "at most 40 small letters"},
		"an include of what is none": {"ecs", with(input("ecs", optional("A")), func(i *manifest.Input) { i.Include = []string{canary} }), "number 1 of its ids"},
		"no store of that kind":      {"ecs", with(input("ecs", secret("A")), store("vault:///secret")), "has no store of the kind aws: it has env, cloud (vault)"},
		"no store for kubernetes":    {"kubernetes", with(input("kubernetes", secret("A")), store("file:secrets")), "has no store of the kind aws, gcp, vault"},
		"several stores": {"kubernetes", with(input("kubernetes", secret("A")), func(i *manifest.Input) {
			i.Environment.Stores = append(i.Environment.Stores, config.Store{Name: "aws", URL: "aws:"})
		}), "name one of cloud (vault), aws by --store"},
		"a namespace that is none":   {"kubernetes", with(input("kubernetes", secret("A")), func(i *manifest.Input) { i.Namespace = "A b" }), "the namespace is none"},
		"a SecretStore that is none": {"kubernetes", with(input("kubernetes", secret("A")), func(i *manifest.Input) { i.SecretStore = "A b" }), "name one by --secret-store"},
		"another project's secret":   {"kubernetes", with(with(input("kubernetes", secret("projects/p/secrets/A")), store("gcp://my-project")), func(i *manifest.Input) { i.Names = map[string]string{"projects/p/secrets/A": "A"} }), "is in another project"},
		"no account":                 {"ecs", with(input("ecs", secret("A")), func(i *manifest.Input) { i.Account = "" }), "say it by --account"},
		"an account that is none":    {"ecs", with(input("ecs", secret("A")), func(i *manifest.Input) { i.Account = canary }), "makes no ARN"},
		"no region":                  {"ecs", with(input("ecs", secret("A")), store("aws:")), "say it by --region"},
		"regional secrets":           {"cloudrun", with(input("cloudrun", secret("A")), store("gcp://p?location=eu")), "which Cloud Run does not mount"},
		"a folder of blanks":         {"systemd", with(input("systemd", secret("A")), func(i *manifest.Input) { i.Files = "/a b" }), "an absolute path without blanks"},
		"a folder that is relative":  {"systemd", with(input("systemd", secret("A")), func(i *manifest.Input) { i.Files = "secrets" }), "an absolute path without blanks"},
		"a noncharacter":             {"systemd", with(input("systemd", variable("A")), func(i *manifest.Input) { i.Environment.Variables = []config.Variable{{ID: "A", Value: "a\ufdd0b"}} }), "the variable A has a noncharacter"},
		"bytes that are no text":     {"compose", with(input("compose", variable("A")), func(i *manifest.Input) { i.Environment.Variables = []config.Variable{{ID: "A", Value: "a\xff"}} }), "the value of A is no text"},
		"a URL with a password":      {"compose", with(input("compose", secret("A")), store("vault://user:"+canary+"@host/secret")), "no user or password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := kinds[tt.kind](tt.in)
			var why *manifest.Error
			if !errors.As(err, &why) || data != nil || why.Hint == "" {
				t.Fatalf("%v, %q", err, data)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it says %q, and not %q", err, tt.want)
			}
			if strings.Contains(err.Error(), canary) && tt.kind != "ecs" {
				t.Errorf("it repeats what it was given: %q", err)
			}
		})
	}
}

func TestWhoeverAppliesAManifestIsToldWhatItDoesNotSay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		metas  []schema.Meta
		change func(*manifest.Input)
		want   []string
	}{
		"nothing":                          {[]schema.Meta{secret("A")}, func(*manifest.Input) {}, nil},
		"what is left out":                 {[]schema.Meta{secret("A"), optional("B"), optional("C")}, func(i *manifest.Input) { i.Include = []string{"C"} }, []string{"left out, as without them the deployment would fail: B; --include"}},
		"that a group has none":            {[]schema.Meta{secret("A"), member("B"), member("C")}, func(*manifest.Input) {}, []string{"left out, as without them the deployment would fail: B, C; --include", "of the group keys one must be there"}},
		"nothing of a group that has one":  {[]schema.Meta{secret("A"), member("B"), member("C")}, func(i *manifest.Input) { i.Include = []string{"C"} }, []string{"left out, as without them the deployment would fail: B; --include"}},
		"that a variable has no value":     {[]schema.Meta{secret("A"), variable("V")}, func(*manifest.Input) {}, []string{`the variable V has no value for the environment "production"`}},
		"that no one looks":                {[]schema.Meta{secret("A")}, func(i *manifest.Input) { i.Environment.Stores = i.Environment.Stores[1:] }, []string{`the environment "production" has no layer env:`}},
		"that a name ends like an ARN":     {[]schema.Meta{secret("A")}, func(i *manifest.Input) { i.Environment.Stores[1].URL += "?prefix=x-abcde" }, []string{"the name x-abcdeA ends like"}},
		"nothing of a variable's default":  {[]schema.Meta{secret("A"), {Spec: schema.Spec{ID: "V", Default: "x"}, Variable: true}}, func(*manifest.Input) {}, nil},
		"nothing of a value of what is no": {[]schema.Meta{secret("A")}, func(i *manifest.Input) { i.Environment.Variables = []config.Variable{{ID: "GONE", Value: "x"}} }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := input("ecs", tt.metas...)
			tt.change(&in)
			var notes []string
			in.Note = func(text string) { notes = append(notes, text) }
			data, err := manifest.ECS(in)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(notes, tt.want, strings.HasPrefix) {
				t.Errorf("it notes %q, want %q", notes, tt.want)
			}
			if bytes.Contains(data, []byte("GONE")) {
				t.Errorf("it hands over what nobody declares:\n%s", data)
			}
		})
	}
}

// The names of variables begin with the prefix of the env: layer, by which the
// program reads them.
func TestTheEnvironmentHasThePrefixOfItsLayer(t *testing.T) {
	t.Parallel()
	for kind, write := range kinds {
		in := input(kind, secret("KEY"), variable("LEVEL"))
		in.Environment.Stores[0].URL = "env:?prefix=SHOP_"
		in.Environment.Variables = []config.Variable{{ID: "LEVEL", Value: "info"}}
		data, err := write(in)
		if err != nil || !strings.Contains(string(data), "SHOP_KEY") || !strings.Contains(string(data), "SHOP_LEVEL") {
			t.Errorf("%s: %v\n%s", kind, err, data)
		}
	}
}

// Every value of a variable comes back as it was, from the YAML of a kind and from JSON.
func FuzzAValueComesBackAsItWas(f *testing.F) {
	for _, seed := range []string{"info", "8080", "no", "~", "a: b", "- x", "a\nb\n", "\t", "\u2028\u0085\ufeff", `"quoted" \d`, "$X", "#", "2026-01-02", "1_000", "0x1F", "<<", "\x1b[2J", strings.Repeat("long ", 50)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, kind := range []string{"kubernetes", "ecs", "cloudrun", "compose"} {
			in := input(kind, secret("KEY"), variable("LEVEL"))
			in.Environment.Variables = []config.Variable{{ID: "LEVEL", Value: value}}
			data, err := kinds[kind](in)
			if text := utf8.ValidString(value) && !strings.Contains(value, "\x00"); text != (err == nil) {
				t.Fatalf("%s: %v for %q", kind, err, value)
			}
			if err != nil || value == "" {
				continue
			}
			var found []string
			collect := func(v any) { found = append(found, texts(v)...) }
			if kind == "ecs" {
				var v any
				if err := json.Unmarshal(data, &v); err != nil {
					t.Fatal(err)
				}
				collect(v)
			} else {
				dec := yaml.NewDecoder(bytes.NewReader(data))
				for {
					var v any
					if err := dec.Decode(&v); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						t.Fatalf("%v in\n%s", err, data)
					}
					collect(v)
				}
			}
			want := value
			if kind == "compose" {
				want = strings.ReplaceAll(value, "$", "$$")
			}
			if !slices.Contains(found, want) {
				t.Errorf("%s: %q is not in\n%s", kind, want, data)
			}
		}
	})
}

// texts are all the texts in a document.
func texts(v any) (all []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, v := range v {
			all = append(all, texts(v)...)
		}
	case map[string]any:
		for _, v := range v {
			all = append(all, texts(v)...)
		}
	case map[any]any:
		panic("a key that is no text")
	}
	return all
}
