package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// checked is what check tells of one environment. It holds no value.
type checked struct {
	Environment string           `json:"environment,omitempty"`
	Secrets     []checkedSecret  `json:"secrets"`
	Variables   []checkedSecret  `json:"variables"`
	Findings    []checkedFinding `json:"findings"`
	Error       string           `json:"error,omitempty"` // why the whole could not be told
}

// checkedSecret is a secret or a variable.
type checkedSecret struct {
	ID       string   `json:"id"`
	Name     string   `json:"name,omitempty"`
	State    string   `json:"state"`
	Rotation string   `json:"rotation,omitempty"`
	Due      string   `json:"due,omitempty"`
	Version  string   `json:"version,omitempty"`
	Created  string   `json:"created,omitempty"`
	Source   string   `json:"source,omitempty"`
	Problems []string `json:"problems,omitempty"`
	Notes    []string `json:"notes,omitempty"` // of the declaration, such as that its id is not portable
}

// checkedFinding is about a file of an encrypted store.
type checkedFinding struct {
	Kind    string `json:"kind"`
	Store   string `json:"store"` // the layer
	Path    string `json:"path"`
	ID      string `json:"id,omitempty"`
	Version string `json:"version,omitempty"`
	Hint    string `json:"hint"`
}

func newCheck(a *app) *cobra.Command {
	var all, strict, asJSON bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Tell what is missing, invalid, due for rotation or readable by others",
		Long: `Tell, all at once, what of that which lukko.yaml and its metadata declare is
missing or invalid (exit 1), due for rotation (a warning), encrypted to an old set
of recipients (exit 1), or could not be told since it is denied or unreachable
(exit 2, which wins). No value is ever printed. Variables are those of the
environment, and are left out with --url.`,
		Example: `  lukko check --env production
  lukko check --all --strict --json`,
		Args: args(0, 0),
	}
	c.Flags().BoolVar(&all, "all", false, "check every environment of lukko.yaml")
	c.Flags().BoolVar(&strict, "strict", false, "exit 1 for warnings, too")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		ctx := c.Context()
		targets, err := a.targets(all)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		results := []checked{}
		code := exitYes
		for _, t := range targets {
			result, verdict := t.check(ctx, a)
			if ctx.Err() != nil {
				return interrupted()
			}
			code = max(code, verdict.code)
			if strict && verdict.warnings > 0 {
				code = max(code, exitNo)
			}
			results = append(results, result)
			if !asJSON {
				result.write(&b, t, verdict)
			}
		}
		if asJSON {
			err := document(&b, struct {
				Exit         int       `json:"exit"`
				Environments []checked `json:"environments"`
			}{code, results})
			if err != nil {
				return err
			}
		}
		if err := a.print(&b); err != nil {
			return err
		}
		return answer(code)
	}
	return c
}

// targets are the stores to check.
func (a *app) targets(all bool) ([]*target, error) {
	if !all {
		t, err := a.choose()
		return []*target{t}, err
	}
	if len(a.urls) > 0 || a.env != "" {
		return nil, usage("--all checks every environment, so it goes with neither --env nor --url", "leave one of them out")
	}
	c, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, usage("there is no lukko.yaml here or in a folder above, so there are no environments", "run lukko init")
	}
	var targets []*target
	for _, env := range c.Environments {
		targets = append(targets, &target{name: env.Name, stores: env.Stores, config: c})
	}
	return targets, nil
}

// write tells people of one environment: what is fine in a number, and the
// rest by name.
func (r checked) write(b *bytes.Buffer, t *target, v verdict) {
	title := t.name
	if title == "" {
		title = "the store"
	}
	switch {
	case r.Error != "" && v.declared == 0:
		fmt.Fprintf(b, "%s: could not be checked\n", core.Printable(title))
	case v.declared == 0 && len(declaredOf(t.config, true)) > 0:
		fmt.Fprintf(b, "%s: no secret is declared in lukko.yaml\n", core.Printable(title))
	case v.declared == 0:
		fmt.Fprintf(b, "%s: nothing is declared in lukko.yaml\n", core.Printable(title))
	default:
		fmt.Fprintf(b, "%s: %d of %d declared are fine\n", core.Printable(title), v.fine, v.declared)
	}
	if r.Error != "" {
		fmt.Fprintf(b, "  %s\n", r.Error)
	}
	var rows [][]string
	all := slices.Concat(r.Secrets, r.Variables)
	for _, s := range all {
		why := strings.Join(s.Problems, "; ")
		switch schema.State(s.State) {
		case schema.StateOK, schema.StateAbsent, schema.StateDefault:
		default:
			rows = append(rows, []string{s.State, s.ID, why})
		}
		switch schema.Rotation(s.Rotation) {
		case schema.RotationDue:
			rows = append(rows, []string{"due", s.ID, "for rotation since " + s.Due})
		case schema.RotationUnknown:
			rows = append(rows, []string{"age?", s.ID, "the store does not tell when it was stored, so nobody knows whether it is due for rotation"})
		}
	}
	for _, s := range all {
		for _, note := range s.Notes {
			rows = append(rows, []string{"note", s.ID, note})
		}
	}
	for _, f := range r.Findings {
		rows = append(rows, []string{f.Kind, f.Path, f.Hint})
	}
	table(b, "  ", rows)
}
