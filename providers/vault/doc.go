// Package vault keeps secrets in the KV engines of HashiCorp Vault and
// OpenBao, version 2 and version 1.
//
// [New] makes a store of a [Config]; the URLs vault: (the server of VAULT_ADDR
// and the mount secret) and vault://HOST:PORT/MOUNT do the same through
// [core.Open], after a blank import of this package. The package's README names
// each key of the URL, each call that is made, and the least policies.
//
// # What is stored
//
// A JSON object is the secret's data map, so that Vault's own command line and
// UI show its fields; anything else is one field, lukko_text or lukko_base64.
// docs/vault-stored-form.md is the whole specification.
//
// # What it promises
//
// KV version 2 has every capability. KV version 1 has Set, Delete and
// List: no versions, no conditions, and nothing to purge, since a delete
// leaves nothing. Nothing is cached and nothing settles: a
// read sees every write that was acknowledged before, but on an Enterprise
// cluster's performance standbys, where a store sees its own writes at once
// and those of others soon.
//
// Writes are sent once. One whose answer is lost is core.ErrIndeterminate, unless
// the state shows that it was done (a delete). Reads are tried again, within
// the caller's context and VAULT_CLIENT_TIMEOUT.
//
// # Limits
//
// A purge makes Vault's numbers start again. A Version of this package holds the
// time of its creation too, so it never names two values, and a condition on
// a version looks at both; but Vault itself compares the number alone, so a purge
// and as many writes as the number says, all within the one round trip between
// that look and the write, go unseen. So does a delete within it.
//
// A delete removes the current version, as "vault kv delete" does: it can be
// undone by "vault kv undelete", and earlier versions can still be read by who
// knows their names.
//
// Listing asks for the metadata of each id, since Vault lists deleted ones too.
package vault
