package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// accountStatus is what is told of one account. It holds no token.
type accountStatus struct {
	Name       string `json:"name"`
	Display    string `json:"displayName,omitempty"` // for people
	PerUser    bool   `json:"perUser"`
	User       string `json:"user,omitempty"`
	Configured bool   `json:"configured"`       // the application's secret is there
	Reason     string `json:"reason,omitempty"` // why it is not

	State    string   `json:"state,omitempty"` // of package credentials; absent of one that each user has, where no user is named
	Optional bool     `json:"optional,omitempty"`
	ID       string   `json:"id,omitempty"` // of the secret with the tokens
	Problem  string   `json:"problem,omitempty"`
	Do       string   `json:"do,omitempty"` // what to do next
	Wanted   []string `json:"wanted"`       // scopes
	Granted  []string `json:"granted,omitempty"`
	Missing  []string `json:"missing,omitempty"`

	Refreshable bool   `json:"refreshable,omitempty"`
	Expires     string `json:"expires,omitempty"`
	Connected   string `json:"connected,omitempty"`
	Refreshed   string `json:"refreshed,omitempty"`
	Failed      string `json:"failed,omitempty"`  // when the last refresh failed
	Failure     string `json:"failure,omitempty"` // and why
}

func newOAuthStatus(a *app) *cobra.Command {
	var of whose
	var asJSON bool
	c := &cobra.Command{
		Use:   "status [NAME]",
		Short: "Tell whether accounts are connected, with which scopes, and until when",
		Long: `Tell of each account whether it is connected, when its access token ends, which of
the scopes that are wanted were granted, when it was refreshed last, and why that
failed if it did. It asks the store and no provider, and prints no token. With
--user it is about the accounts of that user.

Exit 0: connected. 1: not connected, to be connected again, or not configured;
without NAME that counts for what is not optional. 2: it could not be told.`,
		Example: `  lukko oauth status
  lukko oauth status github --user alice --json`,
		Args:              args(0, 1),
		ValidArgsFunction: a.completeAccount,
	}
	of.flag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		if err := of.empty(); err != nil {
			return err
		}
		return a.withAccounts(ctx, false, func(s *accounts) error {
			want := func(m credentials.Meta) bool { return isAccount(m) && (m.PerUser || !of.given()) }
			if len(args) > 0 {
				_, one, err := s.accountOf(args[0], &of)
				if err != nil {
					return err
				}
				want = func(m credentials.Meta) bool { return m.Name == one.Name }
			}
			rows, code := s.accountStatuses(ctx, named(s.set, want), of.user, len(args) > 0)
			if ctx.Err() != nil {
				return interrupted()
			}
			if err := a.show(asJSON, rows, func(b *bytes.Buffer) {
				for _, r := range rows {
					r.write(b)
				}
			}); err != nil {
				return err
			}
			if len(rows) == 0 {
				a.say("lukko: no account is declared that %s would have; lukko.yaml declares them under credentials, with oauth2", s.of.what())
			}
			return answer(code)
		})
	}
	return c
}

// accountStatuses tells of accounts, each by itself, and returns the exit code.
// asked says that one is asked for by its name, so that it counts also if it is
// optional.
func (s *accounts) accountStatuses(ctx context.Context, decls []credentials.Declared, user string, asked bool) (rows []accountStatus, code int) {
	rows = []accountStatus{}
	reasons := s.reasons(ctx)
	for _, d := range decls {
		m := d.Meta()
		r := accountStatus{
			Name: m.Name, Display: core.Printable(m.DisplayName), PerUser: m.PerUser, User: user,
			Configured: true, Wanted: m.OAuth2.Scopes,
		}
		if r.Wanted == nil {
			r.Wanted = []string{}
		}
		var verdict int
		if !m.PerUser || user != "" {
			verdict = s.accountStatus(ctx, d, user, &r)
		}
		if err := reasons[m.Name]; err != nil {
			r.Configured, r.Reason, r.Do = false, lacks(ctx, err), ""
			verdict = max(verdict, exitCode(err))
		}
		if verdict == exitNo && !asked && (r.Optional || m.Optional) {
			verdict = exitYes
		}
		code = max(code, verdict)
		rows = append(rows, r)
	}
	return rows, code
}

// accountStatus tells of one account, and returns its exit code.
func (s *accounts) accountStatus(ctx context.Context, d credentials.Declared, user string, r *accountStatus) int {
	m := d.Meta()
	status, err := s.statusOf(ctx, d, user)
	r.State, r.ID, r.Optional = string(status.State), core.Printable(status.ID), status.Optional
	r.Granted, r.Missing, r.Refreshable = status.Granted, status.MissingScopes, status.Refreshable
	r.Expires, r.Connected, r.Refreshed = stamp(status.ExpiresAt), stamp(status.ConnectedAt), stamp(status.RefreshedAt)
	connect := "lukko oauth connect " + m.Name
	if m.PerUser {
		connect += " --user USER"
	}
	switch status.State {
	case credentials.StateOK:
		s.lastFailure(ctx, d, user, r)
		return exitYes
	case credentials.StateMissing:
		r.Do = connect
		return exitNo
	case credentials.StateEnded:
		s.lastFailure(ctx, d, user, r)
		r.Do = connect
		return exitNo
	case credentials.StateInvalid:
		r.Problem, r.Do = oneLine(ctx, status.Err), connect+" replaces it"
		return exitNo
	}
	if err == nil {
		err = status.Err
	}
	r.Problem = oneLine(ctx, err)
	return exitCode(err)
}

// lastFailure tells of the last refresh if it failed.
func (s *accounts) lastFailure(ctx context.Context, d credentials.Declared, user string, r *accountStatus) {
	client, err := s.clientOf(d, user)
	if err != nil {
		return
	}
	if told, err := client.Status(ctx); err == nil && told.LastFailure != nil {
		r.Failed, r.Failure = stamp(told.LastFailure.At), whyNot(told.LastFailure.Err)
	}
}

// whyNot is why a refresh failed, without whose it was.
func whyNot(err error) string {
	var again *oauth2.ReauthorizeError
	var failed *oauth2.Error
	switch {
	case errors.As(err, &again):
		if again.Code == "" {
			return "the provider refused"
		}
		return "the provider refused: " + core.Printable(again.Code)
	case errors.As(err, &failed):
		short := *failed
		short.Op, short.Name, short.User = "", "", ""
		return core.Printable(short.Error())
	}
	return line(err.Error())
}

// oneLine is an error in one line.
func oneLine(ctx context.Context, err error) string {
	if err == nil {
		return ""
	}
	text := ""
	for i, part := range explain(ctx, err) {
		if i > 0 {
			text += ": "
		}
		text += part
	}
	return line(text)
}

// lacks is oneLine of why an account is not configured. That its application's
// secret is not there is told whole by what to do.
func lacks(ctx context.Context, err error) string {
	var e *core.Error
	if errors.As(err, &e) && e.Kind == core.ErrNotFound && e.Hint != "" { //nolint:errorlint // a Kind is a sentinel itself
		return line(e.Hint)
	}
	return oneLine(ctx, err)
}

// The states of accounts, for people.
var accountStates = map[credentials.State]string{
	credentials.StateOK: "connected", credentials.StateMissing: "not connected", credentials.StateEnded: "must be connected again",
	credentials.StateInvalid: "damaged", credentials.StateUnknown: "unknown", credentials.StateWrong: "declared wrongly",
}

// write tells people of one account.
func (r accountStatus) write(b *bytes.Buffer) {
	state := accountStates[credentials.State(r.State)]
	switch {
	case state == "" && !r.Configured:
		state = "not configured"
	case state == "":
		state = "each user has one; --user USER tells of it"
	case !r.Configured:
		state += ", and not configured"
	}
	fmt.Fprintf(b, "%s: %s\n", core.Printable(label(credentials.Meta{Spec: credentials.Spec{Name: r.Name}}, r.User)), state)
	var rows [][]string
	row := func(what, text string) {
		if text != "" {
			rows = append(rows, []string{what, text})
		}
	}
	row("reason", r.Reason)
	row("problem", r.Problem)
	row("expires", r.Expires)
	if r.State == string(credentials.StateOK) && !r.Refreshable {
		row("refresh", "not possible: connect again when it has expired")
	}
	row("granted", scopesOf(r.Granted))
	row("missing", scopesOf(r.Missing))
	row("connected", r.Connected)
	row("refreshed", r.Refreshed)
	if r.Failure != "" {
		row("failed", r.Failed+"  "+r.Failure)
	}
	row("do", r.Do)
	table(b, "  ", rows)
}
