// Package vaulttest gives tests the real Vault server, as a child process on
// loopback, and a hand on it that is not the code under test: all set-up and
// all proof from outside goes through Vault's HTTP API by net/http.
//
//	srv := vaulttest.Shared(t)         // one server for the test binary
//	kv := srv.MountKV(t, 2)            // a mount of this test's own
//	policy := srv.Policy(t, `path "`+kv.Mount+`/data/app/*" { capabilities = ["read"] }`)
//	token := srv.Token(t, vaulttest.Role{Policies: []string{policy}, TTL: time.Minute})
//
// A test that seals, stops or restarts takes a server of its own, from Start
// or StartTLS, which costs about 0.2 seconds.
//
// The server's program is the one that the environment variable
// LUKKO_VAULTSERVER names, which `make test` sets. Without it the package
// builds internal/vaultserver into .bin of the repository, which takes
// minutes the first time and seconds later. A server that can't be had fails
// the test: nothing is left out.
//
// Everything is safe for concurrent use, but Stop, StartAgain and Restart of
// one server, of which one runs at a time.
package vaulttest
