package deploytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate/policy"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// iamPolicy is an identity-based policy by IAM's grammar, read strictly.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type iamPolicy struct {
	Version   string
	Statement []iamStatement
}

type iamStatement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string
}

func parseIAM(t testing.TB, data []byte) iamPolicy {
	t.Helper()
	p, err := iamGrammar(data)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return p
}

var (
	sidForm      = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	actionForm   = regexp.MustCompile(`^(secretsmanager|kms):[A-Z][A-Za-z]+$`)
	resourceForm = regexp.MustCompile(`^\*$|^arn:(\*|aws[a-z-]*):(secretsmanager:(\*|[a-z0-9-]+):(\*|[0-9]{12}):secret:[A-Za-z0-9/_+=.@-]+(-\?{6}|__\*)?|kms:(\*|[a-z0-9-]+):(\*|[0-9]{12}):key/(\*|[A-Za-z0-9-]+))$`)
	operators    = []string{"StringEquals", "StringLike", "ForAnyValue:StringEquals"}
)

// iamGrammar is the grammar's "policy", without what an identity-based one has not
// (a principal) and what ours has no use for (Not…, Deny).
func iamGrammar(data []byte) (p iamPolicy, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, err
	}
	if _, err := dec.Token(); err != io.EOF { //nolint:errorlint // it is what Token returns
		return p, fmt.Errorf("something follows the policy")
	}
	if p.Version != "2012-10-17" || len(p.Statement) == 0 {
		return p, fmt.Errorf("a policy has this version, and a statement")
	}
	sids := map[string]bool{}
	for _, s := range p.Statement {
		if !sidForm.MatchString(s.Sid) || sids[s.Sid] {
			return p, fmt.Errorf("the Sid %q is no unique one of letters and digits", s.Sid)
		}
		sids[s.Sid] = true
		if s.Effect != "Allow" || len(s.Action) == 0 || len(s.Resource) == 0 {
			return p, fmt.Errorf("the statement %s allows nothing", s.Sid)
		}
		for _, action := range s.Action {
			if !actionForm.MatchString(action) {
				return p, fmt.Errorf("the action %q is none", action)
			}
		}
		for _, resource := range s.Resource {
			if !resourceForm.MatchString(resource) {
				return p, fmt.Errorf("the resource %q is none", resource)
			}
		}
		for operator, keys := range s.Condition {
			if !slices.Contains(operators, operator) || len(keys) == 0 {
				return p, fmt.Errorf("the operator %q is none", operator)
			}
			for key, values := range keys {
				if len(values) == 0 || key != "kms:ViaService" && key != "kms:ResourceAliases" {
					return p, fmt.Errorf("the condition key %q is none", key)
				}
			}
		}
	}
	return p, nil
}

// allows evaluates the policy, as IAM does for what has no conditions.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func (p iamPolicy) allows(action, resource string) bool {
	return slices.ContainsFunc(p.Statement, func(s iamStatement) bool {
		return slices.Contains(s.Action, action) && slices.ContainsFunc(s.Resource, func(pattern string) bool { return wildcard(pattern).MatchString(resource) })
	})
}

var wildcards sync.Map // of regexps

func wildcard(pattern string) *regexp.Regexp {
	if re, ok := wildcards.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re := regexp.MustCompile("^(?s:" + strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern)) + ")$")
	wildcards.Store(pattern, re)
	return re
}

// enforced is a fake of the service whose one caller has a policy. What the
// service asks about is, by name, the ARN of the secret; where there is none, the
// name in the place of one, but for a creation, for which the service has made up the
// six characters already.
type enforced struct {
	*awstest.Server
	mu     sync.Mutex
	policy iamPolicy
	asked  map[string]bool // actions that were allowed
}

const awsAccount, awsRegion = "111122223333", "eu-west-1"

func enforce(t testing.TB) *enforced {
	t.Helper()
	e := &enforced{asked: map[string]bool{}}
	e.Server = awstest.New(t, func(c *awstest.Config) {
		c.Region, c.Account = awsRegion, awsAccount
		c.Authorize = func(a awstest.Access) bool {
			resource := a.ARN
			switch name := "arn:aws:secretsmanager:" + awsRegion + ":" + awsAccount + ":secret:" + a.Secret; {
			case a.Secret == "":
				resource = "*"
			case resource == "" && a.Action == "secretsmanager:CreateSecret":
				resource = name + "-AbCdEf"
			case resource == "":
				resource = name
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			ok := e.policy.allows(a.Action, resource)
			if ok {
				e.asked[a.Action] = true
			}
			return ok
		}
	})
	return e
}

// as makes the policy that of the caller.
func (e *enforced) as(p iamPolicy) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.policy = p
}

// everything is the policy of an administrator of the store.
var everything = iamPolicy{Statement: []iamStatement{{
	Action: []string{
		"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue", "secretsmanager:CreateSecret",
		"secretsmanager:DeleteSecret", "secretsmanager:ListSecretVersionIds", "secretsmanager:UpdateSecretVersionStage",
	},
	Resource: []string{"*"},
}}}

// open opens the environment as the fake's caller.
func (e *enforced) open(t testing.TB, p project) *core.Store {
	t.Helper()
	s := e.Settings()
	opened, err := p.OpenWith(t.Context(), "production", core.Schemes{"aws": aws.Opener(aws.Config{
		Endpoint: s.URL, Conditions: aws.ConditionsOn,
		Load: []func(*config.LoadOptions) error{
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, s.SessionToken)),
			config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}),
		},
	})})
	if err != nil {
		t.Fatal(err)
	}
	return providertest.Closed(t, opened).Store
}

func awsPolicy(t testing.TB, p project, change func(*policy.Input)) iamPolicy {
	t.Helper()
	in := policy.Input{Metas: p.metas, Environment: p.environment(t, "production"), Account: awsAccount}
	if change != nil {
		change(&in)
	}
	data, err := policy.AWS(in)
	if err != nil {
		t.Fatal(err)
	}
	return parseIAM(t, data)
}

func TestAProgramCanDoWithItsAWSPolicyAllThatItDoesAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, who := range []struct {
		name, url string
		change    func(*policy.Input)
		writes    []string
		looks     bool // at versions
	}{
		{"a reader", "aws://eu-west-1?prefix=shop/", nil, nil, false},
		{"a reader of versions", "aws://eu-west-1?prefix=shop/", func(in *policy.Input) { in.Versions = true }, nil, true},
		{"a writer of one", "aws://eu-west-1?prefix=shop/&tag.team=shop", func(in *policy.Input) { in.Write = []string{"db/main"} }, []string{"db/main"}, false},
		{"a writer of all", "aws://eu-west-1?prefix=shop/", func(in *policy.Input) { in.ReadWrite = true }, []string{"STRIPE", "db/main", "EXTRA"}, false},
	} {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			p := load(t, `
environments: {production: '`+who.url+`'}
secrets:
  STRIPE: {schema: {type: object}}
  db/main: {schema: {type: string}}
  EXTRA: {optional: true}
`)
			e := enforce(t)
			store := e.open(t, p)
			ctx := t.Context()
			for name, value := range map[string]string{
				"shop/STRIPE": "{}", "shop/db/main": "x", "shop/STRIPE2": "x", "shop/STRIPE-live": "x", "shop/STRIPE-abcdef": "x",
				"STRIPE": "x", "shop/db": "x", "shop/EXTRA-abcdef": "x", "other": "x",
			} {
				if _, err := e.Set(name, value); err != nil {
					t.Fatal(err)
				}
			}
			rules := awsPolicy(t, p, who.change)
			e.as(rules)
			may := reading(ctx, store, p.secrets())
			if who.looks {
				may = append(may, step{"Versions", versions(ctx, store, "STRIPE")})
			}
			for _, id := range who.writes {
				may = append(may, awsWrites(t, e, store, id, rules)...)
			}
			for _, name := range denied(t, may) {
				t.Errorf("%s is denied", name)
			}
			for _, s := range rules.Statement {
				for _, action := range s.Action {
					if !e.asked[action] {
						t.Errorf("the policy holds %s, which nothing asked for", action)
					}
				}
			}

			mayNot := []step{
				{"List", listing(ctx, store)},
				{"Delete", func() error { return store.Delete(ctx, "STRIPE") }},
				{"Purge", func() error { return store.Delete(ctx, "STRIPE", core.Purge()) }},
			}
			for _, other := range []string{"STRIPE2", "STRIPE-live", "STRIPE-abcdef", "db", "EXTRA-abcdef", "NEW"} {
				mayNot = append(mayNot,
					step{"Get " + other, func() error { _, err := store.Get(ctx, other); return err }},
					step{"GetMany " + other, func() error { _, err := store.GetMany(ctx, []string{other}); return err }},
					step{"Stat " + other, func() error { _, err := store.Stat(ctx, other); return err }},
					step{"Set " + other, func() error { _, err := store.Set(ctx, other, core.String("x")); return err }},
					step{"Set of a new " + other, func() error { _, err := store.Set(ctx, other, core.String("x"), core.IfAbsent()); return err }},
				)
			}
			for _, id := range []string{"STRIPE", "db/main", "EXTRA"} {
				if !slices.Contains(who.writes, id) {
					mayNot = append(mayNot, step{"Set " + id, func() error { _, err := store.Set(ctx, id, core.String("x")); return err }})
				}
			}
			got := denied(t, mayNot)
			for _, s := range mayNot {
				if !slices.Contains(got, s.name) {
					t.Errorf("%s is allowed", s.name)
				}
			}
		})
	}
}

// awsWrites is what a program does that sets a secret: a new one, one that is there, by all
// conditions, often enough for its versions to be counted, and one that was
// deleted.
func awsWrites(t testing.TB, e *enforced, store *core.Store, id string, rules iamPolicy) []step {
	t.Helper()
	ctx := t.Context()
	steps := []step{
		{"Set " + id + " if absent", func() error {
			_, err := store.Set(ctx, id, core.String("{}"), core.IfAbsent())
			if core.KindOf(err) == core.ErrConflict { //nolint:errorlint // a kind is the sentinel itself
				return nil
			}
			return err
		}},
		{"Set " + id + " by its version", func() error {
			info, err := store.Stat(ctx, id)
			if err != nil {
				return err
			}
			_, err = store.Set(ctx, id, core.String(`{"a":1}`), core.IfVersion(info.Version))
			return err
		}},
		{"Set " + id + " if changed", func() error { _, err := store.Set(ctx, id, core.String("{}"), core.IfChanged()); return err }},
	}
	for n := range 12 {
		steps = append(steps, step{"Set " + id, func() error { _, err := store.Set(ctx, id, core.String(fmt.Sprintf(`{"n":%d}`, n))); return err }})
	}
	return append(steps, step{"Set " + id + ", which was deleted", func() error {
		e.as(everything)
		err := store.Delete(ctx, id)
		e.as(rules)
		if err != nil {
			return err
		}
		_, err = store.Set(ctx, id, core.String("{}"))
		return err
	}}, step{"Set " + id + ", which was purged", func() error {
		e.as(everything)
		err := store.Delete(ctx, id, core.Purge())
		e.as(rules)
		if err != nil {
			return err
		}
		_, err = store.Set(ctx, id, core.String("{}"))
		return err
	}})
}

// The ways that a store's URL and the flags have to say which secrets.
func TestAnAWSPolicyNamesTheSecretsAndKeysByTheirWholeARNs(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:secretsmanager:us-east-1:444455556666:secret:other/db"
	for name, tt := range map[string]struct {
		url, id string
		in      policy.Input
		want    []string // resources of the secrets and keys
		not     string   // a secret that it doesn't name
	}{
		"by name":                  {"aws://eu-west-1", "STRIPE", policy.Input{Account: awsAccount}, []string{"arn:aws:secretsmanager:eu-west-1:111122223333:secret:STRIPE-??????"}, "arn:aws:secretsmanager:eu-west-1:111122223333:secret:STRIPE-live-AbCdEf"},
		"of any account":           {"aws://eu-west-1", "STRIPE", policy.Input{}, []string{"arn:aws:secretsmanager:eu-west-1:*:secret:STRIPE-??????"}, ""},
		"of any region":            {"aws:", "STRIPE", policy.Input{Account: awsAccount}, []string{"arn:*:secretsmanager:*:111122223333:secret:STRIPE-??????"}, ""},
		"of a region by flag":      {"aws:", "STRIPE", policy.Input{Region: "us-gov-west-1"}, []string{"arn:aws-us-gov:secretsmanager:us-gov-west-1:*:secret:STRIPE-??????"}, ""},
		"of China":                 {"aws://cn-north-1", "STRIPE", policy.Input{}, []string{"arn:aws-cn:secretsmanager:cn-north-1:*:secret:STRIPE-??????"}, ""},
		"of a partition by flag":   {"aws://eu-west-1", "STRIPE", policy.Input{Partition: "aws-new"}, []string{"arn:aws-new:secretsmanager:eu-west-1:*:secret:STRIPE-??????"}, ""},
		"by a whole ARN":           {"aws://eu-west-1", arn + "-AbCdEf", policy.Input{}, []string{arn + "-AbCdEf"}, arn + "-ZZZZZZ"},
		"by a partial ARN":         {"aws://eu-west-1", arn, policy.Input{}, []string{arn + "-??????"}, arn + "-live-AbCdEf"},
		"by an ARN behind prefix":  {"aws:?prefix=arn:aws:secretsmanager:us-east-1:444455556666:secret:other/", "db", policy.Input{}, []string{arn + "-??????"}, ""},
		"that is written":          {"aws://eu-west-1", "STRIPE", policy.Input{ReadWrite: true}, []string{"arn:aws:secretsmanager:eu-west-1:*:secret:STRIPE", "arn:aws:secretsmanager:eu-west-1:*:secret:STRIPE-??????"}, ""},
		"with a key":               {"aws://eu-west-1?kms_key=1234abcd-12ab-34cd-56ef-1234567890ab", "STRIPE", policy.Input{Account: awsAccount}, []string{"arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:STRIPE-??????"}, ""},
		"with the ARN of a key":    {"aws://eu-west-1?kms_key=arn:aws:kms:eu-west-1:444455556666:key/mrk-1", "STRIPE", policy.Input{Account: awsAccount}, []string{"arn:aws:kms:eu-west-1:444455556666:key/mrk-1", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:STRIPE-??????"}, ""},
		"with the alias of a key":  {"aws://eu-west-1?kms_key=alias/shop", "STRIPE", policy.Input{Account: awsAccount}, []string{"arn:aws:kms:eu-west-1:111122223333:key/*", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:STRIPE-??????"}, ""},
		"in two stores of a chain": {"[{name: near, url: 'aws://eu-west-1?prefix=a/'}, {name: far, url: 'aws://us-east-1?prefix=b/'}]", "STRIPE", policy.Input{Account: awsAccount}, []string{"arn:aws:secretsmanager:eu-west-1:111122223333:secret:a/STRIPE", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:a/STRIPE-??????", "arn:aws:secretsmanager:us-east-1:111122223333:secret:b/STRIPE-??????"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stores := tt.url
			if !strings.HasPrefix(stores, "[") {
				stores = "'" + stores + "'"
			}
			p := load(t, "environments: {production: "+stores+"}\nsecrets: {'"+tt.id+"': {}}\n")
			tt.in.Metas, tt.in.Environment = p.metas, p.environment(t, "production")
			data, err := policy.AWS(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			rules := parseIAM(t, data)
			var got []string
			for _, s := range rules.Statement {
				for _, r := range s.Resource {
					if r != "*" {
						got = append(got, r)
					}
				}
				if key := strings.HasPrefix(s.Sid, "Key"); key != (s.Condition != nil) || key && s.Condition["StringEquals"]["kms:ViaService"][0] != "secretsmanager.eu-west-1.amazonaws.com" {
					t.Errorf("the statement %s has the conditions %v", s.Sid, s.Condition)
				}
				if alias := strings.Contains(tt.url, "alias/"); strings.HasPrefix(s.Sid, "Key") && alias != (s.Condition["ForAnyValue:StringEquals"] != nil) {
					t.Errorf("the conditions are %v", s.Condition)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("it is about\n%q, want\n%q", got, tt.want)
			}
			if tt.not != "" && rules.allows("secretsmanager:GetSecretValue", tt.not) {
				t.Errorf("it is about %s, too", tt.not)
			}
		})
	}
}

func TestTheGrammarOfIAMRefusesWhatIsNoPolicy(t *testing.T) {
	t.Parallel()
	const good = `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Action":["secretsmanager:GetSecretValue"],"Resource":["*"]}]}`
	if _, err := iamGrammar([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"2012-10-17", "2008-10-17"},
		{`"Sid":"A"`, `"Sid":"A b"`},
		{"Allow", "allow"},
		{"secretsmanager:Get", "secretsmanager.Get"},
		{`["*"]`, `[]`},
		{`["*"]`, `["secret:x"]`},
		{`["*"]`, `["*"],"Principal":"*"`},
		{`["*"]`, `["*"],"Condition":{"Equals":{"kms:ViaService":["x"]}}`},
		{"]}", "]},"},
	} {
		if _, err := iamGrammar([]byte(strings.Replace(good, change[0], change[1], 1))); err == nil {
			t.Errorf("it takes %s in place of %s", change[1], change[0])
		}
	}
}
