package runs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

// A Bound says beside a benchmark what it may cost beside another, in a line of
// its file, as a ratio or as so many nanoseconds more:
//
//	//bench:ratio BenchmarkHot BenchmarkFloor 1.5
//	//bench:extra BenchmarkFront BenchmarkBackend 60
//
// Without a number it is reported and has no limit.
type Bound struct {
	Of, To string
	Extra  bool    // nanoseconds more, not a ratio
	Limit  float64 // 0: none
}

var boundLine = regexp.MustCompile(`(?m)^//bench:(ratio|extra) (\S+) (\S+)(?: ([0-9.]+))?$`)

func bounds(text []byte) (all []Bound) {
	for _, m := range boundLine.FindAllSubmatch(text, -1) {
		limit, _ := strconv.ParseFloat(string(m[4]), 64)
		all = append(all, Bound{Of: string(m[2]), To: string(m[3]), Extra: string(m[1]) == "extra", Limit: limit})
	}
	return all
}

// Bench runs the benchmarks of the modules, or of those in the folders named,
// in so many rounds: each round runs every benchmark once, so that what is
// compared sees the same machine. It writes what they print to files in dir.
func Bench(ws *workspace.Workspace, modules []workspace.Module, rounds int, dir string, log io.Writer) error {
	targets, err := find(ws, modules, "Benchmark")
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return errors.New("there is no benchmark in these modules")
	}
	var dirs []string
	for _, t := range targets {
		dirs = append(dirs, t.Dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	over := 0
	for _, pkg := range unique(dirs) {
		name := Target{Dir: pkg}.Package(ws)
		samples, err := benchPackage(ws, pkg, filepath.Join(dir, strings.ReplaceAll(name, "/", "_")), rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		var limits []Bound
		entries, err := os.ReadDir(pkg)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(pkg, e.Name()))
			if err != nil {
				return err
			}
			limits = append(limits, bounds(text)...)
		}
		n, err := report(log, name, samples, limits)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		over += n
	}
	if over > 0 {
		return fmt.Errorf("%d benchmarks are over their limits", over)
	}
	return nil
}

func benchPackage(ws *workspace.Workspace, pkg, out string, rounds int) (map[string][]float64, error) {
	build := exec.Command("go", "test", "-c", "-o", out+".test", ".")
	build.Dir = pkg
	build.Env = ws.Env(pkg)
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	var all bytes.Buffer
	for range rounds {
		run := exec.Command(out+".test", "-test.run=^$", "-test.bench=.", "-test.benchmem", "-test.benchtime=200ms")
		run.Dir = pkg
		text, err := run.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, text)
		}
		all.Write(text)
	}
	return parseBench(all.String()), os.WriteFile(out+".txt", all.Bytes(), 0o644)
}

var benchLine = regexp.MustCompile(`(?m)^(Benchmark\S*?)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op`)

// parseBench gives the times of each benchmark, in nanoseconds, in the order
// of the rounds.
func parseBench(text string) map[string][]float64 {
	samples := map[string][]float64{}
	for _, m := range benchLine.FindAllStringSubmatch(text, -1) {
		if ns, err := strconv.ParseFloat(m[2], 64); err == nil {
			samples[m[1]] = append(samples[m[1]], ns)
		}
	}
	return samples
}

// report prints the median over the rounds of each comparison and counts those
// over their limits.
func report(log io.Writer, pkg string, samples map[string][]float64, limits []Bound) (over int, err error) {
	for _, b := range limits {
		of, to := samples[b.Of], samples[b.To]
		if len(of) == 0 || len(of) != len(to) {
			return over, fmt.Errorf("%s is compared with %s: they ran %d and %d times", b.Of, b.To, len(of), len(to))
		}
		kind, unit := "ratio", ""
		each := make([]float64, len(of))
		for i := range of {
			each[i] = of[i] / to[i]
			if b.Extra {
				kind, unit = "extra", " ns"
				each[i] = of[i] - to[i]
			}
		}
		limit, verdict := "", ""
		if b.Limit > 0 {
			limit = fmt.Sprintf(", at most %g%s", b.Limit, unit)
			if median(each) > b.Limit {
				over++
				verdict = "  OVER"
			}
		}
		fmt.Fprintf(log, "%s     %s: %s (%.4g ns) beside %s (%.4g ns): %.3g%s%s%s\n", kind, pkg, b.Of, median(of), b.To, median(to), median(each), unit, limit, verdict)
	}
	return over, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
