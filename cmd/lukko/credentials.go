package main

import (
	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/credentials"
)

func newCredentials(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "credentials",
		Short: "List, store and remove credentials: keys and connected accounts",
		Long: `List, store and remove credentials by the names that lukko.yaml or its metadata
declare: the application's own, and those that each user has one of. Keys are
stored here; accounts are connected by lukko oauth connect.`,
		Example: `  lukko credentials list
  lukko credentials set stripe --user alice < key.txt`,
		Args: knownCommand,
		RunE: showHelp,
	}
	c.AddCommand(newCredentialsList(a), newCredentialsGet(a), newCredentialsSet(a), newCredentialsRm(a))
	return c
}

// notAccount refuses what is for keys only.
func notAccount(m credentials.Meta, what, hint string) error {
	if isAPIKey(m) {
		return nil
	}
	return usage(m.Name+" is an account, "+what, hint)
}
