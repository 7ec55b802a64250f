package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/lukko-dev/lukko/core"
)

// Every single operation of a write fails once, in every way that a disk
// knows. The error is of the right kind, the old or the new value reads, the
// kind does not lie about which, and the next write succeeds.
func TestAWriteThatFailsAtAnyOperationSaysWhatHolds(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	writes := map[string]func(ctx context.Context, s *Store) error{
		"Set": func(ctx context.Context, s *Store) error {
			_, err := s.Set(ctx, "shop/db", core.String("new"))
			return err
		},
		"Delete": func(ctx context.Context, s *Store) error { return s.Delete(ctx, "shop/db") },
		"Purge":  func(ctx context.Context, s *Store) error { return s.Delete(ctx, "shop/db", core.Purge()) },
		"Add": func(ctx context.Context, s *Store) error {
			guest, err := age.GenerateX25519Identity()
			must(t, err)
			result, err := s.AddRecipient(ctx, Recipient{Key: guest.Recipient().String()})
			for _, f := range result.Failed {
				err = errors.Join(err, &core.Error{Kind: core.ErrUnavailable, Hint: f.Hint})
			}
			return err
		},
	}
	for errno, kind := range map[syscall.Errno]error{
		syscall.ENOSPC: core.ErrExhausted, syscall.EACCES: core.ErrPermissionDenied, syscall.EROFS: core.ErrPermissionDenied,
		syscall.EMFILE: core.ErrUnavailable, syscall.EIO: core.ErrUnavailable,
	} {
		for name, write := range writes {
			if name == "Add" && errno != syscall.ENOSPC && errno != syscall.EIO {
				continue // it takes long, and its steps are those of the others
			}
			t.Run(fmt.Sprintf("%s %v", name, errno), func(t *testing.T) {
				t.Parallel()
				failed := 0
				for at := 0; ; at++ {
					r := newRecordingFS()
					initOn(t, r, Recipient{Key: owner.Recipient().String()})
					s := storeOn(r, &memPins{}, 2, owner)
					_, err := s.Set(t.Context(), "shop/db", core.String("oldest"))
					must(t, err)
					_, err = s.Set(t.Context(), "shop/db", core.String("old"))
					must(t, err)

					n, op, hit := 0, "", false
					r.fault = func(what, name string) error {
						if n++; n-1 == at {
							op, hit = what+" "+name, true
							return errno
						}
						return nil
					}
					before := len(r.log)
					writeErr := write(t.Context(), s)
					r.fault = nil
					if !hit {
						break // there is no such operation any more
					}
					got, err := s.Get(t.Context(), "shop/db")
					now := "nothing"
					switch {
					case err == nil:
						now = got.Value.Reveal()
					case !errors.Is(err, core.ErrNotFound):
						t.Fatalf("after a failed %s Get fails: %v", op, err)
					}
					if writeErr != nil {
						failed++
						switch got := core.KindOf(writeErr); {
						case got == core.ErrIndeterminate:
							if len(r.log) == before {
								t.Errorf("a failed %s is said to be indeterminate, and changed nothing", op)
							}
						case got == kind || name == "Add" && got == core.ErrUnavailable:
							if now != "old" {
								t.Errorf("a failed %s says %v, and left %q", op, writeErr, now)
							}
						default:
							t.Errorf("a failed %s is %v, want %v or indeterminate", op, writeErr, kind)
						}
					}
					if strings.Contains(op, "syncDir secrets") && name != "Add" && now != "old" && !errors.Is(writeErr, core.ErrIndeterminate) {
						t.Errorf("a failed sync after the change is %v, want indeterminate", writeErr)
					}
					if _, err := s.Set(t.Context(), "shop/db", core.String("next")); err != nil {
						t.Errorf("after a failed %s the next Set fails: %v", op, err)
					}
				}
				if failed < 5 {
					t.Errorf("only %d operations could fail", failed)
				}
			})
		}
	}
}

func TestAReadThatFailsIsNeverNotFound(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	for errno, kind := range map[syscall.Errno]error{
		syscall.EACCES: core.ErrPermissionDenied, syscall.EMFILE: core.ErrUnavailable, syscall.EIO: core.ErrUnavailable,
		syscall.ELOOP: core.ErrCorrupt, syscall.ENOTDIR: core.ErrCorrupt,
	} {
		t.Run(errno.Error(), func(t *testing.T) {
			t.Parallel()
			r := newRecordingFS()
			initOn(t, r, Recipient{Key: owner.Recipient().String()})
			s := storeOn(r, &memPins{}, 2, owner)
			info, err := s.Set(t.Context(), "A", core.String("one"))
			must(t, err)
			_, err = s.Set(t.Context(), "A", core.String("two"))
			must(t, err)
			r.fault = func(string, string) error { return errno }
			checks := map[string]func() error{
				"Get":            func() error { _, err := s.Get(t.Context(), "A"); return err },
				"Get AtVersion":  func() error { _, err := s.Get(t.Context(), "A", core.AtVersion(info.Version)); return err },
				"Get of nothing": func() error { _, err := s.Get(t.Context(), "NOTHING"); return err },
				"Stat":           func() error { _, err := s.Stat(t.Context(), "A"); return err },
				"GetMany": func() error {
					_, err := s.GetMany(t.Context(), []string{"A"})
					var batch *core.BatchError
					if errors.As(err, &batch) {
						return batch.ByID["A"]
					}
					return err
				},
				"List": func() (last error) {
					for _, err := range s.List(t.Context(), "") {
						last = err
					}
					return last
				},
				"Versions": func() (last error) {
					for _, err := range s.Versions(t.Context(), "A") {
						last = err
					}
					return last
				},
			}
			for name, check := range checks {
				if err := check(); !errors.Is(err, kind) || errors.Is(err, core.ErrNotFound) {
					t.Errorf("%s returned %v, want %v", name, err, kind)
				}
			}
		})
	}
}

func TestAFileSystemWithoutLocksLinksOrRenamesIsReadAndNotWritten(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	for _, op := range []string{"lock", "link", "rename"} {
		for _, errno := range []syscall.Errno{syscall.ENOTSUP, syscall.ENOSYS, syscall.EXDEV} {
			t.Run(fmt.Sprint(op, " ", errno), func(t *testing.T) {
				t.Parallel()
				r := newRecordingFS()
				initOn(t, r, Recipient{Key: owner.Recipient().String()})
				s := storeOn(r, &memPins{}, 2, owner)
				_, err := s.Set(t.Context(), "A", core.String("one"))
				must(t, err)
				r.fault = func(what, _ string) error {
					if what == op {
						return errno
					}
					return nil
				}
				_, err = s.Set(t.Context(), "A", core.String("two"))
				if !errors.Is(err, errors.ErrUnsupported) || errors.Is(err, core.ErrIndeterminate) {
					t.Errorf("Set returned %v, want ErrUnsupported", err)
				}
				got, err := s.Get(t.Context(), "A")
				if err != nil || !got.Value.Equal(core.String("one")) {
					t.Errorf("Get failed: %v", err)
				}
			})
		}
	}
}

// A file system that is known not to keep its promises is refused before
// anything is tried, and the capabilities say so.
func TestANetworkFileSystemIsReadAndClaimsNoWrites(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	r := newRecordingFS()
	initOn(t, r, Recipient{Key: owner.Recipient().String()})
	_, err = storeOn(r, &memPins{}, 2, owner).Set(t.Context(), "A", core.String("one"))
	must(t, err)
	s := storeOn(networkFile{r}, &memPins{}, 2, owner)
	before := len(r.log)
	_, err = s.Set(t.Context(), "A", core.String("two"))
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "NFS") {
		t.Errorf("Set returned %v, want ErrUnsupported that names NFS", err)
	}
	if err := s.Delete(t.Context(), "A"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Delete returned %v, want ErrUnsupported", err)
	}
	if len(r.log) != before {
		t.Error("a refused write changed something")
	}
	c, err := s.Capabilities(t.Context())
	if want := (core.Capabilities{List: true, Versions: true, AtVersion: true}); err != nil || c != want {
		t.Errorf("it claims %+v, %v; want %+v", c, err, want)
	}
	if got, err := s.Get(t.Context(), "A"); err != nil || !got.Value.Equal(core.String("one")) {
		t.Errorf("Get failed: %v", err)
	}
}

type networkFile struct{ *recordingFS }

func (networkFile) refusesWrites() string {
	return "the store is on NFS, where locks can't be relied on"
}

// A lock whose file was deleted meanwhile may be held by two.
func TestAWriterWhoseLockFileWasDeletedWritesNothing(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	r := newRecordingFS()
	initOn(t, r, Recipient{Key: owner.Recipient().String()})
	_, err = storeOn(r, &memPins{}, 2, owner).Set(t.Context(), "A", core.String("one"))
	must(t, err)
	s := storeOn(lostLock{r}, &memPins{}, 2, owner)
	_, err = s.Set(t.Context(), "A", core.String("two"))
	if !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Set returned %v, want ErrUnavailable", err)
	}
	if err := s.Delete(t.Context(), "A"); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Delete returned %v, want ErrUnavailable", err)
	}
	if got, err := s.Get(t.Context(), "A"); err != nil || !got.Value.Equal(core.String("one")) {
		t.Errorf("Get failed: %v", err)
	}
}

type lostLock struct{ *recordingFS }

func (l lostLock) tryLock() (storeLock, lockHolder, error) {
	held, holder, err := l.recordingFS.tryLock()
	return deletedLock{held}, holder, err
}

type deletedLock struct{ storeLock }

func (deletedLock) held() bool { return false }

func TestAClockThatJumpsHarmsNothing(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	r := newRecordingFS()
	initOn(t, r, Recipient{Key: owner.Recipient().String()})
	s := storeOn(r, &memPins{}, 10, owner)
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	var want []string
	version := ""
	for i, jump := range []time.Duration{0, time.Hour, -50 * 365 * 24 * time.Hour, 200 * 365 * 24 * time.Hour, -time.Nanosecond} {
		now = now.Add(jump)
		s.b.cfg.Clock = func() time.Time { return now }
		var o []core.SetOption
		if version != "" {
			o = append(o, core.IfVersion(version))
		}
		info, err := s.Set(t.Context(), "A", core.String(fmt.Sprint(i)), o...)
		must(t, err)
		if !info.Created.Equal(now) {
			t.Errorf("Created is %v, want %v", info.Created, now)
		}
		version = info.Version
		want = append([]string{version}, want...)
	}
	var got []string
	for info, err := range s.Versions(t.Context(), "A") {
		must(t, err)
		got = append(got, info.Version)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("Versions yields %q, want %q", got, want)
	}
	// A clock that has lost its mind is not believed.
	for _, year := range []int{-1, 10_000, 1 << 30} {
		now = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		info, err := s.Set(t.Context(), "A", core.String("x"))
		must(t, err)
		if got, err := s.Get(t.Context(), "A"); err != nil || got.Version != info.Version || !info.Created.IsZero() {
			t.Errorf("in the year %d Set told %+v, and Get %v", year, info, err)
		}
	}
	now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now = now.Add(-100 * 365 * 24 * time.Hour)
	must(t, s.Delete(t.Context(), "A"))
	if _, err := s.Rollback(t.Context(), "A", want[2]); err != nil {
		t.Error(err)
	}
}

// brokenDisk opens files and fails to read them.
type brokenDisk struct{ *recordingFS }

func (b brokenDisk) open(name string) (io.ReadCloser, error) {
	f, err := b.recordingFS.open(name)
	if err != nil || name == recipientsName {
		return f, err
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(f, 40), failingReader{})), nil
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, syscall.EIO }

func TestADiskThatFailsToReadIsNoDamagedFile(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	r := newRecordingFS()
	initOn(t, r, Recipient{Key: owner.Recipient().String()})
	_, err = storeOn(r, &memPins{}, 2, owner).Set(t.Context(), "A", core.String("one"))
	must(t, err)
	s := storeOn(brokenDisk{r}, &memPins{}, 2, owner)
	_, getErr := s.Get(t.Context(), "A")
	_, statErr := s.Stat(t.Context(), "A")
	_, setErr := s.Set(t.Context(), "A", core.String("two"))
	for name, err := range map[string]error{"Get": getErr, "Stat": statErr, "Set": setErr, "Delete": s.Delete(t.Context(), "A")} {
		if !errors.Is(err, core.ErrUnavailable) {
			t.Errorf("%s returned %v, want ErrUnavailable", name, err)
		}
	}
}

// A secret that was written just after a reader found none is there.
func TestASecretThatAppearsWhileItIsReadIsRead(t *testing.T) {
	t.Parallel()
	owner, err := age.GenerateX25519Identity()
	must(t, err)
	r := newRecordingFS()
	initOn(t, r, Recipient{Key: owner.Recipient().String()})
	s := storeOn(r, &memPins{}, 2, owner)
	info, err := s.Set(t.Context(), "A", core.String("one"))
	must(t, err)
	for name, read := range map[string]func() error{
		"Get":           func() error { _, err := s.Get(t.Context(), "A"); return err },
		"Get AtVersion": func() error { _, err := s.Get(t.Context(), "A", core.AtVersion(info.Version)); return err },
		"Stat":          func() error { _, err := s.Stat(t.Context(), "A"); return err },
		"Versions": func() (last error) {
			for _, err := range s.Versions(t.Context(), "A") {
				last = err
			}
			return last
		},
	} {
		late := 3
		r.fault = func(op, name string) error {
			if op == "open" && name == "secrets/A.age" && late > 0 {
				late--
				return fs.ErrNotExist
			}
			return nil
		}
		if err := read(); err != nil || late != 0 {
			t.Errorf("%s failed: %v", name, err)
		}
	}
	// One that comes and goes for ever is an outage, and no false answer.
	r.fault = func(op, name string) error {
		if op == "open" && name == "secrets/A.age" {
			return fs.ErrNotExist
		}
		return nil
	}
	if _, err := s.Get(t.Context(), "A"); !errors.Is(err, core.ErrUnavailable) || errors.Is(err, core.ErrNotFound) {
		t.Errorf("Get returned %v, want ErrUnavailable", err)
	}
}
