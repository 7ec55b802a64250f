package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

func newSet(a *app) *cobra.Command {
	var from, ifVersion string
	var exact, ifAbsent, ifChanged bool
	var made generation
	c := &cobra.Command{
		Use:   "set ID",
		Short: "Store a secret, from standard input, a file or a prompt, or make one",
		Long: `Store a secret. Its value comes from standard input, from a file, or, at a
terminal, from a prompt that doesn't show it; never from the command line, where
others can see it.

One line of text loses the newline at its end, which an editor or echo has put
there. Several lines, and anything that is not text, are stored byte for byte.
What lukko.yaml declares is validated before it is stored. With --generate the
value is made as declared, and not shown; without ID, all that are missing.`,
		Example: `  lukko set STRIPE_API_KEY
  lukko set STRIPE_CREDENTIALS --file stripe.json --env production
  lukko set --generate SESSION_KEY
  lukko set --generate SIGNING_KEY > signing.pub`,
		ValidArgsFunction: a.completeID,
		Args: func(c *cobra.Command, given []string) error {
			if len(given) > 1 {
				return valueOnCommandLine("lukko set ID")
			}
			if made.wanted {
				return args(0, 1)(c, given)
			}
			return args(1, 1)(c, given)
		},
	}
	c.Flags().StringVarP(&from, "file", "f", "", "the file that holds the value; - is standard input")
	c.Flags().BoolVar(&exact, "exact", false, "keep the newline at the end of one line of text")
	c.Flags().BoolVar(&ifAbsent, "if-absent", false, "only if the secret has no value yet; else exit 1")
	c.Flags().StringVar(&ifVersion, "if-version", "", "only over this version; else exit 1")
	c.Flags().BoolVar(&ifChanged, "if-changed", false, "make no new version of an equal value")
	c.Flags().BoolVar(&made.wanted, "generate", false, "make the value as lukko.yaml declares it, unless there is one; a public key is printed")
	c.Flags().BoolVar(&made.replace, "replace", false, "with --generate: replace a value that is there")
	c.SetFlagErrorFunc(valueFlagFault)
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, id := c.Context(), strings.Join(args, "")
		if err := made.flagFault(c); err != nil {
			return err
		}
		if err := core.CheckID(id); err != nil && len(args) > 0 {
			return err
		}
		var opts []core.SetOption
		if ifAbsent {
			opts = append(opts, core.IfAbsent())
		}
		if c.Flags().Changed("if-version") {
			opts = append(opts, core.IfVersion(ifVersion))
		}
		if ifChanged {
			opts = append(opts, core.IfChanged())
		}
		if err := a.notVariable(id); err != nil {
			return err
		}
		return a.with(ctx, func(t *target) error {
			// NAME=VALUE is an id as far as the bytes go. It is refused before
			// anything repeats it.
			if strings.Contains(id, "=") && !t.declares(id) {
				return valueOnCommandLine("lukko set ID")
			}
			if made.wanted {
				return a.generate(ctx, t, args, made)
			}
			d, declared := t.declaration(a, id)
			value, err := a.readValue(ctx, id, from, exact)
			if err != nil {
				return err
			}
			if declared {
				if err := d.Validate(value); err != nil {
					return notStored(d, err)
				}
			}
			var before core.Info
			if ifChanged {
				before, _ = t.Stat(ctx, id) // only to say what happened
			}
			info, err := t.Set(ctx, id, value, opts...)
			if err != nil {
				return err
			}
			if ifChanged && info.Version != "" && info.Version == before.Version {
				a.say("lukko: %s has this value already, %s", id, versionOf(info))
				return nil
			}
			a.say("lukko: stored %s, %s", id, versionOf(info))
			return nil
		})
	}
	return c
}

// valueFlagFault is flagFault where a value may have been given in place of a
// flag.
func valueFlagFault(c *cobra.Command, err error) error {
	own := &cliError{}
	if err = flagFault(c, err); errors.As(err, &own) && strings.HasSuffix(own.what, "no such flag") {
		own.hint += "; a value goes to standard input, --file, or the prompt"
	}
	return err
}

// valueOnCommandLine refuses a value that others can see, and does not make it
// worse by repeating it. set is the command that takes it.
func valueOnCommandLine(set string) error {
	return usage("a value is never taken from the command line, where others can see it and the shell keeps it",
		"give it on standard input, by --file, or at the prompt: "+set+" < FILE; what stood here is no secret any more")
}

func (t *target) declares(id string) bool {
	if t.config == nil {
		return false
	}
	_, ok := t.config.Declarations.ByID(id)
	return ok
}

// notVariable refuses an id that is declared as a variable: nobody would look
// for it where secrets are.
func (a *app) notVariable(id string) error {
	c, err := a.loadConfig()
	if c == nil {
		return err
	}
	if d, ok := c.Declarations.ByID(id); ok && d.Meta().Variable {
		return usage(core.Printable(id)+" is declared as a variable, at "+core.Printable(d.Meta().Place)+", and is no secret", "that is: lukko var set "+id+" VALUE")
	}
	return nil
}

// notStored is the error of a value that is not what is declared.
func notStored(d schema.Declared, err error) error {
	if errors.Is(err, schema.ErrDeclaration) {
		return err
	}
	m := d.Meta()
	return failure(exitNo, m.ID+" was not stored: it is not what "+m.Place+" declares", strings.Join(rulesOf(err), "; "))
}

// rulesOf lists the rules that a value does not hold.
func rulesOf(err error) []string {
	var invalid *schema.Error
	if !errors.As(err, &invalid) {
		return nil
	}
	var rules []string
	for _, p := range invalid.Problems {
		rules = append(rules, ruleText(p))
	}
	return rules
}

// versionOf names a version for people.
func versionOf(info core.Info) string {
	if info.Version == "" {
		return "in " + core.Printable(info.Source) + ", which has no versions"
	}
	return "version " + core.Printable(info.Version) + " in " + core.Printable(info.Source)
}
