package file_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/conformance"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

// plainAge encrypts as age itself does.
func plainAge(value []byte, to age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(value); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// harness runs the suite over a store, under a prefix if there is one.
func harness(prefix string) conformance.Harness {
	return conformance.Harness{
		// A part of an id between slashes has at most 200 bytes as it is written.
		Refuses: func(id string) bool {
			_, err := file.PathOf(prefix + id)
			return err != nil || core.CheckID(prefix+id) != nil
		},
		Open: func(t testing.TB) conformance.Subject {
			p := newPerson(t, "owner")
			dir := filepath.Join(memoryDir(t), "store")
			p.init(dir)
			open := func() (core.SecretService, error) {
				s, err := file.New(p.config(dir))
				if err != nil {
					return nil, err
				}
				if prefix != "" {
					return core.Prefix(s, prefix), nil
				}
				return s, nil
			}
			svc, err := open()
			if err != nil {
				t.Fatal(err)
			}
			at := func(id string) (string, error) {
				path, err := file.PathOf(prefix + id)
				return filepath.Join(dir, filepath.FromSlash(path)), err
			}
			put := func(id string, value []byte, to age.Recipient) error {
				data, err := plainAge(value, to)
				if err != nil {
					return err
				}
				path, err := at(id)
				if err != nil {
					return err
				}
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					return err
				}
				return os.WriteFile(path, data, 0o644)
			}
			return conformance.Subject{
				Service: svc,
				Second:  open,
				Reopen:  open,
				Seed: func(id string, v core.Value) error {
					return put(id, v.RevealBytes(), p.identity.Recipient())
				},
				Deny: func(id string) error {
					return put(id, []byte("for somebody else"), newPerson(t, "other").identity.Recipient())
				},
				Corrupt: func(id string) error {
					path, err := at(id)
					if err != nil {
						return err
					}
					f, err := os.OpenFile(path, os.O_RDWR, 0)
					if err != nil {
						return err
					}
					defer f.Close()
					data, err := io.ReadAll(f)
					if err != nil {
						return err
					}
					// A letter of the last line but one, which is the value's.
					i := bytes.LastIndexByte(bytes.TrimSuffix(data, []byte("\n-----END AGE ENCRYPTED FILE-----\n")), '\n') - 8
					data[i] ^= 1
					_, err = f.WriteAt(data, 0)
					return err
				},
				Fail: func(kind error) func() {
					if kind != core.ErrUnavailable {
						return nil
					}
					// The folder is gone, as one that is not mounted.
					away := dir + ".away"
					if err := os.Rename(dir, away); err != nil {
						t.Fatal(err)
					}
					return func() {
						if err := os.Rename(away, dir); err != nil {
							t.Error(err)
						}
					}
				},
			}
		},
	}
}

// raceEnabled says that the race detector watches.
var raceEnabled bool

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("direct", func(t *testing.T) {
		t.Parallel()
		conformance.Run(t, harness(""))
	})
	t.Run("under a prefix", func(t *testing.T) {
		t.Parallel()
		if raceEnabled && os.Getenv("LUKKO_TRIAL") != "1" {
			t.Skip("twice the same races take too long under the detector; without it, and in a trial, this runs")
		}
		conformance.Run(t, harness("shop/eu:"))
	})
}
