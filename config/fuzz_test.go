package config_test

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/config"
	"github.com/lukko-dev/lukko/core"
)

// FuzzConfig takes any lukko.yaml: nothing panics, nothing takes long, every
// fault has a place within the file, no fault shows a long word of it that is
// not one of the format's own, and what is read is sound.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(accounts))
	f.Add([]byte("environments: {e: \"env:\"}\ncredentials: {a: {secretID: A, tokenSecretID: B, perUser: true, oauth2: {provider: microsoft, tenant: t, revocation: bearer, authParams: {b: c}}}, d: {secretID: D, keyAt: /e, hosts: f, auth: \"basic:u\"}}\n"))
	for _, s := range []string{
		"", "environments: {a: file:secrets}", "environments:\n  a: [env:, file:x]\nsecrets:\n  A:\n", "a: &x [*x]\n", "<<: {a: 1}", "--- 1\n--- 2\n", "%YAML 1.1\n---\na: yes",
		"environments: {a: {stores: [{name: b, url: env:x}], writeTo: b, fallThrough: [unavailable]}}\nvariables: {A: {schema: {type: string}}}",
		"{\"environments\": {\"a\": \"memory:\"}, \"secrets\": {\"A\": {\"rotationPeriod\": \"36h\", \"schema\": true}}}",
		"environments: {a: \"file:%2e%2e/x?prefix=a%2Fb\"}\nsecrets: {B: {schema: {type: object, additionalProperties: false, maxProperties: 1e3}}}",
		"environments: {a: {stores: env:x, variables: {A: 0x1F, B: [1, {c: d}], C: ~}}, b: env:y}\nvariables: {A: {default: 5, schema: {type: integer}}}\nsecrets: {S: {requiredIn: [a], generate: uuid}, T: {anyOf: g}, U: {oneOf: h}}",
		"environments: |\n  canary\n", "? - a\n: b\n", "secrets: {A: {schema: {$ref: '#'}}}", "a:\n\tb", "\ufeff# c\nenvironments: {a: x:y}\n", "environments: {a: !!binary aGk=}",
	} {
		f.Add([]byte(s))
	}
	path, err := filepath.Abs("lukko.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		watch := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer watch.Stop()
		c, err := config.Parse(path, data)
		if err != nil {
			var e *config.Error
			if c != nil || !errors.As(err, &e) || len(e.Faults) == 0 {
				t.Fatalf("got %v and %T", c, err)
			}
			lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029") + 1
			for _, fault := range e.Faults {
				if fault.What == "" || fault.Line < 0 || fault.Line > lines+1 || fault.Line > 0 && fault.Column < 1 {
					t.Fatalf("a fault at %d:%d of %d lines: %s", fault.Line, fault.Column, lines, fault.What)
				}
			}
			noLeak(t, err, data)
			return
		}
		if len(c.Environments) == 0 {
			t.Fatal("there is no environment")
		}
		if err := c.Declarations.Check(); err != nil {
			t.Fatalf("a wrong declaration is read: %v", err)
		}
		if err := c.Credentials.Check(); err != nil {
			t.Fatalf("a wrong credential is read: %v", err)
		}
		for d := range c.Credentials.All() {
			if m := d.Meta(); !m.PerUser || m.OAuth2 != nil {
				if _, ok := c.Declarations.ByID(m.SecretID); !ok {
					t.Fatal("a credential is kept in what is not declared")
				}
			}
		}
		for _, env := range c.Environments {
			if len(env.Stores) == 0 {
				t.Fatal("an environment has no store")
			}
			for _, v := range env.Variables {
				if d, ok := c.Declarations.ByID(v.ID); v.Value == "" || core.CheckID(v.ID) != nil || ok && d.Validate(core.String(v.Value)) != nil {
					t.Fatal("the value of a variable is not sound")
				}
			}
			if _, err := c.Environment(env.Name); err != nil {
				t.Fatal(err)
			}
			for _, s := range env.Stores {
				u, err := url.Parse(s.URL)
				if err != nil || u.User != nil || u.Scheme == "" || s.Name == "" {
					t.Fatal("a URL is not sound")
				}
				if u.Scheme == "file" && u.Opaque != "" {
					t.Fatal("a relative URL is left")
				}
			}
		}
	})
}

var schemaPointer = regexp.MustCompile(`(the schema is wrong at|the default is invalid at|declares:) .*`)

var longWord = regexp.MustCompile(`[A-Za-z0-9]{12,}`)

// noLeak looks for the long words of a file in an error. A name of an
// environment or a store is repeated on purpose, and so is a key that is
// nearly a known one. Where a schema or a default is wrong is told by a pointer,
// which is made of keys, and what a schema asks for in its own words.
func noLeak(t *testing.T, err error, data []byte) {
	t.Helper()
	text := schemaPointer.ReplaceAllString(err.Error(), "")
	for _, list := range []string{"there are ", "unknown key \"", "the other is at ", "did you mean"} {
		if strings.Contains(text, list) {
			return
		}
	}
	for _, word := range longWord.FindAllString(string(data), 100) {
		if strings.Contains(text, word) && !strings.Contains(full+ownWords, word) {
			t.Fatalf("%q shows %q of the file", text, word)
		}
	}
}

var ownWords = fmt.Sprint(
	"requiredIn variables metadata environments permission unauthenticated unavailable rotationPeriod displayName description fallThrough development dependentSchemas ",
	"additionalProperties patternProperties unevaluatedProperties exclusiveMinimum exclusiveMaximum dynamicRef recursiveRef ",
	"maxProperties minProperties propertyNames additionalItems unevaluatedItems dependentRequired dependencies definitions ",
	"contentEncoding contentMediaType contentSchema dynamicAnchor recursiveAnchor ",
	"TokenSecretID tokenSecretID revocation AllowedHosts microsoft declaration clientSecret private_key_jwt credentials application",
)
