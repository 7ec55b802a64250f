// Command lukkolint finds mistakes in how a program uses its secrets. It is
// the tool of a vet, and works alone:
//
//	go vet -vettool=$(which lukkolint) ./...
//	lukkolint ./...
//	lukkolint -fix ./...    applies the fixes that are certain
//	lukkolint -json ./...   for other tools
//	lukkolint help unread   what a rule says, and its flags
//
// -RULE=false leaves a rule out, -RULE alone runs that rule only, and
// -undeclared.meta names further secrets_meta.json files.
package main

import (
	"golang.org/x/tools/go/analysis/multichecker"

	"github.com/lukko-dev/lukko/lint"
)

func main() { multichecker.Main(lint.Analyzers...) }
