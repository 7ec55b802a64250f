module github.com/lukko-dev/lukko/providers/file

go 1.26.0

require (
	filippo.io/age v1.3.2
	github.com/lukko-dev/lukko/conformance v0.1.0
	github.com/lukko-dev/lukko/core v0.1.0
	golang.org/x/crypto v0.58.0
	golang.org/x/sys v0.49.0
)

require (
	filippo.io/edwards25519 v1.2.0 // indirect
	filippo.io/hpke v0.4.0 // indirect
	filippo.io/nistec v0.0.4 // indirect
	golang.org/x/term v0.47.0 // indirect
)
