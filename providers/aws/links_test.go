package aws_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Two programs that read one secret: with the SDK alone, and with this
// provider.
const (
	bareProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	client := secretsmanager.NewFromConfig(cfg)
	secret, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("app/password")})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(aws.ToString(secret.SecretString)))
}
`
	lukkoProgram = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lukko-dev/lukko/core"
	_ "github.com/lukko-dev/lukko/providers/aws"
)

func main() {
	ctx := context.Background()
	store, err := core.Open(ctx, "aws:")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer store.Close()
	secret, err := store.Get(ctx, "app/password")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(len(secret.Value.Reveal()))
}
`
)

func TestALinkedProgramIsLittleLargerThanWithTheBareSDK(t *testing.T) {
	t.Parallel()
	theirs, ours := size(t, bareProgram), size(t, lukkoProgram)
	t.Logf("%d bytes, and %d with the bare SDK: %.3f times", ours, theirs, float64(ours)/float64(theirs))
	if ours*100 > theirs*110 {
		t.Errorf("a program has %d bytes with this provider, and %d with the bare SDK: more than 10 %% above", ours, theirs)
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
		case pkg == "core", strings.HasPrefix(pkg, "core/"), pkg == "providers/aws", strings.HasPrefix(pkg, "providers/aws/"):
		default:
			t.Errorf("the provider links %s", pkg)
		}
	}
	if !slices.Contains(own, "core") || !slices.Contains(own, "providers/aws") {
		t.Errorf("the list lacks what must be in it: %q", own)
	}
}
