package gcptest

import (
	"context"
	"path"
	"slices"
	"sync"

	"cloud.google.com/go/iam/apiv1/iampb"
	"google.golang.org/protobuf/proto"
)

// Role is a predefined role, with the permissions that
// https://cloud.google.com/iam/docs/roles-permissions/secretmanager lists for
// it, as far as this API asks for them.
type Role string

// The predefined roles of Secret Manager.
const (
	Admin          Role = "roles/secretmanager.admin"                // everything
	Accessor       Role = "roles/secretmanager.secretAccessor"       // reads payloads, and nothing about them
	VersionAdder   Role = "roles/secretmanager.secretVersionAdder"   // adds versions, and reads nothing
	VersionManager Role = "roles/secretmanager.secretVersionManager" // adds, lists, disables and destroys versions, and reads no payload
	Viewer         Role = "roles/secretmanager.viewer"               // reads what is known of secrets and versions, and no payload
)

// permissions are those of a role.
var permissions = map[Role][]string{
	Admin: {
		"secretmanager.secrets.create",
		"secretmanager.secrets.delete",
		"secretmanager.secrets.get",
		"secretmanager.secrets.getIamPolicy",
		"secretmanager.secrets.list",
		"secretmanager.secrets.setIamPolicy",
		"secretmanager.secrets.update",
		"secretmanager.versions.access",
		"secretmanager.versions.add",
		"secretmanager.versions.destroy",
		"secretmanager.versions.disable",
		"secretmanager.versions.enable",
		"secretmanager.versions.get",
		"secretmanager.versions.list",
	},
	Accessor:     {"secretmanager.versions.access"},
	VersionAdder: {"secretmanager.versions.add"},
	VersionManager: {
		"secretmanager.versions.add",
		"secretmanager.versions.destroy",
		"secretmanager.versions.disable",
		"secretmanager.versions.enable",
		"secretmanager.versions.get",
		"secretmanager.versions.list",
	},
	Viewer: {
		"secretmanager.secrets.get",
		"secretmanager.secrets.getIamPolicy",
		"secretmanager.secrets.list",
		"secretmanager.versions.get",
		"secretmanager.versions.list",
	},
}

// grant is a role on the project, or on one secret of it.
type grant struct {
	role   Role
	secret string
}

// authorize checks that the project exists and that the caller may, and returns
// the name with the project as answers have it. What does not exist and what is
// forbidden look the same to a caller.
func (e *Endpoint) authorize(method string, r rpc, n name, resource string) (name, error) {
	project, ok := e.srv.canonicalProject(n.project)
	n.project = project
	if !ok && r.permission != "" {
		return n, errDenied(r.permission, resource)
	}
	if r.permission == "" {
		return n, nil
	}
	if e.srv.denied.match(method, resource) || !e.may(r.permission, n) {
		return n, errDenied(r.permission, resource)
	}
	return n, nil
}

// may reports whether one of the caller's roles has the permission on n.
func (e *Endpoint) may(permission string, n name) bool {
	for _, g := range e.grants {
		if !slices.Contains(permissions[g.role], permission) {
			continue
		}
		if g.secret == "" || g.secret == n.secret && e.srv.exists(n) {
			return true
		}
	}
	return false
}

// exists reports whether a secret is there now.
func (s *Server) exists(n name) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.find(n, s.clock()) != nil
}

// denials are calls that are forbidden whatever the roles.
type denials struct {
	mu    sync.Mutex
	rules []*denial
}

type denial struct{ method, pattern string }

func (d *denials) match(method, resource string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.rules, func(r *denial) bool {
		return matches(r.method, r.pattern, method, resource)
	})
}

// matches reports whether a call is one of the method on a resource of the
// pattern, where empty means any.
func matches(method, pattern, gotMethod, gotResource string) bool {
	if method != "" && method != gotMethod {
		return false
	}
	if pattern == "" {
		return true
	}
	ok, _ := path.Match(pattern, gotResource)
	return ok
}

// Deny answers PERMISSION_DENIED to calls of the method (empty for all) on
// resources that match the pattern of [path.Match] (empty for all), as the
// request writes them, until the returned function is called:
//
//	undo := srv.Deny("AccessSecretVersion", "projects/*/secrets/db-*/versions/*")
//
// It panics on a malformed pattern. TestIamPermissions does not see it.
func (s *Server) Deny(method, pattern string) (undo func()) {
	mustPattern(pattern)
	rule := &denial{method, pattern}
	s.denied.mu.Lock()
	defer s.denied.mu.Unlock()
	s.denied.rules = append(s.denied.rules, rule)
	return func() {
		s.denied.mu.Lock()
		defer s.denied.mu.Unlock()
		s.denied.rules = slices.DeleteFunc(s.denied.rules, func(r *denial) bool { return r == rule })
	}
}

func mustPattern(pattern string) {
	if _, err := path.Match(pattern, ""); err != nil {
		panic("gcptest: the pattern of a resource is malformed: " + pattern)
	}
}

// SetIamPolicy keeps the policy; the fake does not act by it. Use
// [Endpoint.As] for rights.
func (s *service) SetIamPolicy(ctx context.Context, req *iampb.SetIamPolicyRequest) (*iampb.Policy, error) {
	if req.GetPolicy() == nil {
		return nil, errInvalid("Field [policy] is required.")
	}
	defer s.lock()()
	secret, err := s.secret(nameOf(ctx))
	if err != nil {
		return nil, err
	}
	secret.policy = proto.CloneOf(req.GetPolicy())
	return secret.policy, nil
}

// GetIamPolicy returns the policy, an empty one if none was set.
func (s *service) GetIamPolicy(ctx context.Context, _ *iampb.GetIamPolicyRequest) (*iampb.Policy, error) {
	defer s.lock()()
	secret, err := s.secret(nameOf(ctx))
	if err != nil {
		return nil, err
	}
	if secret.policy == nil {
		return &iampb.Policy{}, nil
	}
	return secret.policy, nil
}

// TestIamPermissions returns which of the permissions the caller has: none on a
// secret that does not exist.
func (s *service) TestIamPermissions(ctx context.Context, req *iampb.TestIamPermissionsRequest) (*iampb.TestIamPermissionsResponse, error) {
	n := nameOf(ctx)
	resp := &iampb.TestIamPermissionsResponse{}
	if !s.srv.exists(n) {
		return resp, nil
	}
	for _, permission := range req.GetPermissions() {
		if s.may(permission, n) {
			resp.Permissions = append(resp.Permissions, permission)
		}
	}
	return resp, nil
}
