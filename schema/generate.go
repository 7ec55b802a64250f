package schema

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// generator makes values. size is in bytes for random ones, in bits for RSA.
type generator struct {
	kind string
	size int
}

const generateForms = `Generate is one of random, random:N, hex, hex:N (N bytes, 16 to 1024), uuid, ed25519, rsa, rsa:2048, rsa:3072, rsa:4096`

func (p *plan) makeGenerator(d *definition) (fault string) {
	switch {
	case d.spec.Generate == "":
		return ""
	case d.variable:
		return "a variable is configuration, and can't be generated"
	case !p.text:
		return "only a secret that is a text can be generated, and this one is a JSON document"
	}
	g, ok := parseGenerator(d.spec.Generate)
	if !ok {
		return generateForms
	}
	p.generator = &g
	return ""
}

func parseGenerator(s string) (generator, bool) {
	kind, size, sized := strings.Cut(s, ":")
	n := 0
	if sized {
		var err error
		if n, err = strconv.Atoi(size); err != nil || strconv.Itoa(n) != size {
			return generator{}, false
		}
	}
	switch kind {
	case "random", "hex":
		if !sized {
			n = 32
		}
		return generator{kind, n}, 16 <= n && n <= 1024
	case "rsa":
		if !sized {
			n = 3072
		}
		return generator{kind, n}, n == 2048 || n == 3072 || n == 4096
	case "uuid", "ed25519":
		return generator{kind, 0}, !sized
	}
	return generator{}, false
}

// Generated is a value that was made.
type Generated struct {
	Value core.Value

	// Public is the public half of a key pair, in PEM (RFC 7468,
	// SubjectPublicKeyInfo), which may be shown; empty for anything else.
	Public string
}

// Generate makes a value as the declaration's Spec.Generate says, from the
// system's secure source of randomness, and stores nothing. The error is an
// [*Error]: it matches [ErrDeclaration] where the declaration is wrong or says
// nothing of it, and core.ErrInvalidValue where the schema refuses what was
// made. It is safe for concurrent use.
func Generate(d Declared) (Generated, error) {
	if err := d.Check(); err != nil {
		return Generated{}, err
	}
	def := d.base()
	if def.plan.generator == nil {
		return Generated{}, errorOf([]Problem{def.wrong("it does not say how to make a value; " + generateForms)})
	}
	made, err := def.plan.generator.make()
	if err != nil {
		return Generated{}, errorOf([]Problem{def.wrong(fmt.Sprintf("the value could not be made (%T)", err))})
	}
	if err := d.Validate(made.Value); err != nil {
		return Generated{}, err
	}
	return made, nil
}

func (g generator) make() (Generated, error) {
	switch g.kind {
	case "ed25519":
		public, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			return Generated{}, err
		}
		return keyPair(public, private)
	case "rsa":
		private, err := rsa.GenerateKey(nil, g.size)
		if err != nil {
			return Generated{}, err
		}
		return keyPair(private.Public(), private)
	case "uuid":
		return Generated{Value: core.String(newUUID())}, nil
	}
	b := make([]byte, g.size)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	if g.kind == "hex" {
		return Generated{Value: core.String(hex.EncodeToString(b))}, nil
	}
	return Generated{Value: core.String(base64.RawURLEncoding.EncodeToString(b))}, nil
}

// newUUID is a random UUID (RFC 9562 section 5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: it ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func keyPair(public crypto.PublicKey, private crypto.PrivateKey) (Generated, error) {
	key, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Generated{}, err
	}
	half, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Generated{}, err
	}
	return Generated{
		Value:  core.Bytes(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		Public: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: half})),
	}, nil
}
