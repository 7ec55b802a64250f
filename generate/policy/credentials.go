package policy

import (
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/stores"
	"github.com/lukko-dev/lukko/oauth2"
)

// The ids of package credentials: what stands between that of a credential and
// the user, and what the id of tokens has of what is pending at a connect page.
const (
	userSeparator = "__"
	pendingSuffix = "_PEND"
)

// kept is what a program keeps credentials in as it runs, beside what is declared
// as a secret: one that it writes and deletes, or all of users whose ids begin so.
type kept struct {
	id    string // with users: what theirs begin with
	users bool
	set   bool // in this store
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
		switch {
		case c.PerUser:
			all = append(all, kept{id: id + userSeparator, users: true})
		case c.OAuth2 != nil:
			for _, suffix := range []string{"", oauth2.ClaimSuffix, pendingSuffix} {
				all = append(all, kept{id: id + suffix})
			}
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return strings.Compare(a.id, b.id) })
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
