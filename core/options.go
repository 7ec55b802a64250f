package core

import "unique"

// GetOption is an option of Get, GetMany and Stat: [AtVersion], [Fresh], or a
// whole [GetOptions].
type GetOption interface{ getOption() }

// SetOption is an option of Set: [IfAbsent], [IfVersion], [IfChanged], or a
// whole [SetOptions].
type SetOption interface{ setOption() }

// DeleteOption is an option of Delete: [Purge], or a whole [DeleteOptions].
type DeleteOption interface{ deleteOption() }

// GetOptions is what a [Backend] gets of a read's options. It is itself an
// option, so that a decorator hands on what it got; its zero value asks for
// nothing.
type GetOptions struct {
	Version string // the version to read; empty: the current one
	Fresh   bool   // past every cache
}

// SetOptions is what a [Backend] gets of a write's options. It is itself an
// option; its zero value asks for nothing.
type SetOptions struct {
	IfAbsent  bool   // only where the id has no value
	IfVersion string // only over this version; empty: whatever is there
	IfChanged bool   // only if the value differs; never set when a Backend is called
}

// DeleteOptions is what a [Backend] gets of a delete's options. It is itself
// an option; its zero value asks for nothing.
type DeleteOptions struct {
	Purge bool // leave nothing to recover
}

// AtVersion reads the version that an earlier Info named. An empty version is
// ErrInvalidOption, never "the latest". A service that does not claim AtVersion
// answers errors.ErrUnsupported.
func AtVersion(version string) GetOption { return atVersion{unique.Make(version)} }

// Fresh reads past every cache.
func Fresh() GetOption { return fresh }

// IfAbsent writes only where the id has no value; else the write is
// ErrConflict. A service that does not claim IfAbsent answers
// errors.ErrUnsupported. It can't be together with IfVersion.
func IfAbsent() SetOption { return ifAbsent }

// IfVersion writes only if version is still the current one; else the write
// is ErrConflict. Of all writes conditional on one version at most one
// succeeds. An empty version is ErrInvalidOption, never "unconditional". A
// service that does not claim IfVersion answers errors.ErrUnsupported.
func IfVersion(version string) SetOption { return ifVersion(version) }

// IfChanged writes only if the value differs from the current one, since some
// backends bill each version. An equal value is success, and the Info is the
// current one. Equal is what [Equivalent] says: the same bytes, or the same
// JSON object written otherwise, as some backends give objects back. To store
// an object in another spelling, leave the option out. A condition beside it is
// checked first. It needs the right to read, and works wherever Set does.
func IfChanged() SetOption { return ifChanged }

// Purge deletes for good, also what was deleted before. A service that does
// not claim Purge answers errors.ErrUnsupported.
func Purge() DeleteOption { return purge }

// Options returns o as the options of a call: none where it asks for nothing.
// A decorator hands them on: svc.Get(ctx, id, o.Options()...).
func (o GetOptions) Options() []GetOption {
	if o == (GetOptions{}) {
		return nil
	}
	return []GetOption{o}
}

// Options returns o as the options of a call: none where it asks for nothing.
func (o SetOptions) Options() []SetOption {
	if o == (SetOptions{}) {
		return nil
	}
	return []SetOption{o}
}

// Options returns o as the options of a call: none where it asks for nothing.
func (o DeleteOptions) Options() []DeleteOption {
	if o == (DeleteOptions{}) {
		return nil
	}
	return []DeleteOption{o}
}

type (
	// A handle is one pointer, which an interface holds as it is: a string in
	// it would cost an allocation at each call.
	atVersion struct{ version unique.Handle[string] }
	ifVersion string
)

// The options without an argument are made once: an interface value made at
// each call would cost an allocation.
var (
	fresh     GetOption    = GetOptions{Fresh: true}
	ifAbsent  SetOption    = SetOptions{IfAbsent: true}
	ifChanged SetOption    = SetOptions{IfChanged: true}
	purge     DeleteOption = DeleteOptions{Purge: true}
)

func (atVersion) getOption()        {}
func (GetOptions) getOption()       {}
func (ifVersion) setOption()        {}
func (SetOptions) setOption()       {}
func (DeleteOptions) deleteOption() {}

// The three functions below switch on the type in place of calling a method
// of the option, so that options made at a call need not escape to the heap.
// An option of a foreign type can exist only by embedding one of ours; it is
// refused, since its meaning can't be known.

// collectGet merges the options of a read. hint is empty if they are sound.
func collectGet(opts []GetOption) (o GetOptions, hint string) {
	for _, opt := range opts {
		switch opt := opt.(type) {
		case atVersion:
			version := opt.version.Value()
			if version == "" {
				return o, "AtVersion needs a version, as an Info names it"
			}
			if o.Version != "" && o.Version != version {
				return o, "two different versions were asked for"
			}
			o.Version = version
		case GetOptions:
			if opt.Version != "" {
				if o.Version != "" && o.Version != opt.Version {
					return o, "two different versions were asked for"
				}
				o.Version = opt.Version
			}
			o.Fresh = o.Fresh || opt.Fresh
		default:
			return o, "an option is nil or of a foreign type"
		}
	}
	return o, ""
}

// collectSet merges the options of a write. hint is empty if they are sound.
func collectSet(opts []SetOption) (o SetOptions, hint string) {
	for _, opt := range opts {
		switch opt := opt.(type) {
		case ifVersion:
			if opt == "" {
				return o, "IfVersion needs a version, as an Info names it"
			}
			if o.IfVersion != "" && o.IfVersion != string(opt) {
				return o, "the write is conditional on two different versions"
			}
			o.IfVersion = string(opt)
		case SetOptions:
			if opt.IfVersion != "" {
				if o.IfVersion != "" && o.IfVersion != opt.IfVersion {
					return o, "the write is conditional on two different versions"
				}
				o.IfVersion = opt.IfVersion
			}
			o.IfAbsent = o.IfAbsent || opt.IfAbsent
			o.IfChanged = o.IfChanged || opt.IfChanged
		default:
			return o, "an option is nil or of a foreign type"
		}
	}
	if o.IfAbsent && o.IfVersion != "" {
		return o, "IfAbsent and IfVersion can't both hold"
	}
	return o, ""
}

// collectDelete merges the options of a delete. hint is empty if they are
// sound.
func collectDelete(opts []DeleteOption) (o DeleteOptions, hint string) {
	for _, opt := range opts {
		switch opt := opt.(type) {
		case DeleteOptions:
			o.Purge = o.Purge || opt.Purge
		default:
			return o, "an option is nil or of a foreign type"
		}
	}
	return o, ""
}
