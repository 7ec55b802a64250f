package oauthtest_test

import (
	"encoding/base64"
	"net/url"
	"testing"

	"github.com/lukko-dev/lukko/internal/oauthtest"
	"golang.org/x/oauth2"
)

func TestLeaksFindsWhatWasGivenOut(t *testing.T) {
	t.Parallel()
	srv := oauthtest.New(t)
	app := srv.Register(oauthtest.Client{Redirects: []string{redirect}})
	cfg := settings(srv, app)
	code, verifier := code(t, srv, cfg, srv.AddUser("alice"))
	token, err := cfg.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(refusal(err))
	}
	id, _ := token.Extra("id_token").(string)
	all := map[string]string{
		"code": code, "code verifier": verifier, "access token": token.AccessToken, "refresh token": token.RefreshToken,
		"id token": id, "client secret": app.Secret, "of a test": "a secret of the test's own",
	}
	srv.Watch("of a test", all["of a test"])
	if got := srv.Leaks([]byte("an innocent text: alice " + app.ID + " invalid_grant")); got != nil {
		t.Errorf("an innocent text holds %v", got)
	}
	for kind, secret := range all {
		if srv.Issued()[kind] != 1 {
			t.Errorf("%d of the kind %s are known", srv.Issued()[kind], kind)
		}
		texts := map[string]string{
			"whole": secret, "in a URL": url.QueryEscape(secret), "in base64": base64.StdEncoding.EncodeToString([]byte(secret)),
		}
		if len(secret) > 40 {
			texts["its end"] = secret[len(secret)-20:]
			texts["its beginning"] = secret[:20]
		}
		for form, text := range texts {
			found := false
			for _, got := range srv.Leaks([]byte("before " + text + " after")) {
				found = found || got == kind
			}
			if !found {
				t.Errorf("a %s, %s, is not found", kind, form)
			}
		}
	}
}
