package generate

import (
	"fmt"
	"slices"
	"strings"
)

// ownNames are what the output declares for its package, but for the ids.
var ownNames = []string{
	"TypedSecretService", "NewTypedSecretService", "LoadedSecrets", "SecretTypes", "secretDeclarations",
	"TypedVariables", "NewTypedVariables", "Variables", "LoadedVariables", "VariableTypes", "variableDeclarations",
	"TypedCredentials", "NewTypedCredentials", "CredentialTypes",
}

// ownMethods are those of the services, of what they load, and of what these
// embed. They are the same for secrets and for variables, so that one may
// become the other.
var ownMethods = []string{
	"Get", "GetMany", "Stat", "Set", "Delete", "List", "Versions", "Capabilities", "SecretService",
	"Status", "Missing", "Load", "LoadWith", "All", "InEnvironment",
	"Close", "Refresh", "Err", "Loaded",
}

// localNames are those within the methods: what they call from outside must
// have another.
var localNames = []string{"ctx", "s", "l", "svc", "value", "opts", "loader", "loaded", "name", "err", "v", "ok", "all"}

// localCredentialNames are those within the methods of credentials.
var localCredentialNames = []string{"ctx", "s", "value", "user", "opts"}

// collisions finds two names that become one, and names that become one of
// the output's own.
func (r *run) collisions(all declarations) (wrong []Problem) {
	methods := map[bool]map[string]*declared{false: {}, true: {}}
	ids := map[string]*declared{}
	for _, d := range all.values {
		wrong = append(wrong, r.methodCollisions(d, methods[d.meta.Variable], ownMethods)...)
		wrong = append(wrong, r.hidden(d, localNames)...)
		if other := ids[d.goName]; other != nil && other.meta.Variable != d.meta.Variable {
			wrong = append(wrong, r.twoBecomeOne(d, other, "the constant "+d.constant()))
		}
		ids[d.goName] = d
		if at, there := r.out.names[d.constant()]; there {
			wrong = append(wrong, r.at(at, fmt.Sprintf("%s is the constant that the %s at %s has here", d.constant(), d.what(), r.place(d)), "rename one of them"))
		}
		if slices.Contains(ownNames, d.constant()) {
			wrong = append(wrong, r.at(d.pos, fmt.Sprintf("the %s has the constant %s, which the output has for itself", d.what(), d.constant()), "give it another Name"))
		}
	}
	owners := map[string]*declared{}
	for _, d := range all.credentials {
		wrong = append(wrong, r.methodCollisions(d, owners, ownCredentialMethods)...)
		wrong = append(wrong, r.hidden(d, localCredentialNames)...)
	}
	variables := slices.ContainsFunc(all.values, func(d *declared) bool { return d.meta.Variable })
	for _, name := range ownNames {
		lower := strings.ToLower(name)
		if at, there := r.out.names[name]; there && (variables || !strings.Contains(lower, "variable")) && (len(all.credentials) > 0 || !strings.Contains(lower, "credential")) {
			wrong = append(wrong, r.at(at, name+" is what the output declares in this package", "rename it, or write the output into another folder, see --out"))
		}
	}
	return wrong
}

// methodCollisions finds the methods of a declaration that others have, of
// owners or of the service for itself. One is enough to be told.
func (r *run) methodCollisions(d *declared, owners map[string]*declared, own []string) []Problem {
	for _, m := range d.methods() {
		if slices.Contains(own, m) {
			return []Problem{r.at(d.pos, fmt.Sprintf("the %s becomes the method %s, which the service has for itself", d.what(), m), "give it another Name")}
		}
		if other := owners[m]; other != nil {
			return []Problem{r.twoBecomeOne(d, other, "the method "+m)}
		}
		owners[m] = d
	}
	return nil
}

// hidden finds a variable whose name is another thing within the methods.
func (r *run) hidden(d *declared, local []string) []Problem {
	if d.pkg.PkgPath != r.out.path || !slices.Contains(local, d.name) {
		return nil
	}
	return []Problem{r.at(d.pos, "the variable "+d.name+" has a name that the methods use within themselves", "rename it")}
}

func (r *run) twoBecomeOne(d, other *declared, what string) Problem {
	return r.at(d.pos, fmt.Sprintf("the %s and the %s at %s both become %s", d.what(), other.what(), r.place(other), what), "give one of them another Name")
}

// constant is the name of the constant that is the id.
func (d *declared) constant() string { return d.goName + "ID" }

// methods are those of a declaration.
func (d *declared) methods() []string {
	if d.kind.credential() {
		return d.credentialMethods()
	}
	all := []string{d.goName, "Set" + d.goName, "Has" + d.goName}
	if d.meta.Variable {
		all = append(all, "Delete"+d.goName)
	}
	return all
}
