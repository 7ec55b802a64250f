package schema_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

func TestAValueIsMadeAsTheDeclarationSays(t *testing.T) {
	t.Parallel()
	size := func(decode func(string) ([]byte, error), want int) func(*testing.T, string) {
		return func(t *testing.T, made string) {
			b, err := decode(made)
			if err != nil || len(b) != want {
				t.Errorf("it is %d bytes, %v; want %d", len(b), err, want)
			}
		}
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for form, holds := range map[string]func(*testing.T, string){
		"random":      size(base64.RawURLEncoding.DecodeString, 32),
		"random:16":   size(base64.RawURLEncoding.DecodeString, 16),
		"random:1024": size(base64.RawURLEncoding.DecodeString, 1024),
		"hex":         size(hex.DecodeString, 32),
		"hex:20":      size(hex.DecodeString, 20),
		"uuid": func(t *testing.T, made string) {
			if !uuid.MatchString(made) {
				t.Error("it is no UUID of version 4")
			}
		},
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			d := declare[string](schema.Spec{ID: "A", Generate: form})
			first, err := schema.Generate(d)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, first.Value.Reveal())
			second, err := schema.Generate(d)
			if err != nil || second.Value.Equal(first.Value) {
				t.Errorf("the second is as the first: %v", err)
			}
			if first.Public != "" {
				t.Error("it has a public half")
			}
		})
	}
}

func TestAKeyPairIsMadeWithItsPublicHalf(t *testing.T) {
	t.Parallel()
	for form, holds := range map[string]func(private, public any) bool{
		"ed25519": func(private, public any) bool {
			p, ok := private.(ed25519.PrivateKey)
			return ok && p.Public().(ed25519.PublicKey).Equal(public.(ed25519.PublicKey))
		},
		"rsa:2048": func(private, public any) bool {
			p, ok := private.(*rsa.PrivateKey)
			return ok && p.N.BitLen() == 2048 && p.PublicKey.Equal(public.(*rsa.PublicKey))
		},
		"rsa": func(private, public any) bool {
			p, ok := private.(*rsa.PrivateKey)
			return ok && p.N.BitLen() == 3072 && p.PublicKey.Equal(public.(*rsa.PublicKey))
		},
	} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			made, err := schema.Generate(declare[core.Value](schema.Spec{ID: "A", Generate: form}))
			if err != nil {
				t.Fatal(err)
			}
			block, rest := pem.Decode([]byte(made.Value.Reveal()))
			if block == nil || block.Type != "PRIVATE KEY" || len(bytes.TrimSpace(rest)) > 0 {
				t.Fatal("the value is no PEM of a private key")
			}
			private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				t.Fatal("the private key does not parse")
			}
			half, _ := pem.Decode([]byte(made.Public))
			if half == nil || half.Type != "PUBLIC KEY" {
				t.Fatal("the public half is no PEM of a public key")
			}
			public, err := x509.ParsePKIXPublicKey(half.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			if !holds(private, public) {
				t.Error("the halves don't belong together")
			}
			if text := fmt.Sprintf("%v %+v %#v", made, made, made); strings.Contains(text, strings.Split(made.Value.Reveal(), "\n")[1]) {
				t.Error("what prints shows the private key")
			}
		})
	}
}

func TestWhatCantBeMadeIsToldAtTheDeclaration(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"canary", "random:15", "random:1025", "random:", "random:032", "random: 32", "hex:-1", "rsa:1024", "uuid:4", "ed25519:1", "RANDOM"} {
		err := declare[string](schema.Spec{ID: "A", Generate: form}).Check()
		if !errors.Is(err, schema.ErrDeclaration) || !strings.Contains(err.Error(), "Generate is one of") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", form, err)
		}
	}
	if err := declare[StripeCredentials](schema.Spec{ID: "A", Generate: "uuid"}).Check(); err == nil || !strings.Contains(err.Error(), "a JSON document") {
		t.Errorf("a document: got %v", err)
	}
	if err := declareVariable[string](schema.Spec{ID: "A", Generate: "uuid"}).Check(); err == nil || !strings.Contains(err.Error(), "a variable") {
		t.Errorf("a variable: got %v", err)
	}
	if _, err := schema.Generate(declare[string](schema.Spec{ID: "A"})); !errors.Is(err, schema.ErrDeclaration) {
		t.Errorf("one that does not say how: got %v", err)
	}
	short := declare[string](schema.Spec{ID: "A", Generate: "hex", Schema: json.RawMessage(`{"type":"string","maxLength":10}`)})
	if made, err := schema.Generate(short); !errors.Is(err, core.ErrInvalidValue) || !made.Value.IsZero() {
		t.Errorf("one that the schema refuses: got %v", err)
	}
}
