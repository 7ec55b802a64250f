package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/generate/policy"
	"github.com/lukko-dev/lukko/schema"
)

// canary stands where a credential may have been put by mistake.
const canary = "CANARY-0123456789"

type kind struct {
	name  string
	write func(policy.Input) ([]byte, error)
}

var kinds = []kind{{"aws", policy.AWS}, {"gcp", policy.GCP}, {"vault", policy.Vault}}

func secrets(ids ...string) []schema.Meta {
	var metas []schema.Meta
	for _, id := range ids {
		metas = append(metas, schema.Meta{Spec: schema.Spec{Name: id, ID: id}})
	}
	return metas
}

// in is an environment "production" of stores by their URLs.
func in(metas []schema.Meta, urls ...string) policy.Input {
	env := config.Environment{Name: "production"}
	for i, u := range urls {
		name, _, _ := strings.Cut(u, ":")
		if i > 0 {
			name += fmt.Sprint("-", i+1)
		}
		env.Stores = append(env.Stores, config.Store{Name: name, URL: u})
	}
	return policy.Input{Metas: metas, Environment: env}
}

func TestAPolicyThatCanNotBeWrittenSaysWhyAndWhatToDo(t *testing.T) {
	t.Parallel()
	one := secrets("STRIPE")
	with := func(i policy.Input, change func(*policy.Input)) policy.Input {
		change(&i)
		return i
	}
	for name, tt := range map[string]struct {
		kind string
		in   policy.Input
		want string
	}{
		"another kind of store":           {"aws", in(one, "env:", "vault:///secret"), `the environment "production" has no store of the kind aws: it has env, vault-2 (vault)`},
		"another name of a store":         {"aws", with(in(one, "aws:"), func(i *policy.Input) { i.Store = "cloud" }), "with this name: it has aws"},
		"nothing declared":                {"aws", in(nil, "aws:"), "no secret is declared"},
		"variables alone":                 {"vault", in([]schema.Meta{{Spec: schema.Spec{ID: "LOG"}, Variable: true}}, "vault:"), "no secret is declared"},
		"a write of what is none":         {"vault", with(in(one, "vault:"), func(i *policy.Input) { i.Write = []string{"STRIPE", canary} }), "number 2 of its ids"},
		"a write to which store":          {"vault", with(in(one, "vault:///a", "aws:"), func(i *policy.Input) { i.ReadWrite = true }), "name one of vault, aws-2 (aws) as writeTo"},
		"a URL that does not parse":       {"aws", in(one, "aws://%zz"+canary), "does not parse"},
		"a URL with a password":           {"aws", in(one, "aws://user:"+canary+"@eu-west-1"), "no user or password"},
		"a query that does not parse":     {"aws", in(one, "aws:?"+canary), "query does not parse"},
		"a region that is none":           {"aws", in(one, "aws://"+canary), "regions are like eu-west-1"},
		"an account that is none":         {"aws", with(in(one, "aws:"), func(i *policy.Input) { i.Account = canary }), "twelve digits"},
		"a partition that is none":        {"aws", with(in(one, "aws:"), func(i *policy.Input) { i.Partition = "*" }), "aws-us-gov"},
		"any key":                         {"aws", in(one, "aws:?kms_key=*"), "it is the id of a key"},
		"an id that AWS can't hold":       {"aws", in(secrets("a:b"), "aws:"), "the id a:b can't be in a store of the kind aws: the name of a secret"},
		"an ARN of something else":        {"aws", in(secrets("arn:aws:s3:::bucket"), "aws:"), "an ARN of a secret is like"},
		"an ARN behind a prefix":          {"aws", in(secrets("arn:aws:secretsmanager:eu-west-1:111122223333:secret:x"), "aws:?prefix=shop/"), "can't be in a store"},
		"an id that Google can't hold":    {"gcp", in(secrets("a.b"), "gcp://p"), "letters, digits, _ and -"},
		"an id of a wrong place":          {"gcp", in(secrets("projects/p/secrets/x"), "gcp://p?location=europe-west3"), "locations/LOCATION before secrets"},
		"no project":                      {"gcp", in(one, "gcp:"), "say it by --project"},
		"a project that is none":          {"gcp", in(one, "gcp://a$b"), "such as my-project"},
		"a member that is none":           {"gcp", with(in(one, "gcp://p"), func(i *policy.Input) { i.Member = "user:a;" + canary }), "it is like serviceAccount:"},
		"a location that is none":         {"gcp", in(one, "gcp://p?location=$("+canary+")"), "locations are like"},
		"a replication that is none":      {"gcp", in(one, "gcp://p?replication=a,$("+canary+")"), "it is automatic, or locations"},
		"a KMS key that is none":          {"gcp", in(one, "gcp://p?kms_key=$("+canary+")"), "cryptoKeys/KEY"},
		"a key for each of some places":   {"gcp", in(one, "gcp://p?replication=eu&kms_key=projects/p/locations/eu/keyRings/r/cryptoKeys/k"), "create its secrets first"},
		"an id that stands for others":    {"vault", in(secrets("a/+/b"), "vault:"), "a + between slashes"},
		"an id that version 1 can't hold": {"vault", in(secrets("a..b"), "vault:?kv=1"), "two dots"},
		"a version that is none":          {"vault", with(in(one, "vault:"), func(i *policy.Input) { i.KV = 3 }), "it is 1 or 2"},
		"a mount that stands for others":  {"vault", in(one, "vault:///*"), "the path of a secrets engine"},
		"a mount that leads elsewhere":    {"vault", in(one, "vault:///a/../b"), "the path of a secrets engine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == tt.kind })
			data, err := kinds[i].write(tt.in)
			var why *policy.Error
			if !errors.As(err, &why) || data != nil || why.Hint == "" {
				t.Fatalf("%v, %q", err, data)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("it says %q, and not %q", err, tt.want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("it repeats what it was given: %q", err)
			}
		})
	}
}

func TestThePolicyIsTheSameWhateverTheOrderOfTheDeclarations(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		input := in(secrets("C", "A", "B", "A"), k.name+"://eu-west-1?prefix=x_")
		input.ReadWrite = true
		first, err := k.write(input)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(input.Metas)
		again, err := k.write(input)
		if err != nil || string(again) != string(first) {
			t.Errorf("%s: %v\n%s\n%s", k.name, err, first, again)
		}
		if n := strings.Count(string(first), "x_A"); k.name == "vault" && n != 1 {
			t.Errorf("%s: A is there %d times", k.name, n)
		}
	}
}

func TestWhoeverAppliesAPolicyIsToldWhatItDoesNotSay(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 130 {
		many = append(many, fmt.Sprintf("A_LONG_NAME_OF_A_SECRET_%d", i))
	}
	for name, tt := range map[string]struct {
		kind string
		in   policy.Input
		want []string // the beginnings of the notes
	}{
		"nothing":                         {"vault", in(secrets("A"), "vault:?kv=2"), nil},
		"that the version is assumed":     {"vault", in(secrets("A"), "vault:"), []string{"the policy is for version 2"}},
		"that there are two servers":      {"vault", in(secrets("A"), "vault://a/s?kv=2", "vault://b/s?kv=2"), []string{"the stores are on several servers"}},
		"what is open":                    {"aws", in(secrets("A"), "aws:"), []string{"the policy is for any account (--account says it), any region (--region, or the URL), any partition"}},
		"that the role is assumed":        {"aws", in(secrets("A"), "aws://eu-west-1?role_arn=arn:aws:iam::111122223333:role/x"), []string{"the store aws assumes a role", "the policy is for any account"}},
		"that it is too large to manage":  {"aws", in(secrets(many[:80]...), "aws://eu-west-1"), []string{"the policy is for any account", "the policy has "}},
		"that it is too large for inline": {"aws", in(secrets(many...), "aws://eu-west-1"), []string{"the policy is for any account", "the policy has "}},
		"that writes go elsewhere": {"vault", func() policy.Input {
			i := in(secrets("A"), "vault:?kv=2", "aws:")
			i.ReadWrite, i.Environment.WriteTo = true, "aws-2"
			return i
		}(), []string{"writes of the environment \"production\" go to its store aws-2, so this policy only reads"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var notes []string
			tt.in.Note = func(text string) { notes = append(notes, text) }
			i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == tt.kind })
			data, err := kinds[i].write(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(notes, tt.want, strings.HasPrefix) {
				t.Errorf("it notes %q, want %q", notes, tt.want)
			}
			if strings.Contains(name, "too large") {
				var b strings.Builder
				for _, r := range string(data) {
					if !strings.ContainsRune(" \n\t", r) {
						b.WriteRune(r)
					}
				}
				limit := map[bool]string{true: "(10240)", false: "as an inline policy of a role it fits"}[strings.Contains(name, "inline")]
				last := notes[len(notes)-1]
				if !strings.HasPrefix(last, fmt.Sprintf("the policy has %d characters", b.Len())) || !strings.Contains(last, limit) {
					t.Errorf("of %d characters it notes %q", b.Len(), last)
				}
			}
		})
	}
}

func TestTheWritesOfAChainGoToOneStore(t *testing.T) {
	t.Parallel()
	input := in(secrets("A"), "env:", "vault:///near?kv=2", "vault:///far?kv=2")
	input.ReadWrite, input.Environment.WriteTo = true, "vault-3"
	data, err := policy.Vault(input)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`path "near/data/A" { capabilities = ["read"] }`,
		`path "far/data/A" { capabilities = ["create", "read", "update"] }`,
	} {
		if !strings.Contains(string(data), line+"\n") {
			t.Errorf("it has no line %s:\n%s", line, data)
		}
	}
	input.Store = "vault-2"
	if data, err = policy.Vault(input); err != nil || strings.Contains(string(data), "far") || strings.Contains(string(data), "create") {
		t.Errorf("of one store: %v\n%s", err, data)
	}
}

// Whatever the URL and the id, a policy names no more than one secret by an id, and
// no error repeats the URL.
func FuzzAPolicyIsAboutTheDeclaredSecretAlone(f *testing.F) {
	for _, seed := range [][2]string{
		{"//eu-west-1?prefix=shop/&kms_key=alias/x&tag.a=b", "STRIPE"},
		{"//my-project?prefix=shop_&location=europe-west3", "projects/p/locations/europe-west3/secrets/x"},
		{"//vault.example.com:8200/team/kv?kv=1&namespace=a/b", "a/b"},
		{"///kv", `a"b\c*`},
		{"//p?member=x&keep_versions=5,destroy", "a\nb"},
		{"", "arn:aws:secretsmanager:us-east-1:444455556666:secret:other/db-AbCdEf"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, url, id string) {
		for _, k := range kinds {
			input := in(secrets(id), k.name+":"+url)
			input.ReadWrite, input.Project = true, "my-project"
			data, err := k.write(input)
			if err != nil {
				if len(url) > 12 && strings.Contains(err.Error(), url) && !strings.Contains(id, url) {
					t.Errorf("%s: the error repeats the URL: %v", k.name, err)
				}
				continue
			}
			switch k.name {
			case "aws":
				var doc struct{ Statement []struct{ Resource []string } }
				if err := json.Unmarshal(data, &doc); err != nil {
					t.Fatal(err)
				}
				for _, s := range doc.Statement {
					for _, r := range s.Resource {
						parts := strings.SplitN(r, ":", 7)
						if r == "*" || parts[2] == "kms" {
							continue
						}
						if name := strings.TrimSuffix(parts[6], "-??????"); strings.ContainsAny(name, "*?$") {
							t.Errorf("the resource %q is about several", r)
						}
					}
				}
			case "gcp":
				for line := range strings.Lines(string(data)) {
					if words := strings.Fields(line); len(words) > 0 && (words[0] == "grant" || words[0] == "there") && strings.ContainsAny(line, "\"'`$;&|<>*?(\\") && !strings.Contains(line, "()") {
						t.Errorf("the line %q is more than a command", line)
					}
				}
			case "vault":
				if n := strings.Count(string(data), "\npath "); n != 1 || strings.Contains(string(data), "*") || strings.Contains(string(data), "{{") {
					t.Errorf("it is about several:\n%s", data)
				}
			}
		}
	})
}
