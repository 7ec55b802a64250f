//go:build unix

package file_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
)

func TestAFullDiskIsExhaustedAndLosesNothing(t *testing.T) {
	t.Parallel()
	p := newPerson(t, "owner")
	disk := t.TempDir()
	if err := mountSmall(disk, "256k"); err != nil {
		leftOut(t, "it mounts a small file system; run it as root on Linux")
	}
	t.Cleanup(func() { unmount(disk) })
	s := p.init(filepath.Join(disk, "store"))
	first := set(t, s, "A", "one")
	large := strings.Repeat("x", 16<<10)
	var err error
	stored := 0
	for err == nil {
		if _, err = s.Set(t.Context(), "FILL/"+strconv.Itoa(stored), core.String(large)); err == nil {
			stored++
		}
		if stored > 100 {
			t.Fatal("the disk does not get full")
		}
	}
	wantKind(t, err, core.ErrExhausted, "free some space")
	_, err = s.Set(t.Context(), "A", core.String(large))
	wantKind(t, err, core.ErrExhausted)
	if got := wantValue(t, s, "A", "one"); got.Version != first.Version {
		t.Error("a failed write changed the version")
	}
	if got := list(t, s, "FILL/"); len(got) != stored {
		t.Errorf("List yields %d ids, want %d", len(got), stored)
	}
	for i := range stored {
		wantValue(t, s, "FILL/"+strconv.Itoa(i), large)
	}
	if err := s.Delete(t.Context(), "FILL/0", core.Purge()); err != nil {
		t.Fatalf("on a full disk nothing can be purged: %v", err)
	}
	set(t, s, "A", "two")
	wantValue(t, s, "A", "two")
}

// Another user reads what the modes allow, and is told what they do not.
func TestWithoutPermissionEveryCallSaysSo(t *testing.T) {
	t.Parallel()
	p, s := newStore(t)
	set(t, s, "A", "one")
	set(t, s, "shop/db", "two")
	// The folders above the store are the test's own.
	root := filepath.Dir(s.Dir())
	if err := errors.Join(os.Chmod(root, 0o755), os.Chmod(s.Dir(), 0o755)); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(root, "/dev/shm/") {
		leftOut(t, "it needs a folder in memory, /dev/shm, that others can enter")
	}
	theirs := p.open(s.Dir())
	asNobody(t, func() {
		wantValue(t, theirs, "A", "one") // ciphertext may have any mode
		_, err := theirs.Set(t.Context(), "A", core.String("two"))
		wantKind(t, err, core.ErrPermissionDenied)
		wantKind(t, theirs.Delete(t.Context(), "A"), core.ErrPermissionDenied)
	})
	if err := errors.Join(os.Chmod(filepath.Join(s.Dir(), "secrets", "A.age"), 0), os.Chmod(filepath.Join(s.Dir(), "secrets", "shop"), 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(s.Dir(), "secrets", "shop"), 0o755) })
	asNobody(t, func() {
		for _, id := range []string{"A", "shop/db", "shop/missing"} {
			_, err := theirs.Get(t.Context(), id)
			wantKind(t, err, core.ErrPermissionDenied)
			_, err = theirs.Stat(t.Context(), id)
			wantKind(t, err, core.ErrPermissionDenied)
		}
		_, err := theirs.Get(t.Context(), "missing")
		wantKind(t, err, core.ErrNotFound)
		var ids []string
		var last error
		for info, err := range theirs.List(t.Context(), "") {
			if last = err; err == nil {
				ids = append(ids, info.ID)
			}
		}
		var batch *core.BatchError
		if !errors.As(last, &batch) || !errors.Is(batch.ByID["shop"], core.ErrPermissionDenied) || strings.Join(ids, " ") != "A" {
			t.Errorf("List yields %q and then %v, want A and then what it could not read", ids, last)
		}
		found, err := theirs.Check(t.Context())
		if err != nil || len(found) != 2 {
			t.Errorf("Check finds %+v, %v; want both", found, err)
		}
	})
}

func TestWithoutFileDescriptorsEveryCallSaysSoAndLaterCallsSucceed(t *testing.T) {
	t.Parallel()
	p, s := newStore(t)
	set(t, s, "A", "one")
	if out, err := part(t, p, s.Dir(), "descriptors").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	wantValue(t, s, "A", "two")
}

func TestAWriterThatIsStoppedHoldsUpWritersForTheirDeadlineOnly(t *testing.T) {
	t.Parallel()
	p, s := newStore(t)
	set(t, s, "A", "one")
	holder := part(t, p, s.Dir(), "holder")
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "holding\n" {
		t.Fatalf("the holder says %q, %v", line, err)
	}
	if err := stopProcess(holder.Process); err != nil {
		t.Fatal(err)
	}
	pid := "process " + strconv.Itoa(holder.Process.Pid)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Set(ctx, "A", core.String("two"))
	wantKind(t, err, context.DeadlineExceeded, pid, "nothing was written")
	if kind := core.KindOf(err); kind != nil {
		t.Errorf("the end of the caller's context is of the kind %v, want none", kind)
	}
	s.SetLockWait(50 * time.Millisecond)
	_, err = s.Set(t.Context(), "A", core.String("two"))
	wantKind(t, err, core.ErrUnavailable, pid, "nothing was written")
	wantKind(t, s.Delete(t.Context(), "A"), core.ErrUnavailable, pid)
	_, err = s.SyncRecipients(t.Context())
	wantKind(t, err, core.ErrUnavailable, pid)
	wantValue(t, s, "A", "one")

	// A killed holder holds nothing.
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait()
	stdin.Close()
	set(t, s, "A", "two")
}

func TestALockFileThatGitCleanDeletedIsMadeAnew(t *testing.T) {
	t.Parallel()
	_, s := newStore(t)
	set(t, s, "A", "one")
	if err := os.Remove(filepath.Join(s.Dir(), ".lock")); err != nil {
		t.Fatal(err)
	}
	set(t, s, "A", "two")
	release, err := s.HoldLock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.Dir(), ".lock")); err != nil {
		t.Fatal(err)
	}
	release()
	set(t, s, "A", "three")
}
