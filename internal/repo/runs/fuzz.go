package runs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

var executions = regexp.MustCompile(`execs: (\d+)`)

// Fuzz runs every target for the time given, one after the other, and says how
// often each was executed. What it finds, the go command writes into the
// package's testdata/fuzz.
func Fuzz(ws *workspace.Workspace, each time.Duration, log io.Writer) error {
	targets, err := Fuzzers(ws)
	if err != nil {
		return err
	}
	var failed []string
	for _, t := range targets {
		cmd := exec.Command("go", "test", "-run=^$", "-fuzz=^"+t.Name+"$", "-fuzztime="+each.String(),
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
			fmt.Fprintf(log, "%s\nFAIL      %s %s: %v\n", out, t.Package(ws), t.Name, err)
			failed = append(failed, t.Name)
			continue
		}
		// On a busy machine the kept corpus alone may take all of a short time.
		n := "fewer than the kept corpus"
		if len(counts) > 0 {
			n = string(counts[len(counts)-1][1])
		}
		fmt.Fprintf(log, "fuzzed    %s %s: %s, %s executions\n", t.Package(ws), t.Name, each, n)
	}
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

// Go before 1.27 sometimes reports the end of -fuzztime itself as a failure of
// the target (https://go.dev/issue/75804): nothing but the deadline is named.
var deadline = regexp.MustCompile(`(?m)^--- FAIL: Fuzz\w* \([0-9.]+s\)\n {4}context deadline exceeded\nFAIL$`)

func onlyTimeIsUp(out []byte) bool {
	return deadline.Match(out) && !bytes.Contains(out, []byte("Failing input")) && bytes.Count(out, []byte("--- FAIL")) == 1
}
