package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

func newVar(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "var",
		Short: "Read and change the variables of an environment, which are no secrets",
		Long: `Read and change variables: configuration that is no secret. lukko.yaml holds
their values for each environment, in clear, and the process environment goes
before it.`,
		Example: `  lukko var list --env production
  lukko var set LOG_LEVEL debug`,
		Args: knownCommand,
		RunE: showHelp,
	}
	c.AddCommand(newVarGet(a), newVarSet(a), newVarList(a), newVarRm(a))
	return c
}

// variable is what is told of one variable.
type variable struct {
	ID       string   `json:"id"`
	Declared bool     `json:"declared"`
	State    string   `json:"state"`
	Name     string   `json:"name,omitempty"`   // for people, from the declaration
	Value    *string  `json:"value,omitempty"`  // absent where there is none
	Source   string   `json:"source,omitempty"` // env, lukko.yaml:7, default
	Problems []string `json:"problems,omitempty"`
}

// The sources of a value that are no store.
const sourceDefault = "default"

// variables are those of an environment, open.
type variables struct {
	*core.Store
	config *config.Config
	env    config.Environment
}

// openVariables opens the variables of the environment that the flags, the
// process environment or lukko.yaml name. The caller closes them.
func (a *app) openVariables(ctx context.Context) (*variables, error) {
	if err := a.noURL(); err != nil {
		return nil, err
	}
	c, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errNoConfig
	}
	env, err := c.Environment(a.env)
	if err != nil {
		return nil, err
	}
	store, err := c.OpenVariablesWith(ctx, env.Name, a.schemes())
	if err != nil {
		return nil, err
	}
	return &variables{Store: store, config: c, env: env}, nil
}

var errNoConfig = usage("there is no lukko.yaml here or in a folder above, and variables are in it", "run lukko init")

func (a *app) noURL() error {
	if len(a.urls) == 0 {
		return nil
	}
	return usage("--url names a store of secrets, and variables are those of an environment of lukko.yaml", "name it by --env")
}

// declared are the variables that lukko.yaml and its metadata declare.
func (v *variables) declared() []schema.Declared { return declaredOf(v.config, true) }

// declaredOf are the declared variables, or the declared secrets.
func declaredOf(c *config.Config, variables bool) (some []schema.Declared) {
	if c == nil {
		return nil
	}
	for d := range c.Declarations.All() {
		if d.Meta().Variable == variables {
			some = append(some, d)
		}
	}
	return some
}

// look tells of variables, in the order of ids.
func (v *variables) look(ctx context.Context, ids []string) ([]variable, error) {
	found, err := v.GetMany(ctx, ids)
	var some *core.BatchError
	if err != nil && !errors.As(err, &some) {
		return nil, err
	}
	reports, _ := schema.Loader{Service: v, Environment: v.env.Name}.Status(ctx, v.declared()...) // each has its own error
	rows := make([]variable, len(ids))
	for i, id := range ids {
		row := &rows[i]
		row.ID, row.State = id, string(schema.StateOK)
		secret, there := found[id]
		switch {
		case there:
			value := secret.Value.Reveal()
			row.Value, row.Source = &value, v.source(secret.Info)
		case some != nil && some.ByID[id] != nil:
			row.State = string(schema.StateUnknown)
		default:
			row.State = string(schema.StateMissing)
		}
		at := slices.IndexFunc(reports, func(r schema.Report) bool { return r.Meta.ID == id })
		if at < 0 {
			continue
		}
		r := reports[at]
		row.Declared, row.State, row.Name = true, string(r.State), core.Printable(r.Meta.DisplayName)
		row.Problems = v.problems(r)
		if r.State == schema.StateDefault {
			row.Value, row.Source = &r.Meta.Default, sourceDefault
		}
	}
	return rows, err
}

// source is the layer that has a value, with the line where that is the file.
func (v *variables) source(info core.Info) string {
	if in, ok := v.env.Variable(info.ID); ok && info.Source == config.FileName {
		return core.Printable(in.Place)
	}
	return core.Printable(info.Source)
}

// problems says what is wrong with a variable, and what to do.
func (v *variables) problems(r schema.Report) (problems []string) {
	var why *schema.Error
	if !errors.As(r.Err, &why) {
		return nil
	}
	for _, p := range why.Problems {
		if p.Rule == schema.RuleMissing {
			text := "set it, as with: lukko var set " + r.Meta.ID + " VALUE --env " + v.env.Name
			if r.Meta.DocsURL != "" {
				text += "; what it may be: " + r.Meta.DocsURL
			}
			problems = append(problems, core.Printable(text))
			continue
		}
		problems = append(problems, problem(r.State, p))
	}
	return problems
}

// undeclared says on standard error that nobody declares an id, and which one
// was probably meant.
func undeclared(c *config.Config, id string) string {
	var ids []string
	for _, d := range declaredOf(c, true) {
		ids = append(ids, d.Meta().ID)
	}
	text := core.Printable(id) + " is not declared"
	if near := closest(id, ids); near != "" {
		text += "; did you mean " + core.Printable(near) + "?"
	}
	return text
}

// notSecret refuses an id that is declared as a secret.
func notSecret(c *config.Config, id, command string) error {
	if d, ok := c.Declarations.ByID(id); ok && !d.Meta().Variable {
		return usage(core.Printable(id)+" is declared as a secret, at "+core.Printable(d.Meta().Place)+", and is no variable", "that is: lukko "+command+" "+id)
	}
	return nil
}
