package core_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/lukko-dev/lukko/core"
)

// httpBackend reads secrets from an HTTP service: GET base/ID.
type httpBackend struct{ base, token string }

func (b httpBackend) Get(ctx context.Context, id string, _ core.GetOptions) (core.Secret, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+url.PathEscape(id), nil)
	if err != nil {
		return core.Secret{}, err // the front drops its text, and keeps its type
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return core.Secret{}, err
	}
	defer resp.Body.Close()
	kinds := map[int]error{401: core.ErrUnauthenticated, 403: core.ErrPermissionDenied, 404: core.ErrNotFound}
	if resp.StatusCode != http.StatusOK {
		return core.Secret{}, &core.Error{Kind: kinds[resp.StatusCode], Code: resp.Status}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, core.MaxValueLen+1))
	if err != nil {
		return core.Secret{}, err
	}
	return core.Secret{Info: core.Info{Version: resp.Header.Get("ETag")}, Value: core.Bytes(body)}, nil
}

// A backend for a service of one's own is one method. What it returns goes
// through the front: ids and sizes are checked, batches are made of single
// reads, and of errors only the kind, the code and the Go type are shown.
func Example_httpBackend() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/DB_PASSWORD":
			w.Header().Set("ETag", "v7")
			fmt.Fprint(w, "hunter2")
		case "/ADMIN_TOKEN":
			http.Error(w, "no admin token for you, hunter2", http.StatusForbidden)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()

	store := core.New("shopd", httpBackend{server.URL + "/", "a token"})
	ctx := context.Background()

	secret, err := store.Get(ctx, "DB_PASSWORD")
	fmt.Println(secret.Value, len(secret.Value.Reveal()), secret.Version, secret.Source, err)

	found, err := store.GetMany(ctx, []string{"DB_PASSWORD", "NO_SUCH_SECRET"})
	fmt.Println(len(found), err)

	_, err = store.Get(ctx, "ADMIN_TOKEN")
	fmt.Println(err)

	_, err = store.Set(ctx, "DB_PASSWORD", core.String("new"))
	fmt.Println(err)

	// Output:
	// [REDACTED] 7 v7 shopd <nil>
	// 1 <nil>
	// shopd get "ADMIN_TOKEN": permission denied (code 403 Forbidden)
	// shopd set "DB_PASSWORD": unsupported operation: this provider only reads
}
