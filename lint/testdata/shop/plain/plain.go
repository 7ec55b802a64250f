package plain

import (
	"time"

	"github.com/lukko-dev/lukko/schema"
)

type Region string

type credentials struct {
	Host       string `json:"host"`
	Port       int
	User       string
	Passphrase string            `json:"passphrase"` // want `the field Passphrase of a declared secret is a plain string, which everything prints as it is: make it a core.Value \[plainstring\]`
	SigningKey string            // want `the field SigningKey of a declared secret is a plain string`
	Used       string            // want `the field Used`
	Raw        []byte            // want `the field Raw of a declared secret holds plain bytes`
	Many       []string          // want `the field Many`
	Others     map[string]string // want `the field Others`
	Pointer    *string           // want `the field Pointer`
	Quoted     string            `json:",string"` // want `the field Quoted`
	Level      string            `jsonschema:"enum=low,enum=high"`
	Left       string            `json:"-"`
	Region     Region
	When       time.Time
	Nested     nested
	Pairs      []pair[string, int]
	List       []item
	ClientID   string
	AccessKey  string //lukko:allow plainstring it is printed on every bill
	private    string
}

type nested struct {
	Token string // want `the field Nested.Token of a declared secret is a plain string`
}

type item struct {
	Pin string // want `the field List.Pin`
}

// Exported is declared, and its field is named by another package.
type Exported struct {
	Named string // want `the field Named`
}

type pair[K comparable, V any] struct {
	Key   K
	Value V
}

type setting struct {
	Level string
}

var (
	Credentials = schema.Declare[credentials](schema.Spec{ID: "C"})
	Again       = schema.DeclareIn[*credentials](new(schema.Set), schema.Spec{ID: "D"})
	Elsewhere   = schema.Declare[Exported](schema.Spec{ID: "E"})
	Setting     = schema.DeclareVariable[setting](schema.Spec{ID: "S"})
	Text        = schema.Declare[string](schema.Spec{ID: "T"})
)

func use(c credentials) string { return c.Used + c.private }
