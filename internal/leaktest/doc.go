// Package leaktest holds core.Value against everything that prints: the
// standard library, and the printers and comparers that Go programs use most.
// It is a module of its own so that those stay out of core's go.mod.
package leaktest
