package gcp_test

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		os.Exit(child(url))
	}
	os.Exit(m.Run())
}
