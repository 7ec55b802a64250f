// Package conformance says whether a backend keeps the promises of
// [core.SecretService].
//
// [Run] runs every case as a subtest of a Go test, each on a fresh store:
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, conformance.Harness{
//			Open: func(t testing.TB) conformance.Subject {
//				return conformance.Subject{Backend: newBackend(t.TempDir())}
//			},
//		})
//	}
//
// [Check] runs the cases that need nothing but the service itself against a
// live one, under a random prefix, and cleans up after itself.
//
// Cases are data: [Cases] returns them all, each with a name that never
// changes, such as MUST/GetMany/denied-is-not-missing, the rule in a
// sentence, and what to look at when it fails. A case whose capability is not
// claimed, or whose hook the harness does not offer, is skipped, and says why.
// So a backend that has Get alone, and nothing to put a secret in with,
// passes. A SHOULD can be waived by name, with a reason that is printed; a
// MUST can't.
//
// All values that the suite stores are random and its own. It needs core and
// the standard library only, registers no flags, and prints no value.
package conformance
