package file_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/providers/file"
)

// lines collects what a process writes, and closes reached when there are
// enough lines of all that share the count.
type lines struct {
	mu      *sync.Mutex
	left    *int
	reached chan struct{}
	text    bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := *l.left
	*l.left -= bytes.Count(p, []byte("\n"))
	if before > 0 && *l.left <= 0 {
		close(l.reached)
	}
	return l.text.Write(p)
}

// part makes a process of the test binary that plays a part in a store.
func part(t testing.TB, p *person, dir, part string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), "LUKKO_TEST_PART="+part, "LUKKO_TEST_DIR="+dir, "LUKKO_TEST_USER="+p.userDir,
		"LUKKO_IDENTITY="+p.identity.String())
	return cmd
}

// Processes that write and change recipients are killed at any point, round
// after round on one store. No acknowledged write is lost, and no version has
// two successors.
func TestKilledWritersLoseNothing(t *testing.T) {
	t.Parallel()
	rounds := 6
	if os.Getenv("LUKKO_TRIAL") == "1" {
		rounds = 500
	}
	p, s := newStore(t)
	acknowledged := 0
	for round := range rounds {
		parts := []string{"writer", "writer", "writer", "writer"}
		if round%3 == 2 {
			parts[0] = "members"
		}
		var mu sync.Mutex
		left := 4 + rand.IntN(120)
		reached := make(chan struct{})
		outputs := make([]*lines, len(parts))
		errs := make([]bytes.Buffer, len(parts))
		ended := make(chan int, len(parts))
		var running []*exec.Cmd
		for i, name := range parts {
			cmd := part(t, p, s.Dir(), name)
			outputs[i] = &lines{mu: &mu, left: &left, reached: reached}
			cmd.Stdout, cmd.Stderr = outputs[i], &errs[i]
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			running = append(running, cmd)
		}
		var waits sync.WaitGroup
		for i, cmd := range running {
			waits.Go(func() { _ = cmd.Wait(); ended <- i })
		}
		select {
		case <-reached:
		case i := <-ended:
			t.Errorf("a process ended by itself: %s", errs[i].String())
		}
		for _, i := range rand.Perm(len(running)) {
			_ = running[i].Process.Kill()
		}
		waits.Wait()
		if t.Failed() {
			return
		}
		acknowledged += verifyRound(t, s, outputs)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
	t.Logf("%d rounds of kill -9, %d acknowledged writes, 0 lost, 0 double winners", rounds, acknowledged)
}

// verifyRound holds what the processes said against what is stored.
func verifyRound(t *testing.T, s *file.Store, outputs []*lines) (acknowledged int) {
	t.Helper()
	next := map[string]string{}    // id and version: its acknowledged successor
	acked := map[string][]string{} // id: versions
	values := map[string]string{}  // id and version: value
	inFlight := map[string]bool{}  // id and version: somebody may have succeeded it
	for _, o := range outputs {
		open := ""
		for line := range strings.Lines(o.text.String()) {
			if !strings.HasSuffix(line, "\n") {
				continue // cut by the kill
			}
			var id, value, after, version string
			f := strings.Fields(strings.ReplaceAll(line, "after \n", "after -\n"))
			switch f[0] {
			case "try":
				id, value = f[1], f[2]
				if len(f) > 4 {
					after = f[4]
				}
				open = id + " " + after
				inFlight[open] = true
			case "ok":
				_, _ = fmt.Sscanf(strings.ReplaceAll(line, "after  is", "after - is"), "ok %s %s after %s is %s", &id, &value, &after, &version)
				after = strings.TrimPrefix(after, "-")
				if other, ok := next[id+" "+after]; ok {
					t.Errorf("version %s of %s has two successors, %s and %s", after, id, other, version)
				}
				next[id+" "+after] = version
				acked[id] = append(acked[id], version)
				values[id+" "+version] = value
				delete(inFlight, open)
				acknowledged++
			case "no":
				delete(inFlight, open)
			}
		}
	}
	who, err := s.Recipients(t.Context())
	if err != nil {
		t.Fatalf("the store does not open: %v", err)
	}
	if err := s.AcceptRecipients(t.Context(), who.Digest); err != nil {
		t.Fatal(err)
	}
	for _, id := range crashIDs {
		got, err := s.Get(t.Context(), id)
		if err != nil {
			if len(acked[id]) > 0 {
				t.Errorf("%s is lost: %v", id, err)
			}
			continue
		}
		if want, ok := values[id+" "+got.Version]; ok && !got.Value.Equal(core.String(want)) {
			t.Errorf("version %s of %s names another value", got.Version, id)
		}
		for _, v := range acked[id] {
			if got.Version != v && next[id+" "+v] == "" && !inFlight[id+" "+v] {
				t.Errorf("the acknowledged version %s of %s is lost: %s is current, and nobody wrote over it", v, id, got.Version)
			}
		}
		for _, v := range versions(t, s, id) {
			old, err := s.Get(t.Context(), id, core.AtVersion(v))
			if err != nil {
				t.Errorf("version %s of %s does not read: %v", v, id, err)
			}
			if want, ok := values[id+" "+v]; ok && !old.Value.Equal(core.String(want)) {
				t.Errorf("version %s of %s names another value", v, id)
			}
		}
	}
	result, err := s.SyncRecipients(t.Context())
	if err != nil || len(result.Failed) > 0 {
		t.Errorf("SyncRecipients after a kill: %+v, %v", result, err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("after a sync Check finds %+v, %v", found, err)
	}
	if _, err := os.Lstat(filepath.Join(s.Dir(), ".tmp")); err == nil {
		t.Error("the next writer left the temporary file of a killed one")
	}
	return acknowledged
}
