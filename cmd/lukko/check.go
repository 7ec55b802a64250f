package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
	"github.com/lukko-dev/lukko/schema"
)

// checked is what check tells of one environment. It holds no value.
type checked struct {
	Environment string           `json:"environment,omitempty"`
	Secrets     []checkedSecret  `json:"secrets"`
	Findings    []checkedFinding `json:"findings"`
	Error       string           `json:"error,omitempty"` // why the whole could not be told
}

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
		Long: `Tell, all at once, what of that which lukko.yaml declares is missing or invalid
(exit 1), due for rotation (a warning), encrypted to an old set of recipients
(exit 1), or could not be told since it is denied or unreachable (exit 2, which
wins). No value is ever printed.`,
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

// verdict adds up what a check found.
type verdict struct {
	code     int
	warnings int
	fine     int // declared secrets that are as they should be
}

func (v *verdict) worse(code int) { v.code = max(v.code, code) }

func (t *target) check(ctx context.Context, a *app) (checked, verdict) {
	result := checked{Environment: printable(t.name), Secrets: []checkedSecret{}, Findings: []checkedFinding{}}
	var v verdict
	fail := func(err error) {
		v.worse(exitCode(err))
		if result.Error == "" {
			result.Error = line(strings.Join(explain(ctx, err), ": "))
		}
	}
	if err := t.open(ctx, a); err != nil {
		fail(err)
		return result, v
	}
	defer t.close()

	reports, _ := schema.Status(ctx, t, t.declared()...) // each report has its own error
	for _, r := range reports {
		s := v.report(r)
		if r.State == schema.StateMissing {
			s.Problems = append(t.whyMissing(ctx, r.Meta.ID), s.Problems...)
		}
		result.Secrets = append(result.Secrets, s)
	}
	names, stores, err := t.fileStores(a)
	if err != nil {
		fail(err)
	}
	defer closeAll(stores)
	for i, store := range stores {
		found, err := store.Check(ctx)
		if err != nil {
			fail(err)
		}
		for _, f := range found {
			v.finding(f)
			result.Findings = append(result.Findings, checkedFinding{
				Kind: string(f.Kind), Store: printable(names[i]), Path: printable(f.Path),
				ID: printable(f.ID), Version: printable(f.Version), Hint: printable(f.Hint),
			})
		}
	}
	return result, v
}

// whyMissing asks a store for what it says of an id that is not there, such as
// that a variable is set and empty. An encrypted store has nothing to add.
func (t *target) whyMissing(ctx context.Context, id string) []string {
	if !slices.ContainsFunc(t.stores, func(s config.Store) bool { return !strings.HasPrefix(s.URL, "file:") }) {
		return nil
	}
	_, err := t.Stat(ctx, id)
	var missing *core.Error
	if !errors.Is(err, core.ErrNotFound) || !errors.As(err, &missing) || missing.Hint == "" {
		return nil
	}
	return []string{printable(missing.Hint)}
}

// report judges one declared secret.
func (v *verdict) report(r schema.Report) checkedSecret {
	s := checkedSecret{
		ID: printable(r.Meta.ID), Name: printable(r.Meta.DisplayName), State: string(r.State),
		Rotation: string(r.Rotation), Due: stamp(r.Due), Version: printable(r.Info.Version),
		Created: stamp(r.Info.Created), Source: printable(r.Info.Source),
	}
	for _, warning := range r.Meta.Warnings {
		s.Notes = append(s.Notes, printable(warning))
	}
	var why *schema.Error
	if errors.As(r.Err, &why) {
		for _, p := range why.Problems {
			s.Problems = append(s.Problems, problem(r.State, p))
		}
	}
	switch r.State {
	case schema.StateOK, schema.StateAbsent:
		v.fine++
	case schema.StateMissing, schema.StateInvalid:
		v.worse(exitNo)
	default: // denied, unreachable, damaged, or declared wrongly
		v.worse(exitCode(r.Err))
	}
	if r.Rotation == schema.RotationDue {
		v.warnings++
	}
	return s
}

// problem is one problem of a secret that is named beside it.
func problem(state schema.State, p schema.Problem) string {
	var inner *core.Error
	switch {
	case state == schema.StateMissing:
		return printable(p.Detail)
	case state == schema.StateUnknown && errors.As(p.Err, &inner):
		text := inner.Hint
		if kind := core.KindOf(inner); kind != nil {
			text = strings.TrimSuffix(kind.Error()+": "+text, ": ")
		}
		return printable(text)
	}
	return printable(ruleText(p))
}

// ruleText is where in a value which rule does not hold.
func ruleText(p schema.Problem) string {
	text := p.Rule
	if p.Pointer != "" {
		text = p.Pointer + ": " + text
	}
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return text
}

// finding judges one file of an encrypted store.
func (v *verdict) finding(f file.Finding) {
	switch f.Kind {
	case file.Plain, file.Stray, file.Twins, file.Writable:
		v.warnings++
	case file.Unreadable:
		v.worse(exitUnknown)
	default: // readable by others, or damaged
		v.worse(exitNo)
	}
}

// write tells people of one environment: what is fine in a number, and the
// rest by name.
func (r checked) write(b *bytes.Buffer, t *target, v verdict) {
	title := t.name
	if title == "" {
		title = "the store"
	}
	declared := len(r.Secrets)
	switch {
	case r.Error != "" && declared == 0:
		fmt.Fprintf(b, "%s: could not be checked\n", printable(title))
	case declared == 0:
		fmt.Fprintf(b, "%s: nothing is declared in lukko.yaml\n", printable(title))
	default:
		fmt.Fprintf(b, "%s: %d of %d declared are fine\n", printable(title), v.fine, declared)
	}
	if r.Error != "" {
		fmt.Fprintf(b, "  %s\n", r.Error)
	}
	var rows [][]string
	for _, s := range r.Secrets {
		why := strings.Join(s.Problems, "; ")
		switch schema.State(s.State) {
		case schema.StateOK, schema.StateAbsent:
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
	for _, s := range r.Secrets {
		for _, note := range s.Notes {
			rows = append(rows, []string{"note", s.ID, note})
		}
	}
	for _, f := range r.Findings {
		rows = append(rows, []string{f.Kind, f.Path, f.Hint})
	}
	table(b, "  ", rows)
}
