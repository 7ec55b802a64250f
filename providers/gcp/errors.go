package gcp

import (
	"errors"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"github.com/googleapis/gax-go/v2/apierror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lukko-dev/lukko/core"
)

// failure is what became of one attempt.
type failure struct {
	err      error         // an *answer, an *core.Error, or a context's
	code     codes.Code    // of what the service or gRPC said
	passes   bool          // it may pass
	unsent   bool          // the service did not begin to do what was asked
	answered bool          // something came back from the service
	after    time.Duration // what the service asks to wait
	badToken *auth.Token   // which the service does not take
}

// answer is an error that the service gave. Its text is looked at and not kept.
type answer struct {
	shown *core.Error
	code  codes.Code

	disabled, destroyed bool // as FAILED_PRECONDITION says of a version
}

func (a *answer) Error() string { return a.shown.Error() }
func (a *answer) Unwrap() error { return a.shown }

// shown is an error as it leaves the backend.
func shown(err error) error {
	if a, ok := err.(*answer); ok { //nolint:errorlint // it is never wrapped
		return a.shown
	}
	return err
}

// asAnswer is what the service said in err; nothing, with the code OK, if it did not.
func asAnswer(err error) *answer {
	a := (*answer)(nil)
	if !errors.As(err, &a) {
		a = &answer{shown: &core.Error{}}
	}
	return a
}

func codeOf(err error) codes.Code { return asAnswer(err).code }

// with is the error of an answer with another kind and hint.
func (a *answer) with(kind error, hint string) error {
	return &core.Error{Kind: kind, Code: a.shown.Code, RequestID: a.shown.RequestID, Hint: hint}
}

// codeNames are the codes as the reference writes them.
var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
	"UNAUTHENTICATED",
}

// reasons are those of google.api.ErrorReason that say more than their code.
var reasons = map[string]string{
	"SERVICE_DISABLED":                "the Secret Manager API is not enabled in the project; gcloud services enable secretmanager.googleapis.com",
	"BILLING_DISABLED":                "the project has no billing, which the API needs; link a billing account",
	"CONSUMER_SUSPENDED":              "the project is suspended; see its page in the console",
	"CONSUMER_INVALID":                "there is no such project, or it is being deleted; look at the project in the URL or in GOOGLE_CLOUD_PROJECT",
	"USER_PROJECT_DENIED":             "the project that the quota is taken from does not allow it; grant serviceusage.services.use there, or name another quota project",
	"ACCESS_TOKEN_SCOPE_INSUFFICIENT": "the token is good, and lacks the scope cloud-platform; give the machine or the login that scope",
	"SECURITY_POLICY_VIOLATED":        "a service perimeter forbids it; call from within, or have the perimeter changed",
	"LOCATION_ORG_POLICY_VIOLATED":    "the organization's policy forbids the location; name others by replication or location",
	"ORG_RESTRICTION_VIOLATION":       "the organization's restrictions forbid it",
	"IAM_PERMISSION_DENIED":           hintDenied,
	"RATE_LIMIT_EXCEEDED":             hintThrottled,
	"RESOURCE_QUOTA_EXCEEDED":         hintQuota,
	"ACCESS_TOKEN_EXPIRED":            hintToken,
	"CREDENTIALS_MISSING":             hintToken,
	"ACCESS_TOKEN_TYPE_UNSUPPORTED":   hintToken,
	"ACCOUNT_STATE_INVALID":           hintToken,
	"API_KEY_INVALID":                 hintToken,
	"API_KEY_SERVICE_BLOCKED":         "the API key is not for Secret Manager",
}

const (
	hintDenied    = "the caller's roles don't allow this; Google says the same of what does not exist where the caller may not look, a mistyped project above all"
	hintThrottled = "Google limits the rate of requests; ask less often, or have the quota raised"
	hintQuota     = "a quota is used up, and waiting alone won't help; have it raised"
	hintToken     = "Google does not take the credentials; log in again with gcloud auth application-default login, or look at the service account"
)

// fault is what an error of Google's client means. Every code has its line here.
// unsent: there was not even a connection that the request could have gone over.
//
// An answer that says why a request was refused is believed of a write too. The
// others leave open whether it was carried out.
func fault(r request, err error, unsent bool) *failure {
	if errors.Is(err, errDamaged) {
		return &failure{passes: true, answered: true, err: &core.Error{
			Kind: core.ErrCorrupt, Hint: "the value's checksum does not match what came; look at what stands between here and the service",
		}}
	}
	st, ok := status.FromError(err)
	code := st.Code()
	if !ok || code == codes.OK || int(code) >= len(codeNames) {
		code = codes.Unknown
	}
	text := st.Message()
	says := func(words string) bool { return strings.Contains(text, words) }
	reason, requestID, after := details(err)

	f := &failure{code: code, unsent: unsent, answered: true, after: after}
	e := &core.Error{Code: codeNames[code], RequestID: requestID}
	a := &answer{shown: e, code: code}
	if hint, known := reasons[reason.GetReason()]; known {
		e.Code += " " + reason.GetReason()
		e.Hint = hint
	}
	// lost is the kind of an answer that does not tell what became of the request.
	lost := core.ErrUnavailable
	if r.write && !unsent {
		lost = core.ErrIndeterminate
	}
	set := func(kind error, hint string) {
		e.Kind = kind
		if e.Hint == "" {
			e.Hint = hint
		}
	}
	if says("terminated by RST_STREAM") {
		// gRPC makes a code of why a stream was reset, which says nothing of what
		// had been done by then. (A stream that the server refused to begin it
		// sends again by itself.)
		f.passes, f.answered, e.Kind, e.Hint = true, false, lost, connectionHint("")
		f.err = a
		return f
	}
	switch code {
	case codes.Canceled, codes.DeadlineExceeded:
		f.answered = false
		set(lost, "no answer came in time")
	case codes.Unknown:
		f.passes = true
		set(lost, "the service, or what stands before it, has failed in a way that it does not tell")
	case codes.InvalidArgument, codes.OutOfRange:
		set(core.ErrInvalidOption, "the service refuses the request as it is; look at the location, the replication and the KMS key")
	case codes.NotFound:
		if strings.HasPrefix(text, "Project ") {
			set(core.ErrUnavailable, "there is no such project; look at the project in the URL or in GOOGLE_CLOUD_PROJECT")
			break
		}
		set(core.ErrNotFound, "there is no secret of this id, or it has no version")
	case codes.AlreadyExists:
		set(core.ErrConflict, "it is there already")
	case codes.PermissionDenied:
		set(core.ErrPermissionDenied, hintDenied)
	case codes.ResourceExhausted:
		switch {
		case says("larger than max") && !r.write && reason == nil: // gRPC's own, and not the service's
			set(core.ErrInvalidValue, "the answer is longer than any that is expected here; a value has at most 64 KiB")
		case says("larger than max") && reason == nil:
			set(lost, "the answer is longer than any that is expected here")
		case isHard(reason, text):
			set(core.ErrExhausted, hintQuota)
		default:
			f.passes, f.unsent = true, f.unsent || reason != nil // so a bare one is sent again only if it reads
			set(core.ErrUnavailable, hintThrottled)
		}
	case codes.FailedPrecondition:
		a.disabled, a.destroyed = says("in DISABLED state"), says("in DESTROYED state")
		set(core.ErrUnavailable, "the state of the version, or of the KMS key that encrypts it, does not allow this")
		if r.write {
			e.Kind = core.ErrInvalidOption
		}
	case codes.Aborted:
		f.passes = true
		set(core.ErrUnavailable, "another change of the same secret came between; try again")
	case codes.Unimplemented:
		set(core.ErrUnavailable, "what answers does not know this call; is the endpoint Secret Manager's?")
	case codes.Internal:
		f.passes = true
		set(lost, "the service has failed; try again, and look at Google's status page")
	case codes.Unavailable:
		f.passes = true
		f.answered = reason != nil
		set(lost, connectionHint(text))
	case codes.DataLoss:
		if lost = core.ErrIndeterminate; !r.write {
			lost = core.ErrCorrupt
		}
		set(lost, "the service says that data was lost")
	case codes.Unauthenticated:
		set(core.ErrUnauthenticated, hintToken)
	}
	f.err = a
	return f
}

// details are what an error says beside its code, as far as it can be shown.
func details(err error) (reason *errdetails.ErrorInfo, requestID string, after time.Duration) {
	e := (*apierror.APIError)(nil)
	if !errors.As(err, &e) {
		var ok bool
		if e, ok = apierror.FromError(err); !ok {
			return nil, "", 0
		}
	}
	d := e.Details()
	if retry := d.RetryInfo.GetRetryDelay(); retry != nil {
		after = max(retry.AsDuration(), 0)
	}
	if id := d.RequestInfo.GetRequestId(); len(id) <= 128 {
		requestID = core.Printable(id)
	}
	return d.ErrorInfo, requestID, after
}

// isHard reports whether a quota is one that time alone does not fill again, or not
// soon.
func isHard(reason *errdetails.ErrorInfo, text string) bool {
	about := reason.GetMetadata()
	return reason.GetReason() == "RESOURCE_QUOTA_EXCEEDED" ||
		about["quota_limit_value"] == "0" || strings.HasPrefix(about["quota_unit"], "1/d") || strings.Contains(text, "per day")
}

// connectionHint says why a connection failed.
func connectionHint(text string) string {
	has := func(words string) bool { return strings.Contains(text, words) }
	switch {
	case has("first record does not look like a TLS handshake"):
		return "the endpoint speaks no TLS; if it is a stand-in on another machine, insecure=true in the URL says so"
	case has("x509:"), has("certificate"):
		return "the certificate of the endpoint is not trusted, or for another name"
	case has("connection refused"):
		return "nobody listens at the endpoint; look at endpoint in the URL, and at SECRET_MANAGER_EMULATOR_HOST"
	case has("no such host"), has("produced zero addresses"):
		return "the name of the endpoint can't be resolved; look at the network, and at the location"
	}
	return "the connection failed, or the service is down for the moment"
}
