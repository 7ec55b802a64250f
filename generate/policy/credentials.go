package policy

import (
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/stores"
)

// kept is what a program keeps credentials in as it runs, beside what is declared
// as a secret: one that it writes and deletes, or all of users whose ids begin so.
type kept struct {
	credentials.Kept
	set bool // in this store
}

// keeps lists what the credentials are kept in as the program runs, each once and
// by id. The application's secrets and its keys are not among it: people store
// those.
func (in Input) keeps() ([]kept, error) {
	var all []kept
	for _, c := range in.Credentials {
		id := c.SecretID
		if c.OAuth2 != nil {
			id = c.TokenSecretID
		}
		if core.CheckID(id) != nil {
			return nil, stores.Fail("an id of a credential is none", "lukko check says what is wrong with it")
		}
		for _, k := range c.Keeps() {
			all = append(all, kept{Kept: k})
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return strings.Compare(a.ID, b.ID) })
	return slices.Compact(all), nil
}

// usersNote is what is to be known of the right to list who has a credential.
func (in Input) usersNote(what string) {
	if in.Users {
		in.note("who may list who has a credential may list " + what)
	}
}

// names are the names of credentials for people.
func names(some []credentials.Meta) string {
	var all []string
	for _, c := range some {
		all = append(all, core.Printable(c.Name))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
