// Command accounts declares credentials, and reads ids beside them.
package main

import (
	"context"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
)

const mapsKey = "MAPS_KEY"

var spec = credentials.Spec{Name: "crm", SecretID: "CRM_APP", TokenSecretID: "CRM_TOKENS"}

var (
	GitHub = credentials.DeclarePerUser[core.Value](credentials.Spec{
		Name: "github", SecretID: "GITHUB_APP", TokenSecretID: "GITHUB_TOKENS",
	})
	CRM  = credentials.Declare[core.Value](spec)
	Maps = credentials.DeclareIn[core.Value](new(credentials.Set), credentials.Spec{Name: "maps", SecretID: mapsKey})
)

func main() { use(context.Background(), nil) }

func use(ctx context.Context, svc core.SecretService) {
	svc.GetMany(ctx, []string{"GITHUB_APP", "GITHUB_TOKENS", "CRM_APP", "CRM_TOKENS", "MAPS_KEY"})
	svc.Get(ctx, "GITHUB_APPS") // want `no declaration has the id "GITHUB_APPS"; did you mean "GITHUB_APP"\?`
}
