package file

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// pins keeps the set of recipients that a user has accepted for a store.
type pins interface {
	// load returns the accepted set; false if none was.
	load() ([]Recipient, bool, error)
	save([]Recipient) error
}

// userPins keeps them in UserDir, out of reach of whoever can write to the
// store: recipients/KEY.txt, where KEY is a digest of the folder's path.
type userPins struct{ cfg Config }

const pinIntro = "# The recipients that were accepted for the store of Lukko in\n# "

func (u *userPins) path() (string, error) {
	dir, err := u.cfg.userDir()
	if err != nil {
		return "", err
	}
	store, err := filepath.EvalSymlinks(u.cfg.Dir)
	if err != nil {
		store = u.cfg.Dir
	}
	sum := sha256.Sum256([]byte(store))
	return filepath.Join(dir, "recipients", hex.EncodeToString(sum[:16])+".txt"), nil
}

func (u *userPins) load() ([]Recipient, bool, error) {
	path, err := u.path()
	if err != nil {
		return nil, false, err
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fileFault(path, err)
	}
	set, err := parseRecipients(append([]byte(formatLine+"\n"), data...), u.cfg.PluginUI)
	if err != nil {
		return nil, false, &core.Error{
			Kind: core.ErrCorrupt,
			Hint: path + " does not parse; look at lukko recipients list, then run lukko recipients accept",
		}
	}
	return set.list, true, nil
}

func (u *userPins) save(list []Recipient) error {
	path, err := u.path()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fileFault(path, err)
	}
	text := pinIntro + strconv.Quote(u.cfg.Dir) + "\n\n"
	for _, r := range list {
		if r.Name != "" {
			text += "# " + r.Name + "\n"
		}
		text += r.Key + "\n"
	}
	if err := writeOver(path, []byte(text), 0o600); err != nil {
		return fileFault(path, err)
	}
	return nil
}

// acceptedRecipients returns the set to encrypt to. The first one that a user
// writes to is accepted, and said; a changed one is refused. It is called
// under the lock.
func (b *backend) acceptedRecipients() (*recipientSet, error) {
	set, err := b.recipients()
	if err != nil {
		return nil, err
	}
	pinned, ok, err := b.pins.load()
	if err != nil {
		return nil, err
	}
	if !ok {
		if err := b.pins.save(set.list); err != nil {
			return nil, err
		}
		b.cfg.Notice("from now on secrets in " + b.cfg.Dir + " are encrypted to these recipients only: " + names(set.list))
		return set, nil
	}
	if digestOf(pinned) != set.digest {
		return nil, changedRecipients(pinned, set.list)
	}
	return set, nil
}

func changedRecipients(pinned, now []Recipient) error {
	added, removed := difference(pinned, now)
	var what []string
	if len(added) > 0 {
		what = append(what, "added "+names(added))
	}
	if len(removed) > 0 {
		what = append(what, "removed "+names(removed))
	}
	return &core.Error{
		Kind: core.ErrPermissionDenied, Code: "recipients changed",
		Hint: "the recipients of the store are not those that you accepted (" + strings.Join(what, "; ") +
			"); see whose they are, then run lukko recipients accept",
	}
}

// difference tells what is new in now, and what is not there any more.
func difference(before, now []Recipient) (added, removed []Recipient) {
	minus := func(a, b []Recipient) (rest []Recipient) {
		have := map[string]bool{}
		for _, r := range b {
			have[r.Key] = true
		}
		for _, r := range a {
			if !have[r.Key] {
				rest = append(rest, r)
			}
		}
		return rest
	}
	return minus(now, before), minus(before, now)
}

// names lists recipients for a message: the key, since a name proves nothing,
// cut where it is long.
func names(list []Recipient) string {
	const most, keyLen = 4, 62 // an X25519 recipient has 62 characters
	var parts []string
	for i, r := range list {
		if i == most {
			parts = append(parts, "and "+strconv.Itoa(len(list)-most)+" more")
			break
		}
		text := r.Key
		if len(text) > keyLen {
			text = text[:keyLen] + "…"
		}
		if r.Name != "" {
			text += " (" + r.Name + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}
