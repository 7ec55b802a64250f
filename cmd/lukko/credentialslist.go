package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
)

// listedCredential is one line of a list of credentials. It holds no value.
type listedCredential struct {
	Name     string `json:"name"`
	Display  string `json:"displayName,omitempty"` // for people
	Kind     string `json:"kind"`                  // key or oauth2
	PerUser  bool   `json:"perUser"`
	User     string `json:"user,omitempty"`
	State    string `json:"state,omitempty"` // absent of one that each user has, where no user is named
	Optional bool   `json:"optional,omitempty"`
	ID       string `json:"id,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Do       string `json:"do,omitempty"` // how one that is missing comes to be there
}

// userRow is one who has a credential.
type userRow struct {
	User   string `json:"user,omitempty"`
	Digest string `json:"digest,omitempty"` // of a long one, in place of it
}

func newCredentialsList(a *app) *cobra.Command {
	var of whose
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [NAME]",
		Short: "List the declared credentials, or who has one",
		Long: `List the credentials that are declared, and how it stands with the application's
own: ok, missing, absent (an optional one), ended (to be connected again), invalid
or unknown. With --user it is about what that user has; with the NAME of one that
each user has, it lists who has one. No value is printed.`,
		Example: `  lukko credentials list
  lukko credentials list github
  lukko credentials list --user alice --json`,
		Args:              args(0, 1),
		ValidArgsFunction: a.completeCredential,
	}
	of.flag(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		if err := of.empty(); err != nil {
			return err
		}
		return a.withAccounts(ctx, false, func(s *accounts) error {
			want := func(m credentials.Meta) bool { return m.PerUser || !of.given() }
			if len(args) > 0 {
				d, err := s.find(args[0])
				if err != nil {
					return err
				}
				m := d.Meta()
				if m.PerUser && !of.given() {
					return s.listUsers(ctx, a, d, asJSON)
				}
				if err := of.fits(m); err != nil {
					return err
				}
				want = func(other credentials.Meta) bool { return other.Name == m.Name }
			}
			rows, failed := s.listCredentials(ctx, named(s.set, want), of.user)
			if ctx.Err() != nil {
				return interrupted()
			}
			if err := a.show(asJSON, rows, func(b *bytes.Buffer) {
				var cells [][]string
				for _, r := range rows {
					state := r.State
					switch {
					case r.PerUser && r.User == "":
						state = "one for each user"
					case r.State == string(credentials.StateMissing) && r.Optional:
						state = stateAbsent
					}
					cells = append(cells, []string{r.Name, r.Kind, state, r.Display, cmp.Or(r.Reason, r.Do)})
				}
				table(b, "", cells)
			}); err != nil {
				return err
			}
			if len(rows) == 0 {
				a.say("lukko: no such credential is declared; lukko.yaml declares them under credentials")
			}
			return failed
		})
	}
	return c
}

// listCredentials tells of credentials, and why some could not be told.
func (s *accounts) listCredentials(ctx context.Context, decls []credentials.Declared, user string) (rows []listedCredential, failed error) {
	rows = []listedCredential{}
	reasons := s.reasons(ctx)
	for _, d := range decls {
		m := d.Meta()
		r := listedCredential{
			Name: m.Name, Display: core.Printable(m.DisplayName), Kind: "key", PerUser: m.PerUser, User: user, Optional: m.Optional,
		}
		var why []string
		if isAccount(m) {
			r.Kind = "oauth2"
			if err := reasons[m.Name]; err != nil {
				why = append(why, "not configured: "+lacks(ctx, err))
				if exitCode(err) == exitUnknown {
					failed = worse(failed, err)
				}
			}
		}
		if !m.PerUser || user != "" {
			status, err := s.statusOf(ctx, d, user)
			r.State, r.Optional, r.ID = string(status.State), status.Optional, core.Printable(status.ID)
			switch {
			case status.State == credentials.StateMissing && len(why) == 0 && !status.Optional:
				r.Do = getWith(m, user)
			case status.State != credentials.StateMissing && status.Err != nil:
				why = append(why, oneLine(ctx, status.Err))
			}
			if err != nil {
				failed = worse(failed, err)
			}
		}
		r.Reason = strings.Join(why, "; ")
		rows = append(rows, r)
	}
	return rows, failed
}

// getWith says how a credential that is missing comes to be there.
func getWith(m credentials.Meta, user string) string {
	if isAccount(m) {
		return connectWith(m.Name, user)
	}
	return storeWith(m.Name, user)
}

// listUsers tells who has a credential.
func (s *accounts) listUsers(ctx context.Context, a *app, d credentials.Declared, asJSON bool) error {
	has, ok := d.(interface {
		Users(context.Context, *credentials.Store) iter.Seq2[credentials.User, error]
	})
	if !ok {
		return errors.ErrUnsupported // not reached: it is one that each user has
	}
	m := d.Meta()
	rows := []userRow{}
	for user, err := range has.Users(ctx, s.store) {
		if errors.Is(err, errors.ErrUnsupported) {
			return failure(exitUnknown, s.of.what()+" can't be listed, so nobody knows who has a "+m.Name, "ask of one user: lukko credentials list "+m.Name+" --user USER")
		}
		if err != nil {
			return err
		}
		rows = append(rows, userRow{user.ID, user.Digest})
	}
	slices.SortFunc(rows, func(a, b userRow) int {
		return cmp.Or(strings.Compare(a.User, b.User), strings.Compare(a.Digest, b.Digest))
	})
	if err := a.show(asJSON, rows, func(b *bytes.Buffer) {
		for _, r := range rows {
			if r.Digest != "" {
				b.WriteString("sha256:" + r.Digest + "\n")
			} else {
				b.WriteString(strconv.QuoteToASCII(r.User) + "\n")
			}
		}
	}); err != nil {
		return err
	}
	if len(rows) == 0 {
		a.say("lukko: nobody has a %s in %s", m.Name, s.of.what())
	}
	return nil
}
