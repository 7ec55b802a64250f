package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/generate/internal/stores"
	"github.com/lukko-dev/lukko/schema"
)

// The predefined roles.
// https://cloud.google.com/secret-manager/docs/access-control
const (
	roleAccessor = "roles/secretmanager.secretAccessor"       // reads values, and nothing about them
	roleAdder    = "roles/secretmanager.secretVersionAdder"   // adds versions, and reads nothing
	roleManager  = "roles/secretmanager.secretVersionManager" // also disables and destroys versions
	roleViewer   = "roles/secretmanager.viewer"               // reads what is known of versions, and no value
)

// The forms of what Google's resource names hold.
var (
	projectForm  = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z0-9-]+$`)
	locationForm = regexp.MustCompile(`^[a-z0-9-]+$`)
	gcpNameForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	gcpKeyForm   = regexp.MustCompile(`^projects/[a-z0-9.:-]+/locations/[a-z0-9-]+/keyRings/[A-Za-z0-9_-]+/cryptoKeys/[A-Za-z0-9_-]+$`)
	memberForm   = regexp.MustCompile(`^[a-zA-Z]+:[A-Za-z0-9@._/:+-]+$`)
)

// GCP returns a script of gcloud commands for a POSIX shell, which binds roles on
// each secret alone. It can be run again.
//
// A role on a secret needs that secret, and what is not there can't be told from
// what is denied. So the script makes the secrets that are not there, without a
// value: a read of those finds that they have none.
func GCP(in Input) ([]byte, error) {
	all, err := in.prepare("gcp")
	if err != nil {
		return nil, err
	}
	if in.Member != "" && !memberForm.MatchString(in.Member) {
		return nil, stores.Fail("the member is none", "it is like serviceAccount:shop@my-project.iam.gserviceaccount.com")
	}
	var b strings.Builder
	fmt.Fprintf(&b, `#!/bin/sh
# What the program needs in Google Secret Manager, for %s. Who runs this
# may create secrets and set their policies, as with the role Secret Manager Admin.
# Bindings that were made before, and are not among these, stay.
set -eu
`, core.Printable(stores.What(in.Environment)))
	if in.Member == "" {
		b.WriteString(": \"${MEMBER:?say for whom: MEMBER=serviceAccount:shop@my-project.iam.gserviceaccount.com}\"\n")
	} else {
		b.WriteString("MEMBER=" + in.Member + "\n")
	}
	b.WriteString(`
# there SECRET PROJECT ARGUMENT...: makes a secret that is not there, without a value.
there() {
	secret=$1 where=$2
	shift 2
	gcloud secrets describe "$secret" "$where" ${location:+"$location"} </dev/null >/dev/null 2>&1 ||
		gcloud secrets create "$secret" "$where" ${location:+"$location"} "$@" --quiet </dev/null
}
# grant SECRET PROJECT ROLE
grant() {
	gcloud secrets add-iam-policy-binding "$1" "$2" ${location:+"$location"} --member="$MEMBER" --role="$3" --condition=None --quiet </dev/null >/dev/null
}
`)
	for _, s := range all {
		if err := in.gcpStore(&b, s); err != nil {
			return nil, err
		}
	}
	in.gcpAccounts()
	return []byte(b.String()), nil
}

func (in Input) gcpStore(b *strings.Builder, s of) error {
	location := s.Keys["location"]
	if location != "" && !locationForm.MatchString(location) {
		return stores.Fail("the location of the store "+s.Name+" is none", "locations are like europe-west3")
	}
	create, err := creation(s.Store, location)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "\n# the store %s\nlocation=", core.Printable(s.Name))
	if location != "" {
		b.WriteString("--location=" + location)
	}
	b.WriteString("\n")
	secrets := slices.Clone(s.secrets)
	for _, k := range s.kept {
		if !k.Users {
			secrets = append(secrets, one{schema.Meta{Spec: schema.Spec{ID: k.ID}}, k.set})
		}
	}
	for _, secret := range secrets {
		project, name, err := in.gcpName(s.Store, location, secret.ID)
		if err != nil {
			return err
		}
		roles := []string{roleAccessor}
		switch {
		case secret.set && s.Keys["keep_versions"] != "":
			roles = append(roles, roleManager)
		case secret.set:
			roles = append(roles, roleAdder)
		}
		if in.Versions {
			roles = append(roles, roleViewer)
		}
		fmt.Fprintf(b, "there %s --project=%s%s\n", name, project, create)
		for _, role := range roles {
			fmt.Fprintf(b, "grant %s --project=%s %s\n", name, project, role)
		}
	}
	return nil
}

// gcpAccounts says what these roles do not allow. A right to create secrets is of a
// project and of no name, and so would be all others on what is made by it.
func (in Input) gcpAccounts() {
	users := slices.DeleteFunc(slices.Clone(in.Credentials), func(c credentials.Meta) bool { return !c.PerUser })
	own := slices.DeleteFunc(slices.Clone(in.Credentials), func(c credentials.Meta) bool { return c.PerUser || c.OAuth2 == nil })
	const instead = ": give the program a project of its own, and in that the role Secret Manager Admin"
	if len(users) > 0 {
		in.note("what users have of " + names(users) + " is made by the program itself, which these roles do not allow" + instead)
	}
	if len(own) > 0 {
		in.note("to disconnect " + names(own) + " deletes a secret, and to connect again creates it, which these roles do not allow" + instead)
	}
}

// gcpName returns the project and the name of a secret.
func (in Input) gcpName(s stores.Store, location, id string) (project, name string, err error) {
	id = s.Prefix + id
	if project = s.Host; project == "" {
		project = in.Project
	}
	if name = id; strings.Contains(id, "/") {
		pattern := []string{"projects", "", "secrets", ""}
		if location != "" {
			pattern = []string{"projects", "", "locations", location, "secrets", ""}
		}
		parts := strings.Split(id, "/")
		ok := len(parts) == len(pattern)
		for i := range min(len(parts), len(pattern)) {
			ok = ok && (pattern[i] == "" || parts[i] == pattern[i])
		}
		if !ok {
			return "", "", badID("gcp", id, "an id there has no slash, or is projects/PROJECT/secrets/NAME, with locations/LOCATION before secrets exactly where the store has that location")
		}
		project, name = parts[1], parts[len(parts)-1]
	}
	switch {
	case !gcpNameForm.MatchString(name):
		return "", "", badID("gcp", id, "Google's names of secrets are letters, digits, _ and -")
	case project == "":
		return "", "", stores.Fail("the store "+s.Name+" names no project", "say it by --project, or in the URL: gcp://my-project")
	case !projectForm.MatchString(project):
		return "", "", stores.Fail("the project of the store "+s.Name+" is none", "it is the id or the number of a project, such as my-project")
	}
	return project, name, nil
}

// creation is how the provider would create a secret of the store.
func creation(s stores.Store, location string) (string, error) {
	keys := s.Keys["kms_key"]
	for key := range strings.SplitSeq(keys, ",") {
		if key != "" && !gcpKeyForm.MatchString(key) {
			return "", stores.Fail("the KMS key of the store "+s.Name+" is none", "it is named projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY")
		}
	}
	places := s.Keys["replication"]
	for place := range strings.SplitSeq(places, ",") {
		if place != "" && !locationForm.MatchString(place) {
			return "", stores.Fail("the replication of the store "+s.Name+" is none", "it is automatic, or locations like europe-west3")
		}
	}
	switch {
	case location != "" && keys != "":
		return " --regional-kms-key-name=" + keys, nil
	case location != "":
		return "", nil
	case places != "" && places != "automatic" && keys != "":
		// gcloud takes keys for several places from a file only.
		return "", stores.Fail("the store "+s.Name+" has new secrets encrypted by a key in each place", "create its secrets first, and leave kms_key out of the URL that this command gets: --url 'gcp://…'")
	case places != "" && places != "automatic":
		return " --replication-policy=user-managed --locations=" + places, nil
	case keys != "":
		return " --replication-policy=automatic --kms-key-name=" + keys, nil
	}
	return " --replication-policy=automatic", nil
}
