package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/lukko-dev/lukko/core/chain"
	"github.com/lukko-dev/lukko/examples/quickstart/secrets"
)

// What is here checks that the quickstart is true: a server that verifies
// signatures, and the checks that make it fail if anything is not as it says.

// fakeStripe is a local HTTP server that answers requests that are signed with
// its key, and no others.
type fakeStripe struct {
	*httptest.Server
	key atomic.Pointer[string]
}

func newStripe(key string) *fakeStripe {
	s := &fakeStripe{}
	s.rotate(key)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<10))
		given, _ := hex.DecodeString(r.Header.Get("Signature"))
		if err != nil || !hmac.Equal(given, sign(*s.key.Load(), body)) {
			http.Error(w, "wrong signature", http.StatusUnauthorized)
		}
	}))
	return s
}

func (s *fakeStripe) rotate(key string) { s.key.Store(&key) }

func sign(key string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return mac.Sum(nil)
}

// charge sends one request, signed with the key. Reveal is where a secret
// leaves Lukko: a search for it finds every such place.
func charge(ctx context.Context, server *fakeStripe, with secrets.StripeCredentials) error {
	body := []byte(`{"amount":4200,"currency":"eur"}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v1/charges", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Signature", hex.EncodeToString(sign(with.APIKey.Reveal(), body)))
	resp, err := server.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s", errRefused, resp.Status)
	}
	return nil
}

var errRefused = errors.New("the server refused the request")

// refused returns an error unless err is that of a request that was refused.
func refused(err error) error { return expect(err, errRefused) }

// expect returns an error unless err is of the kind.
func expect(err, kind error) error {
	if !errors.Is(err, kind) {
		return fmt.Errorf("got the error %v, want one that is: %v", err, kind)
	}
	return nil
}

// hides returns an error if the text of err repeats a secret.
func hides(err error, secret secrets.StripeCredentials) error {
	if text := fmt.Sprintf("%v %+v %#v", err, err, err); contains([]byte(text), secret) {
		return errors.New("an error repeats a secret")
	}
	return nil
}

// contains reports whether any six bytes of a secret, one after the other, are
// in data.
func contains(data []byte, secret secrets.StripeCredentials) bool {
	const piece = 6
	for _, value := range []string{secret.APIKey.Reveal(), secret.WebhookSecret.Reveal()} {
		for i := 0; i+piece <= len(value); i++ {
			if bytes.Contains(data, []byte(value[i:i+piece])) {
				return true
			}
		}
	}
	return false
}

// encrypted returns an error if any file below dir holds a piece of a secret in
// clear text, or if there is no encrypted file.
func encrypted(dir string, secret secrets.StripeCredentials) error {
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if contains(data, secret) {
			return fmt.Errorf("%s holds a secret in clear text", filepath.Base(path))
		}
		found = found || bytes.HasPrefix(data, []byte("-----BEGIN AGE ENCRYPTED FILE-----"))
		return nil
	})
	if err == nil && !found {
		err = errors.New("nothing was stored encrypted")
	}
	return err
}

// useChain reads the credentials through the chain, sends a request with them,
// and tells which layer answered. It is an error if that is not the
// environment where it has the variable, and the store where it has not.
func useChain(ctx context.Context, layers *chain.Chain, server *fakeStripe, variables map[string]string) (string, error) {
	defer layers.Close()
	want := "store"
	if len(variables) > 0 {
		want = "env"
		server.rotate("sk_test_53Local")
	}
	creds, err := secrets.Stripe.Get(ctx, layers)
	if err != nil {
		return "", err
	}
	if err := charge(ctx, server, creds); err != nil {
		return "", err
	}
	explained, err := layers.Explain(ctx, "STRIPE_CREDENTIALS")
	if err != nil {
		return "", err
	}
	if answered := explained[0].Layer; answered != want {
		return "", fmt.Errorf("layer %q answered, want %q", answered, want)
	}
	return want, nil
}

func lookupIn(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

// noEnvironment hides the process's environment, so that no identity of yours
// is used.
func noEnvironment(string) (string, bool) { return "", false }
