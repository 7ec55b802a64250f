package main

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/policy"
	"github.com/lukko-dev/lukko/schema"
)

func newPolicy(a *app) *cobra.Command {
	var in policy.Input
	var out string
	kinds := map[string]func(policy.Input) ([]byte, error){"aws": policy.AWS, "gcp": policy.GCP, "vault": policy.Vault}
	c := &cobra.Command{
		Use:   "policy aws|gcp|vault",
		Short: "Write the least that a program must be allowed in a store",
		Long: `Write the least that a program must be allowed in a store of the environment, for
the secrets that are declared: a policy of AWS IAM, a script that binds roles of
Google's, or a policy of Vault. It reads values, and nothing else; --write and
--read-write add what it takes to set them. What a program writes as it runs, the
tokens of credentials and what users have, it may read, write and delete. No store
is asked.`,
		Example: `  lukko policy aws --env production --account 111122223333 > policy.json
  lukko policy gcp --env production --member serviceAccount:shop@my-project.iam.gserviceaccount.com | sh
  lukko policy vault --env production --write SESSION_KEY | vault policy write shop -`,
		Args: args(1, 1), ValidArgs: []string{"aws", "gcp", "vault"},
	}
	f := c.Flags()
	f.StringSliceVar(&in.Write, "write", nil, "ids that the program sets, parted by commas")
	f.BoolVar(&in.ReadWrite, "read-write", false, "the program sets all of them")
	f.BoolVar(&in.Users, "users", false, "it also lists who has a credential")
	f.BoolVar(&in.Versions, "versions", false, "it also lists versions; gcp: or reads where the newest one is disabled")
	f.StringVar(&in.Store, "store", "", "the name of the one store to write it for (default: all of that kind)")
	f.StringVar(&in.Account, "account", "", "aws: the account, twelve digits (default: any)")
	f.StringVar(&in.Region, "region", "", "aws: the region, where the URL says none (default: any)")
	f.StringVar(&in.Partition, "partition", "", "aws: the partition (default: that of the region)")
	f.StringVar(&in.Project, "project", "", "gcp: the project, where the URL says none")
	f.StringVar(&in.Member, "member", "", "gcp: whom the roles are for (default: the script's own MEMBER)")
	f.IntVar(&in.KV, "kv", 0, "vault: the version of the engine, where the URL does not say it (default: 2)")
	f.StringVar(&out, "out", "", "write to this file (default: standard output)")
	c.RunE = func(c *cobra.Command, given []string) error {
		write, ok := kinds[given[0]]
		if !ok {
			return usage("there is no policy of that kind", "it is aws, gcp or vault; see "+c.CommandPath()+" --help")
		}
		if err := onlyFor(c, given[0], map[string]string{
			"account": "aws", "region": "aws", "partition": "aws", "project": "gcp", "member": "gcp", "kv": "vault",
		}); err != nil {
			return err
		}
		if in.ReadWrite && len(in.Write) > 0 {
			return usage("--read-write sets all, so --write names none", "leave one of them out")
		}
		return a.deploy(out, func(d deployment) ([]byte, error) {
			in.Metas, in.Credentials, in.Environment, in.Note = d.metas, d.credentials, d.env, a.note
			return write(in)
		})
	}
	return c
}

// onlyFor refuses flags that are not for a kind.
func onlyFor(c *cobra.Command, kind string, flags map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if kinds := strings.Fields(flags[name]); c.Flags().Changed(name) && !slices.Contains(kinds, kind) {
			return usage("the flag --"+name+" is not for "+kind, "it is for "+strings.Join(kinds, " and "))
		}
	}
	return nil
}

// deployment is what a target declares, and where it is.
type deployment struct {
	metas       []schema.Meta
	credentials []credentials.Meta
	env         config.Environment
}

// deploy writes to standard output, or to a file, what write makes of the
// target's declarations.
func (a *app) deploy(out string, write func(deployment) ([]byte, error)) error {
	t, err := a.choose()
	if err != nil {
		return err
	}
	d, err := a.deployment(t)
	if err != nil {
		return err
	}
	data, err := write(d)
	if err != nil {
		return unwritable(err)
	}
	return a.output(data, out)
}

// note tells whoever applies a policy or a manifest what to know of it.
func (a *app) note(text string) { a.say("lukko: %s", core.Printable(text)) }

// unwritable is why a policy or a manifest can't be written.
func unwritable(err error) error {
	var why *policy.Error // that of manifests, too
	if errors.As(err, &why) {
		return usage(why.What, why.Hint)
	}
	return err
}

func (a *app) deployment(t *target) (deployment, error) {
	d := deployment{env: config.Environment{Stores: t.stores}}
	d.env.Name, _ = a.lookup("LUKKO_ENV") // of a store by its URL
	if t.name != "" {
		var err error
		if d.env, err = t.config.Environment(t.name); err != nil {
			return d, err
		}
	}
	for _, declared := range t.declared() {
		d.metas = append(d.metas, declared.Meta())
	}
	if t.config != nil {
		for declared := range t.config.Credentials.All() {
			d.credentials = append(d.credentials, declared.Meta())
		}
	}
	return d, nil
}

// output writes to standard output, or to a file, of which others never see a
// part.
func (a *app) output(data []byte, file string) error {
	if file == "" {
		return a.write(data)
	}
	failed := func() error {
		return failure(exitUnknown, core.Printable(file)+" could not be written", "see whether its folder is there, and you may write to it")
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".lukko-*")
	if err != nil {
		return failed()
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return failed()
	}
	return nil
}
