package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/examples/shop/secrets"
	"github.com/lukko-dev/lukko/schema"
)

// What is here checks that what the example says is true.

// fakeStripe takes charges with one key, and no others.
type fakeStripe struct {
	*httptest.Server
	key atomic.Pointer[string]
}

func newStripe() *fakeStripe {
	s := &fakeStripe{}
	s.accept("sk_test_first")
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/charges" || r.FormValue("currency") != "eur" || r.Header.Get("Authorization") != "Bearer "+*s.key.Load() {
			http.Error(w, "refused", http.StatusUnauthorized)
		}
	}))
	return s
}

func (s *fakeStripe) accept(key string) { s.key.Store(&key) }

// pointed are variables with the address of Stripe that of the demonstration.
type pointed struct {
	svc core.SecretService
	url string
}

func (p pointed) Get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	if id == secrets.StripeURLID {
		return core.Secret{Value: core.String(p.url)}, nil
	}
	return p.svc.Get(ctx, id, o.Options()...)
}

// verify checks the signature of an invoice with the public half of its key.
func verify(public string, r receipt) error {
	block, _ := pem.Decode([]byte(public))
	if block == nil {
		return errors.New("the public key is no PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(r.Signature)
	if err != nil || !ed25519.Verify(key.(ed25519.PublicKey), []byte(r.Invoice), signature) {
		return errors.New("the signature of the invoice is wrong")
	}
	if !strings.Contains(r.Mail, r.Invoice) {
		return errors.New("the mail lacks the invoice")
	}
	return nil
}

func decodeReceipt(answer *http.Response, err error) (r receipt, _ error) {
	if err != nil {
		return r, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return r, fmt.Errorf("the shop answers %s", answer.Status)
	}
	if len(answer.Cookies()) != 1 {
		return r, errors.New("the shop sets no cookie")
	}
	return r, json.NewDecoder(answer.Body).Decode(&r)
}

// aside is what else is known of a secret that is missing.
func aside(m schema.Meta) string {
	switch {
	case m.Generate != "":
		return ": lukko set --generate " + m.ID
	case m.AnyOf != "":
		return `: it, or another of the group "` + m.AnyOf + `"`
	case m.DocsURL != "":
		return ": " + m.DocsURL
	}
	return ""
}

// noEnvironment hides the process's environment, so that nothing of yours is
// used.
func noEnvironment(string) (string, bool) { return "", false }
