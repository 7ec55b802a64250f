module github.com/lukko-dev/lukko/internal/deploytest

go 1.26.0
