package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

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

func newVarGet(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "get ID",
		Short: "Print the value of a variable, byte for byte",
		Long: `Print the value that a program would get in an environment: that of the process
environment, else that of lukko.yaml, else the default that is declared.`,
		Example: `  lukko var get LOG_LEVEL --env production
  lukko var get LOG_LEVEL --json`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeVariable,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, with where the value comes from")
	c.RunE = func(c *cobra.Command, args []string) error {
		ctx, id := c.Context(), args[0]
		if err := core.CheckID(id); err != nil {
			return err
		}
		v, err := a.openVariables(ctx)
		if err != nil {
			return err
		}
		defer v.Close()
		if err := notSecret(v.config, id, "get"); err != nil {
			return err
		}
		rows, err := v.look(ctx, []string{id})
		var some *core.BatchError
		if errors.As(err, &some) {
			err = some.ByID[id]
		}
		if err != nil {
			return err
		}
		row := rows[0]
		if asJSON {
			var b bytes.Buffer
			if err := document(&b, row); err != nil {
				return err
			}
			if err := a.print(&b); err != nil {
				return err
			}
			if row.Value == nil {
				return answer(exitNo)
			}
			return nil
		}
		if !row.Declared {
			a.say("lukko: %s", undeclared(v.config, id))
		}
		switch {
		case row.Value == nil:
			return failure(exitNo, core.Printable(id)+` has no value in the environment "`+v.env.Name+`"`, "lukko var set "+id+" VALUE --env "+v.env.Name)
		case len(row.Problems) > 0:
			a.say("lukko: %s is %s: %s", id, row.State, strings.Join(row.Problems, "; "))
		}
		return a.revealVariable(*row.Value)
	}
	return c
}

// revealVariable writes a value to standard output. Unlike a secret's it may
// be read by others.
func (a *app) revealVariable(value string) error {
	if err := a.write([]byte(value)); err != nil {
		return err
	}
	if stdout, ok := a.out.(interface{ Fd() uintptr }); ok && term.IsTerminal(int(stdout.Fd())) && !strings.HasSuffix(value, "\n") {
		a.say("")
	}
	return nil
}

func newVarSet(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "set ID [VALUE]",
		Short: "Write the value of a variable into lukko.yaml",
		Long: `Write the value of a variable into lukko.yaml, for one environment. All else in
the file stays as it is, comments too. The value is an argument, since it is no
secret, or standard input, of which one line loses the newline at its end. One
that begins with a dash follows two: lukko var set OFFSET -- -5

What is declared is validated first, and what is declared as a secret is refused.`,
		Example: `  lukko var set LOG_LEVEL debug --env production
  lukko var set LIMITS '{"perMinute": 100}'
  lukko var set BANNER < banner.txt`,
		Args:              args(1, 2),
		ValidArgsFunction: a.completeVariable,
		RunE: func(c *cobra.Command, args []string) error {
			ctx, id := c.Context(), args[0]
			if err := core.CheckID(id); err != nil {
				return err
			}
			if strings.Contains(id, "=") && len(args) == 1 {
				return usage("the id holds an equals sign", "the value is an argument of its own: lukko var set ID VALUE")
			}
			path, err := a.variablesFile()
			if err != nil {
				return err
			}
			value, err := a.variableValue(ctx, args[1:])
			if err != nil {
				return err
			}
			set, err := config.SetVariable(path, a.env, id, value)
			if err != nil {
				return notWritten(id, err)
			}
			env, err := a.tellUndeclared(id)
			if err != nil {
				return err
			}
			a.say("lukko: set %s for %s, in %s", id, env, core.Printable(set.Place))
			if over, ok := a.lookup(id); ok && over != "" {
				a.say("lukko: the environment variable %s is set here, and goes before it", id)
			}
			return nil
		},
	}
}

// variablesFile is the lukko.yaml to edit.
func (a *app) variablesFile() (string, error) {
	if err := a.noURL(); err != nil {
		return "", err
	}
	path, err := config.Locate(a.config)
	if errors.Is(err, config.ErrNotFound) {
		return "", errNoConfig
	}
	return path, err
}

// variableValue is the argument, or else standard input.
func (a *app) variableValue(ctx context.Context, given []string) (string, error) {
	if len(given) > 0 {
		return given[0], nil
	}
	if term.IsTerminal(int(a.in.Fd())) {
		return "", usage("the value is missing", "usage: lukko var set ID VALUE, or lukko var set ID < FILE")
	}
	data, err := a.readAll(ctx, "")
	if err != nil {
		return "", err
	}
	data, _ = core.TrimLine(data)
	return string(data), nil
}

// tellUndeclared reads the file that was written, says whether an id is not
// declared there, and returns the name of the environment.
func (a *app) tellUndeclared(id string) (environment string, err error) {
	c, err := a.loadConfig()
	if err != nil {
		return "", err
	}
	env, err := c.Environment(a.env)
	if err != nil {
		return "", err
	}
	if _, ok := c.Declarations.ByID(id); !ok {
		a.say("lukko: %s", undeclared(c, id))
	}
	return env.Name, nil
}

// notWritten is the error of a value that was not written.
func notWritten(id string, err error) error {
	var invalid *schema.Error
	var refused *core.Error
	switch {
	case errors.As(err, &invalid) && !errors.Is(err, schema.ErrDeclaration):
		return failure(exitNo, id+" was not set: it is not what "+core.Printable(invalid.Problems[0].Place)+" declares", strings.Join(rulesOf(err), "; "))
	case errors.As(err, &refused):
		return failure(exitCode(err), core.Printable(id)+" was not changed", refused.Hint)
	}
	return err
}

func newVarRm(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "rm ID",
		Short:             "Take a variable out of lukko.yaml, for one environment",
		Example:           `  lukko var rm LOG_LEVEL --env production`,
		Args:              args(1, 1),
		ValidArgsFunction: a.completeVariable,
		RunE: func(_ *cobra.Command, args []string) error {
			id := args[0]
			if err := core.CheckID(id); err != nil {
				return err
			}
			path, err := a.variablesFile()
			if err != nil {
				return err
			}
			was, err := config.DeleteVariable(path, a.env, id)
			if err != nil {
				return notWritten(id, err)
			}
			a.say("lukko: took %s out of %s, where it was in line %s", id, core.Printable(filepath.Base(path)), was.Place[strings.LastIndexByte(was.Place, ':')+1:])
			if over, ok := a.lookup(id); ok && over != "" {
				a.say("lukko: the environment variable %s is still set here", id)
			}
			return nil
		},
	}
}

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
		var b bytes.Buffer
		if asJSON {
			if err := document(&b, append([]variable{}, rows...)); err != nil {
				return err
			}
		} else {
			var cells [][]string
			for _, r := range rows {
				cells = append(cells, r.cells())
			}
			table(&b, "", cells)
		}
		if err := a.print(&b); err != nil {
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
