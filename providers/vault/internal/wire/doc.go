// Package wire is a small server that answers as Vault's API documentation
// says, for tests that need the answers which the real server does not give:
// a test replaces any of its answers by a broken one. It stands next to the real
// server and never in place of it; a test of this package asks both the
// same and compares.
//
// It keeps a KV engine of version 2 at MountV2 and one of version 1 at MountV1,
// a token and an AppRole, and knows no policies.
//
//	srv := wire.New(t)
//	srv.Replace(wire.To("GET", "/v1/secret/data/"), 1, wire.Answer{Status: 503})
package wire
