package awstest_test

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/lukko-dev/lukko/providers/aws/awstest"
)

// reference_limits, "Add retries to your application": the codes of throttling.
func TestFaultsHappenToTheCallsTheyMatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(2, "v")
	read := func(id, code string, status int) {
		t.Helper()
		_, err := w.get(id)
		wantCode(t, err, code)
		var res *smithyhttp.ResponseError
		if code != "" && (!errors.As(err, &res) || res.HTTPStatusCode() != status) {
			t.Errorf("%v, want status %d", err, status)
		}
	}
	w.Inject(awstest.Fault{Operation: "GetSecretValue", Secret: "s00?", Skip: 1, Times: 2, Answer: awstest.Throttling()})
	w.Inject(awstest.Fault{Operation: "PutSecretValue", Answer: awstest.InternalServiceError()})
	w.create("other", "v")
	w.wantValue("other", "v")
	read("s000", "", 0)
	read("s000", "ThrottlingException", 400)
	read("s001", "ThrottlingException", 400)
	read("s001", "", 0)

	for code, c := range map[string]struct {
		answer *awstest.APIError
		status int
	}{
		"TooManyRequestsException": {awstest.TooManyRequests(), 429},
		"ServiceUnavailable":       {awstest.ServiceUnavailable(), 503},
		"InternalServiceError":     {awstest.InternalServiceError(), 500},
		"Whatever":                 {&awstest.APIError{Code: "Whatever", Status: 418}, 418},
	} {
		remove := w.Inject(awstest.Fault{Times: -1, Answer: c.answer})
		read("s000", code, c.status)
		read("s000", code, c.status)
		remove()
		read("s000", "", 0)
	}
}

func TestARealSDKRetriesThrottling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(1, "v")
	w.Client = client(t, w.Server, func(o *sm.Options) {
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) { r.MaxAttempts, r.MaxBackoff = 4, time.Millisecond })
	})
	for _, answer := range []*awstest.APIError{awstest.Throttling(), awstest.TooManyRequests(), awstest.ServiceUnavailable(), awstest.InternalServiceError()} {
		w.ResetCalls()
		w.Inject(awstest.Fault{Times: 2, Answer: answer})
		w.wantValue("s000", "v")
		if n := w.CountCalls("GetSecretValue"); n != 3 {
			t.Errorf("%s took %d calls, want 3", answer.Code, n)
		}
	}
}

func TestAnAnswerCanBeLostBeforeOrAfterTheEffect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault awstest.Fault
		code  string
		want  string
	}{
		"cut before":      {awstest.Fault{}, "", "old"},
		"cut after":       {awstest.Fault{AfterEffect: true}, "", "new"},
		"replaced before": {awstest.Fault{Answer: awstest.ServiceUnavailable()}, "ServiceUnavailable", "old"},
		"replaced after":  {awstest.Fault{AfterEffect: true, Answer: awstest.ServiceUnavailable()}, "ServiceUnavailable", "new"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create("db", "old")
			w.ResetCalls()
			c.fault.Operation = "PutSecretValue"
			w.Inject(c.fault)
			_, err := w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("db"), SecretString: aws.String("new"), ClientRequestToken: token("v2")})
			var api smithy.APIError
			if err == nil || errors.As(err, &api) != (c.code != "") || (api != nil && api.ErrorCode() != c.code) {
				t.Errorf("got %v, want %q", err, c.code)
			}
			if calls := w.Calls(); len(calls) != 1 || !calls[0].Lost || calls[0].Code != c.code || calls[0].Token != *token("v2") || !slices.Equal(calls[0].SecretIDs, []string{"db"}) {
				t.Errorf("the calls are %+v", calls)
			}
			w.wantValue("db", c.want)
		})
	}
}

func TestAFaultCanHoldACallWhileOthersPass(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprint("after the effect ", after), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create("db", "old")
			release := make(chan struct{})
			w.Inject(awstest.Fault{Operation: "PutSecretValue", Wait: release, Pass: true, AfterEffect: after})
			done := make(chan error, 1)
			go func() {
				_, err := w.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("db"), SecretString: aws.String("held")})
				done <- err
			}()
			if after {
				waitFor(t, func() bool { got, _ := w.get("db"); return got == "held" })
			} else {
				waitFor(t, func() bool { return w.CountCalls("PutSecretValue") == 1 })
				w.wantValue("db", "old")
			}
			select {
			case err := <-done:
				t.Fatalf("the held call came back: %v", err)
			default:
			}
			w.put("db", "between", nil)
			close(release)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			w.wantValue("db", map[bool]string{false: "held", true: "between"}[after])
		})
	}
}

// waitFor polls a condition that other goroutines bring about.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		runtime.Gosched()
		if time.Now().After(deadline) {
			t.Fatal("the condition did not come")
		}
	}
}

func TestAnAnswerCanHaveHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Inject(awstest.Fault{Answer: &awstest.APIError{Code: "SlowDown", Status: http.StatusServiceUnavailable, Header: map[string]string{"Retry-After": "7"}}})
	got := send(t, w.Server, wire{operation: "ListSecrets", body: "{}"})
	if got.header.Get("Retry-After") != "7" || got.status != 503 || got.code() != "SlowDown" {
		t.Errorf("got %d %v", got.status, got.header)
	}
}

func TestCallsAreListedWithTheirOutcome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "v")
	_, _ = w.get("none")
	_, err := w.BatchGetSecretValue(t.Context(), &sm.BatchGetSecretValueInput{SecretIdList: []string{"db", "none"}})
	wantCode(t, err, "")
	w.list(sm.ListSecretsInput{})
	send(t, w.Server, wire{operation: "ListSecrets", body: "{}", region: "eu-west-1"})
	var got []string
	for _, c := range w.Calls() {
		got = append(got, strings.TrimSpace(c.Operation+" "+strings.Join(c.SecretIDs, ",")+" "+c.Code))
	}
	want := []string{"CreateSecret db", "GetSecretValue none ResourceNotFoundException", "BatchGetSecretValue db,none", "ListSecrets", "ListSecrets  InvalidSignatureException"}
	if !slices.Equal(got, want) || w.CountCalls("") != 5 || w.CountCalls("ListSecrets") != 2 {
		t.Errorf("the calls are %q, want %q", got, want)
	}
	if _, err := w.Set("db", "seeded"); err != nil {
		t.Fatal(err)
	}
	w.Calls()[0].SecretIDs[0] = "changed"
	if w.CountCalls("") != 5 || w.Calls()[0].SecretIDs[0] != "db" {
		t.Error("the list changed by a preparation, or by its reader")
	}
	w.ResetCalls()
	if len(w.Calls()) != 0 {
		t.Error("the calls are still there")
	}
}

// Of many writers that move AWSCURRENT from one version, exactly one wins.
func TestWritesOfOneSecretAreInOneOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("db", "")
	w.put("db", "zero", token("base"))
	const writers = 12
	for i := range writers {
		w.put("db", fmt.Sprint(i), token(fmt.Sprint("w", i)), "lukko-staged")
	}
	var wg sync.WaitGroup
	won := make(chan int, writers)
	for i := range writers {
		wg.Go(func() {
			_, err := w.UpdateSecretVersionStage(t.Context(), &sm.UpdateSecretVersionStageInput{
				SecretId: aws.String("db"), VersionStage: aws.String("AWSCURRENT"), RemoveFromVersionId: token("base"), MoveToVersionId: token(fmt.Sprint("w", i)),
			})
			if err == nil {
				won <- i
			}
			_, _ = w.get("db")
			w.Calls()
		})
	}
	wg.Wait()
	close(won)
	if len(won) != 1 {
		t.Fatalf("%d writers won, want 1", len(won))
	}
	w.wantValue("db", fmt.Sprint(<-won))
}
