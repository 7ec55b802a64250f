package httpauth_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2/httpauth"
)

func TestASecretThatCannotBeSentIsAnErrorThatDoesNotQuoteIt(t *testing.T) {
	t.Parallel()
	header := map[string]httpauth.Scheme{"bearer": httpauth.Bearer(), "authorization": httpauth.Authorization("SSWS"), "header": httpauth.Header("X-Api-Key")}
	word := map[string]httpauth.Scheme{"bearer": httpauth.Bearer(), "authorization": httpauth.Authorization("SSWS")}
	all := map[string]httpauth.Scheme{}
	for name, s := range schemes {
		all[name] = s.scheme
	}
	for name, tt := range map[string]struct {
		secret  string
		schemes map[string]httpauth.Scheme
		want    string
	}{
		"nothing":                {"", all, "is empty"},
		"a line break at end":    {canary + ":\n", all, "ends in a line break"},
		"both at its end":        {canary + ":\r\n", all, "ends in a line break"},
		"a return at its end":    {canary + ":\r", all, "ends in a line break"},
		"a header of its own":    {canary + ":\r\nX-Evil: 1", all, "control character"},
		"a NUL":                  {canary + ":\x00x", all, "control character"},
		"an escape":              {"\x1b[31m:" + canary, all, "control character"},
		"a tab":                  {canary + "\t:x", all, "control character"},
		"a DEL":                  {canary + ":\x7fx", all, "control character"},
		"not ASCII":              {canary + "\u2013x", header, "not ASCII"},
		"a byte that is no rune": {canary + "\xff", header, "not ASCII"},
		"a space in front":       {" " + canary, header, "begins or ends with a space"},
		"a space at its end":     {canary + " ", header, "begins or ends with a space"},
		"a space in it":          {"Bearer " + canary, word, "has a space in it"},
		"no colon":               {canary, map[string]httpauth.Scheme{"user password": httpauth.UserPassword()}, "with a colon"},
	} {
		for kind, scheme := range tt.schemes {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				b := &base{}
				tr := transport(t, httpauth.Config{Name: "weather", Get: give(tt.secret), Scheme: scheme, Base: b})
				sent := &body{Reader: strings.NewReader("x")}
				req := request(t, "https://api.example.com/")
				req.Body = sent
				_, err := do(t, tr, req)
				e := wantKind(t, err, core.ErrInvalidValue)
				if !strings.Contains(e.Error(), tt.want) || e.Name != "weather" {
					t.Errorf("the error %q does not say %q", e, tt.want)
				}
				if len(b.requests()) != 0 || sent.closed != 1 {
					t.Errorf("%d requests were sent, and the body was closed %d times", len(b.requests()), sent.closed)
				}
			})
		}
	}
}

func TestASchemeHasATextForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]httpauth.Scheme{
		"":                         {},
		"bearer":                   httpauth.Bearer(),
		"authorization:SSWS":       httpauth.Authorization("SSWS"),
		"basic":                    httpauth.UserPassword(),
		"basic:":                   httpauth.Basic(""),
		"basic:api":                httpauth.Basic("api"),
		"basic:a user@example.com": httpauth.Basic("a user@example.com"),
		"header:X-Api-Key":         httpauth.Header("x-api-KEY"),
		"query:key":                httpauth.Query("key"),
		"query:api:key":            httpauth.Query("api:key"),
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var got httpauth.Scheme
			if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
				t.Errorf("it is read as %v: %v", got, err)
			}
			if again, err := want.MarshalText(); err != nil || string(again) != text || want.String() != text {
				t.Errorf("it is written as %q, and printed as %q: %v", again, want, err)
			}
			if want.IsZero() != (text == "") {
				t.Error("IsZero is wrong")
			}
			if err := want.Check(); (err != nil) != (text == "") {
				t.Errorf("Check says %v", err)
			}
			encoded, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var decoded httpauth.Scheme
			if err := json.Unmarshal(encoded, &decoded); err != nil || decoded != want {
				t.Errorf("through JSON it is %v: %v", decoded, err)
			}
		})
	}
	var got httpauth.Scheme
	if err := got.UnmarshalText([]byte("header:x-api-key")); err != nil || got != httpauth.Header("X-Api-Key") {
		t.Errorf("a header's name keeps its case: %v, %v", got, err)
	}
	if err := got.UnmarshalText([]byte("authorization:Bearer")); err != nil || got != httpauth.Bearer() {
		t.Errorf("bearer in full is another scheme: %v, %v", got, err)
	}
}

func TestATextThatIsNoSchemeIsRefusedAndNotQuoted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"hunter2", "hunter2:x", "Bearer", "bearer:", "bearer:hunter2", "header", "header:", "header:hunter 2", "header:a:b", "query", "query:", "authorization", "authorization:",
		"user:password", "user:password:hunter2", "basic:a:hunter2", "basic:\n", "query:\x00", "header:Host", "header:content-length", "header:Transfer-Encoding", "header:proxy-authorization", "authorization:a b",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got := httpauth.Bearer()
			err := got.UnmarshalText([]byte(text))
			if !errors.Is(err, core.ErrInvalidValue) || got != httpauth.Bearer() {
				t.Fatalf("it is read as %v: %v", got, err)
			}
			if strings.Contains(err.Error(), "hunter") {
				t.Errorf("the error quotes the text: %q", err)
			}
		})
	}
}

func TestASchemeThatCannotBeSentIsNoTransports(t *testing.T) {
	t.Parallel()
	for name, scheme := range map[string]httpauth.Scheme{
		"none":                       {},
		"no word":                    httpauth.Authorization(""),
		"two words":                  httpauth.Authorization("Token token="),
		"a line in a word":           httpauth.Authorization("A\r\nX"),
		"a colon in a user":          httpauth.Basic("a:b"),
		"a line in a user":           httpauth.Basic("a\nb"),
		"no header":                  httpauth.Header(""),
		"a header with a space":      httpauth.Header("X Api"),
		"a header that isn't ASCII":  httpauth.Header("X-Apï"),
		"a header with a line":       httpauth.Header("X\r\nY"),
		"the header of the host":     httpauth.Header("host"),
		"no parameter":               httpauth.Query(""),
		"a parameter with a control": httpauth.Query("a\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantKind(t, scheme.Check(), core.ErrInvalidValue)
			_, err := httpauth.New(httpauth.Config{Get: give("x"), Scheme: scheme, Hosts: []string{"api.example.com"}})
			wantKind(t, err, core.ErrInvalidValue)
		})
	}
}

func FuzzScheme(f *testing.F) {
	for _, text := range []string{"bearer", "basic", "basic:api", "header:X-Api-Key", "query:key", "authorization:SSWS", "query:a:b", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var scheme httpauth.Scheme
		if scheme.UnmarshalText([]byte(text)) != nil {
			return
		}
		written, err := scheme.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again httpauth.Scheme
		if err := again.UnmarshalText(written); err != nil || again != scheme {
			t.Errorf("%q is written as %q, which is another scheme: %v", text, written, err)
		}
		if !scheme.IsZero() && scheme.Check() != nil {
			t.Errorf("%q is read and doesn't pass its check", text)
		}
	})
}

// FuzzSecret sends any value by every scheme: it arrives as it is, or is an error.
func FuzzSecret(f *testing.F) {
	for _, secret := range []string{canary, "a:b", "a b", "a\r\nX-Evil: 1", "é", "\xff", "&=%;+#", " "} {
		f.Add(secret)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		for name, s := range schemes {
			b := &base{}
			tr := transport(t, httpauth.Config{Get: give(secret), Scheme: s.scheme, Base: b})
			_, err := do(t, tr, request(t, "https://api.example.com/?a=b"))
			if err != nil {
				if len(b.requests()) != 0 || !errors.Is(err, core.ErrInvalidValue) {
					t.Errorf("%s: it is an error after it was sent, or another error", name)
				}
				continue
			}
			if got := arrived(t, s.scheme, b.requests()[0]); got != secret {
				t.Errorf("%s: another secret has arrived", name)
			}
		}
	})
}
