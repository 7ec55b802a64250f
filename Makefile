# `make test` and `make check` are what CI runs. Each target is a script of
# scripts/, which says more.

.PHONY: help test check trial bench fmt tidy generate rehearse tools

help:
	@echo "make test      every test of every module; LUKKO_REQUIRE=all leaves nothing out"
	@echo "make check     formatting, vet, staticcheck, modules, documentation, platforms, publication"
	@echo "make trial     the long forms of fuzzing, crash and load tests; FUZZTIME=10m"
	@echo "make bench     the benchmarks side by side; ROUNDS=10 MODULES=schema"
	@echo "make fmt       format all Go files"
	@echo "make tidy      go mod tidy in every module"
	@echo "make generate  write what is made from something else"
	@echo "make rehearse  publish to a file proxy and use it from outside"

test:
	@scripts/test

check:
	@scripts/check

trial:
	@scripts/trial

bench:
	@scripts/bench

fmt:
	@scripts/fmt

tidy:
	@scripts/tidy

generate:
	@scripts/generate

rehearse:
	@scripts/rehearse

tools:
	@scripts/tools
