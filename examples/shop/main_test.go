package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheShopShowsWhatDeclarationsGive(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out, newStripe); err != nil {
		t.Fatal(err)
	}
	next := out.String()
	for _, want := range []string{
		"● Three packages declare", "INVOICE_KEY: lukko set --generate INVOICE_KEY", `another of the group "mail"`, "https://docs.stripe.com/keys",
		"● What a machine can make", "nothing is missing now",
		"● The service starts", "SMTP over mail.example:587", "localhost:5432 with 10",
		"● An order", "ada owes 4200 eur", "verified",
		"● Stripe's key is rotated", "2 orders in all",
		"● A value that the schema refuses", "/apiKey: pattern",
		"● All of this was true",
	} {
		_, rest, ok := strings.Cut(next, want)
		if !ok {
			t.Fatalf("the output lacks %q after what came before it:\n%s", want, out.String())
		}
		next = rest
	}
	for _, secret := range []string{"sk_test", "pk_test", "whsec", "correct horse", "mail secret", "PRIVATE KEY"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the output shows a secret that begins with %s", secret)
		}
	}
}

func TestTheShopFailsWhereWhatItSaysIsUntrue(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ended, io.Discard, newStripe); err == nil {
		t.Error("it succeeds in a context that has ended")
	}
	if err := run(t.Context(), io.Discard, func() *fakeStripe {
		s := newStripe()
		s.accept("sk_test_other")
		return s
	}); err == nil {
		t.Error("it succeeds where Stripe has another key")
	}
	if err := verify("no PEM", receipt{}); err == nil {
		t.Error("a receipt without a key is verified")
	}
}

// The policy and the manifest are what the metadata and lukko.yaml say.
func TestDeploymentIsUpToDate(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.work")); err != nil {
		t.Skip("this is no checkout of the repository, but the module by itself")
	}
	lukko := filepath.Join(t.TempDir(), "lukko")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", lukko, "github.com/lukko-dev/lukko/cmd/lukko").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for file, command := range map[string]string{
		"policy.json":     "policy aws --env production --account 111122223333",
		"kubernetes.yaml": "manifest kubernetes --env production --app shop",
	} {
		want, err := os.ReadFile(filepath.Join("deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), lukko, strings.Fields(command)...)
		cmd.Env = append(os.Environ(), "LUKKO_ENV=", "LUKKO_CONFIG=")
		got, err := cmd.Output()
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("deploy/%s is not what this writes: lukko %s (%v)\n%s", file, command, err, got)
		}
	}
	check := exec.CommandContext(t.Context(), lukko, "generate", "--check", "./...", "--out", "secrets")
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
