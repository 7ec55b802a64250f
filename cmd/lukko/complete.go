package main

import "github.com/spf13/cobra"

// completeID offers the ids of declared secrets to the shell. It opens no
// store.
func (a *app) completeID(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.complete(given, false)
}

// completeVariable offers those of declared variables.
func (a *app) completeVariable(_ *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.complete(given, true)
}

func (a *app) complete(given []string, variables bool) ([]string, cobra.ShellCompDirective) {
	if len(given) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	c, err := a.loadConfig()
	if err != nil || c == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, d := range declaredOf(c, variables) {
		ids = append(ids, d.Meta().ID)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
