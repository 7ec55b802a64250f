module github.com/lukko-dev/lukko/lint

go 1.26.0
