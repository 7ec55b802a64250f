package awstest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func (w *world) list(in sm.ListSecretsInput) []string {
	w.t.Helper()
	var names []string
	p := sm.NewListSecretsPaginator(w.Client, &in)
	for p.HasMorePages() {
		out, err := p.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, s := range out.SecretList {
			names = append(names, *s.Name)
		}
	}
	return names
}

// API_ListSecrets, MaxResults (1 to 100) and NextToken.
func TestAListGoesByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := w.fill(205, "v")
	if got := w.list(sm.ListSecretsInput{}); !slices.Equal(got, want) || w.CountCalls("ListSecrets") != 3 {
		t.Errorf("%d calls list %d secrets, want 3 for 205", w.CountCalls("ListSecrets"), len(got))
	}
	w.ResetCalls()
	if got := w.list(sm.ListSecretsInput{MaxResults: aws.Int32(41)}); !slices.Equal(got, want) || w.CountCalls("") != 5 {
		t.Errorf("%d calls list %d secrets, want 5 for 205", w.CountCalls(""), len(got))
	}
	for n, code := range map[int32]string{1: "", 100: "", 101: "ValidationException", -1: "ValidationException"} {
		_, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{MaxResults: &n})
		wantCode(t, err, code)
	}
	for _, bad := range []string{"x", "AAAA", "e30"} {
		_, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{NextToken: &bad})
		wantCode(t, err, "InvalidNextTokenException")
	}
	page, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{MaxResults: aws.Int32(1)})
	wantCode(t, err, "")
	_, err = w.ListSecrets(t.Context(), &sm.ListSecretsInput{SortBy: types.SortByTypeName, NextToken: page.NextToken})
	wantCode(t, err, "InvalidNextTokenException") // a token belongs to its question
}

func TestAListIsNotShiftedByWhatComesAndGoesBetweenPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(6, "v")
	first, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{MaxResults: aws.Int32(3), SortBy: types.SortByTypeName})
	wantCode(t, err, "")
	w.deleteFor("s000", 7)
	w.deleteFor("s002", 7) // the one where the page ended
	w.create("s0005", "v") // before it
	w.create("s0035", "v") // after it
	rest, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{SortBy: types.SortByTypeName, NextToken: first.NextToken})
	wantCode(t, err, "")
	var got []string
	for _, s := range rest.SecretList {
		got = append(got, *s.Name)
	}
	if !slices.Equal(got, []string{"s003", "s0035", "s004", "s005"}) {
		t.Errorf("the second page has %v", got)
	}
}

// API_ListSecrets, SortBy and SortOrder.
func TestAListIsSorted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"b", "c", "a"} {
		w.create(name, "v")
		w.clock.Advance(day)
	}
	w.put("c", "w", nil)
	w.wantValue("b", "v")
	for name, c := range map[string]struct {
		in   sm.ListSecretsInput
		want string
	}{
		"by date of creation": {sm.ListSecretsInput{}, "b c a"},
		"and down":            {sm.ListSecretsInput{SortOrder: "desc"}, "a c b"},
		"by name":             {sm.ListSecretsInput{SortBy: "name", SortOrder: "asc"}, "a b c"},
		"by name down":        {sm.ListSecretsInput{SortBy: "name", SortOrder: "desc"}, "c b a"},
		"by last change":      {sm.ListSecretsInput{SortBy: "last-changed-date"}, "b a c"},
		"by last access":      {sm.ListSecretsInput{SortBy: "last-accessed-date", SortOrder: "desc", MaxResults: aws.Int32(1)}, "b a c"},
	} {
		if got := strings.Join(w.list(c.in), " "); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	for _, in := range []sm.ListSecretsInput{{SortBy: "colour"}, {SortOrder: "up"}} {
		_, err := w.ListSecrets(t.Context(), &in)
		wantCode(t, err, "ValidationException")
	}
}

// API_Filter: the keys, and "you can prefix your search value with an exclamation
// mark".
func TestFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, about := range map[string][2]string{"shop/db": {"The database", "team"}, "shop/key": {"A key", "Team"}, "bank/db": {"the vault", "owner"}} {
		_, err := w.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: &name, Description: &about[0], Tags: []types.Tag{{Key: &about[1], Value: &name}}})
		wantCode(t, err, "")
	}
	f := func(key string, values ...string) types.Filter {
		return types.Filter{Key: types.FilterNameStringType(key), Values: values}
	}
	for name, c := range map[string]struct {
		filters []types.Filter
		want    string
	}{
		"none":                       {nil, "bank/db shop/db shop/key"},
		"a prefix of the name":       {[]types.Filter{f("name", "shop/")}, "shop/db shop/key"},
		"which keeps its case":       {[]types.Filter{f("name", "Shop/")}, ""},
		"not in the middle":          {[]types.Filter{f("name", "db")}, ""},
		"one of two":                 {[]types.Filter{f("name", "bank", "shop/k")}, "bank/db shop/key"},
		"not":                        {[]types.Filter{f("name", "!shop/")}, "bank/db"},
		"one but not another":        {[]types.Filter{f("name", "shop/", "!shop/k")}, "shop/db"},
		"description, of any case":   {[]types.Filter{f("description", "THE")}, "bank/db shop/db"},
		"tag keys keep their case":   {[]types.Filter{f("tag-key", "te")}, "shop/db"},
		"tag values":                 {[]types.Filter{f("tag-value", "bank")}, "bank/db"},
		"two filters":                {[]types.Filter{f("name", "shop/"), f("description", "a")}, "shop/key"},
		"all, word by word":          {[]types.Filter{f("all", "DB vault")}, "bank/db"},
		"all, a word that is absent": {[]types.Filter{f("all", "db nothing")}, ""},
		"no replicas here":           {[]types.Filter{f("primary-region", "us")}, ""},
		"no managed secrets":         {[]types.Filter{f("owning-service", "rds")}, ""},
	} {
		if got := strings.Join(w.list(sm.ListSecretsInput{Filters: c.filters, SortBy: "name"}), " "); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	many := slices.Repeat([]string{"a"}, 11)
	for name, filters := range map[string][]types.Filter{
		"a key of none":    {f("colour", "x")},
		"no values":        {f("name")},
		"11 values":        {f("name", many...)},
		"11 filters":       slices.Repeat([]types.Filter{f("name", "a")}, 11),
		"a strange letter": {f("name", "a*")},
		"a long value":     {f("name", strings.Repeat("a", 513))},
	} {
		if _, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{Filters: filters}); err == nil {
			t.Errorf("%s is accepted", name)
		} else {
			wantCode(t, err, "ValidationException")
		}
	}
}

// API_DescribeSecret: "Secrets Manager only returns fields that have a value".
// SecretVersionsListEntry: LastAccessedDate "is at the date level".
func TestWhatDescriptionsHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "one")
	w.clock.Advance(time.Hour)
	about, err := w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	wantCode(t, err, "")
	if !about.CreatedDate.Equal(start) || !about.LastChangedDate.Equal(start) || about.LastAccessedDate != nil || about.DeletedDate != nil ||
		about.KmsKeyId != nil || about.Description != nil || about.Tags != nil || len(about.VersionIdsToStages) != 1 {
		t.Errorf("a new secret is described as %+v", about)
	}
	w.wantValue("db", "one")
	w.put("db", "two", token("v2"))
	w.put("db", "three", token("v3"))
	about, err = w.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("db")})
	wantCode(t, err, "")
	if !about.LastChangedDate.Equal(start.Add(time.Hour)) || !about.LastAccessedDate.Equal(start.Truncate(day)) || len(about.VersionIdsToStages) != 2 {
		t.Errorf("a used secret is described as %+v", about)
	}
	list, err := w.ListSecrets(t.Context(), &sm.ListSecretsInput{})
	wantCode(t, err, "")
	if e := list.SecretList[0]; *e.ARN != *about.ARN || len(e.SecretVersionsToStages) != 2 {
		t.Errorf("the list has %+v", e)
	}
	versions, err := w.ListSecretVersionIds(t.Context(), &sm.ListSecretVersionIdsInput{SecretId: aws.String("db")})
	wantCode(t, err, "")
	if len(versions.Versions) != 2 || versions.Versions[0].KmsKeyIds[0] != "DefaultEncryptionKey" || *versions.ARN != *about.ARN {
		t.Errorf("without the deprecated the versions are %+v", versions.Versions)
	}
	_, err = w.ListSecretVersionIds(t.Context(), &sm.ListSecretVersionIdsInput{SecretId: aws.String("db"), NextToken: aws.String("x")})
	wantCode(t, err, "InvalidNextTokenException")
	_, err = w.ListSecretVersionIds(t.Context(), &sm.ListSecretVersionIdsInput{SecretId: aws.String("none")})
	wantCode(t, err, "ResourceNotFoundException")
}
