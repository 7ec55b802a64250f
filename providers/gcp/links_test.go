package gcp_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Two programs that read one secret: with Google's client alone, and with this
// provider.
const (
	bareProgram = `package main

import (
	"context"
	"fmt"
	"os"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
)

func main() {
	ctx := context.Background()
	client, err := secretmanager.NewClient(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer client.Close()
	secret, err := client.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: "projects/my-project/secrets/PASSWORD/versions/latest"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(secret.GetPayload().GetData()))
}
`
	lukkoProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lukko-dev/lukko/core"
	_ "github.com/lukko-dev/lukko/providers/gcp"
)

func main() {
	ctx := context.Background()
	store, err := core.Open(ctx, "gcp://my-project")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer store.Close()
	secret, err := store.Get(ctx, "PASSWORD")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(secret.Value.Reveal()))
}
`
)

func TestALinkedProgramIsLittleLargerThanWithTheBareClient(t *testing.T) {
	t.Parallel()
	theirs, ours := size(t, bareProgram), size(t, lukkoProgram)
	t.Logf("%d bytes, and %d with the bare client: %.3f times", ours, theirs, float64(ours)/float64(theirs))
	if ours*100 > theirs*110 {
		t.Errorf("a program has %d bytes with this provider, and %d with the bare client: more than 10 %% above", ours, theirs)
	}
}

// size is that of a program without its symbols. It is built as others are in
// these tests, so that the cache has most of it.
func size(t *testing.T, program string) int64 {
	t.Helper()
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	golang(t, "build", "-ldflags=-s -w", "-o", binary, source)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// golang runs the go command in this folder, and so with this module's
// dependencies.
func golang(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

func TestTheProviderLinksNoOtherAndNothingOfTheTests(t *testing.T) {
	t.Parallel()
	var own []string
	for pkg := range strings.FieldsSeq(golang(t, "list", "-deps", ".")) {
		if strings.HasPrefix(pkg, "github.com/lukko-dev/lukko/") {
			own = append(own, strings.TrimPrefix(pkg, "github.com/lukko-dev/lukko/"))
		}
	}
	slices.Sort(own)
	for _, pkg := range own {
		switch {
		case pkg == "core", strings.HasPrefix(pkg, "core/"), pkg == "providers/gcp", strings.HasPrefix(pkg, "providers/gcp/"):
		default:
			t.Errorf("the provider links %s", pkg)
		}
	}
	if !slices.Contains(own, "core") || !slices.Contains(own, "providers/gcp") {
		t.Errorf("the list lacks what must be in it: %q", own)
	}
}
