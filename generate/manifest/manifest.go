// Package manifest writes what hands the declared secrets and variables of a
// program to a deployment: names of secrets, never a value of one, and the values
// that lukko.yaml has for variables.
//
// A program finds them in its process environment, as the provider env reads
// it: NAME, or the file that NAME_FILE names. A secret that may be absent does
// not break the deployment: where a platform can't do without one, it is left out.
// The functions ask no server: the same Input is the same bytes.
package manifest

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/stores"
	"github.com/lukko-dev/lukko/schema"
)

// Input is what a manifest is made of. Metas and Environment are needed, all
// else may be zero.
type Input struct {
	// Metas are the declarations.
	Metas []schema.Meta

	// Credentials are the declared credentials. Their tokens change as the program
	// runs, so that they are never handed over: it reads them from the store, and
	// stores them there. The application's secrets and keys are handed over as all
	// that is declared.
	Credentials []credentials.Meta

	// Environment says where the secrets are, and what the variables are there. A
	// variable without a value is left to its default.
	Environment config.Environment

	// Names are the names of environment variables for ids, in place of the
	// ids themselves with the prefix of the environment's env: layer.
	Names map[string]string

	// Store is the name of the store that the secrets are taken from. Empty: the
	// only one that the platform can take them from.
	Store string

	// Include lists the ids of secrets that may be absent, and are handed over all
	// the same where the deployment then fails without them. IncludeOptional says
	// that all are.
	Include         []string
	IncludeOptional bool

	// App is the name of the program: of its container, its service, and what its
	// objects' names begin with. Empty: "app".
	App string

	// Image is the container's image, for the platforms that need one. Empty: "app".
	Image string

	// Namespace is that of Kubernetes' objects. Empty: none is said.
	Namespace string

	// SecretStore names the SecretStore of External Secrets that reads the
	// store; one that begins with "cluster/" is a ClusterSecretStore. Empty: the name
	// of the store in lukko.yaml.
	SecretStore string

	// Account, Region and Partition are those of ARNs, where the URL of an aws
	// store says no region. A partition is also told by the region.
	Account, Region, Partition string

	// Files is a folder with a file for each secret, of its variable's name. Empty:
	// compose takes the secrets from the environment of who calls it, and systemd
	// from its credential stores.
	Files string

	// Encrypted says that systemd's credentials are encrypted.
	Encrypted bool

	// Note is told, in a sentence each, what whoever applies the manifest should
	// know. Nil: nobody is.
	Note func(text string)
}

// Error is the error of this package: what is wrong, and what to do. It repeats no
// URL and no value.
type Error = stores.Error

// secret is one that a deployment is handed.
type secret struct {
	schema.Meta
	variable string // of the process environment
	absent   bool   // it may be
}

// variable is one that a deployment is handed.
type variable struct{ name, value string }

// parts are what a manifest is about.
type parts struct {
	secrets   []secret
	left      []secret // may be absent, where the platform can't take that
	variables []variable
}

// labelForm is a name of an object in Kubernetes (RFC 1123), which all the
// platforms take, with room for what is put behind it.
var labelForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// variableForm is a name that every shell and platform takes (POSIX.1-2024, 8.1).
var variableForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// prepare sorts out what is handed over. optional says that the platform
// takes secrets that may be absent.
func (in *Input) prepare(optional bool) (parts, error) {
	in.App = cmp.Or(in.App, "app")
	in.Image = cmp.Or(in.Image, "app")
	if !labelForm.MatchString(in.App) {
		return parts{}, stores.Fail("the name of the program can't be one of objects", "it is at most 40 small letters, digits and hyphens")
	}
	prefix, err := in.prefix()
	if err != nil {
		return parts{}, err
	}
	for i, id := range in.Include {
		if !slices.ContainsFunc(in.Metas, func(m schema.Meta) bool { return m.ID == id && !m.Variable }) {
			return parts{}, stores.Fail("what is to be handed over is not declared as a secret: number "+strconv.Itoa(i+1)+" of its ids", "lukko check lists what is")
		}
	}
	var p parts
	var wrong []string
	taken := map[string]string{}
	name := func(id string) string {
		text := prefix + id
		if as, ok := in.Names[id]; ok {
			text = as
		}
		switch {
		case !variableForm.MatchString(text):
			wrong = append(wrong, id+" is no name of an environment variable")
		case strings.HasSuffix(text, "_FILE"):
			wrong = append(wrong, id+" would be the file of another variable, as it ends in _FILE")
		case strings.HasPrefix(text, "LUKKO_"):
			wrong = append(wrong, id+" would configure Lukko itself, as it begins with LUKKO_")
		case taken[text] != "":
			wrong = append(wrong, id+" and "+taken[text]+" would be one environment variable")
		}
		taken[text] = id
		return text
	}
	for _, m := range stores.Secrets(in.Metas, false) {
		if in.isTokens(m) {
			continue
		}
		s := secret{m, name(m.ID), !m.RequiredInEnvironment(in.Environment.Name)}
		if s.absent && !optional && !in.IncludeOptional && !slices.Contains(in.Include, m.ID) {
			p.left = append(p.left, s)
			continue
		}
		p.secrets = append(p.secrets, s)
	}
	values := map[string]string{}
	for _, v := range in.Environment.Variables {
		values[v.ID] = v.Value
	}
	for _, m := range stores.Secrets(in.Metas, true) {
		text := name(m.ID)
		value := values[m.ID]
		switch {
		case value == "" && m.RequiredInEnvironment(in.Environment.Name):
			in.note("the variable " + m.ID + " has no value for " + stores.What(in.Environment) + ": set it in lukko.yaml, or in the deployment")
		case value == "": // missing, as for secrets
		case !utf8.ValidString(value) || strings.Contains(value, "\x00"):
			wrong = append(wrong, "the value of "+m.ID+" is no text")
		default:
			p.variables = append(p.variables, variable{text, value})
		}
	}
	if len(wrong) > 0 {
		return parts{}, stores.Fail(strings.Join(wrong, "; "), "give such an id the name that the program reads by --name ID=NAME, or declare it under one of letters, digits and underscores")
	}
	if len(p.secrets)+len(p.left)+len(p.variables) == 0 {
		return parts{}, stores.Fail("nothing is declared that a deployment could be handed", "declare it in lukko.yaml, or name a secrets_meta.json there")
	}
	slices.SortFunc(p.variables, func(a, b variable) int { return cmp.Compare(a.name, b.name) })
	slices.SortFunc(p.secrets, func(a, b secret) int { return cmp.Compare(a.variable, b.variable) })
	if ids := ids(p.left); ids != "" {
		in.note("left out, as without them the deployment would fail: " + ids + "; --include names those that are there, and --include-optional all")
	}
	in.judgeGroups(p)
	return p, nil
}

// isTokens reports whether a secret is the tokens of a credential.
func (in Input) isTokens(m schema.Meta) bool {
	return slices.ContainsFunc(in.Credentials, func(c credentials.Meta) bool { return c.OAuth2 != nil && c.TokenSecretID == m.ID })
}

// judgeGroups tells of groups of which one must be there, and none is handed over.
func (in Input) judgeGroups(p parts) {
	seen := map[string]bool{"": true}
	for _, s := range p.secrets {
		seen[s.AnyOf+s.OneOf] = true
	}
	for _, s := range p.left {
		if group := s.AnyOf + s.OneOf; !seen[group] {
			seen[group] = true
			in.note("of the group " + group + " one must be there, and none is handed over: name it by --include")
		}
	}
}

// prefix is what the names of environment variables begin with.
func (in Input) prefix() (string, error) {
	all, err := stores.All(in.Environment)
	if err != nil {
		return "", err
	}
	for _, s := range all {
		if s.Scheme == "env" {
			return s.Prefix, nil
		}
	}
	in.note(stores.What(in.Environment) + " has no layer env:, so a program that opens it does not look at what this hands over: put 'env:' first in lukko.yaml")
	return "", nil
}

func (in Input) note(text string) {
	if in.Note != nil {
		in.Note(core.Printable(text))
	}
}

// ids lists the ids of secrets.
func ids(some []secret) string {
	names := make([]string, len(some))
	for i, s := range some {
		names[i] = s.ID
	}
	return strings.Join(names, ", ")
}
