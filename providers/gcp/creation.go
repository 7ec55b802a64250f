package gcp

import (
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
)

// creation returns what new secrets are made of.
func (cfg Config) creation() (func() *pb.Secret, error) {
	key := func(i int) *pb.CustomerManagedEncryption {
		if i >= len(cfg.KMSKeys) {
			return nil
		}
		return &pb.CustomerManagedEncryption{KmsKeyName: cfg.KMSKeys[i]}
	}
	in := make([]string, len(cfg.KMSKeys))
	for i, name := range cfg.KMSKeys {
		form := keyForm.FindStringSubmatch(name)
		if form == nil {
			return nil, invalid("a KMS key is named projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY")
		}
		in[i] = form[1]
	}
	switch {
	case cfg.Location != "":
		if len(cfg.Replication) > 0 {
			return nil, invalid("regional secrets stay in their location; they have no replication")
		}
		if len(in) > 1 || len(in) == 1 && in[0] != cfg.Location {
			return nil, invalid("regional secrets are encrypted by one key, of their own location")
		}
		return func() *pb.Secret { return &pb.Secret{CustomerManagedEncryption: key(0)} }, nil
	case len(cfg.Replication) == 0:
		if len(in) > 1 || len(in) == 1 && in[0] != "global" {
			return nil, invalid("where Google decides on the replication, secrets are encrypted by one key, of the location global")
		}
		return func() *pb.Secret {
			return &pb.Secret{Replication: &pb.Replication{Replication: &pb.Replication_Automatic_{
				Automatic: &pb.Replication_Automatic{CustomerManagedEncryption: key(0)},
			}}}
		}, nil
	}
	keyOf := make(map[string]int, len(in))
	for i, location := range in {
		keyOf[location] = i
	}
	seen := map[string]bool{}
	for _, location := range cfg.Replication {
		if !locationForm.MatchString(location) || seen[location] {
			return nil, invalid("the replication is automatic, or locations like europe-west3, each once")
		}
		seen[location] = true
		if _, ok := keyOf[location]; !ok && len(in) > 0 {
			return nil, invalid("with KMS keys, each location of the replication needs the one key of its own")
		}
	}
	if len(in) > 0 && (len(in) != len(cfg.Replication) || len(keyOf) != len(in)) {
		return nil, invalid("with KMS keys, each location of the replication needs the one key of its own")
	}
	return func() *pb.Secret {
		replicas := make([]*pb.Replication_UserManaged_Replica, len(cfg.Replication))
		for i, location := range cfg.Replication {
			replicas[i] = &pb.Replication_UserManaged_Replica{Location: location}
			if n, ok := keyOf[location]; ok {
				replicas[i].CustomerManagedEncryption = key(n)
			}
		}
		return &pb.Secret{Replication: &pb.Replication{Replication: &pb.Replication_UserManaged_{
			UserManaged: &pb.Replication_UserManaged{Replicas: replicas},
		}}}
	}, nil
}
