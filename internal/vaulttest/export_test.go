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

// Put writes to a mount of KV version 2 and gives the version, or 0 if the server gave none.
func Put(kv KV, path string, data map[string]any) int {
	r, err := kv.server.send(kv.server.RootToken, "PUT", kv.data(path), map[string]any{"data": data})
	if err != nil || r.Status != 200 {
		return 0
	}
	return r.Int("data", "version")
}
