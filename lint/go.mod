module github.com/lukko-dev/lukko/lint

go 1.26.0

require (
	github.com/golangci/plugin-module-register v0.1.2
	github.com/lukko-dev/lukko/core v0.1.0
	go.yaml.in/yaml/v4 v4.0.0
	golang.org/x/tools v0.52.0
)

require (
	golang.org/x/mod v0.43.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
)
