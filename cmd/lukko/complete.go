package main

import "github.com/spf13/cobra"

// completeID offers the declared ids to the shell. It opens no store.
func (a *app) completeID(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(given) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := a.loadConfig()
	if err != nil || c == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for d := range c.Declarations.All() {
		ids = append(ids, d.Meta().ID)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
