module github.com/lukko-dev/lukko/internal/vaulttest

go 1.26.0

require github.com/lukko-dev/lukko/internal/providertest v0.1.0
