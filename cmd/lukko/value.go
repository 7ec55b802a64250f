package main

import (
	"context"
	"io"
	"os"
	"runtime"

	"golang.org/x/term"

	"github.com/lukko-dev/lukko/core"
)

// readValue reads a value from a file, from standard input, or at a prompt.
func (a *app) readValue(ctx context.Context, id, file string, exact bool) (core.Value, error) {
	if file == "" && term.IsTerminal(int(a.in.Fd())) {
		typed, err := a.readHidden(ctx, a.in, "Value of "+id+" (it is not shown): ")
		if err != nil {
			return core.Value{}, err
		}
		return sized(typed)
	}
	data, err := a.readAll(ctx, file)
	if err != nil {
		return core.Value{}, err
	}
	if line, trimmed := core.TrimLine(data); trimmed && !exact {
		a.say("lukko: the newline at the end is not part of the value (--exact keeps it)")
		data = line
	}
	return sized(string(data))
}

// sized refuses what no store takes.
func sized(text string) (core.Value, error) {
	switch {
	case text == "":
		return core.Value{}, failure(exitNo, "the value is empty", "a secret has at least 1 byte; lukko rm removes one")
	case len(text) > core.MaxValueLen:
		return core.Value{}, failure(exitNo, "the value is larger than 64 KiB (65536 bytes), which no store takes", "store a key that decrypts it, or where it is")
	}
	return core.String(text), nil
}

// readAll reads a file, or standard input, but no more of it than tells
// whether it is too large.
func (a *app) readAll(ctx context.Context, file string) ([]byte, error) {
	const enough = core.MaxValueLen + len("\r\n") + 1
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // it ends with the read, or with the process
		from := a.in
		if file != "" && file != "-" {
			f, err := os.Open(file)
			if err != nil {
				done <- result{nil, err}
				return
			}
			defer f.Close()
			from = f
		}
		data, err := io.ReadAll(io.LimitReader(from, int64(enough)))
		done <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, interrupted()
	case r := <-done:
		if r.err == nil {
			return r.data, nil
		}
		if file == "" || file == "-" {
			return nil, failure(exitUnknown, "standard input could not be read", "give the value by --file")
		}
		return nil, failure(exitUnknown, "the file of --file could not be read", "see whether it is there, and whether you may read it")
	}
}

func interrupted() error {
	return failure(exitUnknown, "interrupted", "nothing was changed")
}

// maxTyped is what a terminal passes on of one line. It drops the rest
// without a word.
func maxTyped() int {
	if runtime.GOOS == "linux" {
		return 4095
	}
	return 1023
}

// readHidden asks on standard error and reads a line from a terminal that
// doesn't show it.
func (a *app) readHidden(ctx context.Context, tty *os.File, prompt string) (string, error) {
	fd := int(tty.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", failure(exitUnknown, "the terminal can't be asked", "give the value on standard input or by --file")
	}
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	_, _ = io.WriteString(a.err, prompt)
	go func() { // it ends with the read, or with the process
		line, err := term.ReadPassword(fd)
		done <- result{line, err}
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(fd, state) // else what is typed next would not be shown
		a.say("")
		return "", interrupted()
	case r := <-done:
		a.say("")
		switch {
		case r.err != nil && len(r.line) == 0:
			return "", failure(exitUnknown, "nothing was typed", "give the value on standard input or by --file")
		case len(r.line) >= maxTyped():
			return "", failure(exitUnknown, "the line is longer than a terminal passes on, so its end may be lost", "give the value on standard input or by --file")
		}
		return string(r.line), nil
	}
}
