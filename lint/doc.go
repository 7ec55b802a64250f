// Package lint finds mistakes in how a program uses its secrets: ids that
// nothing declares, declarations that nothing reads, revealed values on their
// way into a log, and more. Each rule is an analyzer of golang.org/x/tools/go/analysis.
//
// The command github.com/lukko-dev/lukko/lint/cmd/lukkolint runs them, alone or
// for go vet; the package golangci makes them a linter of golangci-lint. The
// README of the module has every rule: what is wrong, what is right, and how to
// say that something is on purpose:
//
//	//lukko:allow revealed the vendor takes its token in the path only
//
// What is found depends on the sources, and on the secrets_meta.json and
// lukko.yaml files of the module. go vet keeps results for as long as the
// sources stay the same, whatever becomes of those files.
package lint
