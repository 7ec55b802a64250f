package file

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// FindingKind says what is the matter with a file, or with the store.
type FindingKind string

const (
	// Stale: the file is encrypted to another set of recipients than the
	// current one, so it may still be readable by who was removed, or not be
	// by who was added. SyncRecipients mends it.
	Stale FindingKind = "stale"
	// Plain: a plain age file, of which nobody can tell who may read it.
	// SyncRecipients encrypts it anew.
	Plain FindingKind = "plain"
	// Damaged: the header does not verify, or belongs elsewhere. What is
	// damaged behind the header only a Get finds.
	Damaged FindingKind = "damaged"
	// Conflicted: git left both sides of a merge in the file.
	Conflicted FindingKind = "conflicted"
	// Unreadable: the system does not let the file or folder be read.
	Unreadable FindingKind = "unreadable"
	// Stray: a file or link that is no secret's, such as one whose name no id
	// has.
	Stray FindingKind = "stray"
	// Twins: two ids that differ only by case; some file systems can't keep
	// them apart.
	Twins FindingKind = "twins"
	// RecipientsChanged: recipients.txt is not the set that the user accepted.
	RecipientsChanged FindingKind = "recipients-changed"
	// Writable: others than the owner can write to the store.
	Writable FindingKind = "writable"
)

// Finding is one thing that Check found.
type Finding struct {
	Kind    FindingKind
	ID      string // empty if it concerns no id
	Version string // of an earlier version; empty for the current one
	Path    string // below the folder of the store, with slashes
	Hint    string // what it means and what to do
}

// Check looks at every file of the store, earlier versions included, and
// tells what is the matter, sorted by path; nothing if all is well. It
// decrypts nothing and needs no identity.
func (s *Store) Check(ctx context.Context) ([]Finding, error) {
	const op = "check"
	if err := s.begin(ctx, op, ""); err != nil {
		return nil, err
	}
	found, err := s.b.check(ctx)
	if err != nil {
		return nil, named(op, err)
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(a.Path, b.Path) })
	return found, nil
}

func (b *backend) check(ctx context.Context) ([]Finding, error) {
	set, err := b.recipients()
	if err != nil {
		return nil, err
	}
	var found []Finding
	if pinned, ok, err := b.pins.load(); err == nil && ok && digestOf(pinned) != set.digest {
		hint := changedRecipients(pinned, set.list).(*core.Error).Hint //nolint:errorlint // made there
		found = append(found, Finding{Kind: RecipientsChanged, Path: recipientsName, Hint: hint})
	}
	if name := b.writableByOthers(); name != "" {
		found = append(found, Finding{Kind: Writable, Path: name, Hint: "others can write here, so they can replace secrets and add recipients; run chmod go-w on it if that is not meant"})
	}
	twins := map[string]string{}
	for f, err := range b.files() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		switch {
		case err == nil:
		case errors.Is(err, errStray):
			found = append(found, f.finding(Stray, err))
			continue
		default:
			found = append(found, f.finding(Unreadable, b.readFault(err)))
			continue
		}
		if f.version == "" {
			fold := strings.ToLower(f.p.id)
			if other, ok := twins[fold]; ok {
				found = append(found, Finding{Kind: Twins, ID: f.p.id, Path: f.name, Hint: "it differs only by case from " + other + "; purge one of the two"})
			}
			twins[fold] = f.p.id
		}
		h, err := b.headerOf(f.name, f.p.id, f.version)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case core.KindOf(err) == core.ErrCorrupt:
			kind := Damaged
			if data, err := b.readWhole(f.name); err == nil && isConflict(data) {
				kind = Conflicted
			}
			finding := f.finding(kind, err)
			if kind == Damaged {
				finding.Hint += f.whatNow()
			}
			found = append(found, finding)
		case err != nil:
			found = append(found, f.finding(Unreadable, b.readFault(err)))
		case h.meta == nil:
			found = append(found, f.finding(Plain, &core.Error{Hint: "a plain age file, of which nobody can tell who may read it; lukko recipients sync encrypts it to the recipients"}))
		case h.meta.recipients != set.digest:
			found = append(found, f.finding(Stale, &core.Error{Hint: "encrypted to an earlier set of recipients, so it may still be readable by who was removed; run lukko recipients sync"}))
		}
	}
	return found, nil
}

// storedFile is a file of the store.
type storedFile struct {
	name    string
	p       place
	version string // empty for the current one
}

// whatNow says what to do about a damaged file.
func (f storedFile) whatNow() string {
	if f.version != "" {
		return "; it is an earlier version, and may be deleted if nothing can bring it back"
	}
	return "; get it back from git or a backup, or store the secret anew by lukko set or lukko rollback"
}

// finding makes a Finding of an error about the file, in our words only.
func (f storedFile) finding(kind FindingKind, err error) Finding {
	hint := "it can't be used"
	if given := (*core.Error)(nil); errors.As(err, &given) {
		hint = given.Hint
	} else if errors.Is(err, errStray) {
		hint = errStray.Error()
	}
	return Finding{Kind: kind, ID: f.p.id, Version: f.version, Path: f.name, Hint: hint}
}

var errStray = errors.New("no secret has a file of this name here; remove it, or give it the name of its id")

// files yields every file of every secret, and what should not be there with
// an error.
func (b *backend) files() iter.Seq2[storedFile, error] {
	return func(yield func(storedFile, error) bool) {
		_ = b.filesIn(secretsDir, "", false, yield) && b.filesIn(historyDir, "", true, yield)
	}
}

func (b *backend) filesIn(dir, under string, history bool, yield func(storedFile, error) bool) bool {
	entries, err := b.fs.readDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		return yield(storedFile{name: dir}, err)
	}
	for _, e := range entries {
		name := dir + "/" + e.Name()
		if e.IsDir() {
			segment, ok := unescape(e.Name(), true)
			if !ok {
				if !yield(storedFile{name: name}, errStray) {
					return false
				}
				continue
			}
			if !b.filesIn(name, under+segment+"/", history, yield) {
				return false
			}
			continue
		}
		f, err := storedFileOf(e, name, under, history)
		if !yield(f, err) {
			return false
		}
	}
	return true
}

func storedFileOf(e fs.DirEntry, name, under string, history bool) (storedFile, error) {
	f := storedFile{name: name}
	var id string
	if history {
		f.version = strings.TrimSuffix(e.Name(), ext)
		_, ok := versionNumber(f.version)
		if !ok || path.Ext(e.Name()) != ext || !e.Type().IsRegular() || under == "" {
			f.version = ""
			return f, errStray
		}
		id = strings.TrimSuffix(under, "/")
	} else {
		segment, ok := secretName(e)
		if !ok {
			return f, errStray
		}
		id = under + segment
	}
	p, err := placeOf(id)
	if err != nil || core.CheckID(id) != nil {
		return f, errStray
	}
	f.p = p
	return f, nil
}
