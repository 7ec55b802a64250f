package aws

import (
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// ref is what an id names: a secret by its name, or by its ARN, which says the
// region too and may lack the six characters that the service adds.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
type ref struct {
	id     string
	region string // of an ARN; empty: that of the store
	arn    bool
}

// parseID returns what an id names, or core.ErrInvalidID where the service can't
// hold it: a name has ASCII letters, digits and /_+=.@- (CreateSecret, Name).
func parseID(id string) (ref, error) {
	if !strings.HasPrefix(id, "arn:") {
		if !isName(id) {
			return ref{}, &core.Error{Kind: core.ErrInvalidID, Hint: "the name of a secret in AWS has letters, digits and / _ + = . @ - only; a colon is in ARNs alone"}
		}
		return ref{id: id}, nil
	}
	// arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME-XXXXXX
	parts := strings.SplitN(id, ":", 7)
	if len(parts) != 7 || parts[1] == "" || parts[2] != "secretsmanager" || !isRegion(parts[3]) || !isAccount(parts[4]) || parts[5] != "secret" || !isName(parts[6]) {
		return ref{}, &core.Error{Kind: core.ErrInvalidID, Hint: "an ARN of a secret is like arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/stripe-AbCdEf"}
	}
	return ref{id: id, region: parts[3], arn: true}, nil
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("/_+=.@-", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

func isAccount(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) == 12
}

// is reports whether an answer about a name and an ARN is about r. A name that ends
// like the characters that the service adds makes a partial ARN mean two
// secrets, and a name says nothing of the one that a wrong guess finds.
func (r ref) is(name, arn *string) bool {
	switch {
	case !r.arn && name != nil:
		return *name == r.id
	case !r.arn:
		return arn != nil && nameOf(*arn) == r.id
	case arn == nil:
		return false
	}
	return *arn == r.id || withoutSuffix(*arn) == r.id
}

// nameOf returns the name in a full ARN.
func nameOf(arn string) string {
	parts := strings.SplitN(withoutSuffix(arn), ":", 7)
	return parts[len(parts)-1]
}

// withoutSuffix returns a full ARN without what the service added; empty if it
// is none.
func withoutSuffix(arn string) string {
	const suffix = len("-AbCdEf")
	if n := len(arn) - suffix; n > 0 && arn[n] == '-' {
		return arn[:n]
	}
	return ""
}

// another is the error of an answer that is about another secret.
func another() error {
	return &core.Error{Kind: core.ErrNotFound, Hint: "the service found another secret by this ARN, as a name that ends in a hyphen and six characters makes it; give the whole ARN, or the name"}
}
