package config

import (
	"slices"

	"github.com/lukko-dev/lukko/credentials"
	"github.com/lukko-dev/lukko/schema"
)

// Declared returns the secrets and variables that the file at path itself
// declares, in its order, without those of its credentials. Unlike
// [Load] it reads no file of metadata, which may be missing or of an earlier
// state where it is about to be made from this file, and does not check the
// values of variables against what is declared. Errors are as Load's.
func Declared(path string) (*schema.Set, error) {
	set, _, err := DeclaredWithCredentials(path)
	return set, err
}

// DeclaredWithCredentials is [Declared], with the credentials that the file
// itself declares.
func DeclaredWithCredentials(path string) (*schema.Set, *credentials.Set, error) {
	abs, data, err := readConfig(path)
	if err != nil {
		return nil, nil, err
	}
	r := newReader(abs)
	r.alone, r.accountSet = true, new(credentials.Set)
	if root := r.document(data); root != nil {
		r.read(root)
	}
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, Fault.compare)
		return nil, nil, &Error{Path: abs, Faults: r.faults}
	}
	return r.config.Declarations, r.config.Credentials, nil
}
