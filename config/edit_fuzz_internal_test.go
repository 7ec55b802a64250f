package config

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

// FuzzEdit sets and deletes a variable in any lukko.yaml that is one. Either
// the file is refused, or the outcome is the same configuration but for the one
// value. Where nothing was replaced, all bytes of the file are still there, in
// their order.
func FuzzEdit(f *testing.F) {
	for _, file := range []string{
		"environments: {a: env:x}", "environments:\n  a: env:x # c\n  b: [env:, env:x]\n", "environments:\n  a:\n  - env:\n\n  - env:x\n",
		"environments:\n  a:\n    stores: env:x\n    variables: {A: b, C: [1, {d: e}]}\n", "{\"environments\": {\"a\": {\"stores\": \"env:x\", \"variables\": {\"A\": \"b\"}}}}",
		"environments:\n  a:\n    variables:\n      A: |\n        b\n\n        c\n      D: 'e''f'\n      G: \"h\\\"i\"\n      J: k\n        l\n    stores:\n    - env:x\n",
		"environments:\n  a:\n    variables:\n      A:\n      - b\n      -\n        - c\n      D:\n        e: f\n    stores: env:x\n" + declared,
		"environments:\n  ? a\n  : env:x\n", "environments:\r\n  a:\r\n    stores: env:x\r\n    variables:\r\n", "\ufeff---\nenvironments:\n  a: env:x\n...\n",
		"environments:\n  a:\n    stores: env:x\n    variables: # c\n      \"A\": >-\n       b\n       c\n", "environments:\n  a:\n      env:x\n",
	} {
		f.Add([]byte(file), "A", "b")
		f.Add([]byte(file), "LOG_LEVEL", "debug")
		f.Add([]byte(file), "N", "{\"a\": [1, \"it's\"]}")
		f.Add([]byte(file), "J", "one\n\n two\n")
	}
	path, err := filepath.Abs("lukko.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, id, value string) {
		if bytes.Contains(data, []byte("metadata")) {
			return // other files are not what is tested
		}
		watch := time.AfterFunc(20*time.Second, func() { panic("it takes too long") })
		defer watch.Stop()
		before, err := Parse(path, data)
		if err != nil || value == "" || core.CheckID(id) != nil {
			return
		}
		env := before.Environments[len(before.Environments)-1]
		_, replaced := env.Variable(id)
		set, v, err := setVariable(path, data, env.Name, id, value)
		if err != nil {
			var file *Error
			var invalid *schema.Error
			var refused *core.Error
			if set != nil || !errors.As(err, &file) && !errors.As(err, &invalid) && !errors.As(err, &refused) {
				t.Fatalf("got %T", err)
			}
		} else {
			got, err := Parse(path, set)
			if err != nil || v.ID != id || !same(got, expected(before, env.Name, id, v.Value)) {
				t.Fatalf("another configuration, %v:\n%s", err, set)
			}
			if !core.Equivalent(core.String(v.Value), core.String(value)) && short(value) != v.Value {
				t.Fatalf("another value: %q", v.Value)
			}
			if !replaced && !within(data, set) {
				t.Fatalf("bytes are lost:\n%q\n%q", data, set)
			}
			if back, _, err := deleteVariable(path, set, env.Name, id); err == nil {
				got, err := Parse(path, back)
				if err != nil || !same(got, expected(before, env.Name, id, "")) {
					t.Fatalf("another configuration, %v:\n%s", err, back)
				}
			}
		}
		if !replaced {
			return
		}
		rest, was, err := deleteVariable(path, data, env.Name, id)
		if err != nil {
			return
		}
		got, err := Parse(path, rest)
		if err != nil || was.ID != id || !same(got, expected(before, env.Name, id, "")) || !within(rest, data) {
			t.Fatalf("another configuration, %v:\n%s", err, rest)
		}
	})
}

// within reports whether all of a is in b, in its order.
func within(a, b []byte) bool {
	for _, c := range b {
		if len(a) > 0 && a[0] == c {
			a = a[1:]
		}
	}
	return len(a) == 0
}
