// Package chain puts secret services in layers: the first layer that has an
// id answers for it.
//
//	secrets, err := chain.Open(ctx, "env:", "file:secrets")
//
// reads each secret from the environment, and from the encrypted store where
// the environment doesn't have it. [New] says more: the layers' names, which
// one is written to, and which failures are passed over.
//
// # What falls through
//
// A read goes on to the next layer when a layer answers [core.ErrNotFound],
// and for no other reason: a layer that denies or that can't be reached may
// have the secret, and reading another one in its place is a decision that
// somebody has to make. [Config.FallThrough] makes it, kind by kind, and then
// each case is reported to [Config.OnFallThrough]. When no layer answered and
// one failed, the answer is that failure and never "not found". The end of a
// context never falls through.
//
// # Writes
//
// Set and Delete go to one layer: the one that WriteTo names, or the only one
// that can be written to. A Set that the next Get would not see, since a layer
// above has the id, is [core.ErrConflict] and changes nothing. The check comes
// before the write, so a layer above that gets the id in between still hides
// it. A Delete removes the id from the written layer alone; if another layer
// still answers it, that is reported.
//
// # Versions
//
// A version is the name of its layer, a colon, and the version there, such as
// "file:3-k5ut". AtVersion and IfVersion go to the layer that it names. No
// layer's name holds a colon, so the first one is the separator.
//
// # Opening
//
// A layer with an Open is opened at the first call that needs it. So a local
// override that answers needs no login to a cloud that is a layer below it.
package chain
