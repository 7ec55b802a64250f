package conformance

import (
	"slices"
	"strings"
)

// Level says how binding a rule is.
type Level string

// A MUST holds for every backend. A SHOULD may be waived with a reason.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
)

// Class says how much a case costs on a live backend.
type Class string

// Check runs the cheap cases, and the full ones only when it is told to. The
// offline ones need a store of their own or a hook of the [Harness]: only Run
// runs them.
const (
	Cheap   Class = "cheap"
	Full    Class = "full"
	Offline Class = "offline"
)

// Cost is what a case may take of a live backend at most: calls, and secrets
// that it makes for itself beside those that all cases share. Polling where
// Settle is claimed comes on top.
type Cost struct {
	Class   Class
	Calls   int
	Secrets int
}

// Case is one promise of the contract.
type Case struct {
	// Name never changes: MUST/GetMany/denied-is-not-missing.
	Name  string
	Level Level
	// Rule is the promise in a sentence.
	Rule string
	// Look says what to look at when it fails.
	Look string
	// Needs lists what is needed to run it: capabilities ("Set", "no Purge")
	// and hooks ("hook Deny").
	Needs []string
	// Cost is that of a live check; with [FullCheck] it is FullCost.
	Cost     Cost
	FullCost Cost

	shared int // full check: how many shared secrets it uses
	needs  []need
	run    func(*trial)
}

// Cases returns every case, in the order in which they run.
func Cases() []Case { return slices.Clone(all) }

// all is filled once, from the tables of the files cases_*.go.
var all = assemble(
	capabilityCases, getCases, batchCases, setCases, conditionCases, deleteCases,
	listCases, versionCases, valueCases(), idCases, optionCases, contextCases,
	aliasingCases, concurrencyCases, storeCases, closeCases,
	// The last look back on every call of the others.
	errorCases, leakCases,
)

func assemble(tables ...[]Case) []Case {
	cases := slices.Concat(tables...)
	for i := range cases {
		c := &cases[i]
		level, _, _ := strings.Cut(c.Name, "/")
		c.Level = Level(level)
		for _, n := range c.needs {
			c.Needs = append(c.Needs, n.name)
			if n.hook {
				c.Cost.Class = Offline
			}
		}
		if c.Cost.Class == "" {
			c.Cost.Class = Cheap
		}
		if c.FullCost == (Cost{}) {
			c.FullCost = c.Cost
		}
		c.FullCost.Class = c.Cost.Class
	}
	return cases
}

// byName finds a case.
func byName(name string) (Case, bool) {
	i := slices.IndexFunc(all, func(c Case) bool { return c.Name == name })
	if i < 0 {
		return Case{}, false
	}
	return all[i], true
}
