package wire

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
)

var discard = log.New(io.Discard, "", 0)

// reply is an answer of Vault's own.
type reply struct {
	status int
	body   map[string]any // nil: none
}

func (a reply) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	if a.body != nil {
		_ = json.NewEncoder(w).Encode(a.body)
	}
}

// success is the common form of an answer that has something to say.
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v1#read-secret
func success(data any) reply {
	return reply{http.StatusOK, map[string]any{
		"request_id": "5e86ad3f-f635-4da8-484a-e7987423c2d4",
		"lease_id":   "", "renewable": false, "lease_duration": 0,
		"data": data, "wrap_info": nil, "warnings": nil, "auth": nil,
	}}
}

// failure is the form of each error.
// https://developer.hashicorp.com/vault/api-docs#error-response
func failure(status int, texts ...string) reply {
	return reply{status, map[string]any{"errors": append([]string{}, texts...)}}
}

// nothing says that there was nothing to say.
// https://developer.hashicorp.com/vault/api-docs#http-status-codes
func nothing() reply { return reply{status: http.StatusNoContent} }

func readBody(r *http.Request) (body map[string]any) {
	dec := json.NewDecoder(io.LimitReader(r.Body, 32<<20))
	dec.UseNumber()
	if dec.Decode(&body) != nil {
		return nil
	}
	return body
}
