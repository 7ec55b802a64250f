package config

import (
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/schema"
	"go.yaml.in/yaml/v4"
)

// reader makes a Config of a file and collects what is wrong with it.
type reader struct {
	path   string
	except unchecked
	alone  bool // without the files of metadata, and what needs them
	config *Config
	faults []Fault

	required []*yaml.Node // the environments that requiredIn names
	values   []givenValue // of the variables

	// The credentials as they are read. Their secrets are among the declarations.
	accountSet *credentials.Set
	accounts   []account
}

// newReader reads the file at path.
func newReader(path string) *reader {
	c := &Config{Path: path, Declarations: new(schema.Set), Credentials: new(credentials.Set)}
	return &reader{path: path, config: c, accountSet: &credentials.Set{Secrets: c.Declarations}}
}

// place is how a declaration names a line of the file.
func (r *reader) place(n *yaml.Node) string {
	return filepath.Base(r.path) + ":" + strconv.Itoa(n.Line)
}

func (r *reader) read(root *yaml.Node) {
	if !r.mapping(root, "the file") {
		return
	}
	var standard, environments, files, accounts *yaml.Node
	for key, value := range pairs(root) {
		switch key.Value {
		case "default":
			standard = value
		case "environments":
			environments = value
		case "secrets":
			r.declarations(value, false)
		case "variables":
			r.declarations(value, true)
		case "credentials":
			accounts = value
		case "metadata":
			files = value
		default:
			r.unknown(key, "default", "environments", "secrets", "variables", "credentials", "metadata")
		}
	}
	if accounts != nil {
		r.credentials(accounts)
	}
	if !r.alone {
		r.metadata(files)
	}
	r.checkAccounts()
	r.once()
	if environments == nil {
		r.fault(root, "environments is missing: it says where the secrets are, as in environments: {development: file:secrets}")
		return
	}
	if !r.mapping(environments, "environments") {
		return
	}
	for key, value := range pairs(environments) {
		r.environment(key, value)
	}
	r.standard(standard)
	r.checkRequired()
	if !r.alone {
		r.checkValues()
	}
}

// standard reads the default environment.
func (r *reader) standard(n *yaml.Node) {
	names := r.config.Names()
	if n == nil {
		if len(names) == 1 {
			r.config.Default = names[0]
		}
		return
	}
	name := r.text(n, "default")
	if name == "" || !r.names(n, "default") {
		return
	}
	r.config.Default = name
}

// names reports whether a text is the name of an environment of the file.
func (r *reader) names(n *yaml.Node, what string) bool {
	names := r.config.Names()
	if slices.Contains(names, n.Value) {
		return true
	}
	what += " names no environment; there are " + strings.Join(names, ", ")
	if near := nearest(n.Value, names); near != "" {
		what += `; did you mean "` + near + `"?`
	}
	r.fault(n, what)
	return false
}

// environment reads one environment: a URL, a list of stores, or a mapping
// that says more.
func (r *reader) environment(key, value *yaml.Node) {
	if !isWord(key.Value) {
		r.fault(key, `the name of an environment is letters, digits, "_", "-" and ".", beginning with a letter or digit, at most 64`)
		return
	}
	env := Environment{Name: key.Value, Place: r.place(key)}
	switch value.Kind {
	case yaml.MappingNode:
		r.environmentMapping(&env, value)
	case yaml.SequenceNode:
		r.stores(&env, value)
	default:
		r.store(&env, value)
	}
	r.config.Environments = append(r.config.Environments, env)
}

func (r *reader) environmentMapping(env *Environment, n *yaml.Node) {
	var writeTo, stores *yaml.Node
	for key, value := range pairs(n) {
		switch key.Value {
		case "stores":
			stores = value
			if value.Kind == yaml.SequenceNode {
				r.stores(env, value)
			} else {
				r.store(env, value)
			}
		case "writeTo":
			writeTo = value
		case "fallThrough":
			r.fallThrough(env, value)
		case "variables":
			r.variables(env, value)
		default:
			r.unknown(key, "stores", "writeTo", "fallThrough", "variables")
		}
	}
	if stores == nil {
		r.fault(n, "stores is missing: it lists the URLs of the environment's stores")
		return
	}
	if writeTo == nil {
		return
	}
	if env.WriteTo = r.text(writeTo, "writeTo"); env.WriteTo == "" {
		return
	}
	var names []string
	for _, s := range env.Stores {
		names = append(names, s.Name)
	}
	if !slices.Contains(names, env.WriteTo) {
		r.fault(writeTo, "writeTo names no store of the environment; there are "+strings.Join(names, ", "))
	}
}

func (r *reader) stores(env *Environment, n *yaml.Node) {
	if len(n.Content) == 0 {
		r.fault(n, "the list of stores is empty")
	}
	for _, item := range n.Content {
		r.store(env, item)
	}
}

// store reads one store: a URL, or a mapping of name and url.
func (r *reader) store(env *Environment, n *yaml.Node) {
	var name, raw *yaml.Node
	switch {
	case bareScheme(n) != nil:
		raw = bareScheme(n)
	case n.Kind == yaml.MappingNode:
		for key, value := range pairs(n) {
			switch key.Value {
			case "name":
				name = value
			case "url":
				raw = value
			default:
				r.unknown(key, "name", "url")
			}
		}
		if raw == nil {
			r.fault(n, `url is missing; a store is a URL, such as "env:", or has a name and a url`)
			return
		}
	default:
		raw = n
	}
	s := Store{URL: r.url(raw)}
	if s.URL == "" {
		return
	}
	taken := func(name string) bool {
		return slices.ContainsFunc(env.Stores, func(other Store) bool { return other.Name == name })
	}
	if name != nil {
		if s.Name = r.text(name, "name"); s.Name == "" {
			return
		}
		if !isWord(s.Name) {
			r.fault(name, `the name of a store is letters, digits, "_", "-" and ".", beginning with a letter or digit, at most 64`)
			return
		}
		if taken(s.Name) {
			r.fault(name, "two stores of the environment have the same name")
			return
		}
	} else {
		scheme, _, _ := strings.Cut(s.URL, ":")
		s.Name = scheme
		for i := 2; taken(s.Name); i++ {
			s.Name = scheme + "-" + strconv.Itoa(i)
		}
	}
	env.Stores = append(env.Stores, s)
}

// bareScheme returns the URL "env:" as a text, where it stands in a list as
// everybody writes it: to YAML that is a mapping of "env" to nothing.
func bareScheme(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		return nil
	}
	key, value := n.Content[0], n.Content[1]
	if value.Kind != yaml.ScalarNode || value.Value != "" || value.Style != 0 || key.Style != 0 || !isWord(key.Value) || key.Value == "url" || key.Value == "name" {
		return nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key.Value + ":", Line: key.Line, Column: key.Column}
}

// url reads the URL of a store. A relative one of a scheme of files becomes
// absolute. No error repeats it.
func (r *reader) url(n *yaml.Node) string {
	raw := ""
	if n.Kind == yaml.ScalarNode && isText(n) {
		raw = n.Value
	}
	if raw == "" {
		r.text(n, "a store's URL")
		return ""
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" {
		r.fault(n, "this is no URL of a store; one is like env: or file:secrets or vault://vault.example.com/secret")
		return ""
	}
	if u.User != nil {
		r.fault(n, "the URL holds a user or password; credentials come from the environment or from files")
		return ""
	}
	if !ofFiles(u.Scheme) || u.Opaque == "" {
		return raw
	}
	path, err := url.PathUnescape(u.Opaque)
	if err != nil || strings.ContainsRune(path, 0) {
		r.fault(n, "the URL has a % that begins no escape; a percent sign is written %25")
		return ""
	}
	path = filepath.ToSlash(filepath.Join(filepath.Dir(r.path), filepath.FromSlash(path)))
	if !strings.HasPrefix(path, "/") { // a drive
		path = "/" + path
	}
	abs := url.URL{Scheme: u.Scheme, Path: path, RawQuery: u.RawQuery, Fragment: u.Fragment}
	return abs.String()
}

// ofFiles reports whether the URLs of a scheme name files.
func ofFiles(scheme string) bool {
	return scheme == "file" || strings.HasPrefix(scheme, "file+") || scheme == "sqlite"
}

// kindsByName are what fallThrough may hold. What is not here must never be
// passed over: a corrupt secret is there.
var kindsByName = map[string]error{
	"unavailable":       core.ErrUnavailable,
	"permission denied": core.ErrPermissionDenied,
	"unauthenticated":   core.ErrUnauthenticated,
	"exhausted":         core.ErrExhausted,
}

func (r *reader) fallThrough(env *Environment, n *yaml.Node) {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	for _, item := range items {
		word := r.text(item, "a kind of failure")
		if word == "" {
			continue
		}
		kind, ok := kindsByName[word]
		known := []string{"unavailable", "permission denied", "unauthenticated", "exhausted"}
		switch near := nearest(word, known); {
		case ok:
			env.FallThrough = append(env.FallThrough, kind)
		case near != "":
			r.fault(item, `unknown kind of failure; did you mean "`+near+`"?`)
		default:
			r.fault(item, "unknown kind of failure; known are "+strings.Join(known, ", "))
		}
	}
}

// isWord reports whether s can be the name of an environment or a store.
func isWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || i > 0 && (c == '_' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
