package main

import (
	"bytes"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newVarList(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [PREFIX]",
		Short: "List the variables of an environment, with their values",
		Long: `List the variables that are declared, and those that lukko.yaml has a value for in
the environment: their state, where the value comes from, and the value.`,
		Example: `  lukko var list --env production
  lukko var list LOG_ --json`,
		Args: args(0, 1),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, prefix := c.Context(), strings.Join(args, "")
		v, err := a.openVariables(ctx)
		if err != nil {
			return err
		}
		defer v.Close()
		rows, failed := v.look(ctx, v.ids(prefix))
		if err := a.show(asJSON, append([]variable{}, rows...), func(b *bytes.Buffer) {
			var cells [][]string
			for _, r := range rows {
				cells = append(cells, r.cells())
			}
			table(b, "", cells)
		}); err != nil {
			return err
		}
		if len(rows) == 0 && failed == nil {
			a.say("lukko: there are no variables in the environment %q", v.env.Name)
		}
		return failed
	}
	return c
}

// ids are those that are declared or set in the file, each once.
func (v *variables) ids(prefix string) []string {
	var ids []string
	for _, d := range v.declared() {
		ids = append(ids, d.Meta().ID)
	}
	for _, set := range v.env.Variables {
		ids = append(ids, set.ID)
	}
	slices.Sort(ids)
	return slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return !strings.HasPrefix(id, prefix) })
}

// cells are a row of a table, in which a long value is cut.
func (r variable) cells() []string {
	const most = 60
	state, value := r.State, ""
	if !r.Declared {
		state += ", undeclared"
	}
	if r.Value != nil {
		value = strings.ReplaceAll(*r.Value, "\n", " ")
		if letters := []rune(value); len(letters) > most {
			value = string(letters[:most]) + "…"
		}
	}
	return []string{r.ID, state, r.Source, value}
}
