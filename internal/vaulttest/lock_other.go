//go:build !linux && !darwin

package vaulttest

// lock does nothing here: go's own cache makes builds side by side right, if
// not cheap.
func lock(string) (unlock func(), err error) { return func() {}, nil }
