// Package gcp keeps secrets in Google Secret Manager, through Google's own
// client, cloud.google.com/go/secretmanager/apiv1.
//
// [New] makes a store of a [Config]; the URLs gcp: (the project of
// GOOGLE_CLOUD_PROJECT, or of the credentials) and gcp://PROJECT do the same
// through [core.Open], after a blank import of this package. The package's README
// names each key of the URL, each call that is made, what it costs, and the least
// roles.
//
// # Ids
//
// An id is the secret's own name, 1 to 255 of [A-Za-z0-9_-], or a full resource
// name, projects/PROJECT/secrets/NAME, for a secret of another project. All else
// is core.ErrInvalidID before any call.
//
// # What it promises
//
// A read gets the newest enabled version: in one call where that is the newest
// version of all. With latest=strict a read is what Google calls latest, the
// newest version, whatever its state. A checksum is verified where there is one,
// and sent with each write.
//
// Writes are sent once. One whose answer is lost is core.ErrIndeterminate, and
// nothing proves later whose version is there. Reads are tried again, within the
// caller's context and [Config.Timeout].
//
// IfVersion and IfAbsent are not claimed. Google's AddSecretVersion takes no
// condition; a lease kept in an annotation is not fenced, so that its holder may
// write after it has lost it; and CreateSecret, which does fail where a secret is,
// stores no value, so that a crash behind it leaves an empty secret that everybody
// after it would be refused by. Keep what several writers change under a
// condition, such as the tokens of users, in a store that has conditions, with its
// key here.
//
// # Limits
//
// A version is Google's number. A delete removes the secret with all its versions,
// for good, and the numbers of one created later under its name start at 1 again:
// a version may then name two values. Google tells nothing but the number when it
// hands out a value; the time of creation would cost a further call with each read.
//
// Google promises that a version can be read by its number at once. What reads find
// without one, and what lists show, is eventual: see [Settle].
package gcp
