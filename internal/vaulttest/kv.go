package vaulttest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A KV is a mount of the KV engine, read and written with the root token.
type KV struct {
	Mount   string // without a slash at its end; may have some within
	Version int    // of the engine: 1 or 2

	server *Server
}

// The mounts that each server starts with.
const (
	MountV2      = "secret"
	MountV1      = "kv1"
	MountSlashes = "team/kv" // KV version 2
)

// MountKV mounts the KV engine at a path that nobody else has, until t ends.
func (s *Server) MountKV(t testing.TB, version int) KV {
	t.Helper()
	return s.MountKVAt(t, unique("kv"), version)
}

// MountKVAt is MountKV at a path of your own, for example with slashes in it.
func (s *Server) MountKVAt(t testing.TB, mount string, version int) KV {
	t.Helper()
	s.must(t, "POST", "sys/mounts/"+mount, map[string]any{
		"type":    "kv",
		"options": map[string]any{"version": strconv.Itoa(version)},
	}, http.StatusNoContent)
	t.Cleanup(func() {
		if s.shared {
			s.must(t, "DELETE", "sys/mounts/"+mount, nil, http.StatusNoContent)
		}
	})
	return s.KV(mount, version)
}

// KV is a mount that is there already.
func (s *Server) KV(mount string, version int) KV {
	return KV{Mount: mount, Version: version, server: s}
}

// Server is the server that the mount is on.
func (kv KV) Server() *Server { return kv.server }

func (kv KV) data(path string) string {
	if kv.Version == 1 {
		return kv.Mount + "/" + path
	}
	return kv.Mount + "/data/" + path
}

// Put writes data and gives the version that it became, which is 0 in version 1.
func (kv KV) Put(t testing.TB, path string, data map[string]any) int {
	t.Helper()
	if kv.Version == 1 {
		kv.server.must(t, "PUT", kv.data(path), data, http.StatusNoContent)
		return 0
	}
	r := kv.server.must(t, "PUT", kv.data(path), map[string]any{"data": data}, http.StatusOK)
	return r.Int("data", "version")
}

// PutCAS writes data if the newest version is cas, 0 for none. It gives the
// server's answer: 200, or 400 on a mismatch. Version 2 only.
func (kv KV) PutCAS(t testing.TB, path string, cas int, data map[string]any) Response {
	t.Helper()
	return kv.server.Do(t, "PUT", kv.data(path), map[string]any{"data": data, "options": map[string]any{"cas": cas}})
}

// Get reads the newest version.
func (kv KV) Get(t testing.TB, path string) Response {
	t.Helper()
	return kv.server.Do(t, "GET", kv.data(path), nil)
}

// GetVersion reads one version. Version 2 only.
func (kv KV) GetVersion(t testing.TB, path string, version int) Response {
	t.Helper()
	return kv.server.Do(t, "GET", fmt.Sprintf("%s?version=%d", kv.data(path), version), nil)
}

// Data is the data map of the newest version, which must be there. Numbers are
// json.Number.
func (kv KV) Data(t testing.TB, path string) map[string]any {
	t.Helper()
	r := kv.server.must(t, "GET", kv.data(path), nil, http.StatusOK)
	keys := []string{"data", "data"}[:kv.Version]
	data, _ := r.Field(keys...).(map[string]any)
	return data
}

// Delete deletes softly the newest version, or those named; in version 1, for
// good.
func (kv KV) Delete(t testing.TB, path string, versions ...int) {
	t.Helper()
	if len(versions) == 0 {
		kv.server.must(t, "DELETE", kv.data(path), nil, http.StatusNoContent)
		return
	}
	kv.versions(t, "delete", path, versions)
}

// Undelete undoes Delete. Version 2 only.
func (kv KV) Undelete(t testing.TB, path string, versions ...int) {
	t.Helper()
	kv.versions(t, "undelete", path, versions)
}

// Destroy deletes versions for good. Version 2 only.
func (kv KV) Destroy(t testing.TB, path string, versions ...int) {
	t.Helper()
	kv.versions(t, "destroy", path, versions)
}

func (kv KV) versions(t testing.TB, do, path string, versions []int) {
	t.Helper()
	kv.server.must(t, "PUT", kv.Mount+"/"+do+"/"+path, map[string]any{"versions": versions}, http.StatusNoContent)
}

// Metadata reads what is known of all versions. Version 2 only.
func (kv KV) Metadata(t testing.TB, path string) Response {
	t.Helper()
	return kv.server.Do(t, "GET", kv.Mount+"/metadata/"+path, nil)
}

// DeleteMetadata removes a secret with all its versions. Version 2 only.
func (kv KV) DeleteMetadata(t testing.TB, path string) {
	t.Helper()
	kv.server.must(t, "DELETE", kv.Mount+"/metadata/"+path, nil, http.StatusNoContent)
}

// CASRequired makes the mount refuse writes without cas. Version 2 only.
func (kv KV) CASRequired(t testing.TB) {
	t.Helper()
	kv.server.must(t, "POST", kv.Mount+"/config", map[string]any{"cas_required": true}, http.StatusNoContent)
}

// List is what is directly in a folder, sorted; a folder in it ends with a
// slash. The mount itself is the folder "".
func (kv KV) List(t testing.TB, folder string) []string {
	t.Helper()
	path := kv.Mount + "/"
	if kv.Version == 2 {
		path += "metadata/"
	}
	if folder = strings.Trim(folder, "/"); folder != "" {
		path += folder + "/"
	}
	r := kv.server.must(t, "LIST", path, nil, http.StatusOK, http.StatusNotFound)
	keys, _ := r.Field("data", "keys").([]any)
	var names []string
	for _, key := range keys {
		names = append(names, key.(string))
	}
	slices.Sort(names)
	return names
}
