// Package metadata reads and writes secrets_meta.json: what a program
// declares, for tools that are not that program. `lukko generate` writes it;
// the command line, the console and deployment read it. It never holds the
// value of a secret.
package metadata

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// FileName is the usual name of the file.
const FileName = "secrets_meta.json"

// Version is the version of the format that this package reads and writes.
const Version = 1

// MaxLen is how large a file may be, in bytes.
const MaxLen = 16 << 20

// SchemaID is what a file has as its "$schema".
const SchemaID = "https://github.com/lukko-dev/lukko/schema/metadata/v1"

//go:embed secrets_meta.schema.json
var published []byte

// Schema returns the JSON Schema (draft 2020-12) of the file.
func Schema() []byte { return bytes.Clone(published) }

// File is the content of a secrets_meta.json.
type File struct {
	Schema    string  `json:"$schema,omitempty"`
	Version   int     `json:"version"`
	Secrets   []Entry `json:"secrets"`
	Variables []Entry `json:"variables"`

	// Credentials are the declared accounts. The secrets that they are kept in
	// and that every deployment has are among Secrets, too; those of users are
	// not, as their ids are known at run time only.
	Credentials []Credential `json:"credentials,omitempty"`
}

// Entry is one declaration. Its fields are those of [schema.Spec] and
// [schema.Meta].
type Entry struct {
	Name           string          `json:"name"`
	ID             string          `json:"id"`
	DisplayName    string          `json:"displayName,omitempty"`
	Description    string          `json:"description,omitempty"`
	DocsURL        string          `json:"docsURL,omitempty"`
	Schema         json.RawMessage `json:"schema,omitempty"`
	Text           bool            `json:"text,omitempty"`
	Optional       bool            `json:"optional,omitempty"`
	RequiredIn     []string        `json:"requiredIn,omitempty"`
	AnyOf          string          `json:"anyOf,omitempty"`
	OneOf          string          `json:"oneOf,omitempty"`
	Generate       string          `json:"generate,omitempty"`
	RotationPeriod string          `json:"rotationPeriod,omitempty"` // see [FormatPeriod]
	Default        string          `json:"default,omitempty"`        // of a variable
	Type           string          `json:"type,omitempty"`

	// Place is the file and line of the declaration, relative to the folder of
	// this file, with slashes.
	Place string `json:"place,omitempty"`
}

// New makes a File of declarations, sorted by name.
func New(metas []schema.Meta) *File {
	f := &File{Schema: SchemaID, Version: Version, Secrets: []Entry{}, Variables: []Entry{}}
	for _, m := range metas {
		e := Entry{
			Name: m.Name, ID: m.ID, DisplayName: m.DisplayName, Description: m.Description, DocsURL: m.DocsURL,
			Schema: slices.Clone(m.Schema), Text: m.Text,
			Optional: m.Optional, RequiredIn: slices.Clone(m.RequiredIn), AnyOf: m.AnyOf, OneOf: m.OneOf,
			Generate: m.Generate, RotationPeriod: FormatPeriod(m.RotationPeriod), Default: m.Default,
			Type: m.Type, Place: m.Place,
		}
		if m.Variable {
			f.Variables = append(f.Variables, e)
		} else {
			f.Secrets = append(f.Secrets, e)
		}
	}
	f.sort()
	return f
}

func (f *File) sort() {
	for _, entries := range [][]Entry{f.Secrets, f.Variables} {
		slices.SortStableFunc(entries, func(a, b Entry) int {
			return slices.Compare([]string{a.Name, a.ID, a.Place}, []string{b.Name, b.ID, b.Place})
		})
	}
	slices.SortStableFunc(f.Credentials, func(a, b Credential) int {
		return slices.Compare([]string{a.Name, a.SecretID, a.Place}, []string{b.Name, b.SecretID, b.Place})
	})
}

// Encode writes the file, sorted by name. The same content gives the same
// bytes. The error, if any, is that a Schema, or the settings of a credential,
// are no JSON.
func (f *File) Encode() ([]byte, error) {
	sorted := *f
	sorted.Secrets = append([]Entry{}, f.Secrets...)
	sorted.Variables = append([]Entry{}, f.Variables...)
	sorted.Credentials = slices.Clone(f.Credentials)
	sorted.sort()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(sorted); err != nil {
		return nil, errors.New("metadata: a schema, or the settings of a credential, are no JSON")
	}
	return b.Bytes(), nil
}

// format checks a file against the published schema, as a value is checked
// against a declared one: no name twice, no case folded, nothing quoted.
var format = schema.DeclareIn[json.RawMessage](new(schema.Set), schema.Spec{ID: FileName, Schema: published})

// Decode reads a file. It refuses what the published schema refuses, a version
// that it does not know, and what is larger than MaxLen; the error says where
// and quotes nothing.
func Decode(data []byte) (*File, error) {
	if len(data) > MaxLen {
		return nil, errors.New("metadata: the file is larger than 16 MiB")
	}
	var head struct {
		Version json.Number `json:"version"`
	}
	if json.Unmarshal(data, &head) == nil && head.Version != "" && head.Version != "1" {
		return nil, errors.New("metadata: the file is of another version than 1; write it again with lukko generate, or use the lukko that wrote it")
	}
	if err := format.Validate(core.Bytes(data)); err != nil {
		return nil, refusal(err)
	}
	var f File
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("metadata: the file can't be decoded (%T)", err)
	}
	return &f, nil
}

func refusal(err error) error {
	var e *schema.Error
	if !errors.As(err, &e) {
		return errors.New("metadata: the file is no metadata")
	}
	var b strings.Builder
	b.WriteString("metadata: the file is not as its schema says; write it again with lukko generate")
	for i, p := range e.Problems {
		if i == 5 {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Problems)-i)
			break
		}
		b.WriteString("\n  " + strings.TrimPrefix(p.String(), FileName+": "))
	}
	return errors.New(b.String())
}

// Declare declares each secret and variable in a set, with its values handed out as they are
// stored. place says how a declaration names its entry's place; nil is the
// Place itself. What is wrong with a declaration is told by the set.
func (f *File) Declare(set *schema.Set, place func(Entry) string) error {
	if place == nil {
		place = func(e Entry) string { return e.Place }
	}
	for i, entries := range [][]Entry{f.Secrets, f.Variables} {
		for _, e := range entries {
			spec, err := e.Spec()
			if err != nil {
				return err
			}
			schema.DeclareMeta(set, schema.Meta{Spec: spec, Variable: i == 1, Text: e.Text, Place: place(e)})
		}
	}
	return nil
}

// Spec returns what the entry says of its declaration. The error is of a
// RotationPeriod that is none.
func (e Entry) Spec() (schema.Spec, error) {
	spec := schema.Spec{
		Name: e.Name, ID: e.ID, DisplayName: e.DisplayName, Description: e.Description, DocsURL: e.DocsURL,
		Schema: slices.Clone(e.Schema), Optional: e.Optional, RequiredIn: slices.Clone(e.RequiredIn),
		AnyOf: e.AnyOf, OneOf: e.OneOf, Generate: e.Generate, Default: e.Default,
	}
	if e.RotationPeriod == "" {
		return spec, nil
	}
	period, ok := ParsePeriod(e.RotationPeriod)
	if !ok {
		return spec, errors.New("metadata: the rotation period of " + core.Printable(e.Name) + " is no time such as 90d")
	}
	spec.RotationPeriod = period
	return spec, nil
}
