package gotypes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/names"
	"github.com/lukko-dev/lukko/schema"
)

// A Warning is what could not be brought over as it was.
type Warning struct {
	Name string // of the secret, variable or credential
	What string // what becomes of it
}

// String returns the warning in one line.
func (w Warning) String() string { return core.Printable(w.Name + ": " + w.What) }

// Moved is what [FromPikku] brings over.
type Moved struct {
	Secrets     []schema.Meta      // secrets and variables, without those that a credential is kept in
	Credentials []credentials.Meta // what Go declares by package credentials
	Warnings    []Warning
}

// FromPikku reads a metadata file that Pikku's code generator wrote:
// pikku-secrets-meta.gen.json, pikku-variables-meta.gen.json or
// pikku-credentials-meta.gen.json, an object of definitions by name. schemas
// is the folder of the JSON Schemas that they name, NAME.schema.json; nil is
// none.
//
// What Lukko has no word for, and what Pikku does not say, is a warning. The
// error is that data is no such file, or larger than 16 MiB.
func FromPikku(data []byte, schemas fs.FS) (Moved, error) {
	var r pikkuReader
	if err := r.file(data, schemas); err != nil {
		return Moved{}, err
	}
	return r.finish(), nil
}

// file reads the definitions of a file. Credentials are kept until all files
// are read: they go before secrets of their ids.
func (r *pikkuReader) file(data []byte, schemas fs.FS) error {
	if len(data) > maxFile {
		return errors.New("the file is larger than 16 MiB")
	}
	definitions := map[string]pikkuDefinition{}
	if err := json.Unmarshal(data, &definitions); err != nil {
		return fmt.Errorf("the file is no metadata of Pikku, an object of definitions by name (%T)", err)
	}
	r.schemas = schemas
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		r.definition(name, definitions[name])
	}
	return nil
}

const maxFile = 16 << 20

// pikkuDefinition has the keys of Pikku's SecretDefinitionMeta,
// VariableDefinitionMeta and CredentialDefinitionMeta.
type pikkuDefinition struct {
	SecretID       string          `json:"secretId"`
	VariableID     string          `json:"variableId"`
	Type           string          `json:"type"` // of a credential: singleton or wire
	DisplayName    string          `json:"displayName"`
	Description    string          `json:"description"`
	DocsURL        string          `json:"docsUrl"`
	Schema         json.RawMessage `json:"schema"` // the name of one, or itself
	Optional       bool            `json:"optional"`
	RotationPeriod string          `json:"rotationPeriod"`
	AllowedHosts   []string        `json:"allowedHosts"`
	OAuth2         *pikkuOAuth2    `json:"oauth2"`
}

type pikkuReader struct {
	schemas  fs.FS
	metas    []schema.Meta
	hosts    map[string][]string // the allowedHosts of secrets, by id
	pending  []pikkuCredential
	accounts []credentials.Meta
	warnings []Warning
}

func (r *pikkuReader) warn(name, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{name, fmt.Sprintf(format, args...)})
}

func (r *pikkuReader) definition(name string, d pikkuDefinition) {
	spec := schema.Spec{
		ID: d.SecretID + d.VariableID, DisplayName: d.DisplayName, Description: d.Description,
		Optional: d.Optional,
	}
	if strings.HasPrefix(d.DocsURL, "https://") || strings.HasPrefix(d.DocsURL, "http://") {
		spec.DocsURL = d.DocsURL
	} else if d.DocsURL != "" {
		r.warn(name, "its docsUrl is left out: it does not begin with https:// or http://")
	}
	if d.RotationPeriod != "" {
		var ok bool
		if spec.RotationPeriod, ok = pikkuPeriod(d.RotationPeriod); !ok {
			r.warn(name, "its rotationPeriod is left out: it is no time such as 30day")
		}
	}
	switch {
	case d.SecretID != "" && d.VariableID != "":
		r.warn(name, "it is left out: it has a secretId and a variableId")
	case d.Type != "" || d.OAuth2 != nil:
		r.credential(name, d, spec)
	case spec.ID == "":
		r.warn(name, "it is left out: it has neither a secretId nor a variableId")
	default:
		spec.Schema = r.schema(name, &spec, d.Schema)
		if r.declare(name, spec, d.VariableID != "") && len(d.AllowedHosts) > 0 {
			if r.hosts == nil {
				r.hosts = map[string][]string{}
			}
			r.hosts[spec.ID] = d.AllowedHosts
		}
	}
}

// declare adds a declaration, and reports whether it could.
func (r *pikkuReader) declare(name string, spec schema.Spec, variable bool) bool {
	spec.Name = pikkuName(name)
	if spec.Name != name {
		r.warn(name, calledOtherwise, spec.Name)
	}
	what := "secret"
	if variable {
		what = "variable"
	}
	if err := core.CheckID(spec.ID); err != nil {
		r.warn(name, "it is left out: its id can't be one of Lukko (%s)", hint(err))
		return false
	}
	d := schema.DeclareAt(new(schema.Set), "pikku", variable, spec)
	if fault := faultOf(d.Check()); fault != "" && len(spec.Schema) > 0 {
		r.warn(name, "the %s has no schema now, so any bytes are valid: %s", what, fault)
		spec.Schema = nil
		d = schema.DeclareAt(new(schema.Set), "pikku", variable, spec)
	}
	if fault := faultOf(d.Check()); fault != "" {
		r.warn(name, "it is left out: %s", fault)
		return false
	}
	m := d.Meta()
	m.Type, m.Place = "", ""
	for _, other := range r.metas {
		if other.ID == m.ID {
			what := "has that id already"
			if !bytes.Equal(other.Schema, m.Schema) {
				what += ", with another schema"
			}
			r.warn(name, "it is left out: %s %s", other.Name, what)
			return false
		}
	}
	if !core.IsPortable(m.ID) {
		r.warn(name, "some stores can't hold its id: %s", m.Warnings[0])
	}
	r.metas = append(r.metas, m)
	return true
}

const calledOtherwise = `it is called %s: a name is letters, digits, "_", "-" and ".", beginning with a letter`

func hint(err error) string {
	var e *core.Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

func faultOf(err error) string {
	var e *schema.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Problems[0].Detail
}

// pikkuName makes a name for Lukko of one of Pikku, which may be any text.
func pikkuName(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '_' || r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z') {
			return r
		}
		return '-'
	}, name)
	if clean == name && name != "" && ('a' <= name[0]|0x20 && name[0]|0x20 <= 'z') {
		return name
	}
	if clean = strings.Trim(clean, "-_."); clean == "" || '0' <= clean[0] && clean[0] <= '9' {
		clean = names.Unexported("x-" + clean)
	}
	return clean
}

var periodForm = regexp.MustCompile(`^([0-9]+)([a-z]+)$`)

// pikkuPeriod reads a time such as 30day, 1w or 12hours.
func pikkuPeriod(s string) (time.Duration, bool) {
	units := map[string]time.Duration{
		"ms": time.Millisecond, "millisecond": time.Millisecond, "s": time.Second, "sec": time.Second, "second": time.Second,
		"m": time.Minute, "min": time.Minute, "minute": time.Minute, "h": time.Hour, "hour": time.Hour,
		"d": 24 * time.Hour, "day": 24 * time.Hour, "w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
		"y": 8766 * time.Hour, "year": 8766 * time.Hour, // 365.25 days
	}
	parts := periodForm.FindStringSubmatch(s)
	if parts == nil {
		return 0, false
	}
	unit, ok := units[parts[2]]
	if !ok && len(parts[2]) > 3 {
		unit, ok = units[strings.TrimSuffix(parts[2], "s")]
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	if !ok || err != nil || n < 1 || n > math.MaxInt64/int64(unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
}

// schema reads the schema of a definition, and takes off what a Go program
// has no use for.
func (r *pikkuReader) schema(name string, spec *schema.Spec, given json.RawMessage) json.RawMessage {
	raw := given
	var file string
	if json.Unmarshal(given, &file) == nil && file != "" {
		raw = r.schemaFile(name, file)
	}
	doc, ok := parseDocument(raw)
	if !ok {
		return nil
	}
	root, ok := doc.root.(node)
	if !ok {
		return raw
	}
	if root["$schema"] == "https://json-schema.org/draft/2020-12/schema" { // the one that is meant without it
		delete(root, "$schema")
	}
	if words, _ := root["description"].(string); words != "" && (spec.Description == "" || spec.Description == words) {
		spec.Description = words
		delete(root, "description")
	}
	for _, pattern := range r.dropPatterns(root) {
		r.warn(name, "the pattern %s is left out of its schema: Go's regular expressions have no word for it", pattern)
	}
	if len(root) == 1 && root["type"] == "string" {
		return nil // any text
	}
	return json.RawMessage(text(root))
}

func (r *pikkuReader) schemaFile(name, file string) json.RawMessage {
	const what = "the schema %s of it %s, so any bytes are valid: give it one in Spec.Schema, or a Go type"
	if r.schemas == nil || !fs.ValidPath(file) || strings.Contains(file, "/") {
		r.warn(name, what, file, "is not there")
		return nil
	}
	data, err := fs.ReadFile(r.schemas, file+".schema.json")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.warn(name, what, file, "is not there")
		return nil
	case err != nil:
		r.warn(name, what, file, fmt.Sprintf("can't be read (%T)", err))
		return nil
	case !json.Valid(data):
		r.warn(name, what, file, "is no JSON")
		return nil
	}
	return data
}

// dropPatterns takes the patterns out of a schema that Go can't compile, and
// returns them.
func (r *pikkuReader) dropPatterns(v any) (dropped []string) {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			dropped = append(dropped, r.dropPatterns(child)...)
		}
	case node:
		if pattern, ok := v["pattern"].(string); ok {
			if _, err := regexp.Compile(pattern); err != nil {
				dropped = append(dropped, pattern)
				delete(v, "pattern")
			}
		}
		for _, keyword := range slices.Sorted(maps.Keys(v)) {
			switch keyword {
			case "enum", "const", "default", "examples": // values, and no schemas
			default:
				dropped = append(dropped, r.dropPatterns(v[keyword])...)
			}
		}
	}
	return dropped
}
