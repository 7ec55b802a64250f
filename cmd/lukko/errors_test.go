package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	batch := func(errs ...error) error {
		byID := map[string]error{}
		for i, err := range errs {
			byID[strings.Repeat("X", i+1)] = err
		}
		return &core.BatchError{ByID: byID}
	}
	declared := func(errs ...error) error {
		e := &schema.Error{}
		for _, err := range errs {
			rule := schema.RuleRead
			if errors.Is(err, core.ErrNotFound) {
				rule = schema.RuleMissing
			}
			e.Problems = append(e.Problems, schema.Problem{ID: "X", Rule: rule, Err: err})
		}
		return e
	}
	for name, row := range map[string]struct {
		err  error
		want int
	}{
		"nothing wrong":                  {nil, exitYes},
		"missing":                        {core.ErrNotFound, exitNo},
		"invalid":                        {core.ErrInvalidValue, exitNo},
		"conflict":                       {core.ErrConflict, exitNo},
		"damaged":                        {core.ErrCorrupt, exitNo},
		"denied":                         {core.ErrPermissionDenied, exitUnknown},
		"no credential":                  {core.ErrUnauthenticated, exitUnknown},
		"unreachable":                    {core.ErrUnavailable, exitUnknown},
		"full":                           {core.ErrExhausted, exitUnknown},
		"a write that may have happened": {core.ErrIndeterminate, exitUnknown},
		"usage: an id":                   {core.ErrInvalidID, exitUnknown},
		"usage: an option":               {core.ErrInvalidOption, exitUnknown},
		"not supported":                  {errors.ErrUnsupported, exitUnknown},
		"closed":                         {core.ErrClosed, exitUnknown},
		"interrupted":                    {context.Canceled, exitUnknown},
		"a cut write that is a conflict, too": {
			&core.Error{Kind: core.ErrIndeterminate, Err: core.ErrConflict}, exitUnknown,
		},
		"configuration":                 {&config.Error{Faults: []config.Fault{{What: "wrong"}}}, exitUnknown},
		"wrong declaration":             {&schema.Error{Problems: []schema.Problem{{Rule: schema.RuleDeclaration, Err: schema.ErrDeclaration}}}, exitUnknown},
		"some missing":                  {batch(core.ErrCorrupt, core.ErrNotFound), exitNo},
		"some missing, one denied":      {batch(core.ErrNotFound, core.ErrPermissionDenied), exitUnknown},
		"declared: missing":             {declared(core.ErrNotFound), exitNo},
		"declared: missing and denied":  {declared(core.ErrNotFound, core.ErrPermissionDenied), exitUnknown},
		"not connected":                 {&oauth2.NotConnectedError{Name: "a"}, exitNo},
		"to be connected again":         {&oauth2.ReauthorizeError{Name: "a"}, exitNo},
		"a credential that is missing":  {&credentials.MissingError{Name: "a"}, exitNo},
		"an application not configured": {&oauth2.Error{Kind: core.ErrNotFound}, exitNo},
		"a malformed application":       {&oauth2.Error{Kind: core.ErrInvalidValue, Err: declared(core.ErrInvalidValue)}, exitNo},
		"a provider that is down":       {&oauth2.Error{Kind: core.ErrUnavailable}, exitUnknown},
		"an account in a denied store":  {&oauth2.Error{Err: core.ErrPermissionDenied}, exitUnknown},
		"nobody's credential":           {credentials.ErrNoUser, exitUnknown},
		"an error that nobody foresaw":  {errors.New("?"), exitUnknown},
		"an answer that was printed":    {answered(exitNo), exitNo},
		"an error of the command's own": {failure(exitNo, "no", ""), exitNo},
	} {
		if got := exitCode(row.err); got != row.want {
			t.Errorf("%s: exit code %d, want %d", name, got, row.want)
		}
	}
}

func TestErrorsAreAtMostThreeLinesAndSayWhatToDo(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	many := &config.Error{Path: "lukko.yaml"}
	for range 9 {
		many.Faults = append(many.Faults, config.Fault{Line: 1, Column: 2, What: "it is wrong"})
	}
	problems := &schema.Error{}
	for range 5 {
		problems.Problems = append(problems.Problems, schema.Problem{ID: "X", Rule: "pattern", Detail: "it must match", Err: core.ErrInvalidValue})
	}
	for name, row := range map[string]struct {
		ctx  context.Context
		err  error
		want []string
	}{
		"a kind": {t.Context(), &core.Error{Op: "get", Provider: "file", ID: "X", Kind: core.ErrNotFound, Hint: "set it"}, []string{
			"lukko: file get \"X\": not found\n  set it\n",
		}},
		"a text with control characters": {t.Context(), &core.Error{Kind: core.ErrUnavailable, Code: "\x1b[2J\n", Hint: "a\nb\rc"}, []string{"unavailable"}},
		"nine faults":                    {t.Context(), many, []string{"lukko: lukko.yaml:1:2: it is wrong\n", "; lukko.yaml:1:2"}},
		"five problems":                  {t.Context(), problems, []string{"5 problems", "pattern: it must match"}},
		"an unforeseen type":             {t.Context(), errors.New("hunter2"), []string{"an unexpected error of type *errors.errorString", "please report it"}},
		"interrupted":                    {ended, &core.Error{Op: "get", Err: context.Canceled}, []string{"lukko: interrupted\n"}},
		"a write that was cut":           {ended, &core.Error{Op: "set", Kind: core.ErrIndeterminate, Err: context.Canceled}, []string{"the write may have happened"}},
		"an account": {t.Context(), &oauth2.ReauthorizeError{Name: "a", User: "b\x1b", Code: "invalid_grant"}, []string{
			"lukko: a of the user \"b\\x1b\" must be connected again: the provider says invalid_grant\n  connect it with lukko oauth connect a --user USER\n",
		}},
		"a provider": {t.Context(), &oauth2.Error{Op: "refresh", Name: "a", Kind: core.ErrUnavailable, Status: 503, Hint: "try again"}, []string{
			"lukko: refresh a: unavailable (status 503)\n  try again\n",
		}},
		"a store below an account": {t.Context(), &oauth2.Error{Op: "status", Name: "a", Err: &core.Error{Op: "get", ID: "X", Kind: core.ErrPermissionDenied, Hint: "allow it"}}, []string{
			"lukko: status a: ", "permission denied\n  allow it\n",
		}},
		"an interrupted connection": {ended, &oauth2.Error{Op: "connect", Name: "a", Err: context.Canceled}, []string{"lukko: interrupted\n"}},
		"an application with five problems": {t.Context(), &oauth2.Error{Op: "read", Name: "a", Kind: core.ErrInvalidValue, Err: problems, Hint: "store it"}, []string{
			"5 problems", "  store it\n",
		}},
		"a batch": {t.Context(), &core.BatchError{ByID: map[string]error{"X": &core.Error{ID: "X", Kind: core.ErrCorrupt}}}, []string{"1 corrupt", `"X"`}},
	} {
		got := describe(row.ctx, row.err)
		if n := strings.Count(got, "\n"); n < 1 || n > 3 || !strings.HasPrefix(got, "lukko: ") || !strings.HasSuffix(got, "\n") {
			t.Errorf("%s: %d lines: %q", name, n, got)
		}
		if core.Printable(strings.ReplaceAll(got, "\n", "")) != strings.ReplaceAll(got, "\n", "") || strings.Contains(got, "hunter2") {
			t.Errorf("%s: %q", name, got)
		}
		for _, want := range row.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q lacks %q", name, got, want)
			}
		}
	}
	if got := describe(t.Context(), answered(exitNo)); got != "" {
		t.Errorf("an answer that was printed: %q", got)
	}
}

func TestClosestIsNearAndNotFar(t *testing.T) {
	t.Parallel()
	known := []string{"STRIPE_CREDENTIALS", "DB_URL", "json"}
	for given, want := range map[string]string{
		"STRIPE_CREDENTIAL": "STRIPE_CREDENTIALS", "db_url": "DB_URL", "jsn": "json",
		"DB_PASSWORD": "", "": "", "x": "", "jo": "",
	} {
		if got := closest(given, known); got != want {
			t.Errorf("closest(%q) = %q, want %q", given, got, want)
		}
	}
}
