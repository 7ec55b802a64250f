// Command vaultserver is the real Vault server for tests: in memory, on
// loopback only, unsealed, and gone when its parent is.
//
//	vaultserver [--listen 127.0.0.1:0] [--tls] [-v]
//
// When it serves it prints one line of JSON, a Ready. From then on it takes one
// command a line on its standard input and answers each with one line of JSON,
// a Ready again:
//
//	stop     close the listener and cut all connections; the data stay
//	start    after stop: a new core over the same data, at the same address, unsealed
//	restart  both
//
// It ends when its standard input does, and on SIGTERM or an interrupt. All
// else that tests need, policies, roles, mounts, seal and unseal, is Vault's own API.
//
// It starts with KV version 2 at secret/ and at team/kv/, KV version 1 at kv1/,
// and the auth methods approle, userpass, jwt and kubernetes at their usual
// paths. It is for tests: its dependencies are old, and the root token is on its output.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
)

// Ready is what the server prints when it serves, and after each command.
type Ready struct {
	Address   string `json:"address,omitempty"` // as in VAULT_ADDR
	RootToken string `json:"root_token,omitempty"`
	UnsealKey string `json:"unseal_key,omitempty"` // as sys/unseal takes it
	CA        string `json:"ca,omitempty"`         // PEM, with --tls
	Error     string `json:"error,omitempty"`      // then nothing else
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "the loopback `address` to serve at; port 0 is any free one")
	useTLS := flag.Bool("tls", false, "serve HTTPS and HTTP/2 with a certificate made for this run")
	verbose := flag.Bool("v", false, "log to standard error")
	flag.Parse()

	// Whatever happens to a test, its server goes with it: a killed parent closes
	// the pipe, and the operating system sees to that.
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ended
		os.Exit(0)
	}()

	answers := json.NewEncoder(os.Stdout)
	if err := run(*listen, *useTLS, logger(*verbose), os.Stdin, answers); err != nil {
		_ = answers.Encode(Ready{Error: err.Error()})
		os.Exit(1)
	}
}

func run(listen string, useTLS bool, log hclog.Logger, commands io.Reader, answers *json.Encoder) error {
	s, err := newServer(listen, useTLS, log)
	if err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	if err := s.setUp(); err != nil {
		return err
	}
	if err := answers.Encode(s.ready()); err != nil {
		return err
	}
	lines := bufio.NewScanner(commands)
	for lines.Scan() {
		answer := s.ready()
		if err := s.command(lines.Text()); err != nil {
			answer = Ready{Error: err.Error()}
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (s *server) command(name string) error {
	switch name {
	case "stop":
		return s.stop()
	case "start":
		return s.start()
	case "restart":
		return errors.Join(s.stop(), s.start())
	}
	return fmt.Errorf("no command %q: stop, start, restart", name)
}

// logger logs nothing by default: a server that works has nothing to say, and
// the log of a test that failed is the test's own.
func logger(verbose bool) hclog.Logger {
	if !verbose {
		return hclog.NewNullLogger()
	}
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: os.Stderr})
}
