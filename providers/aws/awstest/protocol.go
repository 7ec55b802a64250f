package awstest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	contentType  = "application/x-amz-json-1.1"
	targetPrefix = "secretsmanager."
	// maxBody is far above the largest request: a value of 64 KiB in base64.
	maxBody = 1 << 20
)

// request is one call on its way through the fake.
type request struct {
	account string
	trusted bool // by the test itself: nobody is asked for permission
	now     time.Time
	body    []byte
}

// subject is what every operation's body tells of what it is about.
type subject struct {
	Name               string
	SecretId           string
	SecretIdList       []string
	ClientRequestToken string
}

func (b subject) ids() []string {
	switch {
	case len(b.SecretIdList) > 0:
		return b.SecretIdList
	case b.SecretId != "":
		return []string{b.SecretId}
	case b.Name != "":
		return []string{b.Name}
	}
	return nil
}

type operation func(*Server, *request) (any, *APIError)

var operations = map[string]operation{
	"BatchGetSecretValue":      batchGetSecretValue,
	"CreateSecret":             createSecret,
	"DeleteSecret":             deleteSecret,
	"DescribeSecret":           describeSecret,
	"GetSecretValue":           getSecretValue,
	"ListSecretVersionIds":     listSecretVersionIds,
	"ListSecrets":              listSecrets,
	"PutSecretValue":           putSecretValue,
	"RestoreSecret":            restoreSecret,
	"TagResource":              tagResource,
	"UntagResource":            untagResource,
	"UpdateSecret":             updateSecret,
	"UpdateSecretVersionStage": updateSecretVersionStage,
}

// ServeHTTP answers one request of the JSON 1.1 protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", newUUID())
	w.Header().Set("Date", s.cfg.AuthClock().UTC().Format(http.TimeFormat))

	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			writeError(w, &APIError{Code: "RequestEntityTooLargeException", Status: http.StatusRequestEntityTooLarge, Message: "Request body is too large."})
		}
		return
	}
	name, isTarget := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	var about subject
	_ = json.Unmarshal(body, &about) // what does not parse is refused below
	call := s.arrive(name, about)

	fault := s.faultFor(call)
	if fault != nil && !fault.AfterEffect {
		fault.hold(r)
		if !fault.Pass {
			s.disturb(w, call, fault)
			return
		}
	}
	answer, refused := s.serve(r, name, isTarget, body)
	if fault != nil && fault.AfterEffect {
		fault.hold(r)
		if !fault.Pass {
			s.disturb(w, call, fault)
			return
		}
	}
	s.answered(call, refused, false)
	if refused != nil {
		writeError(w, refused)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) disturb(w http.ResponseWriter, call *Call, f *Fault) {
	s.answered(call, f.Answer, true)
	if f.Answer == nil {
		panic(http.ErrAbortHandler) // net/http cuts the connection and logs nothing
	}
	writeError(w, f.Answer)
}

func (s *Server) serve(r *http.Request, name string, isTarget bool, body []byte) (any, *APIError) {
	run, known := operations[name]
	if r.Method != http.MethodPost || !isTarget || !known || r.Header.Get("Content-Type") != contentType {
		return nil, fail("UnknownOperationException", "The operation, its method or its content type is not known.")
	}
	account, err := s.authenticate(r, body)
	if err != nil {
		return nil, err
	}
	if name == "BatchGetSecretValue" && s.cfg.NoBatch {
		return nil, &APIError{Code: "InternalFailure", Status: http.StatusNotImplemented, Message: "The batch_get_secret_value action has not been implemented"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	req := &request{account: account, now: s.cfg.Clock(), body: body}
	s.expire(req.now)
	return run(s, req)
}

// decode reads a body into the input of an operation. The texts of
// encoding/json may quote the body, so they are not shown.
func decode[T any](r *request) (T, *APIError) {
	var in T
	if !utf8.Valid(r.body) || json.Unmarshal(r.body, &in) != nil {
		return in, fail("SerializationException", "The request body is not the JSON that the operation expects.")
	}
	return in, nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("awstest: an answer can't be written as JSON: %T", err))
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that is gone needs no answer
}

func writeError(w http.ResponseWriter, e *APIError) {
	for name, value := range e.Header {
		w.Header().Set(name, value)
	}
	w.Header().Set("X-Amzn-Errortype", e.Code)
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	writeJSON(w, status, struct {
		Type    string `json:"__type"`
		Message string `json:"Message"`
	}{e.Code, e.Message})
}

// stamp is a time as the protocol writes it: seconds since 1970, with a
// fraction of milliseconds.
type stamp time.Time

func (t stamp) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(t).UnixMilli())/1000, 'f', 3, 64), nil
}

func stampOf(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
