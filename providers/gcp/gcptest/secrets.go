package gcptest

import (
	"context"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// service answers the calls of one endpoint.
type service struct {
	*Endpoint
	secretmanagerpb.UnimplementedSecretManagerServiceServer
}

// lock takes the server's mutex and returns what gives it back.
func (s *service) lock() (unlock func()) {
	s.srv.mu.Lock()
	return s.srv.mu.Unlock
}

func (s *service) lenient() bool {
	return s.srv.personality == Lenient
}

// secret finds a secret. The caller holds the lock.
func (s *service) secret(n name) (*secret, error) {
	secret := s.srv.store.find(n, s.srv.clock())
	if secret == nil {
		return nil, errNoSecret(n)
	}
	return secret, nil
}

// checkEtag compares the etag of a request, which may have none, with the
// current one.
func (s *service) checkEtag(got, current, resource string) error {
	if got == "" || got == current || s.lenient() {
		return nil
	}
	return errEtag(resource)
}

// CreateSecret makes a secret without versions.
func (s *service) CreateSecret(ctx context.Context, req *secretmanagerpb.CreateSecretRequest) (*secretmanagerpb.Secret, error) {
	n := nameOf(ctx)
	n.secret = req.GetSecretId()
	if !secretIDs.MatchString(n.secret) {
		return nil, errInvalid("Field [secret_id] must be 1 to 255 of the characters A-Z, a-z, 0-9, - and _.")
	}
	if req.GetSecret() == nil {
		return nil, errInvalid("Field [secret] is required.")
	}
	defer s.lock()()
	now := s.srv.clock()
	pb := s.stored(req.GetSecret(), n, now)
	if err := s.validate(pb, req.GetSecret(), n, now, nil); err != nil {
		return nil, err
	}
	if s.srv.store.find(n, now) != nil {
		return nil, errExists(n)
	}
	return s.shown(s.srv.store.insert(n, pb, now).pb), nil
}

// stored is what is kept of the secret of a request: what is output alone is
// the server's.
func (s *service) stored(in *secretmanagerpb.Secret, n name, now time.Time) *secretmanagerpb.Secret {
	pb := proto.CloneOf(in)
	pb.Name = n.secretPath()
	pb.CreateTime = timestamppb.New(now)
	pb.Etag = s.srv.store.etag()
	pb.Tags = nil         // input only
	pb.PolicyMember = nil // output only
	expire(pb, now)
	if s.lenient() && pb.GetReplication() == nil {
		pb.Replication = &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{
			Automatic: &secretmanagerpb.Replication_Automatic{},
		}}
	}
	return pb
}

// expire turns a ttl into the time that is shown in its place.
func expire(pb *secretmanagerpb.Secret, now time.Time) {
	if ttl := pb.GetTtl(); ttl != nil {
		pb.Expiration = &secretmanagerpb.Secret_ExpireTime{ExpireTime: timestamppb.New(now.Add(ttl.AsDuration()))}
	}
}

// shown is a secret as an answer has it.
func (s *service) shown(pb *secretmanagerpb.Secret) *secretmanagerpb.Secret {
	if !s.lenient() {
		return pb
	}
	return &secretmanagerpb.Secret{
		Name:        pb.GetName(),
		CreateTime:  pb.GetCreateTime(),
		Labels:      pb.GetLabels(),
		Annotations: pb.GetAnnotations(),
		Replication: pb.GetReplication(),
	}
}

// GetSecret returns what is known of a secret.
func (s *service) GetSecret(ctx context.Context, _ *secretmanagerpb.GetSecretRequest) (*secretmanagerpb.Secret, error) {
	defer s.lock()()
	secret, err := s.secret(nameOf(ctx))
	if err != nil {
		return nil, err
	}
	return s.shown(secret.pb), nil
}

// DeleteSecret deletes a secret with its versions, for good.
func (s *service) DeleteSecret(ctx context.Context, req *secretmanagerpb.DeleteSecretRequest) (*emptypb.Empty, error) {
	defer s.lock()()
	secret, err := s.secret(nameOf(ctx))
	if err != nil {
		return nil, err
	}
	if err := s.checkEtag(req.GetEtag(), secret.pb.GetEtag(), secret.pb.GetName()); err != nil {
		return nil, err
	}
	s.srv.store.remove(secret, s.srv.clock())
	return &emptypb.Empty{}, nil
}
