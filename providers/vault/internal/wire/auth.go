package wire

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// logIn is the login of the AppRole method.
// https://developer.hashicorp.com/vault/api-docs/auth/approle#login-with-approle
func (s *Server) logIn(body map[string]any) reply {
	switch {
	case body["role_id"] != s.RoleID:
		return failure(http.StatusBadRequest, "invalid role ID")
	case body["secret_id"] != s.SecretID:
		return failure(http.StatusBadRequest, "invalid secret id")
	}
	token := "hvs." + rand.Text()
	s.tokens[token] = true
	a := success(nil)
	a.body["auth"] = map[string]any{
		"client_token": token, "accessor": rand.Text(),
		"policies": []string{"default"}, "token_policies": []string{"default"},
		"metadata":       map[string]string{"role_name": "role"},
		"lease_duration": 2764800, "renewable": true, "entity_id": rand.Text(),
		"token_type": "service", "orphan": true, "mfa_requirement": nil, "num_uses": 0,
	}
	return a
}

// lookupSelf tells a token about itself.
// https://developer.hashicorp.com/vault/api-docs/auth/token#lookup-a-token-self
func lookupSelf(token string) reply {
	return success(map[string]any{
		"accessor": rand.Text(), "creation_time": 1795570076, "creation_ttl": 0,
		"display_name": "root", "entity_id": "", "expire_time": nil,
		"explicit_max_ttl": 0, "id": token, "meta": nil, "num_uses": 0, "orphan": true,
		"path": "auth/token/root", "policies": []string{"root"}, "ttl": 0, "type": "service",
	})
}

// mounted says what is mounted at a path.
// https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts#get-single-mount-details
func mounted(path string) reply {
	mount, _, _ := strings.Cut(path, "/")
	data := map[string]any{
		"accessor":    mount + "_1d3e4bba",
		"config":      map[string]any{"default_lease_ttl": 0, "force_no_cache": false, "max_lease_ttl": 0},
		"description": "", "external_entropy_access": false, "local": false,
		"path": mount + "/", "plugin_version": "", "running_plugin_version": "v0.15.0+builtin",
		"running_sha256": "", "seal_wrap": false, "uuid": "e324e47b-1fcb-1262-367f-ba6aea4a10b9",
	}
	switch mount {
	case MountV2:
		data["type"], data["options"] = "kv", map[string]any{"version": "2"}
	case MountV1:
		data["type"], data["options"] = "kv", map[string]any{"version": "1"}
	case MountOther:
		data["type"], data["options"], data["local"] = "cubbyhole", nil, true
		data["description"] = "per-token private secret storage"
		return success(data)
	default:
		return failure(http.StatusForbidden, `preflight capability check returned 403, please ensure client's policies grant access to path "`+mount+`/"`)
	}
	data["deprecation_status"] = "supported"
	return success(data)
}
