module github.com/lukko-dev/lukko/internal/vaulttest

go 1.26.0
