package conformance

import (
	"slices"
)

// broken is every broken store.
var broken = slices.Concat(
	brokenReads, brokenBatches, brokenWrites, brokenConditions, brokenDeletes, brokenLists, brokenVersions,
	brokenValues, brokenIDs, brokenContexts, brokenLeaks, brokenStores, brokenServices,
)

// backend makes a broken store of a model with some methods replaced.
func backend(name, aim string, patch func(*patched)) brokenStore {
	return brokenStore{name: name, aim: aim, open: func(m *model) Subject {
		p := &patched{model: m}
		patch(p)
		return Subject{Backend: p}
	}}
}

// byHand makes a broken store of a service without core.New, with some
// methods replaced: these faults the front mends, or they are its own.
func byHand(name, aim string, patch func(*service)) brokenStore {
	return brokenStore{name: "service-" + name, aim: aim, open: func(m *model) Subject {
		s := whole(m)
		patch(s)
		return Subject{Service: s}
	}}
}
