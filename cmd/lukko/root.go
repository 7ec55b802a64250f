package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRoot makes the command tree.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "lukko",
		Short: "Keep, read and check the secrets of applications",
		Long: `Lukko keeps the secrets of applications in an encrypted store, or in any other
store that a URL names, and checks them against what lukko.yaml declares.

Exit codes: 0 yes; 1 the answer is no (missing, invalid, conflict); 2 it could
not be told (usage, configuration, denied, unreachable).`,
		Example: `  lukko init                          make an encrypted store here
  lukko set STRIPE_API_KEY < key.txt  store a secret
  lukko get STRIPE_API_KEY            print it
  lukko check                         is all there, and valid?
  lukko oauth connect github          connect an account`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          showHelp,
		Version:       moduleVersion(),
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.env, "env", "e", "", "the environment of lukko.yaml (default: LUKKO_ENV, or the file's own default)")
	flags.StringArrayVarP(&a.urls, "url", "u", nil, "a store by its URL in place of an environment; several are chained in order")
	flags.StringVar(&a.config, "config", "", "the configuration file (default: LUKKO_CONFIG, or lukko.yaml here or above)")

	root.AddCommand(
		newInit(a), newSet(a), newGet(a), newList(a), newRm(a),
		newVersions(a), newRollback(a), newRecipients(a), newVar(a),
		newCredentials(a), newOAuth(a),
		newCheck(a), newConformance(a), newGenerate(a), newVersion(a),
		newPolicy(a), newManifest(a),
	)
	root.SetFlagErrorFunc(flagFault)
	root.SetVersionTemplate(versionText())
	tameDefaults(root)
	return root
}

// tameDefaults makes the library's own commands answer a wrong argument as
// ours do.
func tameDefaults(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "completion":
			c.Args, c.RunE = knownCommand, showHelp
			c.Example = "  source <(lukko completion bash)"
			for _, shell := range c.Commands() {
				shell.Args = args(0, 0)
			}
		case "help":
			c.Example = "  lukko help recipients add"
			c.RunE = func(_ *cobra.Command, given []string) error {
				named, rest, err := root.Find(given)
				if err != nil || len(rest) > 0 {
					return knownCommand(named, []string{""})
				}
				return named.Help()
			}
		}
	}
}

func showHelp(c *cobra.Command, _ []string) error { return c.Help() }

// knownCommand refuses the name of a command that isn't there. It does not
// repeat what was given, which can be a value in the wrong place.
func knownCommand(c *cobra.Command, given []string) error {
	if len(given) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	hint := "see " + c.CommandPath() + " --help"
	if near := c.SuggestionsFor(given[0]); len(near) > 0 {
		hint = "did you mean " + c.CommandPath() + " " + near[0] + "? " + hint
	}
	return usage(c.CommandPath()+" has no such command", hint)
}

// args checks how many arguments there are. The error does not repeat them.
func args(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, given []string) error {
		if least <= len(given) && len(given) <= most {
			return nil
		}
		what := "too many arguments"
		if len(given) < least {
			what = "an argument is missing"
		}
		return usage(what, fmt.Sprintf("usage: %s; see %s --help", c.UseLine(), c.CommandPath()))
	}
}

// flagFault is the error of flags that don't parse. The library's own text
// repeats what was given, which can be a value in the wrong place.
func flagFault(c *cobra.Command, err error) error {
	see := "see " + c.CommandPath() + " --help"
	var unknown *pflag.NotExistError
	var needs *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &needs):
		return usage("the flag --"+needs.GetFlag().Name+" needs a value", see)
	case errors.As(err, &invalid):
		return usage("the value of --"+invalid.GetFlag().Name+" is not of its type", see)
	case errors.As(err, &unknown):
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := closest(unknown.GetSpecifiedName(), names); near != "" {
			see = "did you mean --" + near + "? " + see
		}
		return usage(c.CommandPath()+" has no such flag", see)
	}
	return usage("the flags don't parse", see)
}

// closest is the name that was probably meant; empty if none is near.
func closest(given string, names []string) string {
	best, least := "", 3
	for _, name := range names {
		if strings.EqualFold(given, name) {
			return name
		}
		if d := distance(strings.ToLower(given), strings.ToLower(name)); d < least && d < len(name)/2 {
			best, least = name, d
		}
	}
	return best
}

// distance is how many bytes have to be put in, taken out or replaced to make
// b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
