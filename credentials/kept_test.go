package credentials_test

import (
	"slices"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
)

// What tools are told is where the credentials are in fact.
func TestMetaTellsWhereAProgramKeepsACredential(t *testing.T) {
	t.Parallel()
	set := new(credentials.Set)
	settings := oauth2.GitHub()
	spec := credentials.Spec{SecretID: "APP", TokenSecretID: "TOKENS", OAuth2: &settings}
	spec.Name = "own"
	own := credentials.DeclareIn[oauth2.Token](set, spec)
	spec.Name, spec.TokenSecretID = "theirs", "USERS"
	theirs := credentials.DeclarePerUserIn[oauth2.Token](set, spec)
	key := credentials.DeclareIn[core.Value](set, credentials.Spec{Name: "key", SecretID: "KEY"})
	keys := credentials.DeclarePerUserIn[core.Value](set, credentials.Spec{Name: "keys", SecretID: "KEYS"})
	for _, c := range []struct {
		of   credentials.Declared
		ids  []string // that are kept
		nots []string // that are not
	}{
		{own, []string{"TOKENS", "TOKENS" + oauth2.ClaimSuffix, "TOKENS" + credentials.PendingSuffix}, []string{"APP", "TOKENS__alice", "tokens", ""}},
		{theirs, []string{
			credentials.IDOf(theirs, "../bob"), credentials.IDOf(theirs, "alice") + oauth2.ClaimSuffix,
			credentials.IDOf(theirs, "alice") + credentials.PendingSuffix,
		}, []string{"APP", "USERS", "USERS" + oauth2.ClaimSuffix, "USERS_alice", ""}},
		{key, nil, []string{"KEY", "KEY" + oauth2.ClaimSuffix, ""}},
		{keys, []string{credentials.IDOf(keys, "alice")}, []string{"KEYS", ""}},
	} {
		m := c.of.Meta()
		has := func(id string) bool {
			return slices.ContainsFunc(m.Keeps(), func(k credentials.Kept) bool { return k.Has(id) })
		}
		for _, id := range c.ids {
			if !has(id) {
				t.Errorf("%s: %q is not kept", m.Name, id)
			}
		}
		for _, id := range c.nots {
			if has(id) {
				t.Errorf("%s: %q is kept", m.Name, id)
			}
		}
	}
}
