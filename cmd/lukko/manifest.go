package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/lukko-dev/lukko/generate/manifest"
)

func newManifest(a *app) *cobra.Command {
	var in manifest.Input
	var out string
	var names []string
	kinds := map[string]func(manifest.Input) ([]byte, error){
		"kubernetes": manifest.Kubernetes, "ecs": manifest.ECS, "cloudrun": manifest.CloudRun,
		"compose": manifest.Compose, "systemd": manifest.Systemd,
	}
	c := &cobra.Command{
		Use:   "manifest kubernetes|ecs|cloudrun|compose|systemd",
		Short: "Write what hands declared secrets and variables to a deployment",
		Long: `Write what hands the declared secrets and variables of the environment to a
deployment, as environment variables and files that env: reads: an ExternalSecret
and a ConfigMap, a container of a task definition, a service of Cloud Run, a file
for docker compose, or a drop-in of a systemd unit. It holds the names of secrets
and never a value of one. No store is asked.`,
		Example: `  lukko manifest kubernetes --env production --app shop | kubectl apply -f -
  lukko manifest ecs --env production --app shop --account 111122223333
  lukko manifest systemd --env production --app shop --encrypted`,
		Args: args(1, 1), ValidArgs: []string{"kubernetes", "ecs", "cloudrun", "compose", "systemd"},
	}
	f := c.Flags()
	f.StringVar(&in.App, "app", "app", "the name of the program: of its container, service and objects")
	f.StringArrayVar(&names, "name", nil, "ID=NAME: the environment variable for an id that can't be the name of one; repeat it")
	f.StringSliceVar(&in.Include, "include", nil, "ids of secrets that may be absent, and are named all the same; parted by commas")
	f.BoolVar(&in.IncludeOptional, "include-optional", false, "name all that may be absent, also where the deployment then fails without them")
	f.StringVar(&in.Store, "store", "", "the name of the store that the secrets are taken from (default: the only one)")
	f.StringVar(&in.Namespace, "namespace", "", "kubernetes: the namespace of the objects")
	f.StringVar(&in.SecretStore, "secret-store", "", "kubernetes: the name of the SecretStore, or cluster/NAME (default: that of the store)")
	f.StringVar(&in.Account, "account", "", "ecs: the account, twelve digits")
	f.StringVar(&in.Region, "region", "", "ecs: the region, where the URL says none")
	f.StringVar(&in.Partition, "partition", "", "ecs: the partition (default: that of the region)")
	f.StringVar(&in.Image, "image", "", "cloudrun: the container's image")
	f.StringVar(&in.Files, "files", "", "compose, systemd: a folder that has a file for each secret")
	f.BoolVar(&in.Encrypted, "encrypted", false, "systemd: the credentials are encrypted")
	f.StringVar(&out, "out", "", "write to this file (default: standard output)")
	c.RunE = func(c *cobra.Command, given []string) error {
		write, ok := kinds[given[0]]
		if !ok {
			return usage("there is no manifest of that kind", "it is kubernetes, ecs, cloudrun, compose or systemd; see "+c.CommandPath()+" --help")
		}
		if err := onlyFor(c, given[0], map[string]string{
			"namespace": "kubernetes", "secret-store": "kubernetes", "account": "ecs", "region": "ecs", "partition": "ecs",
			"image": "cloudrun", "files": "compose systemd", "encrypted": "systemd", "store": "kubernetes ecs cloudrun",
			"include": "ecs cloudrun compose systemd", "include-optional": "ecs cloudrun compose systemd",
		}); err != nil {
			return err
		}
		in.Names = map[string]string{}
		for _, pair := range names {
			id, name, ok := strings.Cut(pair, "=")
			if !ok || id == "" {
				return usage("--name is like shop/db=SHOP_DB", "see "+c.CommandPath()+" --help")
			}
			in.Names[id] = name
		}
		return a.deploy(out, func(d deployment) ([]byte, error) {
			in.Metas, in.Credentials, in.Environment, in.Note = d.metas, d.credentials, d.env, a.note
			return write(in)
		})
	}
	return c
}
