package leaktest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain turns the test binary into a program that dies of a panic with
// what the environment names.
func TestMain(m *testing.M) {
	if shape := os.Getenv("LEAKTEST_PANIC_WITH"); shape != "" {
		panic(shapes()[shape])
	}
	os.Exit(m.Run())
}

func TestAProgramThatDiesOfAPanicShowsNothing(t *testing.T) {
	t.Parallel()
	for shape := range shapes() {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program)
			cmd.Env = append(os.Environ(), "LEAKTEST_PANIC_WITH="+shape, "GOTRACEBACK=all")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "panic:") {
				t.Fatalf("the program did not panic: %v", err)
			}
			if leaks(string(out)) {
				t.Errorf("a panic with %s shows the content", shape)
			}
		})
	}
}
