package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

func newRecipients(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "recipients",
		Short: "Say who may read an encrypted store",
		Long: `Say who may read an encrypted store. A change encrypts every secret anew, earlier
versions included. What was readable before stays known to whoever was removed:
rotate such secrets at their origin.`,
		Example: "  lukko recipients list",
		Args:    knownCommand,
		RunE:    showHelp,
	}
	c.AddCommand(newRecipientsList(a), newRecipientsAdd(a), newRecipientsRm(a), newRecipientsAccept(a), newRecipientsSync(a))
	return c
}

// withFile opens the one encrypted store that the flags or lukko.yaml choose.
func (a *app) withFile(f func(*file.Store) error) error {
	t, err := a.choose()
	if err != nil {
		return err
	}
	store, err := t.fileStore(a)
	if err != nil {
		return err
	}
	defer store.Close()
	return f(store.Store)
}

type recipientRow struct {
	Key    string `json:"key"`
	Name   string `json:"name,omitempty"`
	Change string `json:"change,omitempty"` // "added" or "removed" since the user accepted the set
}

func rowsOf(r file.Recipients) []recipientRow {
	added := map[string]bool{}
	for _, r := range r.Added {
		added[r.Key] = true
	}
	rows := []recipientRow{}
	for _, r := range r.List {
		row := recipientRow{Key: core.Printable(r.Key), Name: core.Printable(r.Name)}
		if added[r.Key] {
			row.Change = "added"
		}
		rows = append(rows, row)
	}
	for _, r := range r.Removed {
		rows = append(rows, recipientRow{Key: core.Printable(r.Key), Name: core.Printable(r.Name), Change: "removed"})
	}
	return rows
}

func newRecipientsList(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List who may read the store",
		Example: "  lukko recipients list --json",
		Args:    args(0, 0),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return a.withFile(func(store *file.Store) error {
			r, err := store.Recipients(c.Context())
			if err != nil {
				return err
			}
			if err := a.show(asJSON, rowsOf(r), func(b *bytes.Buffer) {
				var cells [][]string
				for _, row := range rowsOf(r) {
					cells = append(cells, []string{row.Key, row.Name, row.Change})
				}
				table(b, "", cells)
			}); err != nil {
				return err
			}
			if len(r.Added)+len(r.Removed) > 0 {
				a.say("lukko: these are not the recipients that you accepted, so you write nothing until lukko recipients accept")
			}
			return nil
		})
	}
	return c
}

func newRecipientsAdd(a *app) *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "add RECIPIENT",
		Short: "Let one more read, and encrypt everything anew",
		Long: `Let one more read: a recipient of age (age1…) or an SSH public key. It is added
to recipients.txt, and every secret is encrypted anew, earlier versions included.`,
		Example: `  lukko recipients add age1rkdpg7qxtf8pdu2dm6h5nj2q8ptdmpawz9j27he98tkyzqn6044sxk4x2a --name Ann
  lukko recipients add "$(cat ann.pub)"`,
		Args: args(1, 3), // an SSH key that nobody quoted is up to three words
	}
	c.Flags().StringVar(&name, "name", "", "whose it is; it proves nothing")
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := file.ParseRecipient(strings.TrimSpace(strings.Join(args, " ")))
		if err != nil {
			return err
		}
		if name != "" {
			r.Name = name
		}
		return a.withFile(func(store *file.Store) error {
			result, err := store.AddRecipient(c.Context(), r)
			if err != nil {
				return err
			}
			a.say("lukko: added %s", nameOf(r))
			return a.synced(result)
		})
	}
	return c
}

func newRecipientsRm(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rm RECIPIENT",
		Short: "Take the right to read from one, and encrypt everything anew",
		Long: `Take the right to read from one, named by its key, or by its name if no other has
it. Every secret is encrypted anew, earlier versions included. What was readable
before stays known to them, in copies and in the history of git: rotate such
secrets at their origin.`,
		Example: "  lukko recipients rm Ann",
		Args:    args(1, 3),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withFile(func(store *file.Store) error {
				set, err := store.Recipients(c.Context())
				if err != nil {
					return err
				}
				r, err := pick(set.List, strings.TrimSpace(strings.Join(args, " ")))
				if err != nil {
					return err
				}
				result, err := store.RemoveRecipient(c.Context(), r.Key)
				if err != nil {
					return err
				}
				a.say("lukko: removed %s", nameOf(r))
				err = a.synced(result)
				a.say("  what was readable before stays known to whoever was removed: rotate such secrets at their origin")
				return err
			})
		},
	}
}

// pick finds a recipient by its key or its name.
func pick(list []file.Recipient, given string) (file.Recipient, error) {
	key := given
	if r, err := file.ParseRecipient(given); err == nil {
		key = r.Key // without the comment of an SSH key
	}
	var found []file.Recipient
	for _, r := range list {
		if r.Key == key {
			return r, nil
		}
		if r.Name == given {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return file.Recipient{}, failure(exitNo, "the store has no such recipient", "lukko recipients list shows them")
	}
	return file.Recipient{}, usage(fmt.Sprintf("%d recipients have this name", len(found)), "give the key, as lukko recipients list shows it")
}

func newRecipientsSync(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "sync",
		Short: "Encrypt what is of an old set of recipients to the current one",
		Long: `Encrypt every secret that is of an old set of recipients to the current one,
earlier versions included, as after a merge of branches that both changed the
set, or after a change that was interrupted.`,
		Example: "  git merge theirs && lukko recipients accept && lukko recipients sync",
		Args:    args(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withFile(func(store *file.Store) error {
				result, err := store.SyncRecipients(c.Context())
				if err != nil {
					return err
				}
				return a.synced(result)
			})
		},
	}
}

// synced says what a change of recipients did to the files.
func (a *app) synced(r file.SyncResult) error {
	files := "files were"
	if r.Encrypted == 1 {
		files = "file was"
	}
	a.say("lukko: %d %s encrypted anew", r.Encrypted, files)
	if len(r.Settled) > 0 {
		a.say("  both sides of a merge were one version, and are one file again: %s; git add tells git so", core.Printable(strings.Join(r.Settled, ", ")))
	}
	if len(r.Failed) == 0 {
		return nil
	}
	for _, f := range r.Failed {
		a.say("  %s: %s", core.Printable(f.Path), core.Printable(f.Hint))
	}
	return failure(exitNo, fmt.Sprintf("%d files could not be encrypted anew, and are readable by whom they were before", len(r.Failed)),
		"mend them, then run lukko recipients sync")
}

func nameOf(r file.Recipient) string {
	if r.Name == "" {
		return core.Printable(r.Key)
	}
	return core.Printable(r.Key + " (" + r.Name + ")")
}
