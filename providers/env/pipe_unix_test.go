//go:build unix

package env_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/env"
)

func TestANamedPipeDoesNotHoldTheReader(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := env.New(environment(map[string]string{"KEY_FILE": pipe})).Get(t.Context(), "KEY")
	if !errors.Is(err, core.ErrInvalidValue) {
		t.Errorf("got %v, want ErrInvalidValue", err)
	}
}
