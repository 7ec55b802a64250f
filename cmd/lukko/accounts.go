package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// accounts are the credentials that lukko.yaml and its metadata declare, over
// the store that the flags name.
type accounts struct {
	of    *target
	store *credentials.Store
	set   *credentials.Set
}

// withAccounts opens the store, runs f on the credentials in it, and closes
// it. oneProcess says that no other process refreshes tokens.
func (a *app) withAccounts(ctx context.Context, oneProcess bool, f func(*accounts) error) error {
	return a.with(ctx, func(t *target) (err error) {
		set := new(credentials.Set)
		if t.config != nil {
			set = t.config.Credentials
		}
		env, _ := a.lookup("LUKKO_ENV")
		store, err := credentials.New(credentials.Config{
			Secrets: t.Store, Set: set, Environment: cmp.Or(t.name, env), OneProcess: oneProcess,
		})
		if err != nil {
			return err
		}
		defer func() {
			if failed := store.Close(); failed != nil && err == nil {
				err = failed // tokens that a provider gave could not be stored
			}
		}()
		return f(&accounts{t, store, set})
	})
}

// named are the credentials, each once.
func named(set *credentials.Set, want func(credentials.Meta) bool) (found []credentials.Declared) {
	seen := map[string]bool{}
	for d := range set.All() {
		if m := d.Meta(); !seen[m.Name] && want(m) {
			seen[m.Name] = true
			found = append(found, d)
		}
	}
	return found
}

func isAccount(m credentials.Meta) bool { return m.OAuth2 != nil }
func isAPIKey(m credentials.Meta) bool  { return m.OAuth2 == nil }
func isAny(credentials.Meta) bool       { return true }

// find returns the credential of a name. The error does not repeat the name,
// which can be a value in the wrong place.
func (s *accounts) find(name string) (credentials.Declared, error) {
	if d, ok := s.set.ByName(name); ok {
		return d, nil
	}
	var names []string
	for _, d := range named(s.set, isAny) {
		m := d.Meta()
		if name == m.SecretID || name == m.TokenSecretID {
			return nil, usage("this is the id of a secret, and no name of a credential", "the credential that is kept there is "+m.Name)
		}
		names = append(names, m.Name)
	}
	if len(names) == 0 {
		return nil, usage("no credential is declared", "declare it in lukko.yaml, under credentials, or in Go and run lukko generate")
	}
	const most = 8
	hint := "declared are " + strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		hint = "lukko credentials list has them all"
	}
	if near := closest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, usage("no credential of this name is declared", hint)
}

// accountOf is find for what is connected, with what is known of it, of whom the
// flag says.
func (s *accounts) accountOf(name string, of *whose) (credentials.Declared, credentials.Meta, error) {
	d, err := s.find(name)
	if err != nil {
		return nil, credentials.Meta{}, err
	}
	m := d.Meta()
	if !isAccount(m) {
		user := ""
		if m.PerUser {
			user = "USER"
		}
		return nil, m, usage(m.Name+" is a key, and no account that is connected", storeWith(m.Name, user))
	}
	return d, m, of.fits(m)
}

// whose is the flag that says whose credential is meant.
type whose struct {
	user  string
	given func() bool
}

func (w *whose) flag(c *cobra.Command) {
	c.Flags().StringVar(&w.user, "user", "", "whose it is, of a credential that each user has; any text")
	w.given = func() bool { return c.Flags().Changed("user") }
}

// empty refuses a user who is none.
func (w *whose) empty() error {
	if w.given() && w.user == "" {
		return usage("--user is empty", "say whose credential it is; a script may have left its variable unset")
	}
	return nil
}

// fits says whether a credential is a user's if one is given, and the
// application's own if none is.
func (w *whose) fits(m credentials.Meta) error {
	switch {
	case m.PerUser && !w.given():
		return usage("each user has a "+m.Name+" of their own", "say whose, with --user USER; lukko credentials list "+m.Name+" tells who has one")
	case !m.PerUser && w.given():
		return usage(m.Name+" is the application's own, and no user's", "leave --user out")
	}
	return w.empty()
}

// label is a credential and whose it is, for people.
func label(m credentials.Meta, user string) string {
	if user == "" {
		return m.Name
	}
	return m.Name + " of the user " + shownUser(user)
}

// shownUser is a user for people, quoted; of a long one the beginning.
func shownUser(user string) string {
	const most = 64
	if len(user) > most {
		return strconv.QuoteToASCII(user[:most]) + "…"
	}
	return strconv.QuoteToASCII(user)
}

// reasons says, by name, why credentials are not configured.
func (s *accounts) reasons(ctx context.Context) map[string]error {
	reasons := map[string]error{}
	all, _ := s.store.Configured(ctx) // each reason is in its own
	for _, c := range all {
		reasons[c.Declared.Meta().Name] = c.Reason
	}
	return reasons
}

// clientOf returns the client of an account.
func (s *accounts) clientOf(d credentials.Declared, user string) (*oauth2.Client, error) {
	switch c := d.(type) {
	case *credentials.Credential[oauth2.Token]:
		return c.Client(s.store)
	case *credentials.UserCredential[oauth2.Token]:
		return c.Client(s.store, user)
	}
	return nil, usage(d.Meta().Name+" is a key, and no account that is connected", "")
}

// statusOf tells of a credential.
func (s *accounts) statusOf(ctx context.Context, d credentials.Declared, user string) (credentials.Status, error) {
	switch c := d.(type) {
	case *credentials.Credential[oauth2.Token]:
		return c.Status(ctx, s.store)
	case *credentials.UserCredential[oauth2.Token]:
		return c.Status(ctx, s.store, user)
	case *credentials.Credential[core.Value]:
		return c.Status(ctx, s.store)
	case *credentials.UserCredential[core.Value]:
		return c.Status(ctx, s.store, user)
	}
	return credentials.Status{}, errors.ErrUnsupported // not reached: lukko.yaml and metadata make these
}

// canKeep refuses a store that can't keep tokens: they are stored again at each
// refresh, and two processes must not refresh at once.
func (s *accounts) canKeep(ctx context.Context, a *app, oneProcess bool) error {
	can, err := s.of.Capabilities(ctx)
	switch {
	case err != nil:
		return err
	case !can.Set:
		return failure(exitUnknown, s.of.what()+" can't be written to, and tokens are stored again whenever they are refreshed", "choose another by --env or --url")
	case can.IfAbsent && can.IfVersion:
		return nil
	case !oneProcess:
		return failure(exitUnknown, s.of.what()+" has no conditional writes, so two processes could refresh the tokens at once, and a provider may then end the connection",
			"keep them in a store that has such writes; or, if one process alone refreshes them, go on with --one-process, and have it say OneProcess, too")
	}
	a.say("lukko: warning: %s has no conditional writes: no second process may refresh these tokens", s.of.what())
	return nil
}

// completeAccount offers the names of credentials that are connected to the
// shell, completeKey those of keys, and completeCredential both.
func (a *app) completeAccount(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeNamed(given, isAccount)
}

func (a *app) completeKey(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeNamed(given, isAPIKey)
}

func (a *app) completeCredential(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeNamed(given, isAny)
}

func (a *app) completeNamed(given []string, want func(credentials.Meta) bool) (names []string, _ cobra.ShellCompDirective) {
	c, err := a.loadConfig()
	if len(given) > 0 || err != nil || c == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, d := range named(c.Credentials, want) {
		names = append(names, d.Meta().Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// scopesOf writes scopes for people.
func scopesOf(scopes []string) string {
	scopes = slices.Clone(scopes)
	for i := range scopes {
		scopes[i] = core.Printable(scopes[i])
	}
	return strings.Join(scopes, ", ")
}

// keptFor returns the name of the credential that an undeclared id is kept for:
// what a user has, or what stands beside the tokens of an account.
func keptFor(c *config.Config, id string) string {
	if c == nil {
		return ""
	}
	for d := range c.Credentials.All() {
		m := d.Meta()
		if slices.ContainsFunc(m.Keeps(), func(k credentials.Kept) bool { return k.Has(id) }) {
			return m.Name
		}
	}
	return ""
}
