package gcptest

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// The wordings of not found, of a wrong state, of a denial and of a malformed
// name are the service's own, as public reports quote them. The others are
// documented by their code alone.

func errMalformed(resource string) error {
	return status.Errorf(codes.InvalidArgument, "Resource ID [%s] is not in a valid format.", resource)
}

func errLocation(resource, location string) error {
	if location == "" {
		return errInvalid("Resource [%s] is regional. Use the endpoint of its location.", resource)
	}
	return errInvalid("Resource [%s] is not in location %s, which this endpoint serves.", resource, location)
}

func errInvalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

func errNoSecret(n name) error {
	return status.Errorf(codes.NotFound, "Secret [%s] not found.", n.secretPath())
}

func errNoVersions(n name) error {
	return status.Errorf(codes.NotFound, "Secret [%s] not found or has no versions.", n.secretPath())
}

func errNoVersion(n name) error {
	return status.Errorf(codes.NotFound, "Secret Version [%s] not found.", n)
}

func errExists(n name) error {
	return status.Errorf(codes.AlreadyExists, "Secret [%s] already exists.", n.secretPath())
}

func errState(resource, state string) error {
	return status.Errorf(codes.FailedPrecondition, "Secret Version [%s] is in %s state.", resource, state)
}

func errEtag(resource string) error {
	return status.Errorf(codes.FailedPrecondition, "The etag of the request does not match the current etag of [%s].", resource)
}

// errDenied hides whether the resource exists, as the service does.
func errDenied(permission, resource string) error {
	return detailed(codes.PermissionDenied,
		"Permission '"+permission+"' denied for resource '"+resource+"' (or it may not exist).",
		&errdetails.ErrorInfo{
			Reason: "IAM_PERMISSION_DENIED",
			Domain: "iam.googleapis.com",
			Metadata: map[string]string{
				"permission": permission,
				"resource":   resource,
			},
		})
}

// errUnauthenticated is about a token that is not there or not accepted.
func errUnauthenticated(missing bool) error {
	what, reason := "Request had invalid authentication credentials.", "ACCESS_TOKEN_TYPE_UNSUPPORTED"
	if missing {
		what, reason = "Request is missing required authentication credential.", "CREDENTIALS_MISSING"
	}
	return detailed(codes.Unauthenticated,
		what+" Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
		&errdetails.ErrorInfo{
			Reason:   reason,
			Domain:   "googleapis.com",
			Metadata: map[string]string{"service": serviceName},
		})
}

// detailed is a status with details.
func detailed(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	st, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		// Only a message that can't be marshalled gets here, and these can.
		return status.Error(code, message)
	}
	return st.Err()
}
