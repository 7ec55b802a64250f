package main

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal: what a person types into and sees.
type terminal struct {
	*os.File // the side of the person
	tty      *os.File
	shown    output
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	ptmx, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ptmx.Close() })
	fd := int(ptmx.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	p := &terminal{File: ptmx, tty: tty}
	go func() { _, _ = io.Copy(&p.shown, ptmx) }() // ends when the test closes ptmx
	return p
}

// echoes reports whether the terminal shows what is typed.
func (p *terminal) echoes(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(p.tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// atTerminal starts lukko set KEY at a terminal, and waits until it asks.
func atTerminal(t *testing.T) (*terminal, *exec.Cmd, *output, string) {
	t.Helper()
	dir := project(t)
	p := openTerminal(t)
	cmd := command(t, dir, "set", "KEY")
	var stderr output
	cmd.Stdin, cmd.Stderr = p.tty, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "the prompt", func() bool { return strings.Contains(stderr.String(), "Value of KEY") })
	until(t, "the terminal stops to show what is typed", func() bool { return !p.echoes(t) })
	return p, cmd, &stderr, dir
}

func TestWhatIsTypedAtThePromptIsNotShown(t *testing.T) {
	t.Parallel()
	p, cmd, stderr, dir := atTerminal(t)
	if _, err := p.WriteString("hunter2\n"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	if strings.Contains(p.shown.String()+stderr.String(), "hunter2") {
		t.Error("the terminal shows what was typed")
	}
	if !p.echoes(t) {
		t.Error("the terminal does not show what is typed next")
	}
	if out, err := command(t, dir, "get", "KEY").Output(); err != nil || string(out) != "hunter2" {
		t.Errorf("get: %v, and the value is not what was typed", err)
	}
}

func TestInterruptedPromptLeavesTheTerminalAsItWas(t *testing.T) {
	t.Parallel()
	p, cmd, stderr, dir := atTerminal(t)
	if _, err := p.WriteString("hunt"); err != nil {
		t.Fatal(err)
	}
	interrupt(t, cmd, stderr)
	if !p.echoes(t) {
		t.Error("the terminal does not show what is typed next")
	}
	wantNothingStored(t, dir)
}

func TestALineThatATerminalCutsIsRefused(t *testing.T) {
	t.Parallel()
	p, cmd, stderr, dir := atTerminal(t)
	if _, err := p.WriteString(strings.Repeat("x", 5000) + "\n"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitUnknown {
		t.Errorf("%v, want exit code %d", err, exitUnknown)
	}
	if !strings.Contains(stderr.String(), "longer than a terminal passes on") {
		t.Errorf("stderr: %s", stderr)
	}
	wantNothingStored(t, dir)
}

func TestOAuthAtATerminalThePasteIsNotShownAndAReplacementIsAskedFor(t *testing.T) {
	t.Parallel()
	dir, server := accountProject(t)
	p := openTerminal(t)
	connect := func(replace string) (*exec.Cmd, *output) {
		cmd := command(t, dir, "oauth", "connect", "github", "--paste")
		var stderr output
		cmd.Stdin, cmd.Stderr = p.tty, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if replace != "" {
			until(t, "the question", func() bool { return strings.Contains(stderr.String(), "Replace it? [y/N] ") })
			if _, err := p.WriteString(replace + "\n"); err != nil {
				t.Fatal(err)
			}
		}
		return cmd, &stderr
	}
	paste := func(cmd *exec.Cmd, stderr *output) {
		answer, err := follow(shownAddress(t, stderr), true)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "the prompt", func() bool { return strings.Contains(stderr.String(), "Paste it here") })
		until(t, "the terminal stops to show what is typed", func() bool { return !p.echoes(t) })
		if _, err := p.WriteString(answer + "\n"); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, stderr)
		}
		wantNoLeak(t, server, stderr.String(), p.shown.String())
		if !p.echoes(t) {
			t.Error("the terminal does not show what is typed next")
		}
	}
	paste(connect(""))

	cmd, stderr := connect("n")
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitNo {
		t.Errorf("a no: %v, want exit code %d: %s", err, exitNo, stderr)
	}
	if server.count("authorization_code") != 1 || !connected(t, dir) {
		t.Error("the account was replaced though the answer was no")
	}
	paste(connect("y"))
	if server.count("authorization_code") != 2 {
		t.Error("the account was not replaced though the answer was yes")
	}
}
