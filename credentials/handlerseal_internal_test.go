package credentials

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
)

func testRing(t testing.TB, keys ...byte) keyring {
	t.Helper()
	var lines []string
	for _, k := range keys {
		lines = append(lines, base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{k}, sealKeyLen)))
	}
	ring, err := parseKeyring("KEY", core.String(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestWhatIsSealedOpensForTheSamePurposeOnly(t *testing.T) {
	t.Parallel()
	ring := testRing(t, 1)
	sealed, ok := ring.seal([]byte("plain"), "connect", "github")
	if !ok || strings.Contains(sealed, "plain") {
		t.Fatal("not sealed")
	}
	for name, purpose := range map[string][]string{
		"another":            {"connect", "tracker"},
		"none":               {},
		"the same in one":    {"connectgithub"},
		"cut elsewhere":      {"connectg", "ithub"},
		"one part more":      {"connect", "github", ""},
		"in another order":   {"github", "connect"},
		"with other letters": {"connect", "GitHub"},
	} {
		if _, ok := ring.open(sealed, purpose...); ok {
			t.Errorf("it opens for a purpose that is %s", name)
		}
	}
	if plain, ok := ring.open(sealed, "connect", "github"); !ok || string(plain) != "plain" {
		t.Error("it does not open for its own")
	}
	if again, _ := ring.seal([]byte("plain"), "connect", "github"); again == sealed {
		t.Error("the same twice is sealed to the same")
	}
}

func TestTheNewestKeySealsAndOlderOnesOpen(t *testing.T) {
	t.Parallel()
	before, after, gone := testRing(t, 1), testRing(t, 2, 1), testRing(t, 2)
	sealed, _ := before.seal([]byte("plain"))
	if _, ok := after.open(sealed); !ok {
		t.Error("the older key does not open")
	}
	if _, ok := gone.open(sealed); ok {
		t.Error("a key that is gone opens")
	}
	sealed, _ = after.seal([]byte("plain"))
	if _, ok := before.open(sealed); ok {
		t.Error("the older key seals")
	}
}

func TestWhatIsTooLongForACookieIsNotSealed(t *testing.T) {
	t.Parallel()
	ring := testRing(t, 1)
	if _, ok := ring.seal(make([]byte, maxSealed)); ok {
		t.Error("sealed")
	}
	if _, ok := ring.open(strings.Repeat("A", maxSealed+1)); ok {
		t.Error("opened")
	}
}

func TestKeysAreLinesOfBase64(t *testing.T) {
	t.Parallel()
	key := bytes.Repeat([]byte{0xfb}, sealKeyLen) // which has "-" or "+" in base64
	raw, std := base64.RawURLEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(key)
	for text, want := range map[string]int{
		raw: 1, std: 1, raw + "\n" + std: 2, "\r\n " + std + "\r\n\n": 1, strings.Repeat(raw+"\n", 8): 8,
		"": 0, "\n": 0, raw[:42]: 0, raw + "A": 0, "canary": 0, raw + "\ncanary": 0, strings.Repeat(raw+"\n", 9): 0,
	} {
		ring, err := parseKeyring("KEY", core.String(text))
		if len(ring) != want || (err == nil) != (want > 0) {
			t.Errorf("%d lines: %d keys, want %d: %v", strings.Count(text, "\n")+1, len(ring), want, err)
		}
		if err != nil && (strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "KEY")) {
			t.Error("the error repeats a key, or does not name the secret")
		}
	}
}

// FuzzOpen looks for what opens though nobody sealed it, and for what can't be
// taken apart.
func FuzzOpen(f *testing.F) {
	ring := testRing(f, 1)
	sealed, _ := ring.seal([]byte("plain"), "p")
	f.Add("", 0)
	f.Add("AQ", 1)
	f.Add("\n", len(sealed))
	f.Add("1z.AQAA", 2)
	f.Fuzz(func(t *testing.T, text string, at int) {
		if _, ok := ring.open(text, "p"); ok {
			t.Error("it opens, and nobody sealed it")
		}
		at = max(0, min(at, len(sealed)))
		for _, changed := range []string{sealed[:at] + text + sealed[at:], sealed[:at] + text, sealed[:at] + text + sealed[min(len(sealed), at+len(text)):]} {
			if _, ok := ring.open(changed, "p"); ok != (changed == sealed) {
				t.Errorf("changed at %d it opens: %v", at, ok)
			}
		}
		until, rest, ok := splitCookie(text)
		if ok && cookieValue(until, rest) != text {
			t.Error("one cookie can be written in two ways")
		}
	})
}

func FuzzCookieValue(f *testing.F) {
	f.Add(int64(1_700_000_000), "sealed")
	f.Add(int64(0), "")
	f.Fuzz(func(t *testing.T, seconds int64, sealed string) {
		until, rest, ok := splitCookie(cookieValue(time.Unix(seconds, 0), sealed))
		if want := seconds >= 0 && len(sealed) <= maxSealed; ok != want {
			t.Errorf("taken: %v, want %v", ok, want)
		}
		if ok && (until.Unix() != seconds || rest != sealed) {
			t.Error("it comes back as another")
		}
	})
}

// FuzzReturn holds every address that is taken against how a browser reads it
// (WHATWG URL, sections 4.1 and 4.4).
func FuzzReturn(f *testing.F) {
	for _, s := range []string{"/", "/x?a=b#c", "//evil.com", `/\evil.com`, "/%2f/evil.com", "/\t/evil.com", "/..//evil.com", "/%2e%2e//x", "https:/x", "/%25252f/x", "/x?%6cukko=denied"} {
		f.Add(s)
	}
	const origin = "https://example.com"
	f.Fuzz(func(t *testing.T, s string) {
		if !isReturn(s) {
			return
		}
		// Read against the page that it came from, as a reader may who does not
		// know that it is made absolute.
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }))
		for range 4 {
			if !strings.HasPrefix(read, "/") || strings.HasPrefix(read, "//") {
				t.Fatalf("%q can be read as %q", s, read)
			}
			path, _, _ := strings.Cut(strings.TrimSuffix(strings.SplitN(read, "#", 2)[0], "#"), "?")
			decoded, err := url.PathUnescape(path)
			if err != nil {
				break
			}
			read = strings.ReplaceAll(decoded, `\`, "/")
		}
		address := withOutcome(origin, s, "connected", "github")
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host != "example.com" || u.User != nil {
			t.Fatalf("%q leads to %q", s, address)
		}
		if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			t.Fatalf("%q in a header", address)
		}
		if u.Query().Get("lukko") != "connected" || u.Query().Get("lukko_name") != "github" {
			t.Fatalf("%q has no outcome", address)
		}
	})
}
