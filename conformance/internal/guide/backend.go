// Package guide is the backend that docs/write-a-backend.md builds: secrets in
// a key-value service over HTTP.
package guide

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/lukko-dev/lukko/core"
)

// Backend keeps secrets in a key-value service over HTTP.
type Backend struct {
	URL    string     // where the service is: "https://kv.example.com"
	Token  core.Value // what it knows us by
	Client *http.Client
}

// Get implements [core.Backend].
func (b *Backend) Get(ctx context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	body, header, err := b.call(ctx, "GET", "/keys/"+url.PathEscape(id), nil, nil)
	return core.Secret{Info: core.Info{Version: header.Get("ETag")}, Value: core.Bytes(body)}, err
}

// Set implements [core.Setter].
func (b *Backend) Set(ctx context.Context, id string, v core.Value, o core.SetOptions) (core.Info, error) {
	condition := http.Header{}
	if o.IfAbsent {
		condition.Set("If-None-Match", "*")
	}
	if o.IfVersion != "" {
		condition.Set("If-Match", o.IfVersion)
	}
	_, header, err := b.call(ctx, "PUT", "/keys/"+url.PathEscape(id), condition, v.RevealBytes())
	return core.Info{Version: header.Get("ETag")}, err
}

// Delete implements [core.Deleter].
func (b *Backend) Delete(ctx context.Context, id string, _ core.DeleteOptions) error {
	_, _, err := b.call(ctx, "DELETE", "/keys/"+url.PathEscape(id), nil, nil)
	return err
}

// Capabilities implements [core.Capable].
func (b *Backend) Capabilities(context.Context) (core.Capabilities, error) {
	return core.Capabilities{Set: true, Delete: true, List: true, IfAbsent: true, IfVersion: true}, nil
}

// kinds maps the service's answers. What is not here may have been written.
var kinds = map[int]error{
	401: core.ErrUnauthenticated, 403: core.ErrPermissionDenied, 404: core.ErrNotFound, 412: core.ErrConflict,
	429: core.ErrUnavailable, 503: core.ErrUnavailable, 507: core.ErrExhausted,
}

// call makes one request. Neither what was sent nor what came back is ever
// in an error.
func (b *Backend) call(ctx context.Context, method, path string, header http.Header, body []byte) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, core.NotWritten(err)
	}
	if header != nil {
		req.Header = header
	}
	req.Header.Set("Authorization", "Bearer "+b.Token.Reveal())
	resp, err := b.Client.Do(req)
	if err != nil {
		return nil, nil, err // core.New says what it means for a read and for a write
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return nil, nil, &core.Error{
			Kind: kinds[resp.StatusCode], Code: strconv.Itoa(resp.StatusCode), RequestID: resp.Header.Get("Request-Id"),
		}
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return data, resp.Header, err
}
