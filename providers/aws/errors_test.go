package aws_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/aws"
	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// kinds are all codes of the reference's operations, and its common errors, each with
// what a read and a write make of it.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_Operations.html
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
var kinds = []struct {
	code        string
	status      int
	read, write error
}{
	{"DecryptionFailure", 400, core.ErrCorrupt, core.ErrCorrupt},
	{"EncryptionFailure", 400, core.ErrUnavailable, core.ErrUnavailable},
	{"InternalServiceError", 500, core.ErrUnavailable, core.ErrIndeterminate},
	{"InvalidNextTokenException", 400, core.ErrUnavailable, core.ErrUnavailable},
	{"InvalidParameterException", 400, core.ErrInvalidOption, core.ErrInvalidOption},
	{"InvalidRequestException", 400, core.ErrInvalidOption, core.ErrInvalidOption},
	{"LimitExceededException", 400, core.ErrExhausted, core.ErrExhausted},
	{"MalformedPolicyDocumentException", 400, core.ErrInvalidOption, core.ErrInvalidOption},
	{"PreconditionNotMetException", 400, core.ErrInvalidOption, core.ErrInvalidOption},
	{"PublicPolicyException", 400, core.ErrInvalidOption, core.ErrInvalidOption},
	{"AccessDeniedException", 400, core.ErrPermissionDenied, core.ErrPermissionDenied},
	{"ExpiredTokenException", 403, core.ErrUnauthenticated, core.ErrUnauthenticated},
	{"IncompleteSignature", 403, core.ErrUnauthenticated, core.ErrUnauthenticated},
	{"InternalFailure", 500, core.ErrUnavailable, core.ErrIndeterminate},
	{"InvalidAction", 400, errors.ErrUnsupported, errors.ErrUnsupported},
	{"InvalidClientTokenId", 403, core.ErrUnauthenticated, core.ErrUnauthenticated},
	{"InvalidSignatureException", 400, core.ErrUnauthenticated, core.ErrUnauthenticated},
	{"MalformedHttpRequestException", 400, core.ErrInvalidOption, core.ErrInvalidOption},
	{"MissingAuthenticationToken", 403, core.ErrUnauthenticated, core.ErrUnauthenticated},
	{"NotAuthorized", 401, core.ErrPermissionDenied, core.ErrPermissionDenied},
	{"OptInRequired", 403, core.ErrPermissionDenied, core.ErrPermissionDenied},
	{"RequestAbortedException", 400, core.ErrUnavailable, core.ErrIndeterminate},
	{"RequestEntityTooLargeException", 413, core.ErrInvalidValue, core.ErrInvalidValue},
	{"RequestExpired", 400, core.ErrUnauthenticated, core.ErrUnauthenticated},
	{"RequestTimeoutException", 408, core.ErrUnavailable, core.ErrIndeterminate},
	{"ServiceUnavailable", 503, core.ErrUnavailable, core.ErrIndeterminate},
	{"ThrottlingException", 400, core.ErrUnavailable, core.ErrUnavailable},
	{"TooManyRequestsException", 429, core.ErrUnavailable, core.ErrUnavailable},
	{"UnknownOperationException", 404, errors.ErrUnsupported, errors.ErrUnsupported},
	{"UnrecognizedClientException", 403, core.ErrUnauthenticated, core.ErrUnauthenticated},
	{"ValidationError", 400, core.ErrInvalidOption, core.ErrInvalidOption},
	{"ValidationException", 400, core.ErrInvalidOption, core.ErrInvalidOption},
	// Codes that nobody knows go by their status.
	{"SomethingNewException", 400, core.ErrUnavailable, core.ErrIndeterminate},
	{"SomethingNewException", 404, core.ErrUnavailable, core.ErrIndeterminate},
	{"SomethingNewException", 403, core.ErrUnavailable, core.ErrIndeterminate},
	{"SomethingNewException", 500, core.ErrUnavailable, core.ErrIndeterminate},
	{"SomethingNewException", 501, errors.ErrUnsupported, errors.ErrUnsupported},
}

func TestEveryCodeOfTheReferenceHasItsKind(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(fmt.Sprintf("%s %d", k.code, k.status), func(t *testing.T) {
			t.Parallel()
			fake := awstest.New(t)
			cfg := settings(fake, "")
			cfg.Retries = -1
			store := open(t, cfg)
			set(t, store, "key", "value")
			secret := providertest.Canary() // what a service or a proxy might quote
			fake.Inject(awstest.Fault{Times: -1, Answer: &awstest.APIError{Status: k.status, Code: k.code, Message: "refused: " + secret}})
			check := func(err error, kind error) {
				t.Helper()
				var e *core.Error
				if core.KindOf(err) != kind || !errors.As(err, &e) { //nolint:errorlint // a kind is the sentinel itself
					t.Fatalf("got %v; want %v", err, kind)
				}
				if e.Code != k.code || e.RequestID == "" || e.Hint == "" {
					t.Errorf("code %q, request %q, hint %q", e.Code, e.RequestID, e.Hint)
				}
				if all := fmt.Sprintf("%v %+v %#v %s", err, err, err, e.Hint); strings.Contains(all, secret) {
					t.Error("the error quotes what the service said")
				}
				for err := err; err != nil; err = errors.Unwrap(err) {
					if name := fmt.Sprintf("%T", err); strings.Contains(name, "smithy") || strings.Contains(name, "aws.") && !strings.Contains(name, "lukko") {
						t.Errorf("the chain holds a %s", name)
					}
				}
			}
			_, err := store.Get(t.Context(), "key")
			check(err, k.read)
			_, err = store.Set(t.Context(), "key", core.String("new"))
			check(err, k.write)
		})
	}
}

func TestWhatOthersAnswerIsNeverNotFoundNorDenied(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"a web page":      func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>sign in</html>") },
		"a page with 404": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>no</html>", http.StatusNotFound) },
		"a page with 403": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>no</html>", http.StatusForbidden) },
		"an empty object": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") },
		"nothing":         func(http.ResponseWriter, *http.Request) {},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
		"another protocol":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) },
		"an endless answer": func(w http.ResponseWriter, _ *http.Request) { endless(w) },
		"an answer cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"Name":`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(handler)
			defer s.Close()
			cfg := settings(awstest.New(t), s.URL)
			cfg.Retries = -1
			store := open(t, cfg)
			if _, err := store.Get(t.Context(), "key"); core.KindOf(err) != core.ErrUnavailable { //nolint:errorlint // a kind is the sentinel itself
				t.Errorf("Get: %v", err)
			}
			if _, err := store.Set(t.Context(), "key", core.String("v")); core.KindOf(err) != core.ErrIndeterminate { //nolint:errorlint // as above
				t.Errorf("Set: %v", err)
			}
			if err := store.Delete(t.Context(), "key"); core.KindOf(err) != core.ErrUnavailable { //nolint:errorlint // as above
				t.Errorf("Delete: %v", err)
			}
			if got, err := store.GetMany(t.Context(), []string{"a", "b"}); len(got) != 0 || err == nil {
				t.Errorf("GetMany: %d secrets, %v", len(got), err)
			}
		})
	}
}

func endless(w http.ResponseWriter) {
	page := []byte(strings.Repeat(" ", 64<<10))
	for {
		if _, err := w.Write(page); err != nil {
			return
		}
	}
}

func TestRetriesAreCountedAndConfigured(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ retries, calls int }{{0, 3}, {-1, 1}, {4, 5}} {
		fake := awstest.New(t)
		cfg := settings(fake, "")
		cfg.Retries = c.retries
		store := open(t, cfg)
		fake.Inject(awstest.Fault{Times: -1, Answer: awstest.ServiceUnavailable()})
		_, err := store.Get(t.Context(), "key")
		if n := fake.CountCalls(""); n != c.calls || !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("retries %d: %d calls, want %d; %v", c.retries, n, c.calls, err)
		}
	}
	// What can't pass is sent once: the SDK by itself would send a full quota again.
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	fake.Inject(awstest.Fault{Times: -1, Answer: &awstest.APIError{Status: 400, Code: "LimitExceededException"}})
	if _, err := store.Get(t.Context(), "key"); fake.CountCalls("") != 1 {
		t.Errorf("%d calls, %v", fake.CountCalls(""), err)
	}
}

func TestThrottlingForAWhilePassesUnseen(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	store := open(t, settings(fake, ""))
	fake.Inject(awstest.Fault{Times: 2, Answer: awstest.Throttling()})
	set(t, store, "key", "value")
	fake.Inject(awstest.Fault{Times: 2, Answer: awstest.TooManyRequests()})
	want(t, store, "key", "value")
}

func TestTheCallersContextAndTheOwnLimitAreToldApart(t *testing.T) {
	t.Parallel()
	fake := awstest.New(t)
	cfg := settings(fake, "")
	cfg.Timeout = 150 * time.Millisecond
	store := open(t, cfg)
	set(t, store, "key", "value")
	wait := make(chan struct{})
	defer close(wait)
	fake.Inject(awstest.Fault{Operation: "GetSecretValue", Times: -1, Wait: wait})
	_, err := store.Get(t.Context(), "key")
	if !errors.Is(err, core.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the own limit: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = store.Get(ctx, "key")
	if !errors.Is(err, context.DeadlineExceeded) || core.KindOf(err) != nil {
		t.Errorf("the caller's: %v", err)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestEndpointsInClearTextAreForLoopback(t *testing.T) {
	t.Parallel()
	for endpoint, ok := range map[string]bool{
		"http://127.0.0.1:4566": true, "http://localhost:4566": true, "http://[::1]:4566": true,
		"https://stand-in.example.com": true, "http://stand-in.example.com": false, "http://10.0.0.1:4566": false,
		"ftp://127.0.0.1": false, "https://user:" + providertest.Canary() + "@example.com": false, "https://example.com/%zz": false, "stand-in": false,
	} {
		cfg := settings(awstest.New(t), "")
		cfg.Endpoint = endpoint
		_, err := aws.New(t.Context(), cfg)
		if ok != (err == nil) || err != nil && (!errors.Is(err, core.ErrInvalidOption) || strings.Contains(err.Error(), "CANARY")) {
			t.Errorf("%v, allowed %t", err, ok)
		}
		cfg.ClearText = true
		if _, err := aws.New(t.Context(), cfg); strings.HasPrefix(endpoint, "http://") && err != nil {
			t.Errorf("with the explicit word: %v", err)
		}
	}
}
