// Package generate writes typed Go and metadata from a program's declarations.
// It is what `lukko generate` runs.
//
// [Run] finds the package-level variables of type *schema.Declaration[T],
// *credentials.Credential[T] and *credentials.UserCredential[T] in the packages
// that it is given, builds a small program that imports them, and runs it: what
// a declaration says is what the compiler and the program's own code make of it,
// not what its source looks like. The program is built with the go command's
// overlay, so that nothing but the two results is ever written to the tree:
//
//   - [GoFile] has TypedSecretService, a method for each secret over any
//     core.SecretService, TypedVariables, the same for variables, and
//     TypedCredentials, the same for credentials over a credentials.Store;
//   - [metadata.FileName] has what tools know of the declarations, and no value.
//
// The program runs the initialization of the packages that declare. It runs with
// the environment of the caller, for at most [DefaultLimit], and nothing that it
// prints is shown, as that may hold values.
//
// A secret that a credential is kept in is declared with it, and is the
// credential's affair: the metadata has it, TypedSecretService does not. A module
// that declares no credential need not have their package.
package generate
