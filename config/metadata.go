package config

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
	"github.com/lukko-dev/lukko/schema/metadata"
	"go.yaml.in/yaml/v4"
)

// metadata reads the files of metadata: the one that is beside lukko.yaml, if
// it is there, and those that n names; nil is none.
func (r *reader) metadata(n *yaml.Node) {
	type source struct {
		path string
		at   *yaml.Node // nil: nobody named it
	}
	folder := filepath.Dir(r.path)
	sources := []source{{path: filepath.Join(folder, metadata.FileName)}}
	var items []*yaml.Node
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		if items = n.Content; len(items) == 0 {
			r.fault(n, "the list of metadata is empty")
		}
	default:
		items = []*yaml.Node{n}
	}
	for _, item := range items {
		name := r.text(item, "metadata")
		if name == "" {
			continue
		}
		if path.IsAbs(name) || filepath.IsAbs(name) || strings.ContainsAny(name, "\\\x00") {
			r.fault(item, "metadata is a path from the folder of this file, with slashes, such as internal/secrets/"+metadata.FileName)
			continue
		}
		s := source{filepath.Join(folder, filepath.FromSlash(name)), item}
		if i := slices.IndexFunc(sources, func(other source) bool { return other.path == s.path }); i >= 0 {
			sources[i].at = cmp.Or(sources[i].at, item)
			continue
		}
		sources = append(sources, s)
	}
	for _, s := range sources {
		r.metadataFile(s.path, s.at)
	}
}

// metadataFile adds the declarations of one file. It is no fault that one
// which nobody named is not there.
func (r *reader) metadataFile(name string, at *yaml.Node) {
	fault := func(what string) {
		if at == nil {
			r.faults = append(r.faults, Fault{What: metadata.FileName + " beside it: " + what})
			return
		}
		r.fault(at, what)
	}
	data, err := readFile(name, metadata.MaxLen)
	var unreadable *Error
	switch {
	case errors.Is(err, fs.ErrNotExist) && at == nil:
		return
	case errors.Is(err, fs.ErrNotExist):
		fault("there is no such file of metadata; lukko generate writes it")
		return
	case errors.As(err, &unreadable):
		fault("the file of metadata: " + unreadable.Faults[0].What)
		return
	}
	file, err := metadata.Decode(data)
	if err != nil {
		fault(strings.ReplaceAll(err.Error(), "\n ", ";"))
		return
	}
	folder, err := filepath.Rel(filepath.Dir(r.path), filepath.Dir(name))
	if err != nil {
		folder = filepath.Dir(name)
	}
	folder = filepath.ToSlash(folder)
	before := r.declared()
	place := func(of string) string { return path.Join(folder, cmp.Or(of, filepath.Base(name))) }
	err = file.Declare(r.config.Declarations, func(e metadata.Entry) string { return place(e.Place) })
	if err != nil {
		fault(err.Error())
	}
	for _, d := range r.declared()[len(before):] {
		var wrong *schema.Error
		if !errors.As(d.Check(), &wrong) {
			continue
		}
		for _, p := range wrong.Problems {
			fault("the declaration of " + d.Meta().ID + " at " + d.Meta().Place + " is wrong: " + p.Detail)
		}
	}
	for _, c := range file.Credentials {
		m, err := credentialMeta(c)
		if err != nil {
			fault(err.Error())
			continue
		}
		m.Place = place(c.Place)
		r.account(m, func(what string) { fault("the credential " + c.Name + " at " + m.Place + ": " + what) })
	}
}

// credentialMeta is what metadata says of a credential.
func credentialMeta(c metadata.Credential) (credentials.Meta, error) {
	m := credentials.Meta{
		Spec: credentials.Spec{
			Name: c.Name, DisplayName: c.DisplayName, Description: c.Description, DocsURL: c.DocsURL,
			SecretID: c.SecretID, TokenSecretID: c.TokenSecretID, Schema: c.Schema,
			Optional: c.Optional, RequiredIn: c.RequiredIn, Hosts: c.Hosts, KeyAt: c.KeyAt,
		},
		PerUser: c.PerUser, Text: c.Text, Type: c.Type, Place: c.Place,
	}
	if m.Auth.UnmarshalText([]byte(c.Auth)) != nil {
		return m, errors.New("how the key of the credential " + c.Name + " is sent can't be read; write the file again with lukko generate")
	}
	if len(c.OAuth2) == 0 {
		return m, nil
	}
	m.OAuth2 = new(oauth2.Settings)
	// What this version does not know, it would leave out.
	dec := json.NewDecoder(bytes.NewReader(c.OAuth2))
	dec.DisallowUnknownFields()
	if dec.Decode(m.OAuth2) != nil {
		return m, errors.New("the settings of the credential " + c.Name + " can't be decoded; write the file again with lukko generate")
	}
	return m, nil
}

func (r *reader) declared() []schema.Declared {
	return slices.Collect(r.config.Declarations.All())
}

// once keeps the first declaration of each id. That the others have the same
// schema has been checked by then.
func (r *reader) once() {
	set := new(schema.Set)
	all := r.declared()
	for _, d := range all {
		m := d.Meta()
		if _, there := set.ByID(m.ID); !there {
			schema.DeclareMeta(set, m)
		}
	}
	if len(slices.Collect(set.All())) < len(all) {
		r.config.Declarations = set
	}
}
