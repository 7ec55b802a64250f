package main

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// maxEntry is how much one entry of the storage holds, as with Vault's own
// default of its integrated storage: a KV secret is one entry.
const maxEntry = "1048576"

// A server is one Vault over one storage. The storage outlives the core, the
// listener and the connections, which a restart makes anew.
type server struct {
	log     hclog.Logger
	storage physical.Backend
	address string // host and port; the port is known after the first start
	tls     *tls.Config
	ca      string

	root   string
	unseal []byte

	core *vault.Core // nil while stopped
	http *http.Server
}

func newServer(listen string, useTLS bool, log hclog.Logger) (*server, error) {
	if err := loopback(listen); err != nil {
		return nil, err
	}
	storage, err := inmem.NewInmem(map[string]string{"max_value_size": maxEntry}, log)
	if err != nil {
		return nil, err
	}
	s := &server{log: log, storage: storage, address: listen}
	if useTLS {
		if s.tls, s.ca, err = certificate(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *server) ready() Ready {
	scheme := "http://"
	if s.tls != nil {
		scheme = "https://"
	}
	return Ready{
		Address:   scheme + s.address,
		RootToken: s.root,
		UnsealKey: hex.EncodeToString(s.unseal),
		CA:        s.ca,
	}
}

func (s *server) start() error {
	if s.core != nil {
		return errors.New("start: it runs already")
	}
	core, err := vault.NewCore(s.config())
	if err != nil {
		return fmt.Errorf("new core: %w", err)
	}
	if s.root == "" {
		if err := s.initialize(core); err != nil {
			return err
		}
	}
	if err := s.open(core); err != nil {
		return err
	}
	// Nobody can connect before all is there.
	listener, err := s.listen()
	if err != nil {
		return errors.Join(err, core.Shutdown())
	}
	s.core = core
	s.serve(listener)
	return nil
}

func (s *server) initialize(core *vault.Core) error {
	made, err := core.Initialize(context.Background(), &vault.InitParams{
		BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
	})
	if err != nil {
		return fmt.Errorf("initialize: %w", err)
	}
	s.root, s.unseal = made.RootToken, made.SecretShares[0]
	return nil
}

func (s *server) open(core *vault.Core) error {
	if ok, err := core.Unseal(s.unseal); err != nil || !ok {
		return fmt.Errorf("unseal: done %v, %w", ok, err)
	}
	return wait("the core is active", func() (bool, error) {
		standby, err := core.Standby()
		return !standby, err
	})
}

// stop cuts every connection, also in the middle of an answer, as the end of a
// process would.
func (s *server) stop() error {
	if s.core == nil {
		return errors.New("stop: it does not run")
	}
	core := s.core
	s.core = nil
	return errors.Join(s.http.Close(), core.Shutdown())
}

func (s *server) serve(listener net.Listener) {
	h := &http.Server{
		Handler:           vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: s.core}),
		TLSConfig:         s.tls,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          s.log.StandardLogger(nil),
	}
	s.http = h
	serve := h.Serve
	if s.tls != nil {
		serve = func(l net.Listener) error { return h.ServeTLS(l, "", "") }
	}
	go func() {
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // the tests see their server end, and this on standard error
		}
	}()
}

// wait asks until done says so. Vault does some of its starting in the
// background and has no signal for its end.
func wait(what string, done func() (bool, error)) error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if ok, err := done(); ok || err != nil {
			return err
		}
	}
	return fmt.Errorf("waited 20 s in vain until %s", what)
}
