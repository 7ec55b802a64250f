package deploytest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// leftOut ends a test that can't run for want of something, and says how to
// get it.
func leftOut(t testing.TB, install string) {
	t.Helper()
	if os.Getenv("LUKKO_REQUIRE") == "all" {
		t.Fatalf("LUKKO_REQUIRE=all, and this is left out: %s", install)
	}
	if f, err := os.OpenFile(os.Getenv("LUKKO_LEFT_OUT"), os.O_APPEND|os.O_WRONLY, 0); err == nil {
		defer f.Close()
		fmt.Fprintf(f, "%s: %s\n", t.Name(), install)
	}
	t.Skip(install)
}

// A project is a lukko.yaml, with what it declares.
type project struct {
	*config.Config
	metas []schema.Meta
}

func load(t testing.TB, yaml string) project {
	t.Helper()
	c, err := config.Parse(filepath.Join(t.TempDir(), config.FileName), []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	p := project{Config: c}
	for d := range c.Declarations.All() {
		p.metas = append(p.metas, d.Meta())
	}
	return p
}

func (p project) environment(t testing.TB, name string) config.Environment {
	t.Helper()
	env, err := p.Environment(name)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// secrets are the declared secrets.
func (p project) secrets() []schema.Declared {
	return slices.DeleteFunc(slices.Collect(p.Declarations.All()), func(d schema.Declared) bool { return d.Meta().Variable })
}

// A step is something that a program does, and the error of doing it.
type step struct {
	name string
	do   func() error
}

// denied returns the steps that the store denies. What fails otherwise is an
// error of the test.
func denied(t testing.TB, steps []step) (names []string) {
	t.Helper()
	for _, s := range steps {
		switch err := s.do(); {
		case err == nil:
		case isDenied(err):
			names = append(names, s.name)
		default:
			t.Errorf("%s: %v", s.name, err)
		}
	}
	return names
}

// isDenied reports whether an error is a denial, alone or of one of several ids.
func isDenied(err error) bool {
	return core.KindOf(err) == core.ErrPermissionDenied || strings.Contains(err.Error(), core.ErrPermissionDenied.Error()) //nolint:errorlint // a kind is the sentinel itself
}

// reading is what every program does with the secrets that it declares.
func reading(ctx context.Context, svc core.SecretService, decls []schema.Declared) []step {
	ids := make([]string, len(decls))
	for i, d := range decls {
		ids[i] = d.Meta().ID
	}
	steps := []step{
		{"Load", func() error {
			loaded, err := schema.Loader{Service: svc, Every: -1}.Load(ctx, decls...)
			if err == nil {
				err = loaded.Close()
			}
			return err
		}},
		{"Status", func() error {
			_, err := schema.Status(ctx, svc, decls...)
			return err
		}},
		{"GetMany", func() error {
			_, err := svc.GetMany(ctx, ids)
			return missing(err)
		}},
	}
	for _, id := range ids {
		steps = append(steps,
			step{"Get " + id, func() error { _, err := svc.Get(ctx, id); return missing(err) }},
			step{"Get " + id + " at a version", func() error {
				secret, err := svc.Get(ctx, id)
				if err == nil && secret.Version != "" {
					_, err = svc.Get(ctx, id, core.AtVersion(secret.Version))
				}
				return missing(err)
			}},
			step{"Stat " + id, func() error { _, err := svc.Stat(ctx, id); return missing(err) }},
		)
	}
	return steps
}

// missing takes a secret that is not there for an answer.
func missing(err error) error {
	if core.KindOf(err) == core.ErrNotFound { //nolint:errorlint // a kind is the sentinel itself
		return nil
	}
	return err
}

// listing is a List of everything, as a step.
func listing(ctx context.Context, svc *core.Store) func() error {
	return func() error {
		for _, err := range svc.List(ctx, "") {
			if err != nil {
				return err
			}
		}
		return nil
	}
}

func versions(ctx context.Context, svc *core.Store, id string) func() error {
	return func() error {
		for _, err := range svc.Versions(ctx, id) {
			if err != nil {
				return err
			}
		}
		return nil
	}
}
