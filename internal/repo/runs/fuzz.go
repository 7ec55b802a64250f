package runs

import (
	"fmt"
	"io"
	"os"
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
		cmd := exec.Command("go", "test", "-run=^$", "-fuzz=^"+t.Name+"$", "-fuzztime="+each.String(), ".")
		cmd.Dir = t.Dir
		cmd.Env = append(os.Environ(), "PWD="+t.Dir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			fmt.Fprintf(log, "%s\nFAIL      %s %s: %v\n", out, t.Package(ws), t.Name, err)
			failed = append(failed, t.Name)
			continue
		}
		n := "0"
		if all := executions.FindAllSubmatch(out, -1); len(all) > 0 {
			n = string(all[len(all)-1][1])
		}
		fmt.Fprintf(log, "fuzzed    %s %s: %s, %s executions\n", t.Package(ws), t.Name, each, n)
	}
	if len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	return nil
}
