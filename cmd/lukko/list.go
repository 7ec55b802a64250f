package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/core"
)

// listed is one line of a list.
type listed struct {
	ID       string `json:"id"`
	Declared bool   `json:"declared"`
	State    string `json:"state"`
	Name     string `json:"name,omitempty"` // for people, from the declaration
	Version  string `json:"version,omitempty"`
	Created  string `json:"created,omitempty"`
	Source   string `json:"source,omitempty"`

	// Credential is the name of the one that it is kept for: what a user has, or
	// what stands beside the tokens of an account.
	Credential string `json:"credential,omitempty"`
}

// The states of a list. Whether a value is valid is for check, which reads it.
const (
	stateStored  = "stored"
	stateMissing = "missing" // declared, and not there
	stateAbsent  = "absent"  // the same of an optional one
	stateUnknown = "unknown" // denied, unreachable, damaged
)

func newList(a *app) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list [PREFIX]",
		Short: "List the ids of a store, and what is declared and missing",
		Long: `List the ids of a store, and those that lukko.yaml declares and that are not
there. It reads no value, so it needs no right to: lukko check tells what is
invalid. Variables are no secrets: lukko var list has those.`,
		Example: `  lukko list
  lukko list PAYMENTS_ --json`,
		Args: args(0, 1),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		prefix := strings.Join(args, "")
		return a.with(c.Context(), func(t *target) error {
			rows, failed := t.list(c.Context(), a, prefix)
			if err := a.show(asJSON, rows, func(b *bytes.Buffer) {
				var cells [][]string
				for _, r := range rows {
					state := r.State
					name := r.Name
					switch {
					case r.Credential != "":
						name = "of the credential " + r.Credential
					case !r.Declared && t.config != nil:
						state += ", undeclared"
					}
					cells = append(cells, []string{r.ID, state, name})
				}
				table(b, "", cells)
			}); err != nil {
				return err
			}
			if len(rows) == 0 && failed == nil {
				a.say("lukko: there are no secrets in %s", t.what())
			}
			return failed
		})
	}
	return c
}

// list returns what could be told, and why the rest could not.
func (t *target) list(ctx context.Context, a *app, prefix string) (rows []listed, failed error) {
	rows = []listed{}
	byID := map[string]listed{}
	for info, err := range t.List(ctx, prefix) {
		var some *core.BatchError
		switch {
		case errors.As(err, &some):
			failed = err
			for id := range some.ByID {
				byID[id] = listed{ID: id, State: stateUnknown}
			}
		case errors.Is(err, errors.ErrUnsupported):
			a.say("lukko: %s can't be listed, so only what is declared is shown", t.what())
		case err != nil:
			return rows, err
		default:
			byID[info.ID] = seen(info)
		}
	}
	for _, d := range t.secrets() {
		m := d.Meta()
		if !strings.HasPrefix(m.ID, prefix) {
			continue
		}
		r, there := byID[m.ID]
		if !there {
			// A layer that can't be listed may have it all the same.
			info, err := t.Stat(ctx, m.ID)
			info.ID = m.ID
			r = seen(info)
			switch {
			case err == nil:
			case errors.Is(err, core.ErrNotFound):
				r.State = stateMissing
				if env, _ := a.lookup("LUKKO_ENV"); !m.RequiredInEnvironment(cmp.Or(t.name, env)) {
					r.State = stateAbsent
				}
			default:
				r.State = stateUnknown
				failed = worse(failed, err)
			}
		}
		r.Declared, r.Name = true, core.Printable(m.DisplayName)
		byID[m.ID] = r
	}
	for id, r := range byID {
		if !r.Declared {
			r.Credential = keptFor(t.config, id)
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b listed) int { return strings.Compare(a.ID, b.ID) })
	return rows, failed
}

func seen(info core.Info) listed {
	return listed{
		ID: info.ID, State: stateStored, Version: core.Printable(info.Version),
		Created: stamp(info.Created), Source: core.Printable(info.Source),
	}
}

// worse is the error with the higher exit code; the first of two like ones.
func worse(a, b error) error {
	if exitCode(b) > exitCode(a) {
		return b
	}
	return a
}
