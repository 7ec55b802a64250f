module github.com/lukko-dev/lukko/providers/env

go 1.26.0

require (
	github.com/lukko-dev/lukko/conformance v0.1.0
	github.com/lukko-dev/lukko/core v0.1.0
)
