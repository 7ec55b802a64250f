package core

import "time"

const (
	// MaxValueLen is the largest value, in bytes, that a service takes or
	// returns: 64 KiB, the smallest limit among the backends.
	MaxValueLen = 64 << 10

	// MaxIDLen is the longest id, in bytes.
	MaxIDLen = 255

	// MaxPortableIDLen is the longest portable id, in bytes. It fits every
	// backend also under a prefix of 50 bytes.
	MaxPortableIDLen = 100
)

// Secret is a value and what is known about it.
type Secret struct {
	Info
	Value Value
}

// Info is all about a secret but its value.
type Info struct {
	// ID is the id that the caller asked for.
	ID string

	// Version is opaque, and empty where the backend has none. It never names
	// two values of one id, also after a crash, a delete or a purge, where
	// the backend allows; where it doesn't, the provider's documentation says
	// so.
	Version string

	// Created is when this version was stored; zero where the backend does
	// not tell.
	Created time.Time

	// Source says which backend answered, for people. It never holds a
	// credential.
	Source string
}
