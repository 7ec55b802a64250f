package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/types"

	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/schema/metadata"
)

// ownCredentialMethods are those of TypedCredentials, and of the store that it
// embeds.
var ownCredentialMethods = []string{
	"All", "Store",
	"Check", "Close", "Configured", "Declarations", "DeleteUser", "Missing", "MissingFor", "Scope", "UserCredentials",
}

// credentialMethods are those of a credential.
func (d *declared) credentialMethods() []string {
	all := []string{d.goName, "Set" + d.goName, "Delete" + d.goName, "Has" + d.goName, d.goName + "Status"}
	if d.credential.OAuth2 != nil {
		all = append(all, d.goName+"Client")
	}
	if d.sends() {
		all = append(all, d.goName+"HTTP")
	}
	if d.credential.PerUser {
		all = append(all, d.goName+"Users")
	}
	return all
}

// sends reports whether a credential says where it may be sent, without which
// there is no HTTP client with it.
func (d *declared) sends() bool {
	return len(d.credential.Hosts) > 0 || d.credential.OAuth2 != nil && len(d.credential.OAuth2.AllowedHosts) > 0
}

// onceCredentials leaves out what another variable declares in the same way, as
// may be done, and finds what is declared in two ways and not told by their
// Check. decls are by name.
func (r *run) onceCredentials(decls []*declared) (kept []*declared, wrong []Problem) {
	for _, d := range decls {
		if len(kept) == 0 || kept[len(kept)-1].label() != d.label() {
			kept = append(kept, d)
			continue
		}
		last := kept[len(kept)-1]
		if !types.Identical(last.typ, d.typ) {
			wrong = append(wrong, r.at(d.pos, fmt.Sprintf("the %s is declared with the Go type %s, and at %s with %s",
				d.what(), d.credential.Type, r.place(last), last.credential.Type), "use the one variable in both places, or give one of them another Name"))
		} else if !equalCredentials(last.credential, d.credential) {
			wrong = append(wrong, r.at(d.pos, fmt.Sprintf("the %s is declared otherwise than at %s", d.what(), r.place(last)),
				"use the one variable in both places"))
		}
	}
	return kept, wrong
}

// equalCredentials reports whether two declarations of one name say the same.
func equalCredentials(a, b credentials.Meta) bool {
	x, y := entryOf(a), entryOf(b)
	x.Place, y.Place = "", ""
	first, err := json.Marshal(x)
	second, otherErr := json.Marshal(y)
	return err == nil && otherErr == nil && bytes.Equal(first, second)
}

// entryOf is a credential in the metadata.
func entryOf(m credentials.Meta) metadata.Credential {
	entry := metadata.Credential{
		Name: m.Name, DisplayName: m.DisplayName, Description: m.Description, DocsURL: m.DocsURL, PerUser: m.PerUser,
		SecretID: m.SecretID, TokenSecretID: m.TokenSecretID, Schema: m.Schema, Text: m.Text,
		Optional: m.Optional, RequiredIn: m.RequiredIn, Hosts: m.Hosts, Auth: m.Auth.String(), KeyAt: m.KeyAt, Type: m.Type, Place: m.Place,
	}
	if m.OAuth2 != nil {
		entry.OAuth2, _ = json.Marshal(m.OAuth2) // which is texts only
	}
	return entry
}
