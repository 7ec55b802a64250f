package file

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
)

// A version is N-RANDOM: N counts up, and 80 random bits keep two versions
// apart that got the same number, as after a crash, on a restored backup or
// on two branches. The version of a file that this package did not write is
// sha256-DIGEST, of its ciphertext, so it never names two values either.

const (
	randomLen     = 16 // characters of base32
	digestLen     = 32 // characters of hex
	digestPrefix  = "sha256-"
	maxNumberLen  = 18 // digits, so that a number plus one fits an int64
	randomLetters = "abcdefghijklmnopqrstuvwxyz234567"
)

var randomCoding = base32.NewEncoding(randomLetters).WithPadding(base32.NoPadding)

// newVersion makes a version with the number n.
func newVersion(n int64) string {
	var random [randomLen * 5 / 8]byte
	rand.Read(random[:]) // never fails
	return strconv.FormatInt(n, 10) + "-" + randomCoding.EncodeToString(random[:])
}

// versionNumber returns N of a version, 0 for a digest. It reports false for
// what is no version.
func versionNumber(v string) (int64, bool) {
	if digest, ok := strings.CutPrefix(v, digestPrefix); ok {
		return 0, len(digest) == digestLen && strings.Trim(digest, "0123456789abcdef") == ""
	}
	number, random, ok := strings.Cut(v, "-")
	if !ok || number == "" || len(number) > maxNumberLen || number[0] == '0' ||
		strings.Trim(number, "0123456789") != "" ||
		len(random) != randomLen || strings.Trim(random, randomLetters) != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(number, 10, 64)
	return n, err == nil
}

// digestVersion reads r to its end and returns the version of a file that has
// no stanza of ours.
func digestVersion(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return digestPrefix + hex.EncodeToString(h.Sum(nil))[:digestLen], nil
}
