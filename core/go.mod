module github.com/lukko-dev/lukko/core

go 1.26.0
