package awstest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

func (w *world) fill(n int, value string) []string {
	w.t.Helper()
	var names []string
	for i := range n {
		name := fmt.Sprintf("s%03d", i)
		if _, err := w.Set(name, value); err != nil {
			w.t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// API_BatchGetSecretValue: up to 20 secrets, and a list of errors of individual ones.
func TestABatchAnswersEachIDOnItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := w.fill(15, "value")
	w.create("empty", "")
	w.create("leaving", "x")
	w.deleteFor("leaving", 7)
	w.create("secret/denied", "x")
	w.Deny("GetSecretValue", "secret/*")
	arn := *w.create("by-arn", "other").ARN
	out, err := w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: append(names, "none", "empty", "leaving", "secret/denied", arn)})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.SecretValues) != 16 || out.NextToken != nil {
		t.Errorf("%d values and token %v, want 16 and none", len(out.SecretValues), out.NextToken)
	}
	last := out.SecretValues[15]
	if *last.ARN != arn || *last.SecretString != "other" || last.CreatedDate == nil || !slices.Equal(last.VersionStages, []string{"AWSCURRENT"}) {
		t.Errorf("an entry is %s %v", *last.ARN, last.VersionStages)
	}
	got := map[string]string{}
	for _, e := range out.Errors {
		got[*e.SecretId] = *e.ErrorCode
		if *e.Message == "" {
			t.Errorf("%s has no message", *e.SecretId)
		}
	}
	for id, code := range map[string]string{"none": "ResourceNotFoundException", "empty": "ResourceNotFoundException", "leaving": "InvalidRequestException", "secret/denied": "AccessDeniedException"} {
		if got[id] != code {
			t.Errorf("%s has the error %q, want %s", id, got[id], code)
		}
	}
	if len(got) != 4 {
		t.Errorf("the errors are %v", got)
	}
}

// API_BatchGetSecretValue, SecretIdList (1 to 20 items), Filters, MaxResults; the
// error about repeated ids: jdx/fnox#296.
func TestWhatABatchRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := w.fill(21, "value")
	byName := []types.Filter{{Key: "name", Values: []string{"s"}}}
	for name, c := range map[string]struct {
		in   sm.BatchGetSecretValueInput
		code string
	}{
		"20 ids":                  {sm.BatchGetSecretValueInput{SecretIdList: names[:20]}, ""},
		"21 ids":                  {sm.BatchGetSecretValueInput{SecretIdList: names}, "ValidationException"},
		"no ids":                  {sm.BatchGetSecretValueInput{SecretIdList: []string{}}, "ValidationException"},
		"an empty id":             {sm.BatchGetSecretValueInput{SecretIdList: []string{""}}, "ValidationException"},
		"nothing":                 {sm.BatchGetSecretValueInput{}, "InvalidParameterException"},
		"ids and filters":         {sm.BatchGetSecretValueInput{SecretIdList: names[:1], Filters: byName}, "InvalidParameterException"},
		"ids and a page size":     {sm.BatchGetSecretValueInput{SecretIdList: names[:1], MaxResults: aws.Int32(5)}, "InvalidParameterException"},
		"an id twice":             {sm.BatchGetSecretValueInput{SecretIdList: []string{"s000", "s001", "s000"}}, "InvalidParameterException"},
		"a page of 21":            {sm.BatchGetSecretValueInput{Filters: byName, MaxResults: aws.Int32(21)}, "ValidationException"},
		"a token of nothing":      {sm.BatchGetSecretValueInput{SecretIdList: names[:1], NextToken: aws.String("AAAA")}, "InvalidNextTokenException"},
		"a filter of no such key": {sm.BatchGetSecretValueInput{Filters: []types.Filter{{Key: "colour", Values: []string{"s"}}}}, "ValidationException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := w.BatchGetSecretValue(t.Context(), &c.in)
			wantCode(t, err, c.code)
		})
	}
}

// API_BatchGetSecretValue, NextToken: "if there's more output available than what is
// included in the current response".
func TestABatchStopsWhereItsAnswerIsFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *awstest.Config) { c.BatchAnswerBytes = 250 })
	ids := append(w.fill(7, strings.Repeat("x", 100)), "none")
	in := sm.BatchGetSecretValueInput{SecretIdList: ids}
	var got, failed []string
	var pages []int
	for {
		out, err := w.BatchGetSecretValue(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range out.SecretValues {
			got = append(got, *v.Name)
		}
		for _, e := range out.Errors {
			failed = append(failed, *e.SecretId)
		}
		pages = append(pages, len(out.SecretValues))
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if !slices.Equal(got, ids[:7]) || !slices.Equal(failed, []string{"none"}) || !slices.Equal(pages, []int{2, 2, 2, 1}) {
		t.Errorf("the pages have %v: %v and %v", pages, got, failed)
	}

	first, err := w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: ids})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: ids[1:], NextToken: first.NextToken})
	wantCode(t, err, "InvalidNextTokenException") // a token belongs to its question

	huge := newWorld(t, func(c *awstest.Config) { c.BatchAnswerBytes = 1 })
	huge.fill(2, "value")
	out, err := huge.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: []string{"s000", "s001"}})
	if err != nil || len(out.SecretValues) != 1 || out.NextToken == nil {
		t.Errorf("one value always fits, got %v and %v", out, err)
	}
}

func TestABatchOfFiltersGoesByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := w.fill(45, "value")
	w.create("other", "x")
	p := sm.NewBatchGetSecretValuePaginator(w.Client, &sm.BatchGetSecretValueInput{Filters: []types.Filter{{Key: "name", Values: []string{"s"}}}, MaxResults: aws.Int32(12)})
	var got []string
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(out.SecretValues) > 12 {
			t.Errorf("a page has %d values", len(out.SecretValues))
		}
		for _, v := range out.SecretValues {
			got = append(got, *v.Name)
		}
		if len(got) == 12 {
			w.deleteFor("s000", 7) // what goes between two pages shifts nothing
		}
	}
	if !slices.Equal(got, want) || w.CountCalls("BatchGetSecretValue") != 4 {
		t.Errorf("%d calls got %d secrets, want 4 for 45", w.CountCalls("BatchGetSecretValue"), len(got))
	}
}
