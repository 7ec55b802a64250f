package gcptest_test

import (
	"hash/crc32"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/lukko-dev/lukko/providers/gcp/gcptest"
)

// resources.proto, SecretPayload.data_crc32c: with a value the server sends the
// checksum that it keeps beside it.
func TestADamagedPayloadKeepsTheChecksumOfTheWholeOne(t *testing.T) {
	t.Parallel()
	for _, personality := range []gcptest.Personality{gcptest.Strict, gcptest.Lenient} {
		srv, c := strict(t, gcptest.WithPersonality(personality))
		srv.Seed("s", []byte("first"), []byte("second"))
		srv.Seed("other", []byte("whole"))
		srv.Damage("s")
		for version, whole := range map[string]string{"s/versions/1": "first", "s/versions/latest": "second"} {
			got, err := access(t.Context(), c, version)
			if err != nil {
				t.Fatal(err)
			}
			payload := got.GetPayload()
			if string(payload.GetData()) == whole || len(payload.GetData()) != len(whole) {
				t.Errorf("%s is not damaged", version)
			}
			sum := int64(crc32.Checksum([]byte(whole), crc32.MakeTable(crc32.Castagnoli)))
			if has := payload.DataCrc32C != nil; has != (personality == gcptest.Strict) || has && payload.GetDataCrc32C() != sum {
				t.Errorf("%s of personality %d: a checksum is there: %t, %d; want %d of a strict one", version, personality, has, payload.GetDataCrc32C(), sum)
			}
		}
		wantData(t, c, "other/versions/latest", "whole")
		srv.Seed("s", []byte("third"))
		wantData(t, c, "s/versions/latest", "third")
		if n := len(srv.Calls()); n != 4 {
			t.Errorf("%d calls were recorded, want the 4 reads", n)
		}
	}
	srv, c := strict(t)
	defer func() {
		if recover() == nil {
			t.Error("there was nothing to damage, and no panic")
		}
		_, err := access(t.Context(), c, "none/versions/1")
		wantCode(t, "a read after the panic", err, codes.NotFound)
	}()
	srv.Damage("none")
}
