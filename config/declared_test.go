package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/lukko-dev/lukko/config"
)

// What is made from a lukko.yaml can't be in the way of making it.
func TestDeclaredReadsTheFileAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, config.FileName)
	content := "environments:\n  e:\n    stores: [\"env:\"]\n    variables: {ELSEWHERE: x}\nmetadata: [not/there.json]\nsecrets:\n  A: {schema: {type: string}, requiredIn: e}\n"
	stale := `{"version":1,"secrets":[{"name":"A","id":"A","schema":{"type":"object"}},{"name":"B","id":"B","text":true}],"variables":[]}`
	for name, content := range map[string]string{path: content, filepath.Join(dir, "secrets_meta.json"): stale} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := config.Load(path); err == nil {
		t.Fatal("Load does not mind the metadata, so this test says nothing")
	}
	set, err := config.Declared(path)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for d := range set.All() {
		ids = append(ids, d.Meta().ID)
	}
	if len(ids) != 1 || ids[0] != "A" {
		t.Errorf("it declares %v", ids)
	}

	if _, err := config.Declared(filepath.Join(dir, "no.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	wrong := filepath.Join(dir, "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("secrets: {A: {requiredIn: nowhere}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var e *config.Error
	if _, err := config.Declared(wrong); !errors.As(err, &e) || len(e.Faults) == 0 {
		t.Errorf("a file that is wrong: %v", err)
	}
}
