package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate"
	"github.com/lukko-dev/lukko/generate/gotypes"
)

// declareFrom writes the declarations in Go that the typed service is then
// made for.
func (a *app) declareFrom(ctx context.Context, from gotypes.Options, cfg *generate.Config) error {
	from.Out, from.Check = cfg.Out, cfg.Check
	from.Warn = func(w gotypes.Warning) { a.say("%s", w) }
	name := gotypes.FromFile
	if from.FromPikku != "" {
		name = gotypes.PikkuFile
	}
	name = core.Printable(filepath.ToSlash(filepath.Join(cfg.Out, name)))
	written, err := gotypes.Generate(ctx, from)
	var b bytes.Buffer
	switch {
	case errors.Is(err, gotypes.ErrOutdated):
		fmt.Fprintf(&b, "%s: not up to date; run lukko generate --from %s\n", name, core.Printable(from.From))
		if err := a.print(&b); err != nil {
			return err
		}
		return answered(exitNo)
	case errors.Is(err, context.Canceled):
		return interrupted()
	case err != nil: // all that is wrong, one a line
		for line := range strings.SplitSeq(err.Error(), "\n") {
			a.say("%s", strings.TrimLeft(line, " "))
		}
		return answered(exitUnknown)
	case len(written) > 0:
		fmt.Fprintf(&b, "%s: written\n", name)
	default:
		fmt.Fprintf(&b, "%s: up to date\n", name)
	}
	if len(cfg.Patterns) == 0 {
		cfg.Patterns = []string{cfg.Out}
		if !filepath.IsAbs(cfg.Out) {
			cfg.Patterns[0] = "./" + filepath.ToSlash(cfg.Out)
		}
	}
	return a.print(&b)
}
