package credentials

import (
	"reflect"
	"sync"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
	"github.com/lukko-dev/lukko/schema"
)

// Credential is a declared credential of the application itself, of the Go
// type T. It is made once, by [Declare] or [DeclareIn], mostly as a package's
// variable. Its methods are safe for concurrent use.
//
// No method takes a user: a credential of users is a [UserCredential], and
// neither can be used as the other.
type Credential[T any] struct {
	def  *definition
	decl *schema.Declaration[T]
}

// UserCredential is a declared credential of which each user has one, of the
// Go type T. It is made once, by [DeclarePerUser] or [DeclarePerUserIn].
// Its methods are safe for concurrent use.
//
// Every method that reads or writes takes the user, or the context that
// [WithUser] made for one. Without a user it is [ErrNoUser], and a user that
// has none is a [*MissingError]: nothing is ever read in its place, neither
// the application's nor anybody else's.
type UserCredential[T any] struct {
	def  *definition
	decl *schema.Declaration[T]
}

// Declare declares a credential of the application itself, in [Default]. With
// spec.OAuth2 T is [oauth2.Token].
//
// The secrets that it is kept in are declared as well, in the set's Secrets, so
// that all that works on declared secrets knows them: a key at SecretID under
// the credential's name; with OAuth2 the application's secret at SecretID as
// "NAME.app", and the tokens at TokenSecretID as "NAME.tokens".
//
// It never panics: what is wrong with the declaration is an error of every
// use and of [Set.Check].
func Declare[T any](spec Spec) *Credential[T] {
	return declareApp[T](Default, schema.CallerPlace(0), spec)
}

// DeclareIn is [Declare] in a set of one's own.
func DeclareIn[T any](set *Set, spec Spec) *Credential[T] {
	return declareApp[T](set, schema.CallerPlace(0), spec)
}

// DeclarePerUser declares a credential of which each user has one, in
// [Default]. With spec.OAuth2 T is [oauth2.Token], and the grant is not that of
// client credentials, by which every user would have the application's own
// account. Of the secrets that it is
// kept in only the application's secret of OAuth2 is declared, as "NAME.app":
// the ids of users are known at run time.
//
// It never panics: what is wrong with the declaration is an error of every
// use and of [Set.Check].
func DeclarePerUser[T any](spec Spec) *UserCredential[T] {
	return declareUser[T](Default, schema.CallerPlace(0), spec)
}

// DeclarePerUserIn is [DeclarePerUser] in a set of one's own.
func DeclarePerUserIn[T any](set *Set, spec Spec) *UserCredential[T] {
	return declareUser[T](set, schema.CallerPlace(0), spec)
}

// DeclareMeta declares what is written down elsewhere than in Go, such as in
// lukko.yaml or in metadata, at m.Place. It is a [*Credential] or, with
// m.PerUser, a [*UserCredential]: of [oauth2.Token] with m.OAuth2, and else of
// [core.Value], with values handed out as they are stored. m.Type and
// m.Warnings are not used; m.Text is, where there is a Schema.
func DeclareMeta(set *Set, m Meta) Declared {
	switch {
	case m.OAuth2 != nil && m.PerUser:
		return declareUser[oauth2.Token](set, m.Place, m.Spec)
	case m.OAuth2 != nil:
		return declareApp[oauth2.Token](set, m.Place, m.Spec)
	case m.PerUser:
		c := &UserCredential[core.Value]{def: define[core.Value](set, m.Place, m.Spec, true)}
		c.decl = c.def.keyByHand(m.Text, nil)
		finish(c.def, c, c.decl)
		return c
	default:
		c := &Credential[core.Value]{def: define[core.Value](set, m.Place, m.Spec, false)}
		c.decl = c.def.keyByHand(m.Text, c.def.secrets())
		finish(c.def, c, c.decl)
		return c
	}
}

func declareApp[T any](set *Set, place string, spec Spec) *Credential[T] {
	c := &Credential[T]{def: define[T](set, place, spec, false)}
	c.decl = declareValue[T](c.def, c.def.secrets())
	finish(c.def, c, c.decl)
	return c
}

func declareUser[T any](set *Set, place string, spec Spec) *UserCredential[T] {
	c := &UserCredential[T]{def: define[T](set, place, spec, true)}
	c.decl = declareValue[T](c.def, nil)
	finish(c.def, c, c.decl)
	return c
}

// definition is a declaration without its Go type as a parameter.
type definition struct {
	spec    Spec // its slices and maps are never changed
	perUser bool
	place   string
	typ     reflect.Type
	set     *Set

	value schema.Declared // of the value, or of what each user has
	app   schema.Declared // of the application's secret; nil without OAuth2

	valueAt func(id string) schema.Declared // value at the id of a user

	once  sync.Once
	own   []schema.Problem // what is wrong with the declaration alone
	crowd crowd            // what is wrong beside others
}

func define[T any](set *Set, place string, spec Spec, perUser bool) *definition {
	return &definition{spec: spec.clone(), perUser: perUser, place: place, typ: reflect.TypeFor[T](), set: set}
}

// finish declares the application's secret, and puts d into its set.
func finish[T any](d *definition, self Declared, value *schema.Declaration[T]) {
	d.value = value
	d.valueAt = func(id string) schema.Declared { return value.At(id) }
	if d.spec.OAuth2 != nil {
		spec := oauth2.AppSpec(d.spec.SecretID)
		spec.Name = d.spec.Name + ".app"
		spec.DisplayName = suffixed(d.spec.DisplayName, " application")
		spec.Optional, spec.RequiredIn = d.spec.Optional, d.spec.RequiredIn
		if d.spec.DocsURL != "" {
			spec.DocsURL = d.spec.DocsURL
		}
		d.app = schema.DeclareFor[oauth2.App](d.secrets(), d.place, spec)
	}
	if d.set != nil {
		d.set.add(self)
	}
}

func (d *definition) secrets() *schema.Set {
	if d.set == nil {
		return nil
	}
	return d.set.Secrets
}

// declareValue declares the value in a set of secrets; nil is none.
func declareValue[T any](d *definition, in *schema.Set) *schema.Declaration[T] {
	if d.spec.OAuth2 == nil {
		return schema.DeclareFor[T](in, d.place, d.keySpec())
	}
	spec := oauth2.TokenSpec(d.spec.TokenSecretID)
	spec.Name = d.spec.Name + ".tokens"
	spec.DisplayName = suffixed(d.spec.DisplayName, " tokens")
	if d.typ != tokenType {
		in = nil // it is wrong, which the credential says; its secret need not say more
	}
	return schema.DeclareFor[T](in, d.place, spec)
}

func suffixed(name, suffix string) string {
	if name == "" {
		return ""
	}
	return name + suffix
}

func (d *definition) keyByHand(text bool, in *schema.Set) *schema.Declaration[core.Value] {
	return schema.DeclareMeta(in, schema.Meta{Spec: d.keySpec(), Text: text, Place: d.place})
}

// keySpec is the declaration of a key's secret.
func (d *definition) keySpec() schema.Spec {
	return schema.Spec{
		Name: d.spec.Name, ID: d.spec.SecretID,
		DisplayName: d.spec.DisplayName, Description: d.spec.Description, DocsURL: d.spec.DocsURL,
		Schema: d.spec.Schema, Optional: d.spec.Optional, RequiredIn: d.spec.RequiredIn,
	}
}

var tokenType = reflect.TypeFor[oauth2.Token]()

func (c *Credential[T]) base() *definition     { return c.def }
func (c *UserCredential[T]) base() *definition { return c.def }

// Meta returns what tools know of the declaration.
func (c *Credential[T]) Meta() Meta { return c.def.meta() }

// Meta returns what tools know of the declaration.
func (c *UserCredential[T]) Meta() Meta { return c.def.meta() }

// Check returns a [*schema.Error] that matches [ErrDeclaration] if the
// declaration is wrong, alone or beside the others of its set.
func (c *Credential[T]) Check() error { return c.def.check() }

// Check returns a [*schema.Error] that matches [ErrDeclaration] if the
// declaration is wrong, alone or beside the others of its set.
func (c *UserCredential[T]) Check() error { return c.def.check() }

func (d *definition) meta() Meta {
	m := Meta{
		Spec: d.spec.clone(), PerUser: d.perUser,
		Type: d.typ.String(), Place: d.place,
		Warnings: d.warnings(),
	}
	m.Schema = nil
	if d.spec.OAuth2 == nil {
		value := d.value.Meta()
		m.Schema, m.Text = value.Schema, value.Text
	}
	return m
}
