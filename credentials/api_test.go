package credentials_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// api stands for the network: APIs, which answer with what they got, and the
// provider's token endpoint.
type api struct {
	mu       sync.Mutex
	got      []string // "host: authorization" of each request to an API
	refused  bool     // the token endpoint refuses
	forms    []url.Values
	refreshs atomic.Int64
}

func (a *api) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	answer := func(status int, kind, body string) *http.Response {
		return &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
			Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if req.URL.Host == "auth.example.com" {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		a.forms = append(a.forms, form)
		if a.refused {
			return answer(http.StatusBadRequest, "application/json", `{"error":"invalid_grant"}`), nil
		}
		n := a.refreshs.Add(1)
		return answer(http.StatusOK, "application/json", fmt.Sprintf(
			`{"access_token":"access-%d","refresh_token":"refresh-%d","token_type":"bearer","expires_in":3600,"scope":"read"}`, n, n)), nil
	}
	a.got = append(a.got, req.URL.Host+": "+req.Header.Get("Authorization"))
	return answer(http.StatusOK, "text/plain", "ok"), nil
}

// take returns what the APIs got, and begins anew.
func (a *api) take() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := a.got
	a.got = nil
	return got
}

func (a *api) refuse() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused = true
}
