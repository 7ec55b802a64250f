package gcptest

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
)

// The limits of a secret, from the comments of resources.proto. Those of an
// expiry are from https://cloud.google.com/secret-manager/docs/creating-and-managing-expiring-secrets
// and those of a delayed destruction from
// https://cloud.google.com/sdk/gcloud/reference/secrets/create and
// https://cloud.google.com/secret-manager/docs/delay-destruction-of-secret-versions.
const (
	maxLabels      = 64
	maxAliases     = 50
	maxTopics      = 10
	maxAnnotations = 16 << 10 // bytes, exclusive

	minExpiry       = time.Minute
	maxExpiry       = 100 * 365 * 24 * time.Hour
	minDestroyDelay = 24 * time.Hour
	maxDestroyDelay = 1000 * 24 * time.Hour
	minRotation     = 5 * time.Minute
	minPeriod       = time.Hour
)

var (
	labelKeys      = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValues    = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
	annotationKeys = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$`)
	topicNames     = regexp.MustCompile(`^projects/[^/]+/topics/[^/]+$`)
	kmsKeys        = regexp.MustCompile(`^projects/[^/]+/locations/([^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+$`)
)

// validate checks a secret as it is to be stored. The request says how its
// expiry was given, and the versions are those that aliases may name.
func (s *service) validate(pb, req *secretmanagerpb.Secret, n name, now time.Time, versions []*version) error {
	if s.lenient() {
		return nil
	}
	for _, check := range []func() error{
		func() error { return checkReplication(pb, n) },
		func() error { return checkLabels(pb) },
		func() error { return checkAnnotations(pb) },
		func() error { return checkAliases(pb, len(versions)) },
		func() error { return checkTimes(pb, req, now) },
		func() error { return checkRotation(pb, req, now) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// checkReplication wants a policy for a global secret and none for a regional
// one, and keys in the places of the replicas.
func checkReplication(pb *secretmanagerpb.Secret, n name) error {
	if n.location != "" {
		if pb.GetReplication() != nil {
			return errInvalid("Field [replication] is not allowed for regional secrets.")
		}
		return checkKey(pb.GetCustomerManagedEncryption(), n.location)
	}
	if pb.GetCustomerManagedEncryption() != nil {
		return errInvalid("Field [customer_managed_encryption] is for regional secrets.")
	}
	switch r := pb.GetReplication().GetReplication().(type) {
	case *secretmanagerpb.Replication_Automatic_:
		return checkKey(r.Automatic.GetCustomerManagedEncryption(), "global")
	case *secretmanagerpb.Replication_UserManaged_:
		if len(r.UserManaged.GetReplicas()) == 0 {
			return errInvalid("Field [replication.user_managed.replicas] cannot be empty.")
		}
		seen := make(map[string]bool)
		keys := 0
		for _, replica := range r.UserManaged.GetReplicas() {
			if replica.GetLocation() == "" || seen[replica.GetLocation()] {
				return errInvalid("Field [replication.user_managed.replicas.location] is missing or repeated.")
			}
			seen[replica.GetLocation()] = true
			if replica.GetCustomerManagedEncryption() != nil {
				keys++
			}
			if err := checkKey(replica.GetCustomerManagedEncryption(), replica.GetLocation()); err != nil {
				return err
			}
		}
		if keys != 0 && keys != len(seen) {
			return errInvalid("Either every replica has a customer-managed key or none has.")
		}
		return nil
	}
	return errInvalid("Field [replication] is required.")
}

func checkKey(key *secretmanagerpb.CustomerManagedEncryption, location string) error {
	if key == nil {
		return nil
	}
	m := kmsKeys.FindStringSubmatch(key.GetKmsKeyName())
	if m == nil {
		return errInvalid("Field [kms_key_name] is not of the form projects/*/locations/*/keyRings/*/cryptoKeys/*.")
	}
	if m[1] != location {
		return errInvalid("The Cloud KMS key is in location %s, and has to be in %s.", m[1], location)
	}
	return nil
}

func checkLabels(pb *secretmanagerpb.Secret) error {
	if len(pb.GetLabels()) > maxLabels {
		return errInvalid("At most %d labels are allowed.", maxLabels)
	}
	for k, v := range pb.GetLabels() {
		if !labelKeys.MatchString(k) || len(k) > 128 {
			return errInvalid("A label's key is not valid.")
		}
		if !labelValues.MatchString(v) || len(v) > 128 {
			return errInvalid("The value of label [%s] is not valid.", k)
		}
	}
	return nil
}

func checkAnnotations(pb *secretmanagerpb.Secret) error {
	size := 0
	for k, v := range pb.GetAnnotations() {
		if !annotationKeys.MatchString(k) || !utf8.ValidString(v) {
			return errInvalid("An annotation's key is not valid.")
		}
		size += len(k) + len(v)
	}
	if size >= maxAnnotations {
		return errInvalid("The annotations have %d bytes, and have to be smaller than %d.", size, maxAnnotations)
	}
	return nil
}

func checkAliases(pb *secretmanagerpb.Secret, versions int) error {
	if len(pb.GetVersionAliases()) > maxAliases {
		return errInvalid("At most %d version aliases are allowed.", maxAliases)
	}
	for alias, number := range pb.GetVersionAliases() {
		if !aliasPattern.MatchString(alias) || strings.EqualFold(alias, "latest") || strings.EqualFold(alias, "new") {
			return errInvalid("A version alias is not valid.")
		}
		if number < 1 || number > int64(versions) {
			return errInvalid("Version alias [%s] names a version that does not exist.", alias)
		}
	}
	return nil
}

// checkTimes checks the expiry that a request gives and the delay of
// destruction.
func checkTimes(pb, req *secretmanagerpb.Secret, now time.Time) error {
	if req.GetExpiration() != nil {
		left := pb.GetExpireTime().AsTime().Sub(now)
		if left < minExpiry || left > maxExpiry {
			return errInvalid("A secret has to expire in between %s and 100 years.", minExpiry)
		}
	}
	if ttl := pb.GetVersionDestroyTtl(); ttl != nil {
		if delay := ttl.AsDuration(); delay < minDestroyDelay || delay > maxDestroyDelay {
			return errInvalid("Field [version_destroy_ttl] has to be 1 to 1000 days.")
		}
	}
	return nil
}

// checkRotation checks what is to happen and whom to tell. Nobody is told.
func checkRotation(pb, req *secretmanagerpb.Secret, now time.Time) error {
	if len(pb.GetTopics()) > maxTopics {
		return errInvalid("At most %d topics are allowed.", maxTopics)
	}
	for _, topic := range pb.GetTopics() {
		if !topicNames.MatchString(topic.GetName()) {
			return errInvalid("A topic is not of the form projects/*/topics/*.")
		}
	}
	r := pb.GetRotation()
	if r == nil {
		return nil
	}
	if len(pb.GetTopics()) == 0 {
		return errInvalid("Field [topics] is required for a rotation.")
	}
	if r.GetRotationPeriod() != nil && (r.GetNextRotationTime() == nil || r.GetRotationPeriod().AsDuration() < minPeriod) {
		return errInvalid("Field [rotation.rotation_period] has to be at least %s and needs a next_rotation_time.", minPeriod)
	}
	if next := req.GetRotation().GetNextRotationTime(); next != nil && next.AsTime().Sub(now) < minRotation {
		return errInvalid("Field [rotation.next_rotation_time] has to be at least %s ahead.", minRotation)
	}
	return nil
}
