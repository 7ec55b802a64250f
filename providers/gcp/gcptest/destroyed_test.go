package gcptest

import (
	"testing"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
)

// service.proto, DestroySecretVersion: "irrevocably destroys the secret data".
func TestADestroyedPayloadIsNoLongerKept(t *testing.T) {
	t.Parallel()
	srv := New(t)
	srv.Seed("s", []byte("a"))
	n := srv.mustName("s")
	if _, err := srv.Client(t).DestroySecretVersion(t.Context(), &secretmanagerpb.DestroySecretVersionRequest{Name: n.String() + "/versions/1"}); err != nil {
		t.Fatal(err)
	}
	if v := srv.store.secrets[n.secretPath()].versions[0]; v.data != nil || v.crc != 0 {
		t.Errorf("a destroyed version still has %d bytes", len(v.data))
	}
}
