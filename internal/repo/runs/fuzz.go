package runs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

var executions = regexp.MustCompile(`execs: (\d+)`)

// Fuzz runs every target for the time given, one for each processor at a time,
// and says how often each was executed. What it finds, the go command writes into
// the package's testdata/fuzz.
func Fuzz(ws *workspace.Workspace, each time.Duration, log io.Writer) error {
	targets, err := Fuzzers(ws)
	if err != nil {
		return err
	}
	type outcome struct {
		text string
		ok   bool
	}
	outcomes := make([]chan outcome, len(targets))
	for i := range outcomes {
		outcomes[i] = make(chan outcome, 1)
	}
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for i := int(next.Add(1)) - 1; i < len(targets); i = int(next.Add(1)) - 1 {
				text, ok := fuzzOne(ws, targets[i], each)
				outcomes[i] <- outcome{text, ok}
			}
		}()
	}
	var failed []string
	for i, t := range targets {
		o := <-outcomes[i]
		fmt.Fprintln(log, o.text)
		if !o.ok {
			failed = append(failed, t.Name)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// fuzzOne runs one target on one processor. Most of a short run is one thread
// that builds, links and reads what was kept.
func fuzzOne(ws *workspace.Workspace, t Target, each time.Duration) (text string, ok bool) {
	cmd := exec.Command("go", "test", "-run=^$", "-fuzz=^"+t.Name+"$", "-fuzztime="+each.String(), "-parallel=1",
		// By default one input may be minimized for a minute, in which
		// nothing else is tried.
		"-fuzzminimizetime=5s", ".")
	cmd.Dir = t.Dir
	cmd.Env = ws.Env(t.Dir)
	out, err := cmd.CombinedOutput()
	if err != nil && onlyTimeIsUp(out) {
		err = nil
	}
	counts := executions.FindAllSubmatch(out, -1)
	if err == nil && !bytes.Contains(out, []byte("fuzz: elapsed: ")) {
		err = errors.New("nothing was executed")
	}
	if err != nil {
		return fmt.Sprintf("%s\nFAIL      %s %s: %v", out, t.Package(ws), t.Name, err), false
	}
	// On a busy machine the kept corpus alone may take all of a short time.
	n := "fewer than the kept corpus"
	if len(counts) > 0 {
		n = string(counts[len(counts)-1][1])
	}
	return fmt.Sprintf("fuzzed    %s %s: %s, %s executions", t.Package(ws), t.Name, each, n), true
}

// Go before 1.27 sometimes reports the end of -fuzztime itself as a failure of
// the target (https://go.dev/issue/75804): nothing but the deadline is named.
var deadline = regexp.MustCompile(`(?m)^--- FAIL: Fuzz\w* \([0-9.]+s\)\n {4}context deadline exceeded\nFAIL$`)

func onlyTimeIsUp(out []byte) bool {
	return deadline.Match(out) && !bytes.Contains(out, []byte("Failing input")) && bytes.Count(out, []byte("--- FAIL")) == 1
}
