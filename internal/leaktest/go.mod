module github.com/lukko-dev/lukko/internal/leaktest

go 1.26.0

require github.com/lukko-dev/lukko/core v0.1.0
