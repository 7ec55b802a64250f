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

// collisions finds two names that become one, and names that become one of
// the output's own.
func (r *run) collisions(decls []*declared) (wrong []Problem) {
	methods := map[bool]map[string]*declared{false: {}, true: {}}
	ids := map[string]*declared{}
	for _, d := range decls {
		owners := methods[d.meta.Variable]
		for _, m := range d.methods() {
			if slices.Contains(ownMethods, m) {
				wrong = append(wrong, r.at(d.pos, fmt.Sprintf("the %s becomes the method %s, which the service has for itself", d.what(), m), "give it another Name"))
				break
			}
			if other := owners[m]; other != nil {
				wrong = append(wrong, r.twoBecomeOne(d, other, "the method "+m))
				break
			}
			owners[m] = d
		}
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
		if d.pkg.PkgPath == r.out.path && slices.Contains(localNames, d.name) {
			wrong = append(wrong, r.at(d.pos, "the variable "+d.name+" has a name that the methods use within themselves", "rename it"))
		}
	}
	variables := slices.ContainsFunc(decls, func(d *declared) bool { return d.meta.Variable })
	for _, name := range ownNames {
		if at, there := r.out.names[name]; there && (variables || !strings.Contains(strings.ToLower(name), "variable")) {
			wrong = append(wrong, r.at(at, name+" is what the output declares in this package", "rename it, or write the output into another folder, see --out"))
		}
	}
	return wrong
}

func (r *run) twoBecomeOne(d, other *declared, what string) Problem {
	return r.at(d.pos, fmt.Sprintf("the %s and the %s at %s both become %s", d.what(), other.what(), r.place(other), what), "give one of them another Name")
}

// constant is the name of the constant that is the id.
func (d *declared) constant() string { return d.goName + "ID" }

// methods are those of a declaration.
func (d *declared) methods() []string {
	all := []string{d.goName, "Set" + d.goName, "Has" + d.goName}
	if d.meta.Variable {
		all = append(all, "Delete"+d.goName)
	}
	return all
}
