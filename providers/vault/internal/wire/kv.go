package wire

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// secret is what KV version 2 keeps under one path.
type secret struct {
	versions []*version
}

type version struct {
	data              any
	created, deletion string
	destroyed         bool
}

func (v *version) metadata(n int) map[string]any {
	return map[string]any{
		"created_time": v.created, "custom_metadata": nil, "deletion_time": v.deletion,
		"destroyed": v.destroyed, "version": n,
	}
}

func listing(r *http.Request) bool {
	return r.Method == "LIST" || r.Method == http.MethodGet && r.URL.Query().Get("list") == "true"
}

func writing(r *http.Request) bool { return r.Method == http.MethodPut || r.Method == http.MethodPost }

// serveV2 is KV version 2.
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
func (s *Server) serveV2(r *http.Request, path string, body map[string]any) reply {
	kind, id, _ := strings.Cut(path, "/")
	had := s.v2[id]
	switch {
	case kind == "data" && r.Method == http.MethodGet:
		return had.read(r.URL.Query().Get("version"))
	case kind == "data" && writing(r):
		return s.put(id, body)
	case kind == "data" && r.Method == http.MethodDelete:
		if had != nil {
			had.versions[len(had.versions)-1].deletion = now()
		}
		return nothing()
	case kind == "destroy" && writing(r):
		for _, v := range had.versions {
			v.data, v.destroyed = nil, true // the tests destroy all that there is
		}
		return nothing()
	case kind == "metadata" && listing(r):
		return keys(s.v2, id)
	case kind == "metadata" && r.Method == http.MethodGet:
		return had.history()
	case kind == "metadata" && r.Method == http.MethodDelete:
		delete(s.v2, id)
		return nothing()
	}
	a := success(nil)
	a.status = http.StatusNotFound
	a.body["warnings"] = []string{"Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use."}
	return a
}

// read is the answer to "Read secret version": a deleted version is a 404 that
// has its metadata.
func (s *secret) read(which string) reply {
	if s == nil {
		return failure(http.StatusNotFound)
	}
	n := len(s.versions)
	if which != "" && which != "0" {
		n, _ = strconv.Atoi(which)
	}
	if n < 1 || n > len(s.versions) {
		return failure(http.StatusNotFound)
	}
	v := s.versions[n-1]
	a := success(map[string]any{"data": v.data, "metadata": v.metadata(n)})
	if v.deletion != "" || v.destroyed {
		a.body["data"].(map[string]any)["data"] = nil
		a.status = http.StatusNotFound
	}
	return a
}

// put is "Create/Update secret".
func (s *Server) put(id string, body map[string]any) reply {
	data, ok := body["data"].(map[string]any)
	if !ok {
		return failure(http.StatusBadRequest, "no data provided")
	}
	had := s.v2[id]
	if had == nil {
		had = &secret{}
	}
	options, _ := body["options"].(map[string]any)
	if cas, ok := options["cas"].(json.Number); ok && cas.String() != strconv.Itoa(len(had.versions)) {
		return failure(http.StatusBadRequest, "check-and-set parameter did not match the current version")
	}
	v := &version{data: data, created: now()}
	had.versions = append(had.versions, v)
	s.v2[id] = had
	return success(v.metadata(len(had.versions)))
}

// history is the answer to "Read secret metadata".
func (s *secret) history() reply {
	if s == nil {
		return failure(http.StatusNotFound)
	}
	versions := map[string]any{}
	for i, v := range s.versions {
		versions[strconv.Itoa(i+1)] = map[string]any{
			"created_time": v.created, "deletion_time": v.deletion, "destroyed": v.destroyed,
		}
	}
	return success(map[string]any{
		"cas_required": false, "created_time": s.versions[0].created,
		"current_version": len(s.versions), "custom_metadata": nil, "delete_version_after": "0s",
		"max_versions": 0, "oldest_version": 0,
		"updated_time": s.versions[len(s.versions)-1].created, "versions": versions,
	})
}

// serveV1 is KV version 1.
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v1
func (s *Server) serveV1(r *http.Request, id string, body map[string]any) reply {
	data, there := s.v1[id]
	switch {
	case listing(r):
		return keys(s.v1, id)
	case writing(r) && len(body) == 0:
		return failure(http.StatusBadRequest, "missing data fields")
	case writing(r):
		s.v1[id] = body
		return nothing()
	case r.Method == http.MethodDelete:
		delete(s.v1, id)
		return nothing()
	case !there:
		return failure(http.StatusNotFound)
	}
	a := success(data)
	a.body["lease_duration"] = 2764800
	return a
}

// keys lists one folder, and is a 404 where that is empty.
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#list-secrets
func keys[T any](secrets map[string]T, folder string) reply {
	if folder = strings.Trim(folder, "/"); folder != "" {
		folder += "/"
	}
	var found []string
	for id := range secrets {
		if rest, ok := strings.CutPrefix(id, folder); ok {
			name, _, deeper := strings.Cut(rest, "/")
			if deeper {
				name += "/"
			}
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return failure(http.StatusNotFound)
	}
	slices.Sort(found)
	return success(map[string]any{"keys": slices.Compact(found)})
}
