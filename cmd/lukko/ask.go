package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"golang.org/x/term"
)

// confirm asks a person. Without a terminal the answer is no.
func (a *app) confirm(ctx context.Context, question string) (bool, error) {
	line, err := a.ask(ctx, question)
	return strings.EqualFold(line, "y") || strings.EqualFold(line, "yes"), err
}

// ask asks a person for a line that is no secret. Without a terminal the
// answer is empty.
func (a *app) ask(ctx context.Context, question string) (string, error) {
	if !term.IsTerminal(int(a.in.Fd())) {
		return "", nil
	}
	fmt.Fprint(a.err, question)
	answer := make(chan string, 1)
	go func() { // it ends with the read, or with the process
		line, _ := bufio.NewReader(a.in).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		a.say("")
		return "", interrupted()
	case line := <-answer:
		return line, nil
	}
}
