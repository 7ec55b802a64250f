// Package stores reads what an environment's URLs say of its stores, for
// what is written of a deployment. It opens nothing.
package stores

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// Error says what keeps a policy or a manifest from being written, and what to
// do. It repeats no URL.
type Error struct{ What, Hint string }

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.What
	}
	return e.What + ": " + e.Hint
}

// Fail makes an [*Error]. What it quotes is printable.
func Fail(what, hint string) error {
	return &Error{What: core.Printable(what), Hint: core.Printable(hint)}
}

// Store is one layer of an environment, as its URL describes it.
type Store struct {
	Name   string            // of the layer
	Scheme string            // of its URL, in lower case
	Host   string            // what stands after the two slashes
	Path   string            // what follows the host, without slashes around it
	Prefix string            // before every id
	Keys   map[string]string // of the query, but the prefix

	// Last says that no other layer is asked after it, so that what it lacks is
	// lacking.
	Last bool
}

// All describes the layers of an environment, in its order.
func All(env config.Environment) ([]Store, error) {
	var all []Store
	for i, layer := range env.Stores {
		s, err := describe(layer)
		if err != nil {
			return nil, err
		}
		s.Last = i == len(env.Stores)-1
		all = append(all, s)
	}
	return all, nil
}

func describe(layer config.Store) (Store, error) {
	wrong := func(hint string) (Store, error) {
		return Store{}, Fail("the URL of the store "+layer.Name+" can't be meant", hint)
	}
	u, err := url.Parse(layer.URL)
	if err != nil { // which quotes the URL
		return wrong("it does not parse; a store is named like aws://eu-west-1?prefix=shop/")
	}
	if u.Scheme == "" {
		return wrong("it has no scheme; a store is named like aws://eu-west-1?prefix=shop/")
	}
	if u.User != nil {
		return wrong("a URL holds no user or password")
	}
	keys, err := core.Query(u, "*")
	if err != nil {
		return wrong("its query does not parse; lukko check says what is wrong")
	}
	prefix := keys["prefix"]
	delete(keys, "prefix")
	return Store{
		Name: layer.Name, Scheme: strings.ToLower(u.Scheme), Host: u.Host, Path: strings.Trim(u.Path, "/"), Prefix: prefix, Keys: keys,
	}, nil
}

// Of returns the layers of some kinds: those of the name, if that is not
// empty. That there are none is an error which names those that there are.
func Of(env config.Environment, name string, schemes ...string) ([]Store, error) {
	all, err := All(env)
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(slices.Clone(all), func(s Store) bool {
		return !slices.Contains(schemes, s.Scheme) || name != "" && s.Name != name
	})
	if len(found) > 0 {
		return found, nil
	}
	what := What(env) + " has no store of the kind " + strings.Join(schemes, ", ")
	if name != "" {
		what += " with this name"
	}
	return nil, Fail(what, "it has "+List(all))
}

// One is Of where there must be exactly one.
func One(env config.Environment, name string, schemes ...string) (Store, error) {
	found, err := Of(env, name, schemes...)
	switch {
	case err != nil:
		return Store{}, err
	case len(found) > 1:
		return Store{}, Fail(What(env)+" has several stores that this could be about", "name one of "+List(found)+" by --store")
	}
	return found[0], nil
}

// List names stores with their kinds.
func List(all []Store) string {
	names := make([]string, len(all))
	for i, s := range all {
		if names[i] = s.Name; s.Scheme != s.Name {
			names[i] += " (" + s.Scheme + ")"
		}
	}
	return strings.Join(names, ", ")
}

// What names an environment for people.
func What(env config.Environment) string {
	if env.Name == "" {
		return "what --url names"
	}
	return `the environment "` + env.Name + `"`
}

// Written is the name of the layer that an environment's writes go to.
func Written(env config.Environment) (string, error) {
	if env.WriteTo != "" {
		return env.WriteTo, nil
	}
	all, err := All(env)
	if err != nil {
		return "", err
	}
	can := slices.DeleteFunc(all, func(s Store) bool { return s.Scheme == "env" })
	switch len(can) {
	case 1:
		return can[0].Name, nil
	case 0:
		return "", Fail(What(env)+" has no store that can be written to", "it has the process environment only")
	}
	return "", Fail(What(env)+" does not say which store is written to", "name one of "+List(can)+" as writeTo in lukko.yaml")
}

// Secrets returns the secrets, or the variables, each id once, in the order of the
// ids.
func Secrets(metas []schema.Meta, variables bool) []schema.Meta {
	some := slices.DeleteFunc(slices.Clone(metas), func(m schema.Meta) bool { return m.Variable != variables })
	slices.SortStableFunc(some, func(a, b schema.Meta) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(some, func(a, b schema.Meta) bool { return a.ID == b.ID })
}

// MayLack says whether a layer may lack a secret though nothing is wrong.
func (s Store) MayLack(m schema.Meta, env config.Environment) bool {
	return !s.Last || !m.RequiredInEnvironment(env.Name)
}

// Partition returns the partition of an AWS region; empty where there is none.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func Partition(region string) string {
	if region == "" {
		return ""
	}
	for start, partition := range map[string]string{
		"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b",
		"eu-isoe-": "aws-iso-e", "us-isof-": "aws-iso-f", "eusc-": "aws-eusc",
	} {
		if strings.HasPrefix(region, start) {
			return partition
		}
	}
	return "aws"
}
