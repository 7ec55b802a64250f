package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
	"github.com/lukko-dev/lukko/schema"
)

// verdict adds up what a check found.
type verdict struct {
	code     int
	warnings int
	fine     int // declared secrets that are as they should be
}

func (v *verdict) worse(code int) { v.code = max(v.code, code) }

func (t *target) check(ctx context.Context, a *app) (checked, verdict) {
	result := checked{Environment: core.Printable(t.name), Secrets: []checkedSecret{}, Findings: []checkedFinding{}}
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

// report judges one declared secret.
func (v *verdict) report(r schema.Report) checkedSecret {
	s := checkedSecret{
		ID: core.Printable(r.Meta.ID), Name: core.Printable(r.Meta.DisplayName), State: string(r.State),
		Rotation: string(r.Rotation), Due: stamp(r.Due), Version: core.Printable(r.Info.Version),
		Created: stamp(r.Info.Created), Source: core.Printable(r.Info.Source),
	}
	for _, warning := range r.Meta.Warnings {
		s.Notes = append(s.Notes, core.Printable(warning))
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
