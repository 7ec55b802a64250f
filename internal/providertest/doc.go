// Package providertest is what the tests of providers have in common: what a
// program links, the goroutines that a test has started, calls that meet a fault before
// their deadline, and requests that are in flight together. It knows no provider, and
// nothing but the standard library.
package providertest
