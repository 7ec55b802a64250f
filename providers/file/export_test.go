package file

import (
	"context"
	"time"

	"filippo.io/age"
)

// Seal lets tests make files that the store would not write.
func Seal(value []byte, id, version string, created time.Time, recipients []Recipient, to ...age.Recipient) ([]byte, error) {
	return seal(value, &meta{id, version, created, digestOf(recipients)}, to)
}

// SetLockWait shortens the wait of a writer without a deadline.
func (s *Store) SetLockWait(d time.Duration) { s.b.lockWait = d }

// PathOf tells where the current version of an id is.
func PathOf(id string) (string, error) {
	p, err := placeOf(id)
	return p.current, err
}

// IDOf tells whose current version a file in the folder secrets is, by its
// name in that folder.
func IDOf(name string, folder bool) (string, bool) { return unescape(name, folder) }

// NewVersion makes a version as Set does.
var NewVersion = newVersion

const FormatLine = formatLine

// HoldLock takes the store's lock as a writer does.
func (s *Store) HoldLock(ctx context.Context) (release func(), err error) {
	l, err := s.b.lock(ctx)
	if err != nil {
		return nil, err
	}
	return l.release, nil
}

// AgeRecipient is what age encrypts to for a recipient.
func AgeRecipient(r Recipient) (age.Recipient, error) {
	_, to, err := parseRecipient(r.Key, nil)
	return to, err
}
