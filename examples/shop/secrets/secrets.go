// Package secrets is the typed service of all that the shop's packages
// declare. All of it is made from their declarations.
package secrets

//go:generate go run github.com/lukko-dev/lukko/cmd/lukko generate ../... --out .

// What deploys the shop is made from the same metadata.
//
//go:generate go run github.com/lukko-dev/lukko/cmd/lukko policy aws --config ../lukko.yaml --env production --account 111122223333 --out ../deploy/policy.json
//go:generate go run github.com/lukko-dev/lukko/cmd/lukko manifest kubernetes --config ../lukko.yaml --env production --app shop --out ../deploy/kubernetes.yaml
