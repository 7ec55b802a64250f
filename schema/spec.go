package schema

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// Spec is what a declaration says of a secret or a variable, beside its Go
// type. Later versions add fields; name them when you write one.
type Spec struct {
	// Name is how people, tools and generated code call it: letters, digits,
	// "_", "-" and ".", beginning with a letter. Empty, it is the ID. One name
	// stands for one id.
	Name string

	// ID is the id in the store. A portable one (see [core.IsPortable]) fits
	// every backend; any other is a warning in [Meta].
	ID string

	DisplayName string // for people: "Stripe API"
	Description string // what it is for
	DocsURL     string // where it is told how to get one; an http or https URL

	// Schema is a JSON Schema in place of the one inferred from the Go type:
	// draft 2020-12, or what its "$schema" says among drafts 4, 6, 7, 2019-09
	// and 2020-12, at most [MaxSchemaLen] bytes. Where the Go type is the
	// stored bytes as they are, a schema of type "string", or of none,
	// validates them as one string; any other validates them as a JSON
	// document, and they are still handed out as they are.
	Schema json.RawMessage

	// Optional says that the program does without it. Load, Status and Check
	// take a missing one as no problem; an invalid one still is.
	Optional bool

	// RotationPeriod is how old a value may get before [Status] says that it
	// is due for rotation. Zero: it never is. Negative is an error.
	RotationPeriod time.Duration

	// Default is the value of a variable that is not set, in its stored form:
	// a text as it is, anything else as JSON. Empty, it is the "default" at the
	// root of the schema, if there is one. A secret has none: it would stand in
	// the source.
	Default string

	// AnyOf names a group of which at least one member must be there, OneOf one
	// of which exactly one must be; at most one of the two is given. The members
	// are those of the set, and each by itself is optional.
	AnyOf, OneOf string

	// RequiredIn lists the environments, as lukko.yaml and [Loader] name them,
	// where the program can't do without it; elsewhere it is optional. Where
	// the environment is not known it is required. Empty, it is required
	// everywhere, unless it is Optional or in a group.
	RequiredIn []string

	// Generate says how [Generate] makes a value: "random" is 32 random bytes
	// and "random:64" as many, 16 to 1024, in base64 (RFC 4648 section 5,
	// without padding); "hex" and "hex:64" the same in hexadecimal; "uuid" is
	// a UUID of version 4 (RFC 9562); "ed25519", "rsa" (3072 bits),
	// "rsa:2048" and "rsa:4096" are private keys (PKCS #8 in PEM). Only a secret
	// that is a text has one.
	Generate string
}

// MaxSchemaLen is the largest JSON Schema, in bytes.
const MaxSchemaLen = 64 << 10

// Meta is what tools know of a declaration.
type Meta struct {
	// Spec is the declaration's, with the Name filled in. Its Schema is the
	// effective one, given or inferred; empty where any bytes are valid and
	// where the declaration is wrong. Its Default is the effective one, too.
	Spec

	// Variable says that it is configuration, whose value may be shown. All
	// others are secrets, whose values never are.
	Variable bool

	// Text says that the stored bytes are one text (or any bytes), and not a
	// JSON document: a tool stores what it is given as it is.
	Text bool

	// Type is the name of the Go type, such as "billing.StripeCredentials".
	Type string

	// Place is the file and line of the declaration, "billing/stripe.go:12":
	// the last two elements of the path, so that it is the same on every
	// machine that builds it.
	Place string

	// Warnings says what is allowed but may hurt, such as an id that some
	// backends can't hold.
	Warnings []string
}

// MayBeAbsent reports whether a program must reckon with there being no value
// in some environment, though nothing is wrong.
func (m Meta) MayBeAbsent() bool {
	return m.Default == "" && (m.Optional || m.AnyOf != "" || m.OneOf != "" || len(m.RequiredIn) > 0)
}

// RequiredInEnvironment reports whether it is wrong that there is no value in
// an environment; the empty name is one that is not known. What is in a group
// is not required by itself.
func (m Meta) RequiredInEnvironment(name string) bool {
	switch {
	case m.Default != "" || m.Optional || m.AnyOf != "" || m.OneOf != "":
		return false
	case len(m.RequiredIn) > 0:
		return name == "" || slices.Contains(m.RequiredIn, name)
	}
	return true
}

// Declared is a declaration whose Go type does not matter: what Load, Status
// and tools take. Only [Declaration] implements it. Its methods are safe for
// concurrent use.
type Declared interface {
	// Meta returns what tools know of the declaration.
	Meta() Meta

	// Check returns an [*Error] that matches [ErrDeclaration] if the
	// declaration is wrong, alone or beside the others of its set.
	Check() error

	// Validate returns an [*Error] that lists all that is wrong with a value,
	// as it would be stored: it matches core.ErrInvalidValue, or
	// ErrDeclaration if the declaration itself is wrong.
	Validate(value core.Value) error

	base() *definition
	newSlot() slot
}

// shortPlace keeps the last two elements of a path.
func shortPlace(file string, line int) string {
	file = strings.ReplaceAll(file, `\`, "/")
	if i := strings.LastIndexByte(file, '/'); i >= 0 {
		if j := strings.LastIndexByte(file[:i], '/'); j >= 0 {
			file = file[j+1:]
		}
	}
	return file + ":" + strconv.Itoa(line)
}

// isName reports whether s can be a declaration's name.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '_' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != "" && len(s) <= core.MaxIDLen
}

func typeName(t reflect.Type) string {
	if t == nil {
		return ""
	}
	return t.String()
}
