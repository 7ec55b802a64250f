package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate"
	"github.com/lukko-dev/lukko/generate/gotypes"
)

func newGenerate(a *app) *cobra.Command {
	var cfg generate.Config
	var watch bool
	var from gotypes.Options
	c := &cobra.Command{
		Use:   "generate [PACKAGE...]",
		Short: "Write a typed service and metadata from a program's declarations",
		Long: `Write secrets_gen.go, a typed service with methods for each declared secret and
variable, and secrets_meta.json, which says what is declared and never a value.
The packages are named as for go build; without any, those here and below.
They are built and their initialization is run, with the environment as it is.

With --check nothing is written, and what is not up to date is exit 1.

With --from the declarations themselves are written first, as Go types and
variables: of a lukko.yaml, or of a secrets_meta.json.`,
		Example: `  lukko generate --out internal/secrets
  lukko generate --check ./internal/... --out internal/secrets
  lukko generate --from lukko.yaml --out internal/secrets
  //go:generate lukko generate .`,
	}
	flags := c.Flags()
	flags.StringVar(&cfg.Out, "out", "", "the folder of the two files (default: this folder)")
	flags.StringVar(&cfg.Tags, "tags", "", "build tags, separated by commas")
	flags.BoolVar(&cfg.Check, "check", false, "compare with the files that are there, and write nothing")
	flags.StringVar(&from.From, "from", "", "declare first what this lukko.yaml or secrets_meta.json declares")
	flags.StringVar(&from.FromPikku, "from-pikku", "", "declare first, once, what Pikku's folder or metadata file declares")
	flags.StringVar(&from.Package, "package", "", "the name of the package, with --from (default: that of the folder)")
	flags.BoolVar(&watch, "watch", false, "write again whenever a declaration changes, until interrupted")
	c.RunE = func(c *cobra.Command, patterns []string) error {
		cfg.Patterns = patterns
		if watch {
			if cfg.Check {
				return usage("--check goes without --watch", "leave one of them out")
			}
			if from.From+from.FromPikku+from.Package != "" {
				return usage("--watch goes without --from", "run --from once more when its file changes")
			}
			return a.watchGenerate(c.Context(), cfg)
		}
		if from.From != "" || from.FromPikku != "" {
			if err := a.declareFrom(c.Context(), from, &cfg); err != nil {
				return err
			}
		} else if from.Package != "" {
			return usage("--package goes with --from", "name the folder by --out")
		}
		result, err := generate.Run(c.Context(), cfg)
		if err != nil {
			return a.generateFailed(err)
		}
		var b bytes.Buffer
		writeGenerated(&b, result, cfg.Check)
		if err := a.print(&b); err != nil {
			return err
		}
		if cfg.Check && result.Changed() {
			return answered(exitNo)
		}
		return nil
	}
	return c
}

// watchGenerate generates until the context ends, which is its success.
func (a *app) watchGenerate(ctx context.Context, cfg generate.Config) error {
	err := generate.Watch(ctx, cfg, func(result generate.Result, err error) {
		if err != nil {
			_ = a.generateFailed(err)
			return
		}
		var b bytes.Buffer
		writeGenerated(&b, result, false)
		_ = a.print(&b) // who watches may have closed the pipe, and wants the files all the same
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// generateFailed tells all problems, one a line, as compilers do.
func (a *app) generateFailed(err error) error {
	var wrong *generate.Error
	switch {
	case errors.As(err, &wrong):
	case errors.Is(err, context.Canceled):
		return interrupted()
	default:
		return err
	}
	for _, p := range wrong.Problems {
		a.say("%s", p)
	}
	return answered(exitUnknown)
}

// writeGenerated tells what was done, or with check what is to be done.
func writeGenerated(b *bytes.Buffer, result generate.Result, check bool) {
	for _, f := range result.Files {
		name := core.Printable(f.Name)
		switch {
		case f.State == generate.Same:
			fmt.Fprintf(b, "%s: up to date\n", name)
		case !check:
			fmt.Fprintf(b, "%s: written\n", name)
		case f.State == generate.Missing:
			fmt.Fprintf(b, "%s: missing; run lukko generate\n", name)
		default:
			fmt.Fprintf(b, "%s: not up to date; run lukko generate\n", name)
		}
	}
	if check {
		for _, d := range result.Differences {
			fmt.Fprintf(b, "  %s\n", d)
		}
	}
	for _, n := range result.Notes {
		fmt.Fprintf(b, "note: %s\n", n)
	}
}
