package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestInterruptedInitLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stdin, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	var out, errs bytes.Buffer
	a := &app{in: stdin, out: &out, err: &errs, lookup: func(name string) (string, bool) {
		return filepath.Join(dir, "home"), name == "XDG_CONFIG_HOME" || name == "HOME" || name == "AppData"
	}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code := a.run(ctx, []string{"init", "--config", filepath.Join(dir, "lukko.yaml"), "--recovery-file", filepath.Join(dir, "keep", "rescue.txt")})
	if code != exitUnknown || out.Len() > 0 {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, &out, &errs)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files were left behind, %v", len(left), err)
	}
}
