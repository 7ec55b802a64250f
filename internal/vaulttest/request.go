package vaulttest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// A Response is the server's answer as it came.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Field is the value at keys in the answer's JSON, or nil. Numbers are
// json.Number.
func (r Response) Field(keys ...string) any {
	decoder := json.NewDecoder(bytes.NewReader(r.Body))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return nil
	}
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// Text is Field where that is a text, and else empty.
func (r Response) Text(keys ...string) string {
	text, _ := r.Field(keys...).(string)
	return text
}

// Int is Field where that is a whole number, and else 0.
func (r Response) Int(keys ...string) int {
	n, _ := r.Field(keys...).(json.Number)
	i, _ := n.Int64()
	return int(i)
}

// Errors are the texts of the answer's "errors".
func (r Response) Errors() []string {
	list, _ := r.Field("errors").([]any)
	var texts []string
	for _, e := range list {
		if text, ok := e.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// Do sends a request with the root token. The path is without /v1/ and may have
// a query; body is nil, []byte as it is, or anything that encoding/json takes. Only
// a request without an answer fails the test.
func (s *Server) Do(t testing.TB, method, path string, body any) Response {
	t.Helper()
	return s.DoAs(t, s.RootToken, method, path, body)
}

// DoAs is Do with another token, or with none if it is empty.
func (s *Server) DoAs(t testing.TB, token, method, path string, body any) Response {
	t.Helper()
	r, err := s.send(token, method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (s *Server) send(token, method, path string, body any) (Response, error) {
	content, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return Response{}, err
		}
	}
	request, err := http.NewRequest(method, s.Address+"/v1/"+path, bytes.NewReader(content))
	if err != nil {
		return Response{}, err
	}
	if token != "" {
		request.Header.Set("X-Vault-Token", token)
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return Response{}, err
	}
	defer answer.Body.Close()
	r := Response{Status: answer.StatusCode, Header: answer.Header}
	r.Body, err = io.ReadAll(answer.Body)
	return r, err
}

// must is Do where the status is one of want. What it prints has no values.
func (s *Server) must(t testing.TB, method, path string, body any, want ...int) Response {
	t.Helper()
	r := s.Do(t, method, path, body)
	if !slices.Contains(want, r.Status) {
		text := ""
		if strings.HasPrefix(path, "sys/") || strings.HasPrefix(path, "auth/") {
			text = strings.Join(r.Errors(), "; ")
		}
		t.Fatalf("%s %s: the server answers %d, want %v %s", method, path, r.Status, want, text)
	}
	return r
}
