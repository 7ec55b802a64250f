package main

import (
	"bytes"
	"context"
	"errors"
	"iter"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
)

// versionRow is one line of the versions.
type versionRow struct {
	Version string `json:"version"`
	Created string `json:"created,omitempty"`
	Source  string `json:"source,omitempty"`
	Current bool   `json:"current"`
}

func newVersions(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "versions ID",
		Short: "List the versions of a secret that are kept, newest first",
		Long: `List the versions of a secret that are kept, newest first. In an encrypted store
those of a removed or damaged secret are listed too.`,
		Example:           "  lukko versions STRIPE_CREDENTIALS",
		Args:              args(1, 1),
		ValidArgsFunction: a.completeID,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, id := c.Context(), args[0]
		return a.with(ctx, func(t *target) error {
			rows, err := collect(t.Versions(ctx, id))
			if len(rows) > 0 {
				rows[0].Current = true
			}
			what := "was removed"
			if errors.Is(err, core.ErrCorrupt) {
				what = "is damaged"
			}
			if len(rows) == 0 && (errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrCorrupt)) {
				if kept := t.kept(ctx, a, id); len(kept) > 0 {
					a.say("lukko: %s %s; lukko rollback %s VERSION brings a value back", id, what, id)
					rows, err = kept, nil
				}
			}
			if len(rows) == 0 && err != nil {
				return err
			}
			if failed := a.show(asJSON, rows, func(b *bytes.Buffer) {
				var cells [][]string
				for _, r := range rows {
					current := ""
					if r.Current {
						current = "current"
					}
					cells = append(cells, []string{r.Version, r.Created, r.Source, current})
				}
				table(b, "", cells)
			}); failed != nil {
				return failed
			}
			return err // of the versions that could not be told about
		})
	}
	return c
}

func collect(versions iter.Seq2[core.Info, error]) ([]versionRow, error) {
	var rows []versionRow
	for info, err := range versions {
		if err != nil {
			return rows, err
		}
		rows = append(rows, versionRow{Version: core.Printable(info.Version), Created: stamp(info.Created), Source: core.Printable(info.Source)})
	}
	return rows, nil
}

// kept are the versions that an encrypted store keeps of a secret that was
// removed or damaged.
func (t *target) kept(ctx context.Context, a *app, id string) []versionRow {
	store, err := t.fileStore(a)
	if err != nil {
		return nil // there is none
	}
	defer store.Close()
	rows, _ := collect(store.History(ctx, store.prefix+id)) // what can be told
	if len(t.stores) > 1 {
		for i := range rows {
			rows[i].Version, rows[i].Source = store.name+":"+rows[i].Version, store.name
		}
	}
	return rows
}
