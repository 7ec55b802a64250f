package vaulttest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/internal/vaulttest"
)

func TestVersion2KeepsVersions(t *testing.T) {
	t.Parallel()
	kv := vaulttest.Shared(t).MountKV(t, 2)
	if got := kv.Get(t, "app/a"); got.Status != http.StatusNotFound || got.Field("data") != nil {
		t.Errorf("never written: status %d, data %v", got.Status, got.Field("data") != nil)
	}
	for want := 1; want <= 3; want++ {
		if got := kv.Put(t, "app/a", map[string]any{"n": want}); got != want {
			t.Errorf("put %d gives version %d", want, got)
		}
	}
	if got := kv.Data(t, "app/a")["n"]; got != json.Number("3") {
		t.Errorf("newest: %v", got)
	}
	if got := kv.GetVersion(t, "app/a", 2).Int("data", "data", "n"); got != 2 {
		t.Errorf("version 2: %v", got)
	}

	mismatch := kv.PutCAS(t, "app/a", 1, map[string]any{"n": 4})
	if mismatch.Status != http.StatusBadRequest || !strings.Contains(strings.Join(mismatch.Errors(), " "), "check-and-set") {
		t.Errorf("cas mismatch: %d %q", mismatch.Status, mismatch.Errors())
	}
	if got := kv.PutCAS(t, "app/a", 3, map[string]any{"n": 4}); got.Status != http.StatusOK || got.Int("data", "version") != 4 {
		t.Errorf("cas: %d", got.Status)
	}

	kv.Delete(t, "app/a")
	if got := kv.Get(t, "app/a"); got.Status != http.StatusNotFound || got.Text("data", "metadata", "deletion_time") == "" {
		t.Errorf("soft delete: %d, deletion time %q", got.Status, got.Text("data", "metadata", "deletion_time"))
	}
	kv.Undelete(t, "app/a", 4)
	if got := kv.Data(t, "app/a")["n"]; got != json.Number("4") {
		t.Errorf("undeleted: %v", got)
	}
	kv.Destroy(t, "app/a", 4)
	if got := kv.Get(t, "app/a"); got.Status != http.StatusNotFound || got.Field("data", "metadata", "destroyed") != true {
		t.Errorf("destroyed: %d %v", got.Status, got.Field("data", "metadata", "destroyed"))
	}
	kv.Delete(t, "app/a", 1, 2)
	if got := kv.Metadata(t, "app/a"); got.Text("data", "versions", "1", "deletion_time") == "" || got.Int("data", "current_version") != 4 {
		t.Errorf("metadata after a delete of version 1: %d", got.Status)
	}
	kv.DeleteMetadata(t, "app/a")
	if got := kv.Metadata(t, "app/a").Status; got != http.StatusNotFound {
		t.Errorf("metadata after its delete: %d", got)
	}
}

func TestVersion1KeepsTheLastOne(t *testing.T) {
	t.Parallel()
	kv := vaulttest.Shared(t).MountKV(t, 1)
	kv.Put(t, "app/a", map[string]any{"k": "old"})
	kv.Put(t, "app/a", map[string]any{"k": "new"})
	if got := kv.Data(t, "app/a")["k"]; got != "new" {
		t.Errorf("read %v", got)
	}
	kv.Delete(t, "app/a")
	if got := kv.Get(t, "app/a").Status; got != http.StatusNotFound {
		t.Errorf("deleted: %d", got)
	}
}

func TestBothVersionsList(t *testing.T) {
	t.Parallel()
	for _, version := range []int{1, 2} {
		kv := vaulttest.Shared(t).MountKV(t, version)
		if got := kv.List(t, ""); len(got) != 0 {
			t.Errorf("version %d: the empty mount lists %v", version, got)
		}
		for _, path := range []string{"b", "app/c", "app/deep/d"} {
			kv.Put(t, path, map[string]any{"k": "v"})
		}
		if got := kv.List(t, ""); !slices.Equal(got, []string{"app/", "b"}) {
			t.Errorf("version %d lists %v", version, got)
		}
		if got := kv.List(t, "app"); !slices.Equal(got, []string{"c", "deep/"}) {
			t.Errorf("version %d lists %v in app", version, got)
		}
	}
}

func TestMountMayRequireCAS(t *testing.T) {
	t.Parallel()
	kv := vaulttest.Shared(t).MountKV(t, 2)
	kv.CASRequired(t)
	plain := kv.Server().Do(t, "PUT", kv.Mount+"/data/a", map[string]any{"data": map[string]any{"k": "v"}})
	if plain.Status != http.StatusBadRequest {
		t.Errorf("a write without cas: %d", plain.Status)
	}
	if got := kv.PutCAS(t, "a", 0, map[string]any{"k": "v"}).Status; got != http.StatusOK {
		t.Errorf("a write with cas: %d", got)
	}
}

func TestMountIsGoneAfterItsTest(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	var mount string
	t.Run("test", func(t *testing.T) {
		mount = srv.MountKVAt(t, "deep/er/"+strings.ToLower(t.Name()[:4]), 2).Mount
		if got := srv.Do(t, "GET", "sys/internal/ui/mounts/"+mount, nil).Text("data", "path"); got != mount+"/" {
			t.Errorf("mounted at %q", got)
		}
	})
	if _, there := srv.Do(t, "GET", "sys/mounts", nil).Field("data").(map[string]any)[mount+"/"]; there {
		t.Error("it is mounted still")
	}
}

func TestServerStartsWithItsMounts(t *testing.T) {
	t.Parallel()
	srv := vaulttest.Shared(t)
	for mount, version := range map[string]string{vaulttest.MountV2: "2", vaulttest.MountV1: "1", vaulttest.MountSlashes: "2"} {
		got := srv.Do(t, "GET", "sys/internal/ui/mounts/"+mount, nil)
		if got.Text("data", "type") != "kv" || got.Text("data", "options", "version") != version {
			t.Errorf("%s: type %q, version %q", mount, got.Text("data", "type"), got.Text("data", "options", "version"))
		}
	}
}
