package vaulttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// A JWT is a role of the jwt method, and the issuer that the method trusts.
type JWT struct {
	Mount, Role string
	key         *ecdsa.PrivateKey
}

const audience = "vault"

// JWT makes a role whose logins get tokens as r says.
func (s *Server) JWT(t testing.TB, r Role) *JWT {
	t.Helper()
	if r.Mount == "" {
		r.Mount = unique("jwt")
	}
	j := &JWT{Mount: s.method(t, "jwt", r.Mount), Role: unique("role"), key: newKey(t)}
	public, err := x509.MarshalPKIXPublicKey(j.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, "POST", "auth/"+j.Mount+"/config", map[string]any{
		"jwt_validation_pubkeys": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
	}, http.StatusNoContent)
	body := r.settings()
	body["role_type"] = "jwt"
	body["user_claim"] = "sub"
	body["bound_audiences"] = audience
	s.must(t, "POST", "auth/"+j.Mount+"/role/"+j.Role, body, http.StatusNoContent)
	return j
}

// Token is a new token of the issuer, good for a login within ttl.
func (j *JWT) Token(t testing.TB, ttl time.Duration) string {
	t.Helper()
	return signed(t, j.key, map[string]any{
		"sub": "app", "aud": audience,
		"iat": time.Now().Unix(), "exp": time.Now().Add(ttl).Unix(),
	})
}

// A Kubernetes is a role of the kubernetes method, and as much of a cluster as
// the method asks: it answers TokenReview. Source: Kubernetes' API reference,
// authentication.k8s.io/v1.
type Kubernetes struct {
	Mount, Role string
	key         *ecdsa.PrivateKey
	mu          sync.Mutex
	known       map[string]bool
}

const serviceAccountUID = "8d2a3e34-5a5c-4d0c-9d6c-2b3c1f6a7e10"

// Kubernetes makes a role whose logins get tokens as r says.
func (s *Server) Kubernetes(t testing.TB, r Role) *Kubernetes {
	t.Helper()
	if r.Mount == "" {
		r.Mount = unique("kubernetes")
	}
	k := &Kubernetes{Mount: s.method(t, "kubernetes", r.Mount), Role: unique("role"), key: newKey(t), known: map[string]bool{}}
	cluster := httptest.NewTLSServer(http.HandlerFunc(k.review))
	t.Cleanup(cluster.Close)
	s.must(t, "POST", "auth/"+k.Mount+"/config", map[string]any{
		"kubernetes_host":      cluster.URL,
		"kubernetes_ca_cert":   string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cluster.Certificate().Raw})),
		"token_reviewer_jwt":   signed(t, k.key, map[string]any{"sub": "reviewer"}),
		"disable_local_ca_jwt": true,
	}, http.StatusNoContent)
	body := r.settings()
	body["bound_service_account_names"] = "app"
	body["bound_service_account_namespaces"] = "default"
	s.must(t, "POST", "auth/"+k.Mount+"/role/"+k.Role, body, http.StatusNoContent)
	return k
}

// Token is a new token of the service account default/app, as a pod has it in a
// file. The cluster knows it until Forget.
func (k *Kubernetes) Token(t testing.TB) string {
	t.Helper()
	token := signed(t, k.key, map[string]any{
		"sub": "system:serviceaccount:default:app",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"jti": rand.Text(),
		"kubernetes.io": map[string]any{
			"namespace":      "default",
			"serviceaccount": map[string]any{"name": "app", "uid": serviceAccountUID},
		},
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known[token] = true
	return token
}

// Forget makes the cluster refuse a token, as it does when its pod is gone.
func (k *Kubernetes) Forget(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, token)
}

func (k *Kubernetes) review(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Spec struct {
			Token string `json:"token"`
		} `json:"spec"`
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &asked) != nil || r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	k.mu.Lock()
	known := k.known[asked.Spec.Token]
	k.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": "authentication.k8s.io/v1",
		"kind":       "TokenReview",
		"status": map[string]any{
			"authenticated": known,
			"user":          map[string]any{"username": "system:serviceaccount:default:app", "uid": serviceAccountUID},
		},
	})
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signed is a JSON Web Token with ES256 (RFC 7519, RFC 7518 section 3.4).
func signed(t testing.TB, key *ecdsa.PrivateKey, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + encode(payload)
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature)
}
