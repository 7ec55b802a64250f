// Package policy writes what a program must be allowed in a vendor's store:
// the least for the secrets that it declares, in one environment of
// lukko.yaml.
//
// A reader may read the values of the declared secrets, by their names, and
// nothing else: not list, not write, not look at others. What
// [Input.Write] names it may read and set, and what it keeps credentials in as it
// runs it may also delete. No right is in a policy that no call
// of the store's provider asks for, and the functions ask no server: the same
// Input is the same bytes.
package policy

import (
	"slices"
	"strconv"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/stores"
	"github.com/lukko-dev/lukko/schema"
)

// Input is what a policy is made of. Metas and Environment are needed, all else
// may be zero.
type Input struct {
	// Metas are the declarations. Variables are passed over: they are not in
	// the store.
	Metas []schema.Meta

	// Credentials are the declared credentials. The tokens of OAuth2, and all that
	// users have, are written and deleted as the program runs: a policy allows
	// that in the store that is written to, whatever Write says.
	Credentials []credentials.Meta

	// Users adds the right to list who has a credential. In no store it is one to
	// list these names alone.
	Users bool

	// Environment says which stores there are. Each of the policy's kind gets its
	// statements; the one that the environment writes to gets those of a writer.
	Environment config.Environment

	// Store is the name of the one store to write a policy for. Empty: all of
	// the kind.
	Store string

	// Write lists the ids of the secrets that the program sets, and ReadWrite says
	// that it sets all.
	Write     []string
	ReadWrite bool

	// Versions adds what only a look at versions needs: to list them, and a Stat
	// that reads no value; with Google also a read where the newest version is
	// disabled. An earlier version that is known by its name needs no more than the
	// current one.
	Versions bool

	// Account, Region and Partition are those of an ARN, where the URL of an aws
	// store says no region. Empty is "*", but for the partition, which a region
	// tells.
	Account, Region, Partition string

	// Project is Google's, where the URL of a gcp store says none.
	Project string

	// Member is whom Google's roles are for, such as
	// serviceAccount:shop@my-project.iam.gserviceaccount.com. Empty: the script
	// takes it from its environment.
	Member string

	// KV is the version of Vault's engine, where the URL does not say it. 0: 2.
	KV int

	// Note is told, in a sentence each, what whoever applies the policy should
	// know. Nil: nobody is.
	Note func(text string)
}

// Error is the error of this package: what is wrong, and what to do. It repeats no
// URL and no value.
type Error = stores.Error

// one is a secret with what the program does to it.
type one struct {
	schema.Meta
	set bool
}

// of is a store of the policy's kind, with the secrets that may be in it, and
// what credentials are kept in.
type of struct {
	stores.Store
	secrets []one
	kept    []kept
}

// prepare returns the stores of a kind, each with what the program does there.
func (in Input) prepare(kind string) ([]of, error) {
	found, err := stores.Of(in.Environment, in.Store, kind)
	if err != nil {
		return nil, err
	}
	accounts, err := in.keeps()
	if err != nil {
		return nil, err
	}
	metas := slices.DeleteFunc(stores.Secrets(in.Metas, false), func(m schema.Meta) bool {
		return slices.Contains(accounts, kept{Kept: credentials.Kept{ID: m.ID}})
	})
	if len(metas)+len(accounts) == 0 {
		return nil, stores.Fail("no secret is declared, so a program needs no right", "declare them in lukko.yaml, or name their secrets_meta.json there")
	}
	for _, m := range metas {
		if core.CheckID(m.ID) != nil {
			return nil, stores.Fail("an id that is declared is none", "lukko check says what is wrong with it")
		}
	}
	for i, id := range in.Write {
		if !slices.ContainsFunc(metas, func(m schema.Meta) bool { return m.ID == id }) {
			return nil, stores.Fail("what is to be set is not declared as a secret: number "+strconv.Itoa(i+1)+" of its ids", "lukko check lists what is")
		}
	}
	written := ""
	if in.ReadWrite || len(in.Write) > 0 || len(accounts) > 0 {
		if written, err = stores.Written(in.Environment); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(found, func(s stores.Store) bool { return s.Name == written }) {
			in.note("writes of " + stores.What(in.Environment) + " go to its store " + written + ", so this policy only reads")
		}
	}
	all := make([]of, len(found))
	for i, s := range found {
		all[i].Store = s
		for _, m := range metas {
			all[i].secrets = append(all[i].secrets, one{m, s.Name == written && (in.ReadWrite || slices.Contains(in.Write, m.ID))})
		}
		for _, k := range accounts {
			k.set = s.Name == written
			all[i].kept = append(all[i].kept, k)
		}
	}
	return all, nil
}

func (in Input) note(text string) {
	if in.Note != nil {
		in.Note(text)
	}
}
