package awstest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// wire is a request as it goes over the wire, signed by the SDK's own signer.
type wire struct {
	operation, body string
	region, service string                // signed for, the fake's if ""
	key             *awstest.Key          // the fake's first if nil
	at              time.Time             // now if zero
	before, after   func(r *http.Request) // changes before and after it is signed
}

type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (r reply) code() string {
	code, _ := r.body["__type"].(string)
	return code
}

func send(t *testing.T, fake *awstest.Server, w wire) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fake.URL()+"/", strings.NewReader(w.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "secretsmanager."+w.operation)
	if w.before != nil {
		w.before(r)
	}
	set := fake.Settings()
	key := awstest.Key{ID: set.AccessKeyID, Secret: set.SecretAccessKey, SessionToken: set.SessionToken}
	if w.key != nil {
		key = *w.key
	}
	if w.region == "" {
		w.region = set.Region
	}
	if w.service == "" {
		w.service = "secretsmanager"
	}
	if w.at.IsZero() {
		w.at = time.Now()
	}
	sum := sha256.Sum256([]byte(w.body))
	creds := aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret, SessionToken: key.SessionToken}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), w.service, w.region, w.at); err != nil {
		t.Fatal(err)
	}
	if w.after != nil {
		w.after(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{status: res.StatusCode, header: res.Header, raw: string(b)}
	if err := json.Unmarshal(b, &out.body); err != nil {
		t.Fatalf("the answer is not JSON: %T", err)
	}
	return out
}

// The JSON 1.1 protocol of AWS: the answer's content type, __type, request ids, and
// times as seconds since 1970 with a fraction.
func TestAnswersAreThoseOfTheProtocol(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock.Advance(250 * time.Millisecond)
	made := send(t, w.Server, wire{operation: "CreateSecret", body: `{"Name":"db","SecretString":"one","ClientRequestToken":"` + *token("v1") + `"}`})
	if made.status != 200 || made.header.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("a create answers %d %s", made.status, made.header.Get("Content-Type"))
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if id := made.header.Get("X-Amzn-Requestid"); !uuid.MatchString(id) {
		t.Errorf("the request id is %q", id)
	}
	read := send(t, w.Server, wire{operation: "GetSecretValue", body: `{"SecretId":"db"}`})
	if !strings.Contains(read.raw, `"CreatedDate":1772366400.250`) {
		t.Errorf("the time is not written as seconds with a fraction")
	}
	if _, ok := read.body["SecretBinary"]; ok || read.body["SecretString"] != "one" {
		t.Errorf("a string is not answered as SecretString alone")
	}
	send(t, w.Server, wire{operation: "CreateSecret", body: `{"Name":"bin","SecretBinary":"AAEC/w==","ClientRequestToken":"` + *token("v1") + `"}`})
	read = send(t, w.Server, wire{operation: "GetSecretValue", body: `{"SecretId":"bin"}`})
	if _, ok := read.body["SecretString"]; ok || read.body["SecretBinary"] != "AAEC/w==" {
		t.Errorf("bytes are not answered as SecretBinary in base64 alone")
	}
	missing := send(t, w.Server, wire{operation: "GetSecretValue", body: `{"SecretId":"none"}`})
	if missing.status != 400 || missing.code() != "ResourceNotFoundException" || missing.header.Get("X-Amzn-Errortype") != missing.code() ||
		missing.body["Message"] != "Secrets Manager can't find the specified secret." {
		t.Errorf("a missing secret answers %d %v", missing.status, missing.body)
	}
}

// SDKs correct their clock by the Date of an answer, so it is the time that signatures
// are held to, not that of the secrets.
func TestTheDateOfAnAnswerIsTheTimeOfSignatures(t *testing.T) {
	t.Parallel()
	clock := awstest.NewClock(start)
	fake := awstest.New(t, func(c *awstest.Config) { c.AuthClock = clock.Now })
	got := send(t, fake, wire{operation: "ListSecrets", body: "{}"})
	if got.code() != "InvalidSignatureException" || got.header.Get("Date") != "Sun, 01 Mar 2026 12:00:00 GMT" {
		t.Errorf("got %s at %s", got.code(), got.header.Get("Date"))
	}
	if got = send(t, fake, wire{operation: "ListSecrets", body: "{}", at: start}); got.status != 200 {
		t.Errorf("a signature of the right time is refused: %s", got.code())
	}
	clock.Advance(6 * time.Minute)
	if got = send(t, fake, wire{operation: "ListSecrets", body: "{}", at: start}); got.code() != "InvalidSignatureException" {
		t.Errorf("a signature of 6 minutes ago answers %q", got.code())
	}
}

func TestRequestsThatAreNotOfTheProtocolAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		wire
		status int
		code   string
	}{
		"an operation that the fake lacks": {wire{operation: "RotateSecret", body: `{"SecretId":"db"}`}, 400, "UnknownOperationException"},
		"an operation of no service":       {wire{operation: "Nothing", body: `{}`}, 400, "UnknownOperationException"},
		"another content type": {wire{operation: "ListSecrets", body: `{}`, before: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/json")
		}}, 400, "UnknownOperationException"},
		"another service's target": {wire{operation: "ListSecrets", body: `{}`, before: func(r *http.Request) {
			r.Header.Set("X-Amz-Target", "ssm.ListSecrets")
		}}, 400, "UnknownOperationException"},
		"a GET":                          {wire{operation: "ListSecrets", body: `{}`, before: func(r *http.Request) { r.Method = http.MethodGet }}, 400, "UnknownOperationException"},
		"no JSON":                        {wire{operation: "GetSecretValue", body: `{"SecretId":`}, 400, "SerializationException"},
		"another type":                   {wire{operation: "GetSecretValue", body: `{"SecretId":7}`}, 400, "SerializationException"},
		"text that is no UTF-8":          {wire{operation: "GetSecretValue", body: "{\"SecretId\":\"\xff\"}"}, 400, "SerializationException"},
		"bytes that are no base64":       {wire{operation: "PutSecretValue", body: `{"SecretId":"db","SecretBinary":"*"}`}, 400, "SerializationException"},
		"a body that is far too large":   {wire{operation: "PutSecretValue", body: `{"SecretString":"` + strings.Repeat("x", 1<<20) + `"}`}, 413, "RequestEntityTooLargeException"},
		"no token in a raw create":       {wire{operation: "CreateSecret", body: `{"Name":"db"}`}, 400, "InvalidRequestException"},
		"no token in a raw put":          {wire{operation: "PutSecretValue", body: `{"SecretId":"db","SecretString":"x"}`}, 400, "InvalidRequestException"},
		"no token in a raw update":       {wire{operation: "UpdateSecret", body: `{"SecretId":"db","SecretString":"x"}`}, 400, "InvalidRequestException"},
		"no tags to add":                 {wire{operation: "TagResource", body: `{"SecretId":"db"}`}, 400, "ValidationException"},
		"no tags to take":                {wire{operation: "UntagResource", body: `{"SecretId":"db"}`}, 400, "ValidationException"},
		"a delete of nothing":            {wire{operation: "DeleteSecret", body: `{}`}, 400, "ValidationException"},
		"fields that are not known pass": {wire{operation: "ListSecrets", body: `{"Novelty":{"a":[1]}}`}, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := send(t, w.Server, c.wire)
			if got.status != c.status || got.code() != c.code {
				t.Errorf("got %d %s, want %d %s", got.status, got.code(), c.status, c.code)
			}
		})
	}
}

// The IAM user guide, "Troubleshoot signed requests for AWS APIs", and the
// common errors of the API reference.
func TestSignaturesAreChecked(t *testing.T) {
	t.Parallel()
	good := awstest.Key{ID: "AKIDGOOD", Secret: "good"}
	session := awstest.Key{ID: "ASIASESSION", Secret: "sess", SessionToken: "token-1", Expires: time.Now().Add(time.Hour)}
	ended := awstest.Key{ID: "ASIAENDED", Secret: "sess", SessionToken: "token-2", Expires: time.Now().Add(-time.Second)}
	with := func(k awstest.Key, change func(*awstest.Key)) *awstest.Key {
		change(&k)
		return &k
	}
	header := func(old, replacement string) func(*http.Request) {
		return func(r *http.Request) {
			before := r.Header.Get("Authorization")
			after := regexp.MustCompile(old).ReplaceAllString(before, replacement)
			if before == after {
				panic("the header did not change")
			}
			r.Header.Set("Authorization", after)
		}
	}
	for name, c := range map[string]struct {
		wire
		code   string
		inForm bool // refused without a look at the signature itself
	}{
		"a good one":         {wire{}, "", true},
		"a temporary key":    {wire{key: &session}, "", true},
		"4 minutes late":     {wire{at: time.Now().Add(-4 * time.Minute)}, "", true},
		"none":               {wire{after: func(r *http.Request) { r.Header.Del("Authorization") }}, "MissingAuthenticationTokenException", true},
		"another algorithm":  {wire{after: header("^AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")}, "IncompleteSignatureException", true},
		"no credential":      {wire{after: header("Credential=[^,]*, ", "")}, "IncompleteSignatureException", true},
		"a short scope":      {wire{after: header("/aws4_request", "")}, "IncompleteSignatureException", true},
		"another term":       {wire{after: header("/aws4_request", "/aws5_request")}, "IncompleteSignatureException", true},
		"no signed headers":  {wire{after: header("SignedHeaders=[^,]*, ", "")}, "IncompleteSignatureException", true},
		"no signature":       {wire{after: header("Signature=.*", "")}, "IncompleteSignatureException", true},
		"a short signature":  {wire{after: header(".$", "")}, "IncompleteSignatureException", true},
		"upper-case hex":     {wire{after: header("Signature=.", "Signature=A")}, "IncompleteSignatureException", true},
		"no date":            {wire{after: func(r *http.Request) { r.Header.Del("X-Amz-Date") }}, "IncompleteSignatureException", true},
		"the host unsigned":  {wire{after: header("host;", "")}, "InvalidSignatureException", true},
		"the date unsigned":  {wire{after: header("x-amz-date;", "")}, "InvalidSignatureException", true},
		"an unknown key":     {wire{key: with(good, func(k *awstest.Key) { k.ID = "AKIDOTHER" })}, "UnrecognizedClientException", true},
		"no session token":   {wire{key: with(session, func(k *awstest.Key) { k.SessionToken = "" })}, "UnrecognizedClientException", true},
		"another's token":    {wire{key: with(session, func(k *awstest.Key) { k.SessionToken = "token-2" })}, "UnrecognizedClientException", true},
		"an ended session":   {wire{key: &ended}, "ExpiredTokenException", true},
		"6 minutes late":     {wire{at: time.Now().Add(-6 * time.Minute)}, "InvalidSignatureException", true},
		"6 minutes early":    {wire{at: time.Now().Add(6 * time.Minute)}, "InvalidSignatureException", true},
		"another day":        {wire{after: header(`/2\d{7}/`, "/20200101/")}, "InvalidSignatureException", true},
		"another region":     {wire{region: "eu-west-1"}, "InvalidSignatureException", true},
		"another service":    {wire{service: "ssm"}, "InvalidSignatureException", true},
		"another secret key": {wire{key: with(good, func(k *awstest.Key) { k.Secret = "bad" })}, "InvalidSignatureException", false},
		"another body": {wire{after: func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader("[]"))
			r.ContentLength = 2
		}}, "InvalidSignatureException", false},
		"another target": {wire{after: func(r *http.Request) { r.Header.Set("X-Amz-Target", "secretsmanager.BatchGetSecretValue") }}, "InvalidSignatureException", false},
		"a query added":  {wire{after: func(r *http.Request) { r.URL.RawQuery = "a=b" }}, "InvalidSignatureException", false},
		"a query signed": {wire{before: func(r *http.Request) { r.URL.RawQuery = "b=2&a=1%20x" }}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.operation, c.body = "ListSecrets", "{}"
			for _, mode := range []awstest.AuthMode{awstest.AuthVerify, awstest.AuthForm, awstest.AuthNone} {
				fake := awstest.New(t, func(cfg *awstest.Config) {
					cfg.Auth = mode
					cfg.Keys = []awstest.Key{good, session, ended}
				})
				want := c.code
				if mode == awstest.AuthNone || (mode == awstest.AuthForm && !c.inForm) {
					want = ""
				}
				if got := send(t, fake, c.wire); got.code() != want && (mode == awstest.AuthVerify || c.inForm) {
					t.Errorf("mode %d: got %q, want %q", mode, got.code(), want)
				} else if strings.Contains(got.raw, "good") || strings.Contains(got.raw, "token-") {
					t.Errorf("mode %d: the answer tells of a key", mode)
				}
			}
		})
	}
}

func TestKeysCanBeReplacedWhileTheFakeRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SetKeys(awstest.Key{ID: "AKIDNEW", Secret: "new"})
	_, err := w.get("db")
	wantCode(t, err, "UnrecognizedClientException")
	fresh := &world{Server: w.Server, Client: client(t, w.Server), t: t, clock: w.clock}
	_, err = fresh.get("db")
	wantCode(t, err, "ResourceNotFoundException")
}

// What a test prints on failure must not tell a secret either.
func TestNoValueIsInAnyRefusal(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	w := newWorld(t)
	w.create("db", "one")
	w.put("db", "two", token("v2"))
	big := canary + strings.Repeat("x", 65_536)
	for _, body := range []string{
		`{"SecretId":"db","ClientRequestToken":"` + *token("v2") + `","SecretString":"` + canary + `"}`,
		`{"SecretId":"db","ClientRequestToken":"` + *token("v3") + `","SecretString":"` + big + `"}`,
		`{"SecretId":"db","ClientRequestToken":"` + *token("v3") + `","SecretString":"` + canary + `","SecretBinary":"AA=="}`,
		`{"SecretId":"none","ClientRequestToken":"` + *token("v3") + `","SecretString":"` + canary + `"}`,
		`{"SecretId":"db","ClientRequestToken":7,"SecretString":"` + canary + `"}`,
		`{"SecretId":"db","SecretString":"` + canary,
	} {
		got := send(t, w.Server, wire{operation: "PutSecretValue", body: body})
		if got.status == 200 || strings.Contains(got.raw, canary) {
			t.Errorf("status %d, or the answer quotes the value", got.status)
		}
	}
	var calls bytes.Buffer
	if err := json.NewEncoder(&calls).Encode(w.Calls()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(calls.String(), canary) {
		t.Error("the list of calls has a value")
	}
}
