package generate

import (
	"fmt"
	"strconv"
)

// credentialService writes the service of the credentials. What is not of one
// credential it has from the store that it embeds.
func (p *printer) credentialService(lines []line) {
	p.f(`
// TypedCredentials has the declared credentials, each by methods of its own.
// Those of a credential that each user has take the user; one who has none is
// told so, and never has the application's or another's. It is safe for
// concurrent use.
type TypedCredentials struct {
	*%[1]s.Store
}

// NewTypedCredentials returns TypedCredentials over a store, which its caller
// closes.
func NewTypedCredentials(store *%[1]s.Store) *TypedCredentials {
	return &TypedCredentials{Store: store}
}

// All returns the declared credentials, by name.
func (s *TypedCredentials) All() []%[1]s.Declared {
return []%[1]s.Declared{`, p.credentials)
	p.list(lines, func(l line) { p.f("%s,", l.ref) })
	p.f("}\n}\n")
	p.f("\n// CredentialTypes maps the name of each declared credential to its Go type.\n")
	p.f("func CredentialTypes() map[string]%s.Type {\nreturn map[string]%s.Type{", p.reflect, p.reflect)
	p.list(lines, func(l line) {
		p.f("%s: %s.TypeFor[%s](),", strconv.Quote(l.credential.Name), p.reflect, l.typ)
	})
	p.f("}\n}\n")
	for _, l := range lines {
		p.credentialMethods(l)
	}
}

// credentialMethods writes the methods of one credential. Each is that of the
// declaration.
func (p *printer) credentialMethods(l line) {
	of, user, pass := "the application's", "", ""
	if l.credential.PerUser {
		of, user, pass = "a user's", ", user string", ", user"
	}
	method := func(name, params, results, call, args string) {
		p.f("func (s *TypedCredentials) %s(%s) %s {\nreturn %s.%s(%s)\n}\n", name, params, results, l.ref, call, args)
	}
	ctx := "ctx " + p.context + ".Context"
	what := of + " credential " + l.credential.Name

	note := "It is refreshed as it must be."
	if l.credential.OAuth2 == nil {
		note = "An invalid one matches core.ErrInvalidValue."
	}
	p.f("\n%s", comments(l.Go+" returns "+what, l.credential.DisplayName, l.credential.Description,
		"One that is not there is a *credentials.MissingError, which matches core.ErrNotFound. "+note, l.credential.DocsURL))
	method(l.Go, ctx+user, fmt.Sprintf("(%s, error)", l.typ), "Get", "ctx, s.Store"+pass)

	opts := ", opts ..." + p.imports.of(corePath, "core") + "."
	p.f("\n// Set%s stores %s, validated. A writer that came\n// between is not overwritten, where the store can tell.\n", l.Go, what)
	method("Set"+l.Go, fmt.Sprintf("%s%s, value %s%sSetOption", ctx, user, l.typ, opts), "error", "Set", "ctx, s.Store"+pass+", value, opts...")

	p.f("\n// Delete%s deletes %s; one that is not there matches\n// core.ErrNotFound.", l.Go, what)
	if l.credential.OAuth2 != nil {
		p.f(" It does not revoke it, which Revoke of %sClient does.", l.Go)
	}
	p.f("\n")
	method("Delete"+l.Go, ctx+user+opts+"DeleteOption", "error", "Delete", "ctx, s.Store"+pass+", opts...")

	p.f("\n// Has%s reports whether %s is there, valid or not. Denied or\n// unreachable is an error.\n", l.Go, what)
	method("Has"+l.Go, ctx+user, "(bool, error)", "Has", "ctx, s.Store"+pass)

	p.f("\n// %sStatus tells of %s, without a value.\n", l.Go, what)
	method(l.Go+"Status", ctx+user, "("+p.credentials+".Status, error)", "Status", "ctx, s.Store"+pass)

	user = user[min(len(user), len(", ")):]
	if l.credential.OAuth2 != nil {
		p.f("\n// %sClient returns what connects, refreshes and revokes %s.\n", l.Go, what)
		method(l.Go+"Client", user, "(*"+p.imports.of(oauth2Path, "oauth2")+".Client, error)", "Client", "s.Store"+pass)
	}
	if l.sends() {
		p.f("\n// %sHTTP returns a client whose requests have %s, to\n// its declared hosts alone.\n", l.Go, what)
		method(l.Go+"HTTP", user, "(*"+p.imports.of("net/http", "http")+".Client, error)", "HTTP", "s.Store"+pass)
	}
	if l.credential.PerUser {
		p.f("\n// %sUsers yields who has the credential %s.\n", l.Go, l.credential.Name)
		method(l.Go+"Users", ctx, p.imports.of("iter", "iter")+".Seq2["+p.credentials+".User, error]", "Users", "ctx, s.Store")
	}
}
