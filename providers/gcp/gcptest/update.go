package gcptest

import (
	"context"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/protobuf/proto"
)

// cmekPath is the one field of the replication policy that an update may
// change.
const cmekPath = "replication.automatic.customer_managed_encryption"

// UpdateSecret replaces the fields of the mask. The etag is new even if they
// were the same.
func (s *service) UpdateSecret(ctx context.Context, req *secretmanagerpb.UpdateSecretRequest) (*secretmanagerpb.Secret, error) {
	if len(req.GetUpdateMask().GetPaths()) == 0 {
		return nil, errInvalid("Field [update_mask] is required.")
	}
	n := nameOf(ctx)
	defer s.lock()()
	secret, err := s.secret(n)
	if err != nil {
		return nil, err
	}
	if err := s.checkEtag(req.GetSecret().GetEtag(), secret.pb.GetEtag(), secret.pb.GetName()); err != nil {
		return nil, err
	}
	now := s.srv.clock()
	// What the request gives, of the fields that it means.
	given := &secretmanagerpb.Secret{}
	next := proto.CloneOf(secret.pb)
	for _, path := range req.GetUpdateMask().GetPaths() {
		if err := replace(next, given, req.GetSecret(), path); err != nil {
			return nil, err
		}
	}
	expire(next, now)
	if err := s.validate(next, given, n, now, secret.versions); err != nil {
		return nil, err
	}
	next.Etag = s.srv.store.etag()
	s.srv.store.change(secret, now, func() { secret.pb = next })
	return s.shown(next), nil
}

// replace puts the field of the path from in to both others.
func replace(next, given, in *secretmanagerpb.Secret, path string) error {
	for _, to := range []*secretmanagerpb.Secret{next, given} {
		switch path {
		case "labels":
			to.Labels = in.GetLabels()
		case "annotations":
			to.Annotations = in.GetAnnotations()
		case "topics":
			to.Topics = in.GetTopics()
		case "version_aliases":
			to.VersionAliases = in.GetVersionAliases()
		case "version_destroy_ttl":
			to.VersionDestroyTtl = in.GetVersionDestroyTtl()
		case "customer_managed_encryption":
			to.CustomerManagedEncryption = in.GetCustomerManagedEncryption()
		case "rotation":
			to.Rotation = in.GetRotation()
		case "rotation.next_rotation_time":
			rotation(to).NextRotationTime = in.GetRotation().GetNextRotationTime()
		case "rotation.rotation_period":
			rotation(to).RotationPeriod = in.GetRotation().GetRotationPeriod()
		case "ttl", "expire_time":
			to.Expiration = in.GetExpiration()
		case cmekPath:
			automatic := next.GetReplication().GetAutomatic()
			if automatic == nil {
				return errInvalid("The replication policy cannot be changed.")
			}
			automatic.CustomerManagedEncryption = in.GetReplication().GetAutomatic().GetCustomerManagedEncryption()
		default:
			return errInvalid("Field [%s] cannot be updated.", strings.ToValidUTF8(path, "?"))
		}
	}
	return nil
}

// rotation is the rotation of a secret, made if it has none.
func rotation(s *secretmanagerpb.Secret) *secretmanagerpb.Rotation {
	if s.GetRotation() == nil {
		s.Rotation = &secretmanagerpb.Rotation{}
	}
	return s.Rotation
}
