package gcptest

import (
	"context"
	"path"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// rpc is what is the same for every call of a method.
type rpc struct {
	on         kind   // what its resource names
	permission string // what a caller needs on it; empty for nothing
	class      class  // which quota it counts against
}

// rpcs are the methods that the fake serves, with the permission that the
// reference names for each
// (https://cloud.google.com/secret-manager/docs/access-control).
var rpcs = map[string]rpc{
	"ListSecrets":          {projectName, "secretmanager.secrets.list", reads},
	"CreateSecret":         {projectName, "secretmanager.secrets.create", writes},
	"AddSecretVersion":     {secretName, "secretmanager.versions.add", writes},
	"GetSecret":            {secretName, "secretmanager.secrets.get", reads},
	"UpdateSecret":         {secretName, "secretmanager.secrets.update", writes},
	"DeleteSecret":         {secretName, "secretmanager.secrets.delete", writes},
	"ListSecretVersions":   {secretName, "secretmanager.versions.list", reads},
	"GetSecretVersion":     {versionName, "secretmanager.versions.get", reads},
	"AccessSecretVersion":  {versionName, "secretmanager.versions.access", accesses},
	"DisableSecretVersion": {versionName, "secretmanager.versions.disable", writes},
	"EnableSecretVersion":  {versionName, "secretmanager.versions.enable", writes},
	"DestroySecretVersion": {versionName, "secretmanager.versions.destroy", writes},
	"SetIamPolicy":         {secretName, "secretmanager.secrets.setIamPolicy", writes},
	"GetIamPolicy":         {secretName, "secretmanager.secrets.getIamPolicy", reads},
	"TestIamPermissions":   {secretName, "", reads},
}

// resourceOf is the resource that a request is about.
func resourceOf(req any) string {
	switch req := req.(type) {
	case interface{ GetName() string }:
		return req.GetName()
	case interface{ GetParent() string }:
		return req.GetParent()
	case interface{ GetResource() string }:
		return req.GetResource()
	case *secretmanagerpb.UpdateSecretRequest:
		return req.GetSecret().GetName()
	}
	return ""
}

// intercept is the way of every call: it is recorded, meets the faults that
// come before the effect, is served, and meets the faults that come after.
func (e *Endpoint) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	method, resource := path.Base(info.FullMethod), resourceOf(req)
	e.srv.calls.add(Call{Method: method, Resource: resource})
	hits := e.srv.faults.hits(method, resource)
	for _, hit := range hits {
		if !hit.fault.After {
			if err := hit.strike(ctx, &e.srv.conns); err != nil {
				return nil, err
			}
		}
	}
	resp, err := e.answer(ctx, method, resource, req, handler)
	for _, hit := range hits {
		if hit.fault.After {
			if err := hit.strike(ctx, &e.srv.conns); err != nil {
				return nil, err
			}
		}
	}
	return resp, err
}

// answer checks what is checked for every method, in the order of the service:
// who calls, what the name is, whether they may, and how often.
func (e *Endpoint) answer(ctx context.Context, method, resource string, req any, handler grpc.UnaryHandler) (any, error) {
	if err := e.authenticate(ctx); err != nil {
		return nil, err
	}
	r, ok := rpcs[method]
	if !ok {
		return handler(ctx, req) // unimplemented
	}
	n, err := e.resolve(resource, r.on)
	if err != nil {
		return nil, err
	}
	if n, err = e.authorize(method, r, n, resource); err != nil {
		return nil, err
	}
	if err := e.srv.quotas.take(method, r.class, n, e.srv.clock()); err != nil {
		return nil, err
	}
	return handler(context.WithValue(ctx, nameKey{}, n), req)
}

type nameKey struct{}

// nameOf is the canonical name that answer found for the call.
func nameOf(ctx context.Context) name {
	n, _ := ctx.Value(nameKey{}).(name)
	return n
}

// resolve takes the resource of a request apart and keeps to the endpoint's own
// location: the global endpoint serves global names, a regional one those of its
// location (https://cloud.google.com/secret-manager/regional-secrets/create-regional-secret).
func (e *Endpoint) resolve(resource string, k kind) (name, error) {
	n, ok := parseName(resource, k)
	if !ok {
		return name{}, errMalformed(resource)
	}
	if n.location != e.location {
		return name{}, errLocation(resource, e.location)
	}
	return n, nil
}

// authenticate checks the token, where the endpoint asks for one.
func (e *Endpoint) authenticate(ctx context.Context) error {
	if e.token == "" {
		return nil
	}
	got := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(got) == 0 {
		return errUnauthenticated(true)
	}
	if scheme, token, _ := strings.Cut(got[0], " "); !strings.EqualFold(scheme, "Bearer") || token != e.token {
		return errUnauthenticated(false)
	}
	return nil
}
