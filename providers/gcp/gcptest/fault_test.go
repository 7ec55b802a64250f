package gcptest_test

import (
	"context"
	"testing"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

func unavailable() *status.Status {
	return status.New(codes.Unavailable, "try again")
}

func TestAFaultStrikesTheCallsThatItCounts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		fault gcptest.Fault
		want  string // of five adds: . for done, x for the fault
	}{
		{"the first", gcptest.Fault{}, "x...."},
		{"the third", gcptest.Fault{Nth: 3}, "..x.."},
		{"two from the second", gcptest.Fault{Nth: 2, Times: 2}, ".xx.."},
		{"all from the fourth", gcptest.Fault{Nth: 4, Times: -1}, "...xx"},
		{"all of another method", gcptest.Fault{Method: "GetSecret", Times: -1}, "....."},
		{"all of this method", gcptest.Fault{Method: "AddSecretVersion", Times: -1}, "xxxxx"},
		{"all of another secret", gcptest.Fault{Resource: "projects/*/secrets/t", Times: -1}, "....."},
		{"all of this secret", gcptest.Fault{Resource: "projects/*/secrets/s", Times: -1}, "xxxxx"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv, c := strict(t)
			srv.Seed("s")
			tc.fault.Status = unavailable()
			injected := srv.Inject(tc.fault)
			got, hits := "", 0
			for range 5 {
				err := tryAdd(t.Context(), c, project+"/secrets/s")
				switch status.Code(err) {
				case codes.OK:
					got += "."
				case codes.Unavailable:
					got += "x"
					hits++
				default:
					t.Fatal(err)
				}
			}
			if got != tc.want || injected.Hits() != hits {
				t.Errorf("five adds went %s with %d hits, want %s", got, injected.Hits(), tc.want)
			}
			if versions, _ := srv.Versions("s"); len(versions) != 5-hits {
				t.Errorf("there are %d versions", len(versions))
			}
			injected.Remove()
			wantCode(t, "after the fault", tryAdd(t.Context(), c, project+"/secrets/s"), codes.OK)
		})
	}
}

func TestAFaultAfterTheEffectLosesTheAnswerAlone(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("s")
	st, err := status.New(codes.Internal, "lost").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	srv.Inject(gcptest.Fault{After: true, Status: st})
	err = tryAdd(t.Context(), c, project+"/secrets/s")
	wantCode(t, "the add", err, codes.Internal)
	if d := detail[*errdetails.RetryInfo](t, err); d.GetRetryDelay().AsDuration() != time.Second {
		t.Errorf("the detail is %v", d)
	}
	if versions, _ := srv.Versions("s"); len(versions) != 1 {
		t.Errorf("there are %d versions", len(versions))
	}
}

func TestAFaultCanHoldACallUntilItIsLetGo(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("s")
	gate := make(chan struct{})
	injected := srv.Inject(gcptest.Fault{Wait: gate})
	done := make(chan error, 1)
	go func() { done <- tryAdd(context.WithoutCancel(t.Context()), c, project+"/secrets/s") }()
	<-injected.Reached()
	if versions, _ := srv.Versions("s"); len(versions) != 0 {
		t.Fatalf("the call that is held has made %d versions", len(versions))
	}
	add(t, c, "s", "other") // others pass
	close(gate)
	if err := <-done; err != nil {
		t.Errorf("the call that was held: %v", err)
	}
}

func TestACallThatIsHeldEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("s")
	injected := srv.Inject(gcptest.Fault{Wait: make(chan struct{})})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tryAdd(ctx, c, project+"/secrets/s") }()
	<-injected.Reached()
	cancel()
	wantCode(t, "the call", <-done, codes.Canceled)
	srv.Close() // waits for the handlers
	if versions, _ := srv.Versions("s"); len(versions) != 0 {
		t.Errorf("a call that was given up made %d versions", len(versions))
	}
}

func TestACutConnectionFailsItsCallsAndIsMadeAnew(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		after    bool
		versions int
	}{{"before the effect", false, 0}, {"after the effect", true, 1}} {
		for _, transport := range []string{"memory", "loopback", "TLS"} {
			t.Run(tc.name+" over "+transport, func(t *testing.T) {
				t.Parallel()
				srv := gcptest.New(t)
				srv.Seed("s")
				c := dial(t, srv.Endpoint, transport)
				held := make(chan struct{})
				waiting := srv.Inject(gcptest.Fault{Method: "GetSecret", Wait: held})
				other := make(chan error, 1)
				go func() {
					_, err := c.GetSecret(context.WithoutCancel(t.Context()), &secretmanagerpb.GetSecretRequest{Name: project + "/secrets/s"})
					other <- err
				}()
				<-waiting.Reached()
				srv.Inject(gcptest.Fault{Method: "AddSecretVersion", Cut: true, After: tc.after})
				wantCode(t, "the call whose connection is cut", tryAdd(t.Context(), c, project+"/secrets/s"), codes.Unavailable)
				wantCode(t, "another call on that connection", <-other, codes.Unavailable)
				if versions, _ := srv.Versions("s"); len(versions) != tc.versions {
					t.Errorf("there are %d versions", len(versions))
				}
				waiting.Remove()
				close(held)
				// gRPC waits a moment before it connects anew.
				if err := tryAdd(t.Context(), c, project+"/secrets/s"); err != nil && status.Code(err) != codes.Unavailable {
					t.Errorf("a call after the cut: %v", err)
				}
			})
		}
	}
}
