package oauth2_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

func TestParseAnswerTakesTheWholeAddress(t *testing.T) {
	t.Parallel()
	for _, pasted := range []string{
		"https://app.example/callback?code=a%2Bb&state=s",
		"  http://127.0.0.1:1234/callback?state=s&code=a%2Bb\n",
		"\"https://app.example/callback?\ncode=a%2B\r\n  b&state=s\"",
		"<https://app.example/callback?code=a%2Bb&state=s#_=_>",
	} {
		answer, err := oauth2.ParseAnswer(pasted)
		if err != nil || answer.Get("code") != "a+b" || answer.Get("state") != "s" {
			t.Errorf("%q: %q, %v", pasted, answer, err)
		}
	}
	if answer, err := oauth2.ParseAnswer("https://app.example/?error=access_denied&state=s"); err != nil || answer.Get("error") != "access_denied" {
		t.Errorf("an error: %q, %v", answer, err)
	}
	for _, pasted := range []string{
		"", " ", "canary-code", "code=canary&state=s", "?code=canary&state=s", "https://app.example/callback", "https://app.example/?code=canary",
		"https://app.example/?state=canary", "https://app.example/?code=canary;state=s", "https://app.example/?code=%zz&state=canary",
		"ftp://app.example/?code=canary&state=s", "https:///?code=canary&state=s", "https://app.example/#code=canary&state=s",
		"https://app.example/?code=canary\x00&state=s", "https://app.example/?code=canary&state=" + strings.Repeat("s", 64<<10), "://canary",
	} {
		_, err := oauth2.ParseAnswer(pasted)
		if !errors.Is(err, core.ErrInvalidValue) {
			t.Errorf("%.40q: %v", pasted, err)
			continue
		}
		wantSafe(t, err)
	}
}

func FuzzParseAnswer(f *testing.F) {
	f.Add("https://app.example/callback?code=a%2Bb&state=s")
	f.Add("code")
	f.Fuzz(func(t *testing.T, pasted string) {
		answer, err := oauth2.ParseAnswer(pasted)
		if err == nil && (!answer.Has("state") || !answer.Has("code") && !answer.Has("error")) {
			t.Fatal("an answer without what it needs")
		}
		if err != nil && (answer != nil || !errors.Is(err, core.ErrInvalidValue)) {
			t.Fatal("an error of another kind, or something beside it")
		}
	})
}

// wantSafe fails where an error has a part of anything that was secret. All
// that is starts with "canary".
func wantSafe(t *testing.T, err error, secrets ...core.Value) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		text := fmt.Sprintf(verb, err)
		if strings.Contains(text, "canary") {
			t.Errorf("%s shows a secret or what the provider said", verb)
		}
		for _, secret := range secrets {
			if !secret.IsZero() && strings.Contains(text, secret.Reveal()) {
				t.Errorf("%s shows a secret of the pending connection", verb)
			}
		}
	}
}
