package aws

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/lukko-dev/lukko/core"
)

// fault is a failed attempt.
type fault struct {
	err     *core.Error
	unknown bool // a write may have happened
	passes  bool // the next attempt may succeed
	slow    bool // it asks for a longer pause
	deleted bool // the secret is scheduled for deletion
}

// A meaning is what a code of the service stands for.
type meaning struct {
	kind    error
	hint    string
	unknown bool // the service may have done what was asked
	passes  bool
	slow    bool
}

const (
	hintKey     = "look at the KMS key of the secret: whether it is enabled, and whether the caller may use it"
	hintRate    = "the service limits the rate of requests; ask less often, and read many secrets in one GetMany"
	hintRefused = "the service refuses the request as it is"
	hintLogin   = "the service does not accept the credentials; look at whether they have ended, and at the clock of this machine"
)

// meanings is the one map from the codes of the API reference to kinds: those
// of the operations' pages, and the common ones.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
var meanings = map[string]meaning{
	// Of the operations.
	"DecryptionFailure":                {kind: core.ErrCorrupt, hint: "the value can't be decrypted; " + hintKey},
	"EncryptionFailure":                {kind: core.ErrUnavailable, hint: "the value can't be encrypted; " + hintKey},
	"InternalServiceError":             {kind: core.ErrUnavailable, hint: "the service has failed", unknown: true, passes: true},
	"InvalidNextTokenException":        {kind: core.ErrUnavailable, hint: "the service does not know its own paging token any more; begin anew"},
	"InvalidParameterException":        {kind: core.ErrInvalidOption, hint: hintRefused},
	"InvalidRequestException":          {kind: core.ErrInvalidOption, hint: "the secret's state does not allow this; another service may manage it"},
	"LimitExceededException":           {kind: core.ErrExhausted, hint: "a quota of Secrets Manager is used up: of secrets, of versions (about 100, and all of the last 24 hours), or of labels"},
	"MalformedPolicyDocumentException": {kind: core.ErrInvalidOption, hint: hintRefused},
	"PreconditionNotMetException":      {kind: core.ErrInvalidOption, hint: "the secret lacks what the service asks for first"},
	"PublicPolicyException":            {kind: core.ErrInvalidOption, hint: hintRefused},
	"ResourceExistsException":          {kind: core.ErrConflict, hint: "the id has a value already"},
	"ResourceNotFoundException":        {kind: core.ErrNotFound, hint: "no secret of this id is in the account and region, or it has no such version"},

	// Common ones.
	"AccessDeniedException":               {kind: core.ErrPermissionDenied, hint: "the policies of the caller, the secret or its KMS key don't allow this"},
	"AccessDenied":                        {kind: core.ErrPermissionDenied, hint: "the policies of the caller don't allow this"},
	"NotAuthorized":                       {kind: core.ErrPermissionDenied, hint: "the policies of the caller don't allow this"},
	"UnauthorizedOperation":               {kind: core.ErrPermissionDenied, hint: "the policies of the caller don't allow this"},
	"OptInRequired":                       {kind: core.ErrPermissionDenied, hint: "the account has no subscription to the service, or the region is not enabled"},
	"ExpiredToken":                        {kind: core.ErrUnauthenticated, hint: hintLogin},
	"ExpiredTokenException":               {kind: core.ErrUnauthenticated, hint: hintLogin},
	"IncompleteSignature":                 {kind: core.ErrUnauthenticated, hint: hintLogin},
	"IncompleteSignatureException":        {kind: core.ErrUnauthenticated, hint: hintLogin},
	"InvalidClientTokenId":                {kind: core.ErrUnauthenticated, hint: hintLogin},
	"InvalidSignatureException":           {kind: core.ErrUnauthenticated, hint: hintLogin},
	"InvalidToken":                        {kind: core.ErrUnauthenticated, hint: hintLogin},
	"MissingAuthenticationToken":          {kind: core.ErrUnauthenticated, hint: hintLogin},
	"MissingAuthenticationTokenException": {kind: core.ErrUnauthenticated, hint: hintLogin},
	"RequestExpired":                      {kind: core.ErrUnauthenticated, hint: hintLogin},
	"RequestInTheFuture":                  {kind: core.ErrUnauthenticated, hint: hintLogin},
	"RequestTimeTooSkewed":                {kind: core.ErrUnauthenticated, hint: hintLogin},
	"SignatureDoesNotMatch":               {kind: core.ErrUnauthenticated, hint: hintLogin},
	"UnrecognizedClientException":         {kind: core.ErrUnauthenticated, hint: hintLogin},
	"InternalFailure":                     {kind: core.ErrUnavailable, hint: "the service has failed", unknown: true, passes: true},
	"InternalError":                       {kind: core.ErrUnavailable, hint: "the service has failed", unknown: true, passes: true},
	"InternalServerError":                 {kind: core.ErrUnavailable, hint: "the service has failed", unknown: true, passes: true},
	"RequestAbortedException":             {kind: core.ErrUnavailable, hint: "the request was aborted on its way", unknown: true, passes: true},
	"RequestTimeout":                      {kind: core.ErrUnavailable, hint: "the request did not arrive in time", unknown: true, passes: true},
	"RequestTimeoutException":             {kind: core.ErrUnavailable, hint: "the request did not arrive in time", unknown: true, passes: true},
	"ServiceUnavailable":                  {kind: core.ErrUnavailable, hint: "the service is down for a moment", unknown: true, passes: true},
	"ServiceUnavailableException":         {kind: core.ErrUnavailable, hint: "the service is down for a moment", unknown: true, passes: true},
	"RequestLimitExceeded":                {kind: core.ErrUnavailable, hint: hintRate, passes: true, slow: true},
	"SlowDown":                            {kind: core.ErrUnavailable, hint: hintRate, passes: true, slow: true},
	"ThrottledException":                  {kind: core.ErrUnavailable, hint: hintRate, passes: true, slow: true},
	"Throttling":                          {kind: core.ErrUnavailable, hint: hintRate, passes: true, slow: true},
	"ThrottlingException":                 {kind: core.ErrUnavailable, hint: hintRate, passes: true, slow: true},
	"TooManyRequestsException":            {kind: core.ErrUnavailable, hint: hintRate, passes: true, slow: true},
	"RequestThrottled":                    {kind: core.ErrUnavailable, hint: hintRate, passes: true, slow: true},
	"RequestThrottledException":           {kind: core.ErrUnavailable, hint: hintRate, passes: true, slow: true},
	"RequestEntityTooLargeException":      {kind: core.ErrInvalidValue, hint: "the service takes no request as large as this"},
	"InvalidAction":                       {kind: errors.ErrUnsupported, hint: hintOperation},
	"InvalidParameterCombination":         {kind: core.ErrInvalidOption, hint: hintRefused},
	"InvalidParameterValue":               {kind: core.ErrInvalidOption, hint: hintRefused},
	"InvalidQueryParameter":               {kind: core.ErrInvalidOption, hint: hintRefused},
	"MalformedHttpRequestException":       {kind: core.ErrInvalidOption, hint: hintRefused},
	"MalformedQueryString":                {kind: core.ErrInvalidOption, hint: hintRefused},
	"MissingAction":                       {kind: core.ErrInvalidOption, hint: hintRefused},
	"MissingParameter":                    {kind: core.ErrInvalidOption, hint: hintRefused},
	"SerializationException":              {kind: core.ErrInvalidOption, hint: hintRefused},
	"UnknownOperationException":           {kind: errors.ErrUnsupported, hint: hintOperation},
	"ValidationError":                     {kind: core.ErrInvalidOption, hint: hintRefused},
	"ValidationException":                 {kind: core.ErrInvalidOption, hint: hintRefused},
}

const hintOperation = "what answers does not know this operation; look at the endpoint"

// classify makes a fault of what an SDK call returned, with the SDK's error, and
// its text, left out: that can quote a request or an answer.
func classify(err error, sent bool) fault {
	var credentials *credentialsError
	if errors.As(err, &credentials) {
		return fault{err: credentials.err}
	}
	status := statusOf(err)
	f := fault{err: &core.Error{RequestID: requestID(err)}}
	var api smithy.APIError
	if errors.As(err, &api) {
		f.err.Code = safeCode(api.ErrorCode())
		if status == http.StatusNotImplemented {
			f.err.Kind, f.err.Hint = errors.ErrUnsupported, hintOperation
			return f
		}
		if m, ok := meanings[f.err.Code]; ok {
			f.err.Kind, f.err.Hint, f.unknown, f.passes, f.slow = m.kind, m.hint, m.unknown, m.passes, m.slow
			f.refine(api.ErrorMessage())
			var skewed interface{ RetryableError() bool }
			if m.kind == core.ErrUnauthenticated && errors.As(err, &skewed) && skewed.RetryableError() { //nolint:errorlint // a kind is the sentinel itself
				f.passes = true // the SDK has set its clock by the answer
			}
			return f
		}
	}
	if status != 0 {
		return f.byStatus(status, err)
	}
	return f.unanswered(err, sent)
}

// refine tells apart what the service has one code for. It has no other sign of
// a secret that is scheduled for deletion than these words.
func (f *fault) refine(message string) {
	message = strings.ToLower(message)
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(message, w) {
				return true
			}
		}
		return false
	}
	switch f.err.Code {
	case "InvalidRequestException":
		if says("deletion", "deleted") {
			f.deleted = true
			f.err.Kind, f.err.Hint = core.ErrNotFound, hintDeleted
		}
	case "AccessDeniedException":
		if says("kms") {
			f.err.Hint = "the caller may not use the KMS key of the secret (kms:Decrypt, kms:GenerateDataKey)"
		}
	}
}

const hintDeleted = "the secret is scheduled for deletion; aws secretsmanager restore-secret brings it back, and so does Set"

// byStatus is the fault of an answer that the service did not give, or whose
// code nobody knows.
func (f fault) byStatus(status int, err error) fault {
	if f.err.Code == "" || f.err.Code == "UnknownError" {
		f.err.Code = strconv.Itoa(status)
	}
	f.err.Kind, f.unknown = core.ErrUnavailable, true
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		f.err.Hint = "the answer is longer than any that the service gives; look at the endpoint"
	case status < 300 && (errors.Is(err, io.ErrUnexpectedEOF) || unreachable(err)):
		f.passes = true
		f.err.Hint = "the answer broke off; look at the network, and at proxies in between"
	case status < 300:
		f.err.Hint = hintForeign
	case status < 400:
		f.err.Hint = "what answers redirects to another address, which is not followed, as the request holds values; look at the endpoint"
	case status == http.StatusTooManyRequests:
		f.unknown, f.passes, f.slow = false, true, true
		f.err.Hint = hintRate
	case status >= 500:
		f.passes = true
		f.err.Hint = "the service, or what stands before it, has failed"
	default:
		f.err.Hint = hintForeign
	}
	return f
}

const hintForeign = "what answered is not Secrets Manager; look at the endpoint, and at proxies in between"

// foreign is the fault of an answer that parsed and says nothing.
func foreign() *core.Error { return &core.Error{Kind: core.ErrUnavailable, Hint: hintForeign} }

// unanswered is the fault of a request that got no answer.
func (f fault) unanswered(err error, sent bool) fault {
	f.err.Kind = core.ErrUnavailable
	f.unknown = sent
	var (
		untrusted *tls.CertificateVerificationError
		misnamed  x509.HostnameError
		dns       *net.DNSError
		network   net.Error
		sending   *smithyhttp.RequestSendError
	)
	switch {
	case errors.As(err, &misnamed):
		f.err.Hint = "the certificate is for another name than the endpoint has"
	case errors.As(err, &untrusted):
		f.err.Hint = "the certificate of the endpoint is not trusted; AWS_CA_BUNDLE names the file of its authority"
	case errors.As(err, &dns):
		f.passes = dns.IsTemporary || dns.IsTimeout
		f.err.Hint = "the name of the endpoint can't be resolved; look at the region, and at the endpoint"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.passes = true
		f.err.Hint = "nobody listens at the endpoint; look at endpoint in the URL, and at AWS_ENDPOINT_URL_SECRETS_MANAGER"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		f.passes = true
		f.err.Hint = "the connection broke off; look at the network"
	case errors.As(err, &network) && network.Timeout():
		f.passes = true
		f.err.Hint = "nobody answers at the endpoint; look at it, and at firewalls in between"
	case errors.As(err, &sending), errors.As(err, &network), sent:
		f.passes = true
		f.err.Hint = "the connection failed; look at the endpoint, and at the network"
	default: // the request could not even be made
		f.err.Kind = core.ErrInvalidOption
		f.err.Hint = "the SDK can't make the request of these settings; look at the region and at the endpoint"
	}
	return f
}

func statusOf(err error) int {
	var resp *smithyhttp.ResponseError
	if errors.As(err, &resp) && resp.Response != nil {
		return resp.HTTPStatusCode()
	}
	return 0
}

func requestID(err error) string {
	var resp *awshttp.ResponseError
	if !errors.As(err, &resp) {
		return ""
	}
	return safeCode(resp.ServiceRequestID())
}

// safeCode returns what looks like a code or a request id, and nothing else: what
// answers in the service's place may put there whatever it got.
func safeCode(s string) string {
	if len(s) > 64 {
		return ""
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.", c) >= 0:
		default:
			return ""
		}
	}
	return s
}

// endedBy returns a context's error, also in the moment between its deadline
// and the timer that tells of it.
func endedBy(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done()
	}
	return ctx.Err()
}
