// Package billing declares what only packages near it can import.
package billing

import (
	"net/url"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// Pair is generic.
type Pair[K comparable, V any] struct {
	Key   K `json:"key"`
	Value V `json:"value"`
}

// Base is embedded, and Tree is recursive.
type Base struct {
	Account string `json:"account"`
}

type Tree struct {
	Base
	Password core.Value       `json:"password"`
	Children []*Tree          `json:"children,omitempty"`
	More     map[string]*Tree `json:"more,omitempty"`
}

// Bundle is an alias, and list one that others can't name.
type Bundle = Pair[string, Pair[int, []core.Value]]

type list = []string

// Level is a text.
type Level string

var (
	Account = schema.Declare[Tree](schema.Spec{Name: "account", ID: "billing/ACCOUNT"})
	Both    = schema.Declare[Bundle](schema.Spec{Name: "both", ID: "billing/BOTH"})
	Hosts   = schema.Declare[list](schema.Spec{Name: "hosts", ID: "billing/HOSTS"})
	Inline  = schema.Declare[*struct {
		Level Level             `json:"level"`
		Rates map[string][2]int `json:"rates"`
	}](schema.Spec{Name: "inline", ID: "billing/INLINE", Optional: true})
	Pepper = schema.Declare[[]byte](schema.Spec{Name: "pepper", ID: "billing/PEPPER"})
	Mode   = schema.DeclareVariable[Level](schema.Spec{Name: "mode", ID: "billing/MODE"})
	Query  = schema.DeclareVariable[url.Values](schema.Spec{Name: "query", ID: "billing/QUERY"})
)
