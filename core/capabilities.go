package core

import "time"

// Capabilities says what a service can do. It is a promise in both
// directions: what is claimed works, and what is not claimed answers
// [errors.ErrUnsupported] and changes nothing. Get, GetMany, Stat, the option
// Fresh and the option IfChanged are not listed: they always work, IfChanged
// wherever Set does.
type Capabilities struct {
	Set      bool // Set stores values
	Delete   bool // Delete removes secrets
	Purge    bool // Delete with Purge leaves nothing to recover
	List     bool // List yields the ids
	Versions bool // Versions yields the history

	AtVersion bool // reads of an earlier version
	IfAbsent  bool // Set with IfAbsent: of any number of writers at most one succeeds
	IfVersion bool // Set with IfVersion: of all writes conditional on one version at most one succeeds

	// Settle is how long the vendor says that a read may still miss a write
	// that was acknowledged; 0 means that it never does.
	Settle time.Duration
}
