package main

import (
	"github.com/spf13/cobra"
)

func newOAuth(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "oauth",
		Short: "Connect accounts by OAuth2, and tell, refresh and end their connections",
		Long: `Connect accounts by OAuth2: the credentials that lukko.yaml or its metadata
declare with oauth2. Their tokens are stored in the environment, and never
printed.`,
		Example: `  lukko oauth connect github
  lukko oauth status`,
		Args: knownCommand,
		RunE: showHelp,
	}
	c.AddCommand(newOAuthConnect(a), newOAuthStatus(a), newOAuthRefresh(a), newOAuthRevoke(a))
	return c
}
