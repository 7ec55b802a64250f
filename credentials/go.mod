module github.com/lukko-dev/lukko/credentials

go 1.26.0

require (
	github.com/lukko-dev/lukko/core v0.1.0
	github.com/lukko-dev/lukko/oauth2 v0.1.0
	github.com/lukko-dev/lukko/schema v0.1.0
)
