package gcptest

import (
	"context"
	"hash/crc32"
	"strconv"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// MaxPayload is the most bytes that a version may have: 64 KiB.
const MaxPayload = 64 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AddSecretVersion adds a version. The etag of its secret stays.
func (s *service) AddSecretVersion(ctx context.Context, req *secretmanagerpb.AddSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	data := req.GetPayload().GetData()
	if err := s.checkPayload(req.GetPayload()); err != nil {
		return nil, err
	}
	n := nameOf(ctx)
	defer s.lock()()
	secret, err := s.secret(n)
	if err != nil {
		return nil, err
	}
	now := s.srv.clock()
	v := s.srv.store.newVersion(secret, n, data, now)
	v.pb.ClientSpecifiedPayloadChecksum = req.GetPayload().DataCrc32C != nil
	s.srv.store.change(secret, now, func() { secret.versions = append(secret.versions, v) })
	return s.shownVersion(v.pb), nil
}

// checkPayload checks the size of a payload and its checksum, where it has one.
func (s *service) checkPayload(payload *secretmanagerpb.SecretPayload) error {
	data := payload.GetData()
	if s.lenient() {
		return nil
	}
	if len(data) == 0 {
		return errInvalid("Field [payload] is required.")
	}
	if len(data) > MaxPayload {
		return errInvalid("The payload has %d bytes, and at most %d are allowed.", len(data), MaxPayload)
	}
	if payload.DataCrc32C != nil && payload.GetDataCrc32C() != checksum(data) {
		return errInvalid("The checksum of the payload does not match its data.")
	}
	return nil
}

func checksum(data []byte) int64 {
	return int64(crc32.Checksum(data, castagnoli))
}

// newVersion makes the next version of a secret.
func (st *store) newVersion(s *secret, n name, data []byte, now time.Time) *version {
	n.version = strconv.Itoa(len(s.versions) + 1)
	pb := &secretmanagerpb.SecretVersion{
		Name:       n.String(),
		CreateTime: timestamppb.New(now),
		State:      secretmanagerpb.SecretVersion_ENABLED,
		Etag:       st.etag(),
	}
	if key := s.pb.GetCustomerManagedEncryption(); key != nil {
		pb.CustomerManagedEncryption = keyVersion(key)
	}
	if n.location == "" {
		pb.ReplicationStatus = replicationStatus(s.pb.GetReplication())
	}
	return &version{pb: pb, data: append([]byte{}, data...), crc: checksum(data)}
}

// keyVersion is the first version of the key, which encrypts a payload.
func keyVersion(key *secretmanagerpb.CustomerManagedEncryption) *secretmanagerpb.CustomerManagedEncryptionStatus {
	if key == nil {
		return nil
	}
	return &secretmanagerpb.CustomerManagedEncryptionStatus{KmsKeyVersionName: key.GetKmsKeyName() + "/cryptoKeyVersions/1"}
}

// replicationStatus says of a version what the replication of its secret made
// of it.
func replicationStatus(r *secretmanagerpb.Replication) *secretmanagerpb.ReplicationStatus {
	managed := r.GetUserManaged()
	if managed == nil {
		return &secretmanagerpb.ReplicationStatus{ReplicationStatus: &secretmanagerpb.ReplicationStatus_Automatic{
			Automatic: &secretmanagerpb.ReplicationStatus_AutomaticStatus{
				CustomerManagedEncryption: keyVersion(r.GetAutomatic().GetCustomerManagedEncryption()),
			},
		}}
	}
	st := &secretmanagerpb.ReplicationStatus_UserManagedStatus{}
	for _, replica := range managed.GetReplicas() {
		st.Replicas = append(st.Replicas, &secretmanagerpb.ReplicationStatus_UserManagedStatus_ReplicaStatus{
			Location:                  replica.GetLocation(),
			CustomerManagedEncryption: keyVersion(replica.GetCustomerManagedEncryption()),
		})
	}
	return &secretmanagerpb.ReplicationStatus{ReplicationStatus: &secretmanagerpb.ReplicationStatus_UserManaged{UserManaged: st}}
}

// shownVersion is a version as an answer has it.
func (s *service) shownVersion(pb *secretmanagerpb.SecretVersion) *secretmanagerpb.SecretVersion {
	if !s.lenient() {
		return pb
	}
	return &secretmanagerpb.SecretVersion{Name: pb.GetName(), CreateTime: pb.GetCreateTime(), State: pb.GetState()}
}

// read finds the version that a read names: by its number, which is strong, or
// by latest or an alias, which lag.
func (s *service) read(n name) (*version, error) {
	now := s.srv.clock()
	secret := s.srv.store.find(n, now)
	number, err := strconv.Atoi(n.version)
	if err == nil {
		return pick(secret, n, number)
	}
	if secret == nil {
		return nil, errNoVersions(n)
	}
	seen := s.srv.store.seen(secret, now)
	switch {
	case seen.gone || n.version == "latest" && len(seen.versions) == 0:
		return nil, errNoVersions(n)
	case n.version != "latest" && s.lenient():
		return nil, errNoVersion(n)
	case n.version != "latest":
		alias, ok := seen.pb.GetVersionAliases()[n.version]
		if !ok {
			return nil, errNoVersion(n)
		}
		return pick(secret, n, int(alias))
	case s.lenient():
		for i := len(seen.versions) - 1; i >= 0; i-- {
			if seen.versions[i].pb.GetState() == secretmanagerpb.SecretVersion_ENABLED {
				return pick(secret, n, i+1)
			}
		}
		return nil, errNoVersions(n)
	}
	return pick(secret, n, len(seen.versions))
}

// pick is a version by its number.
func pick(s *secret, n name, number int) (*version, error) {
	if s == nil || number < 1 || number > len(s.versions) {
		return nil, errNoVersion(n)
	}
	return s.versions[number-1], nil
}

// GetSecretVersion returns what is known of a version.
func (s *service) GetSecretVersion(ctx context.Context, _ *secretmanagerpb.GetSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	defer s.lock()()
	v, err := s.read(nameOf(ctx))
	if err != nil {
		return nil, err
	}
	return s.shownVersion(v.pb), nil
}

// AccessSecretVersion returns the payload of an enabled version.
func (s *service) AccessSecretVersion(ctx context.Context, _ *secretmanagerpb.AccessSecretVersionRequest) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	defer s.lock()()
	v, err := s.read(nameOf(ctx))
	if err != nil {
		return nil, err
	}
	if state := v.pb.GetState(); state != secretmanagerpb.SecretVersion_ENABLED {
		return nil, errState(v.pb.GetName(), state.String())
	}
	payload := &secretmanagerpb.SecretPayload{Data: v.data}
	if !s.lenient() {
		payload.DataCrc32C = proto.Int64(v.crc)
	}
	return &secretmanagerpb.AccessSecretVersionResponse{Name: v.pb.GetName(), Payload: payload}, nil
}

// EnableSecretVersion makes a version readable, and calls off a destruction
// that is scheduled.
func (s *service) EnableSecretVersion(ctx context.Context, req *secretmanagerpb.EnableSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.transition(ctx, req.GetEtag(), func(_ *secret, v *version, _ time.Time) *version {
		return moved(v, secretmanagerpb.SecretVersion_ENABLED)
	})
}

// DisableSecretVersion makes a version unreadable, and calls off a destruction
// that is scheduled.
func (s *service) DisableSecretVersion(ctx context.Context, req *secretmanagerpb.DisableSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.transition(ctx, req.GetEtag(), func(_ *secret, v *version, _ time.Time) *version {
		return moved(v, secretmanagerpb.SecretVersion_DISABLED)
	})
}

// DestroySecretVersion destroys a payload for good: at once, or where its
// secret says so, after a delay in which the version is disabled.
func (s *service) DestroySecretVersion(ctx context.Context, req *secretmanagerpb.DestroySecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.transition(ctx, req.GetEtag(), func(secret *secret, v *version, now time.Time) *version {
		delay := secret.pb.GetVersionDestroyTtl().AsDuration()
		if delay <= 0 || s.lenient() {
			return destroyed(v, now, "")
		}
		next := moved(v, secretmanagerpb.SecretVersion_DISABLED)
		next.pb.ScheduledDestroyTime = timestamppb.New(now.Add(delay))
		return next
	})
}

// moved is a version in another state.
func moved(v *version, state secretmanagerpb.SecretVersion_State) *version {
	next := *v
	next.pb = proto.CloneOf(v.pb)
	next.pb.State = state
	next.pb.ScheduledDestroyTime = nil
	return &next
}

// transition changes the state of a version, by its number alone. A destroyed
// version stays so. The etag is new even if the state is the same.
func (s *service) transition(ctx context.Context, etag string, to func(*secret, *version, time.Time) *version) (*secretmanagerpb.SecretVersion, error) {
	n := nameOf(ctx)
	number, err := strconv.Atoi(n.version)
	if err != nil {
		return nil, errMalformed(n.String())
	}
	defer s.lock()()
	now := s.srv.clock()
	secret := s.srv.store.find(n, now)
	v, err := pick(secret, n, number)
	if err != nil {
		return nil, err
	}
	if err := s.checkEtag(etag, v.pb.GetEtag(), v.pb.GetName()); err != nil {
		return nil, err
	}
	if v.pb.GetState() == secretmanagerpb.SecretVersion_DESTROYED {
		return nil, errState(v.pb.GetName(), v.pb.GetState().String())
	}
	next := to(secret, v, now)
	next.pb.Etag = s.srv.store.etag()
	s.srv.store.change(secret, now, func() {
		// The slice of a view is its own, so this changes no past.
		secret.versions[number-1] = next
	})
	return s.shownVersion(next.pb), nil
}
