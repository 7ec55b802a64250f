package lint

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// The names of the rules: of the analyzers, of their flags, of the categories
// of diagnostics, and in the comments that allow something.
const (
	Undeclared  = "undeclared"
	Dynamic     = "dynamic"
	Unread      = "unread"
	Revealed    = "revealed"
	PlainString = "plainstring"
	RequestPath = "requestpath"
	Allow       = "allow"
)

const readme = "https://github.com/lukko-dev/lukko/tree/main/lint#"

// Analyzers has one analyzer a rule. They share one pass over each package,
// and are safe for concurrent use.
var Analyzers = []*analysis.Analyzer{
	analyzer(Undeclared, `report constant ids that no declaration has

An id that is given to a SecretService should be one that is declared, in Go,
in a secrets_meta.json or in a lukko.yaml. Nothing is reported where nothing
is declared, or where an id of a declaration can't be told.`),
	analyzer(Dynamic, `report ids that are not constants

What no tool can read from the source, no check, policy or manifest covers.
Functions that hand on an id that they take are fine: their callers are
checked in their place, also in other packages.`),
	analyzer(Unread, `report declarations that nothing reads

Judged at package main: a declaration of the program's module whose variable,
and whose generated method, nothing in the module uses.`),
	analyzer(Revealed, `report revealed values on their way out

Follows what Reveal and RevealBytes return into logs, errors, standard output,
URLs, queues, mails and the arguments of commands.`),
	analyzer(PlainString, `report plain strings in structs declared as secrets

A core.Value prints as [REDACTED]; a string prints as what it is.`),
	analyzer(RequestPath, `report loading secrets while a request is served

Load and Bind read from the store and start a goroutine: they belong into the
program's start, and the handles that they return onto the request's path.`),
	analyzer(Allow, `report comments that allow nothing

A comment "//lukko:allow RULE reason" needs a rule that exists, a reason, and
something that it allows.`),
}

func analyzer(rule, doc string) *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:     rule,
		Doc:      doc,
		URL:      readme + rule,
		Requires: []*analysis.Analyzer{engineAnalyzer},
		Run: func(pass *analysis.Pass) (any, error) {
			for _, d := range pass.ResultOf[engineAnalyzer].(findings)[rule] {
				pass.Report(d)
			}
			return nil, nil
		},
	}
}

// Select returns the analyzers but for those of the rules named. A rule that
// doesn't exist is an error.
func Select(disable []string) ([]*analysis.Analyzer, error) {
	out := map[string]bool{}
	for _, rule := range disable {
		if !isRule(rule) {
			return nil, fmt.Errorf("lint: there is no such rule among those to leave out; the rules are %s", strings.Join(ruleNames, ", "))
		}
		out[rule] = true
	}
	var left []*analysis.Analyzer
	for _, a := range Analyzers {
		if !out[a.Name] {
			left = append(left, a)
		}
	}
	return left, nil
}

// SetMeta names secrets_meta.json files whose ids are known beside those that
// are found: the flag undeclared.meta. A relative path is one below the root of
// the module that is looked at. It must not be called while analyzers run.
func SetMeta(paths ...string) { metaFlag = strings.Join(paths, ",") }

// metaFlag is the value of the flag undeclared.meta.
var metaFlag string

func init() {
	Analyzers[0].Flags.StringVar(&metaFlag, "meta", "",
		"further secrets_meta.json files, separated by commas; relative to the root of the module")
}

// ruleNames lists the rules in the order of Analyzers.
var ruleNames = []string{Undeclared, Dynamic, Unread, Revealed, PlainString, RequestPath, Allow}

func isRule(name string) bool { return slices.Contains(ruleNames, name) }

// findings is the result of the engine: what was found, by rule.
type findings map[string][]analysis.Diagnostic
