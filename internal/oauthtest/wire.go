package oauthtest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// captured is an answer that is looked at before it goes.
type captured struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (c *captured) Header() http.Header         { return c.header }
func (c *captured) WriteHeader(status int)      { c.status = status }
func (c *captured) Write(b []byte) (int, error) { return c.body.Write(b) }

func capture(h http.Handler, r *http.Request) *captured {
	c := &captured{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(c, r)
	return c
}

func (c *captured) send(w http.ResponseWriter) {
	for name, values := range c.header {
		w.Header()[name] = values
	}
	w.WriteHeader(c.status)
	_, _ = w.Write(c.body.Bytes())
}

// endpoint is before each endpoint that a client calls by itself. It holds clients
// to the way of authentication that they are registered for, verifies assertions
// where the library would answer one that is wrong as a fault of the server's, and
// notes what is given out.
func (s *Server) endpoint(w http.ResponseWriter, r *http.Request) {
	c := capture(http.HandlerFunc(s.authenticated), r)
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		ID      string `json:"id_token"`
		Device  string `json:"device_code"`
		Error   string `json:"error"`
	}
	_ = json.Unmarshal(c.body.Bytes(), &answer)
	s.note("access token", answer.Access)
	s.note("refresh token", answer.Refresh)
	s.note("id token", answer.ID)
	s.note("device code", answer.Device)
	s.note("code verifier", r.Form.Get("code_verifier"))
	s.note("client assertion", r.Form.Get("client_assertion"))
	s.seen(Request{
		Path: r.URL.Path, Grant: r.Form.Get("grant_type"), Auth: method(r), Status: c.status, Error: answer.Error,
		Resources: slices.Clone(r.Form["resource"]),
	})
	c.send(w)
}

// method is the way in which a request authenticates its client; empty is more than one.
func method(r *http.Request) string {
	_, _, basic := r.BasicAuth()
	found := []string{}
	if basic {
		found = append(found, SecretBasic)
	}
	if r.PostForm.Has("client_secret") {
		found = append(found, SecretPost)
	}
	if r.PostForm.Has("client_assertion") {
		found = append(found, PrivateKeyJWT)
	}
	switch len(found) {
	case 0:
		return None
	case 1:
		return found[0]
	}
	return ""
}

// authenticated refuses a client that doesn't authenticate as it is registered.
func (s *Server) authenticated(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.ParseForm() != nil || r.URL.RawQuery != "" {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	id := r.PostForm.Get("client_id")
	secret := r.PostForm.Get("client_secret")
	way := method(r)
	switch way {
	case SecretBasic:
		name, escaped, _ := r.BasicAuth()
		plain, err := url.QueryUnescape(name)
		if err != nil || id != "" && id != plain {
			refuse(w, http.StatusUnauthorized, "invalid_client")
			return
		}
		id = plain
		secret, _ = url.QueryUnescape(escaped) // empty is nobody's
	case PrivateKeyJWT:
		ctx := op.ContextWithIssuer(r.Context(), s.Issuer)
		claims, err := op.VerifyJWTAssertion(ctx, r.PostForm.Get("client_assertion"), s.provider.JWTProfileVerifier(ctx))
		if err != nil || r.PostForm.Get("client_assertion_type") != oidc.ClientAssertionTypeJWTAssertion ||
			id != "" && id != claims.Issuer || !s.notes.once(claims.JWTID) {
			refuse(w, http.StatusUnauthorized, "invalid_client")
			return
		}
		id = claims.Issuer
		r = r.WithContext(context.WithValue(r.Context(), assertedKey{}, id))
		if r.PostForm.Get("client_id") == "" {
			r.Form.Set("client_id", id) // which the library wants for client credentials
		}
	}
	c, err := s.store.client(id)
	if err != nil || c.Auth != way || (way == SecretBasic || way == SecretPost) && !c.is(secret) {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	// The library takes no secret in the body for devices. RFC 8628 section 3.1 has
	// clients authenticate as everywhere.
	if way == SecretPost && (r.URL.Path == DevicePath || r.PostForm.Get("grant_type") == string(oidc.GrantTypeDeviceCode)) {
		r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	}
	s.provider.ServeHTTP(w, r)
}

// refuse is an error of RFC 6749 section 5.2.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
}

type assertedKey struct{}

// asserted says whether a request had a good assertion of the client's.
func asserted(ctx context.Context, id string) bool { return id != "" && ctx.Value(assertedKey{}) == id }

// tellIssuer adds the issuer to what the browser is sent back with (RFC 9207), and
// notes codes.
func (s *Server) tellIssuer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, AuthorizePath) && r.URL.Path != loginPath {
			next.ServeHTTP(w, r)
			return
		}
		c := capture(next, r)
		back, err := url.Parse(c.header.Get("Location"))
		if err == nil && back.IsAbs() && !strings.HasPrefix(back.String(), s.Issuer+"/") {
			q := back.Query()
			s.note("code", q.Get("code"))
			if !s.cfg.NoIssuerAnswer {
				q.Set("iss", s.Issuer)
				back.RawQuery = q.Encode()
				c.header.Set("Location", back.String())
				c.body.Reset() // it repeats the address
			}
		}
		c.send(w)
	})
}

// metadata is the library's discovery with what it doesn't know of.
func (s *Server) metadata(w http.ResponseWriter, r *http.Request) {
	inner := r.Clone(r.Context())
	inner.URL.Path = openIDPath
	c := capture(s.provider, inner)
	var doc map[string]any
	if json.Unmarshal(c.body.Bytes(), &doc) == nil && !s.cfg.NoIssuerAnswer {
		doc["authorization_response_iss_parameter_supported"] = true
		c.body.Reset()
		_ = json.NewEncoder(&c.body).Encode(doc)
	}
	c.send(w)
}
