// Package deploytest holds what generate/policy and generate/manifest write to
// the vendors' own servers, schemas and types. It is a module of its own since
// these are heavy, and no program needs them.
package deploytest
