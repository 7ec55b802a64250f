package main

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// loopback refuses all other addresses: this server has old dependencies and
// gives its root token away.
func loopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("--listen takes HOST:PORT, for example 127.0.0.1:0")
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return errors.New("--listen takes an IP address of loopback only: it is a server for tests")
	}
	return nil
}

// listen listens, and keeps the port that it got for all later starts. After a
// stop somebody's outgoing connection may have borrowed the port, and so it
// waits a little for it.
func (s *server) listen() (net.Listener, error) {
	deadline := time.Now().Add(10 * time.Second)
	for {
		l, err := net.Listen("tcp", s.address)
		switch {
		case err == nil:
			s.address = l.Addr().String()
			return l, nil
		case !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline):
			return nil, fmt.Errorf("listen at %s: %w", s.address, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
