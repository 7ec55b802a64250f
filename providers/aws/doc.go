// Package aws keeps secrets in AWS Secrets Manager.
//
// [New] makes a store of a [Config]; the URLs aws: (the region of the SDK's own
// chain) and aws://REGION do the same through [core.Open], after a blank
// import of this package. The package's README names each key of the URL, each
// call that is made, what it costs, and the least policies.
//
// # What is stored
//
// A value is the secret's SecretString, byte for byte, so that the vendor's console
// and command line show the fields of a JSON object. What is no UTF-8, or has
// a NUL, which no text field is known to keep, is its SecretBinary. Both read well,
// whoever wrote them. A Version is the service's VersionId.
//
// # What it promises
//
// Every capability, at AWS itself. Behind an endpoint that is not AWS's
// the conditions IfAbsent and IfVersion are not claimed unless Conditions says
// so, as many stand-ins take them and ignore them. All of the service is eventually
// consistent; Settle is the five minutes that its reference names.
//
// Each write carries a token of its own, which is kept when it is sent again,
// so a lost answer makes no second version. A conditional write proves
// what became of it, or is core.ErrIndeterminate.
//
// # Limits
//
// The service keeps about a hundred versions, and for 24 hours all; a secret that
// gets a new value every few minutes doesn't belong here, and its writer gets
// core.ErrExhausted before the quota is used up. A conditional write that
// loses a race leaves a version that was never current, which Versions shows.
//
// A Set on a secret that is scheduled for deletion restores it, then
// writes: a crash in between leaves the old value back. A delete can be undone by
// "aws secretsmanager restore-secret" for as long as RecoveryDays.
package aws
