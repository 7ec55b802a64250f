package vaulttest

import "testing"

// Program is the program that the server runs.
func Program(t testing.TB) string { return program(t) }

// Protocol is what the package's own client and s speak.
func Protocol(s *Server) string {
	r, err := s.client.Get(s.Address + "/v1/sys/health")
	if err != nil {
		return err.Error()
	}
	r.Body.Close()
	return r.Proto
}
