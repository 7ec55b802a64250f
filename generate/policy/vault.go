package policy

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/generate/internal/stores"
)

// Vault returns a policy of HashiCorp Vault and OpenBao, in HCL. It is for KV
// version 2, or 1 where the URL or [Input.KV] says so.
//
// A token that has only this policy can use the store: which engine is mounted
// the server tells to everybody who may read anything in it. That a token looks
// itself up, and that a login is renewed, is in Vault's default policy.
func Vault(in Input) ([]byte, error) {
	all, err := in.prepare("vault")
	if err != nil {
		return nil, err
	}
	if in.KV < 0 || in.KV > 2 {
		return nil, stores.Fail("the version of the KV engine is none", "it is 1 or 2")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# What the program needs, for %s.\n", core.Printable(stores.What(in.Environment)))
	for _, s := range all {
		if err := in.vaultStore(&b, s); err != nil {
			return nil, err
		}
	}
	servers, namespaces := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		servers[s.Host], namespaces[s.Keys["namespace"]] = true, true
	}
	if len(servers) > 1 || len(namespaces) > 1 {
		in.note("the stores are on several servers or in several namespaces, each of which needs its own part: --store names one at a time")
	}
	return []byte(b.String()), nil
}

func (in Input) vaultStore(b *strings.Builder, s of) error {
	mount := cmp.Or(s.Path, "secret")
	if mount != path.Clean(mount) || !vaultSafe(mount) {
		return stores.Fail("the mount of the store "+s.Name+" is none", "it is the path of a secrets engine, such as secret or team/kv")
	}
	version := in.KV
	if kv := s.Keys["kv"]; kv == "1" || kv == "2" {
		version = int(kv[0] - '0')
	}
	if version == 0 {
		version = 2
		in.note("the policy is for version 2 of the KV engine; --kv 1, or kv=1 in the URL, makes one for version 1")
	}
	fmt.Fprintf(b, "\n# the store %s", core.Printable(s.Name))
	if ns := s.Keys["namespace"]; ns != "" {
		fmt.Fprintf(b, ", in the namespace %s: the policy is loaded there, and its paths don't name it", core.Printable(ns))
	}
	b.WriteString("\n")
	data, metadata := mount+"/", ""
	if version == 2 {
		data, metadata = mount+"/data/", mount+"/metadata/"
	}
	for _, secret := range s.secrets {
		id := s.Prefix + secret.ID
		if hint := vaultFault(id, version); hint != "" {
			return badID("vault", id, hint)
		}
		capabilities := `"read"`
		if secret.set {
			capabilities = `"create", "read", "update"`
		}
		fmt.Fprintf(b, "path \"%s\" { capabilities = [%s] }\n", data+id, capabilities)
		if in.Versions && version == 2 {
			fmt.Fprintf(b, "path \"%s\" { capabilities = [\"read\"] }\n", metadata+id)
		}
	}
	return in.vaultKept(b, s, data, metadata, version)
}

// vaultKept is what credentials are kept in. Of users a pattern stands for all,
// whose ids begin so.
func (in Input) vaultKept(b *strings.Builder, s of, data, metadata string, version int) error {
	var folders []string
	for _, k := range s.kept {
		id := s.Prefix + k.ID
		if hint := vaultFault(id, version); hint != "" {
			return badID("vault", id, hint)
		}
		if k.Users {
			folders = append(folders, id[:strings.LastIndexByte(id, '/')+1])
			id += "*"
		}
		capabilities := `"read"`
		if k.set {
			capabilities = `"create", "read", "update", "delete"`
		}
		fmt.Fprintf(b, "path \"%s\" { capabilities = [%s] }\n", data+id, capabilities)
		if version == 2 && (in.Versions || in.Users && k.Users) {
			fmt.Fprintf(b, "path \"%s\" { capabilities = [\"read\"] }\n", metadata+id)
		}
	}
	if !in.Users || len(folders) == 0 {
		return nil
	}
	if version == 1 {
		metadata = data
	}
	slices.Sort(folders)
	for _, folder := range slices.Compact(folders) {
		fmt.Fprintf(b, "path \"%s\" { capabilities = [\"list\"] }\n", metadata+folder)
	}
	in.usersNote("all names in the same folder")
	return nil
}

// vaultFault says why no policy can be about an id alone; empty if one can.
// https://developer.hashicorp.com/vault/docs/concepts/policies
func vaultFault(id string, version int) string {
	switch {
	case version == 1 && strings.Contains(id, ".."):
		return "KV version 1 holds no id with two dots in a row"
	case !vaultSafe(id):
		return "in a policy of Vault a + between slashes stands for any name, so it can't name this secret alone; give it another id"
	}
	return ""
}

// vaultSafe reports whether a path stands for itself in a policy, and in HCL.
func vaultSafe(p string) bool {
	for segment := range strings.SplitSeq(p, "/") {
		if segment == "+" {
			return false
		}
	}
	return !strings.ContainsAny(p, "*{}$\"\\") && core.Printable(p) == p
}
