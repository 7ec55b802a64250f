package credentials

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// DefaultSealKeyID is the id of the secret with the keys of a [Handler] whose
// configuration names none.
const DefaultSealKeyID = "CREDENTIALS_SEAL_KEY"

const (
	sealVersion = 1       // the first byte of what is sealed
	sealKeyLen  = 32      // AES-256
	maxSealKeys = 8       // in one secret: each is tried in turn
	maxSealed   = 3 << 10 // characters of what is sealed: a browser keeps cookies of 4096 bytes, name included
)

// SealKeySpec declares the secret with the keys that seal what a [Handler]
// leaves in browsers, so that policies and manifests know it. Its value is one
// key a line, 32 bytes in base64 (RFC 4648 section 4 or 5, with or without
// padding) each. The first seals, all of them open: to rotate, put a new line
// before the old ones, and take the old ones away ten minutes later or after
// that. It is optional, since a Handler that finds none makes one.
func SealKeySpec(id string) schema.Spec {
	if id == "" {
		id = DefaultSealKeyID
	}
	return schema.Spec{
		ID:          id,
		DisplayName: "Key of pending connections",
		Description: "Seals what is kept in a browser while its user connects an account; one key a line, the newest first",
		Optional:    true,
		Generate:    "random",
	}
}

// keyring seals with its first key and opens with each.
type keyring []cipher.AEAD

// parseKeyring reads the stored form, which is that of [SealKeySpec].
func parseKeyring(id string, stored core.Value) (keyring, error) {
	var ring keyring
	for line := range strings.Lines(stored.Reveal()) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, ok := parseSealKey(line)
		if !ok || len(ring) == maxSealKeys {
			return nil, keyFault(id)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, keyFault(id)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, keyFault(id)
		}
		ring = append(ring, aead)
	}
	if len(ring) == 0 {
		return nil, keyFault(id)
	}
	return ring, nil
}

func keyFault(id string) error {
	return &core.Error{
		Op: "get", ID: id, Kind: core.ErrInvalidValue,
		Hint: "it is one key a line, each 32 bytes in base64, at most 8 of them; make one with: openssl rand -base64 32",
	}
}

func parseSealKey(line string) ([]byte, bool) {
	encoding := base64.RawURLEncoding
	if strings.ContainsAny(line, "+/") {
		encoding = base64.RawStdEncoding
	}
	key, err := encoding.DecodeString(strings.TrimRight(line, "="))
	return key, err == nil && len(key) == sealKeyLen
}

// seal returns plain so that only a holder of the keys reads or makes it, in
// the letters of base64url. What it is for goes into the seal: it opens for
// the same purpose only. It reports false where the result would be too long
// for a cookie.
func (ring keyring) seal(plain []byte, purpose ...string) (string, bool) {
	sealed := ring[0].Seal([]byte{sealVersion}, nil, plain, sealedFor(purpose))
	if base64.RawURLEncoding.EncodedLen(len(sealed)) > maxSealed {
		return "", false
	}
	return base64.RawURLEncoding.EncodeToString(sealed), true
}

// open is the reverse of seal. It reports false for anything else, without
// saying why.
func (ring keyring) open(text string, purpose ...string) ([]byte, bool) {
	if len(text) > maxSealed || strings.ContainsAny(text, "\r\n") { // which the decoder skips
		return nil, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(sealed) == 0 || sealed[0] != sealVersion {
		return nil, false
	}
	for _, aead := range ring {
		if plain, err := aead.Open(nil, nil, sealed[1:], sealedFor(purpose)); err == nil {
			return plain, true
		}
	}
	return nil, false
}

// sealedFor is the additional data: the version, and the parts of the purpose
// with their lengths, so that no two purposes are one text.
func sealedFor(purpose []string) []byte {
	data := []byte{sealVersion}
	for _, part := range purpose {
		data = binary.AppendUvarint(data, uint64(len(part)))
		data = append(data, part...)
	}
	return data
}

// sealTries is how often a write is tried again where another came first.
const sealTries = 8

// keyringOf reads the keys, and makes the first where there is none. They are
// read anew for each use, past every cache: it is one read for a user who
// connects an account, and all processes know a new key at once.
func keyringOf(ctx context.Context, svc core.SecretService, id string, oneProcess bool) (keyring, error) {
	for try := 1; ; try++ {
		stored, err := svc.Get(ctx, id, core.Fresh())
		if err == nil {
			return parseKeyring(id, stored.Value)
		}
		if !errors.Is(err, core.ErrNotFound) {
			return nil, err
		}
		made := newSealKey()
		var guard []core.SetOption
		if !oneProcess {
			guard = append(guard, core.IfAbsent())
		}
		_, err = svc.Set(ctx, id, made, guard...)
		switch {
		case err == nil:
			return parseKeyring(id, made)
		case try == sealTries || !errors.Is(err, core.ErrConflict) && !errors.Is(err, core.ErrIndeterminate):
			return nil, err
		}
		// Another process was first, or the write may have happened: read again.
		if err := pause(ctx, try); err != nil {
			return nil, err
		}
	}
}

func newSealKey() core.Value {
	key := make([]byte, sealKeyLen)
	_, _ = rand.Read(key) // never fails: it ends the program
	return core.String(base64.RawURLEncoding.EncodeToString(key))
}

// pause waits a little longer at each try.
func pause(ctx context.Context, try int) error {
	timer := time.NewTimer(time.Duration(try) * 25 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return &core.Error{Op: "set", Err: ctx.Err()}
	case <-timer.C:
		return nil
	}
}
