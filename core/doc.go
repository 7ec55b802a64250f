// Package core is the contract of Lukko: one interface for programs that read
// secrets, one for authors who keep them, and one front between the two.
//
// A program takes a [SecretService]. It gets one from [Open], which a URL
// tells where the secrets are, or from a provider's own constructor:
//
//	import (
//		"github.com/lukko-dev/lukko/core"
//		_ "github.com/lukko-dev/lukko/providers/file" // for file: URLs
//	)
//
//	store, err := core.Open(ctx, "file:secrets")
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	secret, err := store.Get(ctx, "STRIPE_API_KEY")
//	if err != nil {
//		return err
//	}
//	client := stripe.New(secret.Value.Reveal())
//
// The author of a backend writes one method, [Backend], and passes it to
// [New]. Every duty that all backends share is done there, once: ids and
// sizes are checked, options are checked against [Capabilities], errors are
// wrapped so that they carry no secret, batches are made of single reads.
// What a backend can do beyond reading one secret it says by implementing
// more of the optional interfaces: [BatchGetter], [Statter], [Setter],
// [Deleter], [Lister], [Versioner], [Capable] and [io.Closer].
//
// A decorator (a chain, a scope, a cache) is a Backend over a SecretService
// and goes under New like any other. It never embeds a SecretService, since a
// method that it forgot would then be a hole in it.
//
// # Ids
//
// Ids are the backends' own names, never folded and never escaped: 1 to
// [MaxIDLen] bytes of letters, digits and "_-./+=@:", with no empty, "." or
// ".." segment between slashes. A portable id (see [IsPortable]) fits every
// backend.
//
// # Values
//
// A value is 1 byte to [MaxValueLen] bytes, in every backend. A [Value] never
// shows its content to anything that prints; [Value.Reveal] is the one way to
// it, so that a search for Reveal finds every use.
//
// What is stored comes back byte for byte, with one exception: a JSON object
// in valid UTF-8, without repeated names and without lone surrogates, may
// come back with other spacing and another order of its names. Its numbers
// come back exactly. [Equivalent] compares values so, and [IfChanged] by it.
//
// # Errors
//
// Every error of a [Store] is an [*Error], whose kind errors.Is tells, or a
// [*BatchError] that holds one for each id that failed. An error never
// contains a value, a token, or part of one, and no vendor's error is in its
// chain. It matches a context's error only if the caller's context has ended.
//
// The package imports the standard library only.
package core
