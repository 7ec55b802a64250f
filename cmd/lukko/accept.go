package main

import (
	"bytes"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/providers/file"
)

func newRecipientsAccept(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "accept",
		Short: "Accept a set of recipients that somebody else has changed",
		Long: `Accept a set of recipients that somebody else has changed, so that what you write
is encrypted to it. It shows the difference first, and asks; without a terminal
it shows the difference, and accepts with --yes only.`,
		Example: "  lukko recipients accept",
		Args:    args(0, 0),
	}
	c.Flags().BoolVar(&yes, "yes", false, "accept what is shown without asking")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx := c.Context()
		return a.withFile(func(store *file.Store) error {
			r, err := store.Recipients(ctx)
			if err != nil {
				return err
			}
			var b bytes.Buffer
			var cells [][]string
			for _, row := range rowsOf(r) {
				mark := " "
				switch {
				case row.Change == "added", !r.Pinned:
					mark = "+"
				case row.Change == "removed":
					mark = "-"
				}
				cells = append(cells, []string{mark + " " + row.Key, row.Name})
			}
			table(&b, "", cells)
			if err := a.print(&b); err != nil {
				return err
			}
			if r.Pinned && len(r.Added)+len(r.Removed) == 0 {
				a.say("lukko: these are the recipients that you have accepted; nothing has changed")
				return nil
			}
			if !yes {
				if yes, err = a.confirm(ctx, "Encrypt to these from now on? Who is added can read what you write. [y/N] "); err != nil {
					return err
				}
			}
			if !yes {
				return failure(exitNo, "nothing was accepted", "see whose they are, then run lukko recipients accept --yes")
			}
			if err := store.AcceptRecipients(ctx, r.Digest); err != nil {
				return err
			}
			a.say("lukko: accepted; lukko recipients sync encrypts what is there to them, too")
			return nil
		})
	}
	return c
}
