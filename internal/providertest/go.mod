module github.com/lukko-dev/lukko/internal/providertest

go 1.26.0
