package use

import (
	"context"

	"github.com/lukko-dev/lukko/core"
)

func use(ctx context.Context, svc core.SecretService, store *core.Store) {
	svc.Get(ctx, "FROM_META")
	svc.Set(ctx, "FROM_CONFIG", core.Value{})
	svc.Stat(ctx, "FURTHER")
	svc.Delete(ctx, "VARIABLE_OF_META")
	svc.GetMany(ctx, []string{"KEY_OF_CONFIG", "APP_OF_CONFIG", "TOKENS_OF_CONFIG"})
	svc.Get(ctx, "FROM_METAL")                    // want `no declaration has the id "FROM_METAL"; did you mean "FROM_META"\?`
	store.Get(ctx, "prefix/FROM_META")            // want `did you mean "FROM_META"\?`
	svc.GetMany(ctx, []string{"FROM_META", "NO"}) // want `no declaration has the id "NO": declare it, or correct it`
	core.Has(ctx, svc, "NOPE")                    // want `"NOPE"`
	for range svc.Versions(ctx, "VERSIONS") {     // want `"VERSIONS"`
	}
	svc.Get(ctx, "not an id, but perhaps a secret") // want `this is no id: an id is 1 to 255 bytes`
	svc.List(ctx, "FROM_")
	store.Delete(ctx, "GONE") //lukko:allow undeclared it is removed for good
}
