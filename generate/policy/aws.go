package policy

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/generate/internal/stores"
)

// The largest policies, in characters without white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxManaged = 6144  // a managed policy
	maxInline  = 10240 // all inline policies of a role together
)

// document is an identity-based policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type document struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

// AWS returns an identity-based policy of IAM, as indented JSON.
//
// A name stands as NAME-??????, which is the secret with the six characters that
// the service adds, and no other. What may be missing, and what the program may
// have to make, also stands as it is: IAM asks about that name where there is
// no secret, and would else deny what is only missing.
func AWS(in Input) ([]byte, error) {
	all, err := in.prepare("aws")
	if err != nil {
		return nil, err
	}
	const service = "secretsmanager:"
	p := awsPolicy{Input: in}
	read := statement{Sid: "Read", Action: []string{service + "GetSecretValue"}}
	if in.Versions {
		read.Action = append(read.Action, service+"DescribeSecret", service+"ListSecretVersionIds")
	}
	write := statement{Sid: "ReadAndWrite", Action: []string{
		service + "GetSecretValue", service + "PutSecretValue", service + "CreateSecret", service + "DescribeSecret",
		service + "ListSecretVersionIds", service + "RestoreSecret",
	}}
	account := statement{Sid: "ReadWriteAndDelete", Action: append(slices.Clone(write.Action), service+"DeleteSecret")}
	var keys []statement
	users := false
	for _, s := range all {
		a, err := p.place(s.Store)
		if err != nil {
			return nil, err
		}
		sets := false
		for _, secret := range s.secrets {
			to := &read
			if secret.set {
				to, sets = &write, true
			}
			names, err := a.resources(s.Prefix+secret.ID, secret.set || s.MayLack(secret.Meta, in.Environment))
			if err != nil {
				return nil, err
			}
			to.Resource = append(to.Resource, names...)
		}
		for _, k := range s.kept {
			to := &read
			if k.set {
				to, sets = &account, true
			}
			names, err := a.kept(s.Prefix, k)
			if err != nil {
				return nil, err
			}
			to.Resource = append(to.Resource, names...)
			users = users || k.Users
		}
		if sets && s.Keys["conditions"] != "off" {
			write.Action = append(write.Action, service+"UpdateSecretVersionStage")
			account.Action = append(account.Action, service+"UpdateSecretVersionStage")
		}
		for key := range s.Keys {
			if sets && strings.HasPrefix(key, "tag.") && !slices.Contains(write.Action, service+"TagResource") {
				write.Action = append(write.Action, service+"TagResource")
				account.Action = append(account.Action, service+"TagResource")
			}
		}
		if key := s.Keys["kms_key"]; key != "" {
			if !keyForm.MatchString(key) && !keyARNForm.MatchString(key) {
				return nil, stores.Fail("the KMS key of the store "+s.Name+" is none", "it is the id of a key, alias/NAME, or the ARN of either")
			}
			keys = append(keys, a.key(key, sets))
		}
		if s.Keys["role_arn"] != "" {
			in.note("the store " + s.Name + " assumes a role: this policy is that role's; who assumes it needs sts:AssumeRole on it")
		}
	}
	doc := document{Version: "2012-10-17"}
	for _, st := range append([]statement{read, write, account}, keys...) {
		if len(st.Resource) == 0 {
			continue
		}
		slices.Sort(st.Action)
		slices.Sort(st.Resource)
		st.Resource = slices.Compact(st.Resource)
		doc.Statement = append(doc.Statement, st)
	}
	doc.Statement = append(doc.Statement, statement{
		// It reads nothing by itself: each secret is asked for by GetSecretValue.
		Sid: "Batch", Action: []string{service + "BatchGetSecretValue"}, Resource: []string{"*"},
	})
	if in.Users && users {
		doc.Statement = append(doc.Statement, statement{Sid: "Users", Action: []string{service + "ListSecrets"}, Resource: []string{"*"}})
		in.usersNote("the names of all secrets of the account and region")
	}
	for i := range doc.Statement {
		st := &doc.Statement[i]
		st.Effect = "Allow"
		if n := i - slices.IndexFunc(doc.Statement, func(other statement) bool { return other.Sid == st.Sid }); n > 0 {
			st.Sid += strconv.Itoa(n + 1)
		}
	}
	p.wildcards()
	return p.encode(doc)
}

type awsPolicy struct {
	Input
	anyRegion, anyAccount, anyPartition bool
}

// awsPlace is where the secrets of one store are.
type awsPlace struct{ partition, region, account string }

var (
	accountForm   = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm    = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+$`)
	partitionForm = regexp.MustCompile(`^aws(-[a-z]+)*$`)
	nameForm      = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]+$`)
	suffixForm    = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)
	keyARNForm    = regexp.MustCompile(`^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:)(key/[A-Za-z0-9-]+|alias/[A-Za-z0-9/_-]+)$`)
	keyForm       = regexp.MustCompile(`^([A-Za-z0-9-]+|alias/[A-Za-z0-9/_-]+)$`)
)

func (p *awsPolicy) place(s stores.Store) (awsPlace, error) {
	a := awsPlace{partition: p.Partition, region: s.Host, account: p.Account}
	if a.region == "" {
		a.region = p.Region
	}
	switch {
	case a.region != "" && !regionForm.MatchString(a.region):
		return a, stores.Fail("the region of the store "+s.Name+" is none", "regions are like eu-west-1")
	case a.account != "" && !accountForm.MatchString(a.account):
		return a, stores.Fail("the account is none", "an AWS account is twelve digits")
	case a.partition != "" && !partitionForm.MatchString(a.partition):
		return a, stores.Fail("the partition is none", "it is aws, aws-cn or aws-us-gov")
	}
	if a.partition == "" {
		a.partition = stores.Partition(a.region)
	}
	for _, part := range []struct {
		text *string
		wild *bool
	}{{&a.partition, &p.anyPartition}, {&a.region, &p.anyRegion}, {&a.account, &p.anyAccount}} {
		if *part.text == "" {
			*part.text, *part.wild = "*", true
		}
	}
	return a, nil
}

// resources are the ARNs of a secret.
func (a awsPlace) resources(id string, mayLack bool) ([]string, error) {
	name := id
	arn := "arn:" + a.partition + ":secretsmanager:" + a.region + ":" + a.account + ":secret:"
	if strings.HasPrefix(id, "arn:") {
		// arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME-XXXXXX
		parts := strings.SplitN(id, ":", 7)
		if len(parts) != 7 || !partitionForm.MatchString(parts[1]) || parts[2] != "secretsmanager" || !regionForm.MatchString(parts[3]) ||
			!accountForm.MatchString(parts[4]) || parts[5] != "secret" || !nameForm.MatchString(parts[6]) {
			return nil, badID("aws", id, "an ARN of a secret is like arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/stripe-AbCdEf")
		}
		name = parts[6]
		arn = strings.TrimSuffix(id, name)
		if suffixForm.MatchString(name) {
			return []string{id}, nil // a whole one
		}
	}
	if !nameForm.MatchString(name) {
		return nil, badID("aws", id, "the name of a secret in AWS has letters, digits and / _ + = . @ - only")
	}
	names := []string{arn + name + "-??????"}
	if mayLack {
		names = append(names, arn+name)
	}
	return names, nil
}

// kept are the ARNs of what credentials are kept in. Of users a pattern stands for
// all, whose ids begin so, with the six characters and without.
func (a awsPlace) kept(prefix string, k kept) ([]string, error) {
	if !k.Users {
		return a.resources(prefix+k.ID, true)
	}
	if strings.HasPrefix(k.ID, "arn:") {
		return nil, badID("aws", k.ID, "what the ids of users begin with is a name there, and no ARN")
	}
	names, err := a.resources(prefix+k.ID, true)
	if err != nil {
		return nil, err
	}
	return []string{names[1] + "*"}, nil
}

// key allows the use of a KMS key, through the service alone. An alias is no
// resource of its own to KMS, but a condition.
// https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
func (a awsPlace) key(key string, sets bool) statement {
	st := statement{Sid: "Key", Action: []string{"kms:Decrypt"}, Condition: map[string]map[string][]string{}}
	if sets {
		st.Action = append(st.Action, "kms:GenerateDataKey")
	}
	in, name := "arn:"+a.partition+":kms:"+a.region+":"+a.account+":", key
	if m := keyARNForm.FindStringSubmatch(key); m != nil {
		in, name = m[1], m[2]
	} else if !strings.HasPrefix(name, "alias/") {
		name = "key/" + name
	}
	if strings.HasPrefix(name, "alias/") {
		st.Condition["ForAnyValue:StringEquals"] = map[string][]string{"kms:ResourceAliases": {name}}
		name = "key/*"
	}
	st.Resource = []string{in + name}
	via := []string{"secretsmanager." + a.region + ".amazonaws.com"}
	if a.partition == "aws-cn" {
		via = append(via, via[0]+".cn")
	}
	test := "StringEquals"
	if a.region == "*" {
		test = "StringLike"
	}
	st.Condition[test] = map[string][]string{"kms:ViaService": via}
	return st
}

// wildcards says which parts of ARNs are open.
func (p *awsPolicy) wildcards() {
	var open []string
	for _, part := range []struct {
		wild bool
		say  string
	}{{p.anyAccount, "account (--account says it)"}, {p.anyRegion, "region (--region, or the URL)"}, {p.anyPartition, "partition (--partition, or a region)"}} {
		if part.wild {
			open = append(open, part.say)
		}
	}
	if len(open) > 0 {
		p.note("the policy is for any " + strings.Join(open, ", any "))
	}
}

func (p *awsPolicy) encode(doc document) ([]byte, error) {
	compact, err := marshal(doc, "")
	if err != nil {
		return nil, err
	}
	length := len(compact) - bytes.Count(compact, []byte("\n"))
	size := "the policy has " + strconv.Itoa(length) + " characters without white space"
	const split = "; a role takes several managed policies: --store names one store at a time, or share a common beginning of the names in one pattern, which allows more"
	switch {
	case length > maxInline:
		p.note(size + ": more than a managed policy (" + strconv.Itoa(maxManaged) + ") or a role's inline policies (" + strconv.Itoa(maxInline) + ") hold" + split)
	case length > maxManaged:
		p.note(size + ": more than a managed policy (" + strconv.Itoa(maxManaged) + ") holds; as an inline policy of a role it fits if that has few others")
	}
	return marshal(doc, "  ")
}

func marshal(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	return b.Bytes(), err
}

func badID(kind, id, hint string) error {
	return stores.Fail("the id "+id+" can't be in a store of the kind "+kind, hint)
}
