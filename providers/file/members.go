package file

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// Recipients is the set of those who may read a store, beside the set that
// the user has accepted.
type Recipients struct {
	// List is the set in recipients.txt, in its order.
	List []Recipient
	// Digest names the set, whatever its order and comments.
	Digest string
	// Pinned says whether the user has accepted a set for this store. Until
	// then the first write accepts what is there.
	Pinned bool
	// Added and Removed tell how List differs from the set that the user has
	// accepted; both are empty if it does not, or if none was.
	Added, Removed []Recipient
}

// Recipients returns who may read the store. It needs no identity.
func (s *Store) Recipients(ctx context.Context) (Recipients, error) {
	const op = "recipients"
	if err := s.begin(ctx, op, ""); err != nil {
		return Recipients{}, err
	}
	set, err := s.b.recipients()
	if err != nil {
		return Recipients{}, named(op, err)
	}
	r := Recipients{List: set.list, Digest: set.digest}
	// Who may read is worth an answer also where nothing can be pinned.
	pinned, ok, err := s.b.pins.load()
	if r.Pinned = ok && err == nil; r.Pinned {
		r.Added, r.Removed = difference(pinned, set.list)
	}
	return r, nil
}

// AcceptRecipients accepts the set of recipients that [Store.Recipients] has
// told with this digest, so that the user's writes encrypt to it. It is
// core.ErrConflict if the set has changed since.
func (s *Store) AcceptRecipients(ctx context.Context, digest string) error {
	const op = "recipients accept"
	if err := s.begin(ctx, op, ""); err != nil {
		return err
	}
	set, err := s.b.recipients()
	if err != nil {
		return named(op, err)
	}
	if set.digest != digest {
		return named(op, &core.Error{Kind: core.ErrConflict, Hint: "the recipients have changed since they were shown; look at them again"})
	}
	return named(op, s.b.pins.save(set.list))
}

// SyncResult tells what a change of recipients did to the files.
type SyncResult struct {
	// Encrypted counts the files that were encrypted anew, earlier versions
	// included.
	Encrypted int
	// Settled are the ids of which git had left both sides of a merge, where
	// both held one version, encrypted to two sets. Both sides' files are one
	// again; git add tells git so.
	Settled []string
	// Failed are the files that could not be encrypted anew, each with its
	// reason. Who could read them before still can.
	Failed []Finding
}

// AddRecipient lets one more read: it adds the recipient to recipients.txt,
// accepts the new set for the user, and encrypts every file anew, earlier
// versions included, one by one. It needs an identity. One that is there
// already is core.ErrConflict.
//
// An error says that the set could not be changed. A file that could not be
// encrypted anew is in the result; [Store.SyncRecipients] tries again.
func (s *Store) AddRecipient(ctx context.Context, r Recipient) (SyncResult, error) {
	const op = "recipients add"
	parsed, err := ParseRecipient(r.Key)
	if err != nil {
		return SyncResult{}, named(op, err)
	}
	if name := printable(r.Name); name != "" {
		parsed.Name = name
	}
	return s.change(ctx, op, func(data []byte, set *recipientSet) ([]byte, error) {
		if slices.ContainsFunc(set.list, func(r Recipient) bool { return r.Key == parsed.Key }) {
			return nil, &core.Error{Kind: core.ErrConflict, Hint: "this recipient is in the set already"}
		}
		return addLine(data, parsed), nil
	})
}

// RemoveRecipient takes the right to read from one: as AddRecipient, the
// other way. key is the recipient's Key. One that is not there is
// core.ErrNotFound, the last one can't be removed (core.ErrInvalidOption).
//
// What was readable stays known to whoever was removed, in copies and in the
// history of git: rotate such secrets at their origin.
func (s *Store) RemoveRecipient(ctx context.Context, key string) (SyncResult, error) {
	const op = "recipients rm"
	parsed, err := ParseRecipient(key)
	if err != nil {
		return SyncResult{}, named(op, err)
	}
	return s.change(ctx, op, func(data []byte, set *recipientSet) ([]byte, error) {
		if !slices.ContainsFunc(set.list, func(r Recipient) bool { return r.Key == parsed.Key }) {
			return nil, &core.Error{Kind: core.ErrNotFound, Hint: "this recipient is not in the set"}
		}
		if len(set.list) == 1 {
			return nil, &core.Error{Kind: core.ErrInvalidOption, Hint: "this is the only recipient; add another one first"}
		}
		return removeLine(data, parsed.Key), nil
	})
}

// change edits recipients.txt, then encrypts the files to the new set.
func (s *Store) change(ctx context.Context, op string, edit func([]byte, *recipientSet) ([]byte, error)) (SyncResult, error) {
	if err := s.begin(ctx, op, ""); err != nil {
		return SyncResult{}, err
	}
	// Without an identity the set would change and no file with it.
	if _, err := s.b.identities(ctx); err != nil {
		return SyncResult{}, named(op, err)
	}
	if err := s.b.editRecipients(ctx, edit); err != nil {
		return SyncResult{}, named(op, err)
	}
	result, err := s.b.sync(ctx)
	return result, named(op, err)
}

func (b *backend) editRecipients(ctx context.Context, edit func([]byte, *recipientSet) ([]byte, error)) error {
	w, err := b.beginWrite(ctx)
	if err != nil {
		return err
	}
	defer w.end()
	set, err := b.acceptedRecipients()
	if err != nil {
		return err
	}
	data, err := b.readRecipientsFile()
	if err != nil {
		return err
	}
	if data, err = edit(normalize(data), set); err != nil {
		return err
	}
	now, err := parseRecipients(data, b.cfg.PluginUI)
	if err != nil {
		return err
	}
	if _, err := seal([]byte("x"), &meta{id: "x", version: newVersion(1), recipients: now.digest}, now.to); err != nil {
		return err
	}
	err = w.putRecipients(data)
	if err != nil && core.KindOf(err) != core.ErrIndeterminate {
		return err
	}
	// Whatever a crash would leave: the user has meant this set.
	return errors.Join(err, b.pins.save(now.list))
}

func (w *writing) putRecipients(data []byte) error {
	if err := w.temp(data); err != nil {
		return w.b.writeFault(err)
	}
	return w.put(recipientsName)
}

// SyncRecipients encrypts every file anew, earlier versions included, that is
// not encrypted to the set in recipients.txt, as after a merge of branches or
// a change that was interrupted. Versions, times and values stay. It also
// drops from recipients.txt what a merge left without effect, and settles the
// files that git has merged into a conflict though both sides hold one
// version. It needs an identity, and the set must be accepted.
func (s *Store) SyncRecipients(ctx context.Context) (SyncResult, error) {
	const op = "recipients sync"
	if err := s.begin(ctx, op, ""); err != nil {
		return SyncResult{}, err
	}
	if _, err := s.b.identities(ctx); err != nil {
		return SyncResult{}, named(op, err)
	}
	err := s.b.editIfNeeded(ctx)
	if err != nil {
		return SyncResult{}, named(op, err)
	}
	result, err := s.b.sync(ctx)
	return result, named(op, err)
}

// editIfNeeded makes recipients.txt read the same to age -R as to us.
func (b *backend) editIfNeeded(ctx context.Context) error {
	w, err := b.beginWrite(ctx)
	if err != nil {
		return err
	}
	defer w.end()
	if _, err := b.acceptedRecipients(); err != nil {
		return err
	}
	data, err := b.readRecipientsFile()
	if err != nil {
		return err
	}
	if tidy := normalize(data); string(tidy) != string(data) {
		return w.putRecipients(tidy)
	}
	return nil
}

// sync encrypts all files to the current set, taking the lock for each, so
// that others write in between.
func (b *backend) sync(ctx context.Context) (SyncResult, error) {
	var result SyncResult
	settled := map[string]bool{}
	for f, err := range b.files() {
		if errors.Is(err, errStray) {
			continue // no secret, and so nothing that a change of readers concerns
		}
		if err != nil {
			result.Failed = append(result.Failed, f.finding(Unreadable, b.readFault(err)))
			continue
		}
		did, err := b.syncFile(ctx, f)
		switch {
		case ctx.Err() != nil:
			return result, ctx.Err()
		case core.KindOf(err) == core.ErrPermissionDenied && errors.Is(err, errSetChanged):
			return result, err
		case err != nil:
			result.Failed = append(result.Failed, f.finding(Damaged, err))
		case did.settled:
			settled[f.p.id] = true
			result.Encrypted++
		case did.encrypted:
			result.Encrypted++
		}
	}
	result.Settled = slices.Sorted(maps.Keys(settled))
	return result, nil
}

// errSetChanged marks the refusal of a changed set, which ends a sync.
var errSetChanged = errors.New("the recipients changed")

type syncDone struct{ encrypted, settled bool }

// syncFile encrypts one file anew if it is of another set.
func (b *backend) syncFile(ctx context.Context, f storedFile) (syncDone, error) {
	w, err := b.beginWrite(ctx)
	if err != nil {
		return syncDone{}, err
	}
	defer w.end()
	set, err := b.acceptedRecipients()
	if err != nil {
		return syncDone{}, errors.Join(err, errSetChanged)
	}
	data, err := b.readWhole(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		return syncDone{}, nil // deleted or pruned meanwhile
	}
	if err != nil {
		return syncDone{}, b.readFault(err)
	}
	var sealed []byte
	settled := isConflict(data)
	if settled {
		sealed, err = b.settle(ctx, data, f, set)
	} else {
		h, headerErr := readHeader(strings.NewReader(string(data)))
		if headerErr == nil && h.meta != nil {
			headerErr = h.meta.check(f.p.id, f.version)
		}
		if headerErr != nil || h.meta != nil && h.meta.recipients == set.digest {
			return syncDone{}, headerErr
		}
		sealed, err = b.encryptAnew(ctx, data, f, set)
	}
	if err != nil {
		return syncDone{}, err
	}
	if err := w.temp(sealed); err != nil {
		return syncDone{}, b.writeFault(err)
	}
	if err := w.put(f.name); err != nil {
		return syncDone{}, err
	}
	return syncDone{encrypted: true, settled: settled}, nil
}

// encryptAnew keeps value, version and time, and changes who may read. A
// plain age file gets our stanza with it, and keeps the version that it had.
func (b *backend) encryptAnew(ctx context.Context, data []byte, f storedFile, set *recipientSet) ([]byte, error) {
	with, err := b.identities(ctx)
	if err != nil {
		return nil, err
	}
	value, h, err := unseal(ctx, data, f.p.id, f.version, with.list)
	if err != nil {
		return nil, b.openFault(err, f.p, data, with)
	}
	m := &meta{id: f.p.id, version: h.version(), recipients: set.digest}
	if h.meta != nil {
		m.created = h.meta.created
	}
	if len(value) > core.MaxValueLen {
		return nil, &core.Error{Kind: core.ErrInvalidValue, Hint: "the value is larger than 64 KiB"}
	}
	return seal(value, m, set.to)
}

// settle takes a side of a conflict, if both sides are one version of the
// secret, as after two changes of recipients: then they hold one value. It
// takes the one that opens, as not everybody is a recipient of both.
func (b *backend) settle(ctx context.Context, data []byte, f storedFile, set *recipientSet) ([]byte, error) {
	ours, theirs, ok := sides(data)
	if !ok {
		return nil, conflictFault(f.name)
	}
	left, errLeft := readHeader(strings.NewReader(string(ours)))
	right, errRight := readHeader(strings.NewReader(string(theirs)))
	if errLeft != nil || errRight != nil || left.meta == nil || right.meta == nil ||
		left.meta.id != right.meta.id || left.meta.version != right.meta.version {
		return nil, conflictFault(f.name)
	}
	sealed, err := b.encryptAnew(ctx, ours, f, set)
	if core.KindOf(err) == core.ErrPermissionDenied {
		return b.encryptAnew(ctx, theirs, f, set)
	}
	return sealed, err
}
