package gcptest_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

func TestCallsAreRecordedInTheirOrderWithoutPayloads(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	srv.Seed("other", []byte("seeded")) // no call
	create(t, c, "s")
	add(t, c, "s", "the payload")
	wantData(t, c, "s/versions/latest", "the payload")
	srv.Deny("GetSecret", "")
	_, err := c.GetSecret(t.Context(), &secretmanagerpb.GetSecretRequest{Name: project + "/secrets/s"})
	wantCode(t, "a call that is denied", err, codes.PermissionDenied)
	want := []gcptest.Call{
		{Method: "CreateSecret", Resource: project},
		{Method: "AddSecretVersion", Resource: project + "/secrets/s"},
		{Method: "AccessSecretVersion", Resource: project + "/secrets/s/versions/latest"},
		{Method: "GetSecret", Resource: project + "/secrets/s"},
	}
	if got := srv.Calls(); !slices.Equal(got, want) {
		t.Errorf("the calls are %v, want %v", got, want)
	}
	if srv.CountCalls("") != 4 || srv.CountCalls("GetSecret") != 1 || srv.CountCalls("ListSecrets") != 0 {
		t.Error("the counts are wrong")
	}
	if strings.Contains(fmt.Sprintf("%+v", srv.Calls()), "payload") {
		t.Error("the record has a payload")
	}
	srv.ResetCalls()
	if srv.CountCalls("") != 0 || len(srv.Calls()) != 0 {
		t.Error("there are calls after the reset")
	}
}

func TestSeedAndVersionsWorkWithoutCalls(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	if versions, exists := srv.Versions("s"); exists || versions != nil {
		t.Errorf("before the seed: %v, %v", versions, exists)
	}
	srv.Seed("s")
	if versions, exists := srv.Versions("s"); !exists || len(versions) != 0 {
		t.Errorf("an empty secret: %v, %v", versions, exists)
	}
	payload := []byte("a")
	srv.Seed(number+"/secrets/s", payload)
	payload[0] = 'x' // the server has its own
	wantData(t, c, "s/versions/1", "a")
	if versions, _ := srv.Versions("s"); len(versions) != 1 || versions[0].GetState() != secretmanagerpb.SecretVersion_ENABLED {
		t.Errorf("the versions are %v", versions)
	}
}

// Of many writers each gets a version of its own, and of many creators one
// wins.
func TestManyCallersAtOnceGetWhatIsTheirs(t *testing.T) {
	t.Parallel()
	srv, c := strict(t)
	const callers = 16
	var wg sync.WaitGroup
	var mu sync.Mutex
	created, versions := 0, map[string]bool{}
	for i := range callers {
		wg.Go(func() {
			_, err := c.CreateSecret(t.Context(), &secretmanagerpb.CreateSecretRequest{Parent: project, SecretId: "s", Secret: &secretmanagerpb.Secret{Replication: automatic()}})
			if code := status.Code(err); code != codes.OK && code != codes.AlreadyExists {
				t.Errorf("creating: %v", err)
			}
			data := fmt.Sprint(i)
			v, addErr := c.AddSecretVersion(t.Context(), &secretmanagerpb.AddSecretVersionRequest{Parent: project + "/secrets/s", Payload: &secretmanagerpb.SecretPayload{Data: []byte(data)}})
			if addErr != nil {
				t.Errorf("adding: %v", addErr)
				return
			}
			got, readErr := accessName(t, c, v.GetName())
			if readErr != nil || string(got.GetPayload().GetData()) != data {
				t.Errorf("%s has %q, %v; want %q", v.GetName(), got.GetPayload().GetData(), readErr, data)
			}
			if _, listErr := c.ListSecretVersions(t.Context(), &secretmanagerpb.ListSecretVersionsRequest{Parent: project + "/secrets/s"}).Next(); listErr != nil {
				t.Errorf("listing: %v", listErr)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				created++
			}
			versions[v.GetName()] = true
		})
	}
	wg.Wait()
	if created != 1 || len(versions) != callers {
		t.Errorf("%d callers created the secret, and there are %d versions", created, len(versions))
	}
	if n := srv.CountCalls("AddSecretVersion"); n != callers {
		t.Errorf("%d adds were counted", n)
	}
}
