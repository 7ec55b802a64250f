// Package memory keeps secrets in the memory of the process. It is the store
// for the tests of applications, and the model that other backends are
// compared with: it claims every capability of [core.Capabilities] and settles
// at once.
//
//	store := memory.With(map[string]string{"STRIPE_API_KEY": "sk_test_1"})
//
// A test makes it fail as real backends do with [Store.Inject] and
// [Store.Corrupt], sets its clock with [Config.Clock], and sees the calls that
// arrive with [Config.OnCall].
//
// Importing the package registers the scheme "memory:". Each Open of
// "memory:" is a fresh, empty store of its own: nothing is shared by name, so
// no two tests can meet in one.
//
// # Versions
//
// Versions are the decimal numbers of one sequence for the whole store. The
// sequence never goes back, so that a version names one value for ever, also
// after a delete and a purge. The numbers are the same in each run of a test.
//
// A deleted secret is gone from Get, Stat, Versions and List, but its versions
// are kept, and AtVersion reads them, until it is purged or they fall out of
// the history. Versions of a secret that was set again include those from
// before its deletion.
package memory
