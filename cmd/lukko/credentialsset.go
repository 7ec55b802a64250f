package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/schema"
)

func newCredentialsSet(a *app) *cobra.Command {
	var of whose
	var from string
	var exact, ifAbsent bool
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Store a key, from standard input, a file or a prompt",
		Long: `Store a key, as lukko set does: its value comes from standard input, from a file,
or, at a terminal, from a prompt that doesn't show it; never from the command
line. It is validated first. One line of text loses the newline at its end.`,
		Example: `  lukko credentials set stripe
  lukko credentials set stripe --user alice --file key.txt`,
		ValidArgsFunction: a.completeKey,
		Args: func(c *cobra.Command, given []string) error {
			if len(given) > 1 {
				return valueOnCommandLine("lukko credentials set NAME")
			}
			return args(1, 1)(c, given)
		},
	}
	of.flag(c)
	c.Flags().StringVarP(&from, "file", "f", "", "the file that holds the value; - is standard input")
	c.Flags().BoolVar(&exact, "exact", false, "keep the newline at the end of one line of text")
	c.Flags().BoolVar(&ifAbsent, "if-absent", false, "only if there is no value yet; else exit 1")
	c.SetFlagErrorFunc(valueFlagFault)
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx := c.Context()
		return a.withAccounts(ctx, false, func(s *accounts) error {
			d, err := s.find(args[0])
			if err != nil {
				return err
			}
			m := d.Meta()
			if err := notAccount(m, "whose tokens come from its provider", "connect it with lukko oauth connect "+m.Name); err != nil {
				return err
			}
			if err := of.fits(m); err != nil {
				return err
			}
			who := label(m, of.user)
			value, err := a.readValue(ctx, who, from, exact)
			if err != nil {
				return err
			}
			var opts []core.SetOption
			if ifAbsent {
				opts = append(opts, core.IfAbsent())
			}
			if err := s.setKey(ctx, d, of.user, value, opts); err != nil {
				if rules := rulesOf(err); len(rules) > 0 && !errors.Is(err, schema.ErrDeclaration) && errors.Is(err, core.ErrInvalidValue) {
					return failure(exitNo, who+" was not stored: it is not what "+core.Printable(m.Place)+" declares", strings.Join(rules, "; "))
				}
				return err
			}
			a.say("lukko: stored %s, in %s", who, s.of.what())
			return nil
		})
	}
	return c
}

func (s *accounts) setKey(ctx context.Context, d credentials.Declared, user string, value core.Value, opts []core.SetOption) error {
	switch c := d.(type) {
	case *credentials.Credential[core.Value]:
		return c.Set(ctx, s.store, value, opts...)
	case *credentials.UserCredential[core.Value]:
		return c.Set(ctx, s.store, user, value, opts...)
	}
	return errors.ErrUnsupported // not reached: an account was refused
}
