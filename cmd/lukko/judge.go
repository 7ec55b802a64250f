package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/providers/file"
	"github.com/lukko-dev/lukko/schema"
)

// verdict adds up what a check found.
type verdict struct {
	code     int
	warnings int
	declared int
	fine     int // those that are as they should be
}

func (v *verdict) worse(code int) { v.code = max(v.code, code) }

func (t *target) check(ctx context.Context, a *app) (checked, verdict) {
	result := checked{
		Environment: core.Printable(t.name), Secrets: []checkedSecret{}, Variables: []checkedSecret{}, Findings: []checkedFinding{},
	}
	var v verdict
	fail := func(err error) {
		v.worse(exitCode(err))
		if result.Error == "" {
			result.Error = line(strings.Join(explain(ctx, err), ": "))
		}
	}
	var all both
	var declared []schema.Declared
	if err := t.open(ctx, a); err != nil {
		fail(err)
	} else {
		defer t.close()
		all.secrets, declared = t, t.secrets()
		if len(declared) == 0 {
			if err := t.answers(ctx); err != nil {
				fail(err)
			}
		}
	}
	if t.name != "" {
		env, err := t.config.Environment(t.name)
		if err == nil {
			all.variables, err = t.config.OpenVariablesWith(ctx, t.name, a.schemes())
		}
		if err != nil {
			fail(err)
		} else {
			defer all.variables.Close()
			all.of = &variables{Store: all.variables, config: t.config, env: env}
			declared = append(declared, all.of.declared()...)
		}
	}

	// All in one, as a group can have members of both kinds. Each report has
	// its own error.
	reports, _ := schema.Loader{Service: core.New("check", &all), Environment: t.name}.Status(ctx, declared...)
	states := map[string]schema.State{}
	for _, r := range reports {
		states[r.Meta.ID] = r.State
	}
	for _, r := range reports {
		s := v.report(r, t.config)
		if r.Meta.Variable {
			s.Problems = all.of.problems(r)
			if r.State == schema.StateOK {
				s.Source = all.of.source(r.Info)
			}
			result.Variables = append(result.Variables, s)
			continue
		}
		if r.State == schema.StateMissing {
			s.Problems = append(t.whyMissing(ctx, r.Meta.ID), s.Problems...)
			if r.Meta.Generate != "" {
				s.Problems = append(s.Problems, core.Printable("or make it: lukko set --generate "+r.Meta.ID))
			}
		}
		if name, app := t.accountAt(r.Meta.ID); name != "" {
			switch {
			case r.State == schema.StateAbsent && states[app] != schema.StateAbsent:
				s.Notes = append(s.Notes, "not connected: lukko oauth connect "+name)
			case r.State == schema.StateInvalid:
				s.Problems = append(s.Problems, "to replace it: lukko oauth connect "+name)
			}
		}
		result.Secrets = append(result.Secrets, s)
	}
	if all.of != nil {
		result.Variables = append(result.Variables, v.undeclared(all.of)...)
	}
	if all.secrets == nil {
		return result, v
	}
	layers, err := t.fileLayers(a)
	if err != nil {
		fail(err)
	}
	defer closeAll(layers)
	for _, l := range layers {
		found, err := l.Check(ctx)
		if err != nil {
			fail(err)
		}
		for _, f := range found {
			v.finding(f)
			result.Findings = append(result.Findings, checkedFinding{
				Kind: string(f.Kind), Store: core.Printable(l.name), Path: core.Printable(f.Path),
				ID: core.Printable(f.ID), Version: core.Printable(f.Version), Hint: core.Printable(f.Hint),
			})
		}
	}
	return result, v
}

// answers asks a store of which nothing is declared for an id that it won't
// have, so that one which is down or denies is not called fine.
func (t *target) answers(ctx context.Context) error {
	_, err := t.Stat(ctx, "lukko_check_asks_whether_you_are_there")
	if errors.Is(err, core.ErrNotFound) || errors.Is(err, core.ErrInvalidID) {
		return nil
	}
	return err
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
	return []string{core.Printable(missing.Hint)}
}

// accountAt returns the name of the account whose tokens are at an id, and the
// id of its application's secret. An account that needs nobody to connect it is
// none.
func (t *target) accountAt(id string) (name, app string) {
	if t.config == nil {
		return "", ""
	}
	for d := range t.config.Credentials.All() {
		if m := d.Meta(); isAccount(m) && !m.PerUser && m.TokenSecretID == id && m.OAuth2.Grant != oauth2.GrantClientCredentials {
			return m.Name, m.SecretID
		}
	}
	return "", ""
}

// report judges one declared secret or variable.
func (v *verdict) report(r schema.Report, c *config.Config) checkedSecret {
	v.declared++
	s := checkedSecret{
		ID: core.Printable(r.Meta.ID), Name: core.Printable(r.Meta.DisplayName), State: string(r.State),
		Rotation: string(r.Rotation), Due: stamp(r.Due), Version: core.Printable(r.Info.Version),
		Created: stamp(r.Info.Created), Source: core.Printable(r.Info.Source),
	}
	for _, warning := range r.Meta.Warnings {
		s.Notes = append(s.Notes, core.Printable(warning))
	}
	if note := unknownEnvironments(r.Meta, c); note != "" {
		s.Notes = append(s.Notes, note)
		v.warnings++
	}
	var why *schema.Error
	if errors.As(r.Err, &why) {
		for _, p := range why.Problems {
			s.Problems = append(s.Problems, problem(r.State, p))
		}
	}
	switch r.State {
	case schema.StateOK, schema.StateAbsent, schema.StateDefault:
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

// unknownEnvironments says that a declaration in Go requires a value in an
// environment that lukko.yaml does not have: with a slip in its name it would
// be required nowhere.
func unknownEnvironments(m schema.Meta, c *config.Config) string {
	for _, name := range m.RequiredIn {
		if slices.Contains(c.Names(), name) {
			continue
		}
		note := "it is required in " + name + ", which is no environment of lukko.yaml"
		if near := closest(name, c.Names()); near != "" {
			note += "; did you mean " + near + "?"
		}
		return core.Printable(note)
	}
	return ""
}

// undeclared warns of values that nobody declares.
func (v *verdict) undeclared(of *variables) (rows []checkedSecret) {
	for _, set := range of.env.Variables {
		if _, ok := of.config.Declarations.ByID(set.ID); ok {
			continue
		}
		v.warnings++
		rows = append(rows, checkedSecret{
			ID: core.Printable(set.ID), State: "undeclared", Source: core.Printable(set.Place),
			Problems: []string{undeclared(of.config, set.ID) + ", and " + core.Printable(set.Place) + " has a value for it"},
		})
	}
	return rows
}

// problem is one problem of a secret that is named beside it.
func problem(state schema.State, p schema.Problem) string {
	var inner *core.Error
	switch {
	case p.Rule == schema.RuleGroup && errors.As(p.Err, &inner):
		return core.Printable(inner.Hint)
	case state == schema.StateMissing:
		return core.Printable(p.Detail)
	case state == schema.StateUnknown && errors.As(p.Err, &inner):
		text := inner.Hint
		if kind := core.KindOf(inner); kind != nil {
			text = strings.TrimSuffix(kind.Error()+": "+text, ": ")
		}
		return core.Printable(text)
	}
	return core.Printable(ruleText(p))
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
