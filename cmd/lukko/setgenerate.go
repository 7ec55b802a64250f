package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// generation is what lukko set --generate was asked for.
type generation struct {
	wanted, replace bool
}

// flagFault says which flags don't go together; nil if they do.
func (g generation) flagFault(c *cobra.Command) error {
	if !g.wanted {
		if g.replace {
			return usage("--replace goes with --generate only", "without it, set replaces what is there; --if-absent keeps it")
		}
		return nil
	}
	for _, other := range []string{"file", "exact", "if-version", "if-changed"} {
		if c.Flags().Changed(other) {
			return usage("--generate makes the value, so it does not go with --"+other, "leave one of them out")
		}
	}
	if g.replace && c.Flags().Changed("if-absent") {
		return usage("--replace and --if-absent contradict each other", "leave one of them out")
	}
	return nil
}

// generate makes and stores one secret, or all that are missing.
func (a *app) generate(ctx context.Context, t *target, ids []string, g generation) error {
	if len(ids) == 0 {
		if g.replace {
			return usage("--replace is for one secret", "name it: lukko set --generate --replace ID")
		}
		return a.generateMissing(ctx, t)
	}
	id := ids[0]
	d, ok := t.declaration(a, id)
	switch {
	case !ok:
		return usage(core.Printable(id)+" is not declared, so nobody knows how to make it", "declare it in lukko.yaml: secrets: {"+core.Printable(id)+": {generate: random}}")
	case d.Meta().Generate == "":
		return usage(core.Printable(id)+" is not declared as one that can be made, at "+core.Printable(d.Meta().Place), "add generate: random there, or hex, uuid, ed25519, rsa; or give a value to lukko set "+id)
	}
	public, err := a.generateOne(ctx, t, d, g.replace)
	if err != nil {
		return err
	}
	return a.write([]byte(public))
}

// generateOne makes and stores one secret, and returns its public key, if it
// has one.
func (a *app) generateOne(ctx context.Context, t *target, d schema.Declared, replace bool) (public string, err error) {
	id := d.Meta().ID
	made, err := schema.Generate(d)
	if err != nil {
		if errors.Is(err, schema.ErrDeclaration) {
			return "", err
		}
		return "", notStored(d, err)
	}
	var opts []core.SetOption
	if !replace {
		can, err := t.Capabilities(ctx)
		if err != nil {
			return "", err
		}
		if can.IfAbsent {
			opts = append(opts, core.IfAbsent())
		} else if err := absent(ctx, t, id); err != nil {
			return "", err
		}
	}
	info, err := t.Set(ctx, id, made.Value, opts...)
	if errors.Is(err, core.ErrConflict) && len(opts) > 0 {
		if there := absent(ctx, t, id); there != nil {
			err = there
		}
	}
	if err != nil {
		return "", err
	}
	a.say("lukko: made and stored %s, %s", id, versionOf(info))
	return made.Public, nil
}

// absent returns an error unless an id has no value.
func absent(ctx context.Context, t *target, id string) error {
	there, err := core.Has(ctx, t, id)
	if err != nil || !there {
		return err
	}
	return failure(exitNo, id+" has a value already, which was kept", "lukko set --generate --replace "+id+" makes another one")
}

// generateMissing makes and stores all that is missing and can be made. What
// could not be told is not made.
func (a *app) generateMissing(ctx context.Context, t *target) error {
	var can []schema.Declared
	for _, d := range t.secrets() {
		if m := d.Meta(); m.Generate != "" {
			can = append(can, d)
		}
	}
	reports, err := schema.Loader{Service: t, Environment: t.name}.Status(ctx, can...)
	if err != nil {
		return err
	}
	made := 0
	var keys strings.Builder
	for i, r := range reports {
		switch {
		case r.Meta.AnyOf != "" || r.Meta.OneOf != "":
			if r.State != schema.StateOK {
				a.say("lukko: %s is one of a group, and was left out; name it to make it", r.Meta.ID)
			}
			continue
		case r.State != schema.StateMissing:
			continue
		}
		public, err := a.generateOne(ctx, t, can[i], false)
		if err != nil {
			return err
		}
		made++
		if public != "" {
			keys.WriteString(r.Meta.ID + ":\n" + public)
		}
	}
	if made == 0 {
		a.say("lukko: nothing that can be made is missing in %s", t.what())
	}
	return a.write([]byte(keys.String()))
}
