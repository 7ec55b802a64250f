package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// The kinds of errors, matched by [errors.Is]. What a service can't do at all
// is [errors.ErrUnsupported].
var (
	// ErrNotFound: the id has no value. Never said of one that was denied or
	// could not be reached.
	ErrNotFound = errors.New("not found")

	// ErrPermissionDenied: the caller is known and may not.
	ErrPermissionDenied = errors.New("permission denied")

	// ErrUnauthenticated: no credential, or one that is expired or wrong.
	ErrUnauthenticated = errors.New("unauthenticated")

	// ErrUnavailable: the network, throttling, a 5xx answer, or the backend's
	// own time limit. Trying again later may help.
	ErrUnavailable = errors.New("unavailable")

	// ErrExhausted: a quota or a full disk. Waiting alone won't help.
	ErrExhausted = errors.New("exhausted")

	// ErrConflict: a condition of the write did not hold; nothing was
	// written.
	ErrConflict = errors.New("conflict")

	// ErrIndeterminate: the write may have happened. It matches no other
	// kind: a retry on ErrUnavailable would else double a write.
	ErrIndeterminate = errors.New("indeterminate: the write may have happened")

	// ErrInvalidID: the id is no id, or none that this backend can hold.
	ErrInvalidID = errors.New("invalid id")

	// ErrInvalidValue: the value is empty, too large, or not what was
	// declared.
	ErrInvalidValue = errors.New("invalid value")

	// ErrInvalidOption: options that make no sense, alone or together.
	ErrInvalidOption = errors.New("invalid option")

	// ErrCorrupt: what is stored does not verify.
	ErrCorrupt = errors.New("corrupt")

	// ErrClosed: the store was closed.
	ErrClosed = errors.New("closed")
)

// kinds is every kind. ErrIndeterminate comes first, as an error that says
// so and more must not be taken for one that is safe to retry; ErrNotFound
// comes last, as one that was denied must not be taken for one that is absent.
var kinds = [...]error{
	ErrIndeterminate,
	ErrPermissionDenied, ErrUnauthenticated, ErrUnavailable, ErrExhausted,
	ErrConflict, ErrInvalidID, ErrInvalidValue, ErrInvalidOption, ErrCorrupt,
	ErrClosed, errors.ErrUnsupported,
	ErrNotFound,
}

// KindOf returns the kind that err matches, or nil if it matches none, as a
// context's error and a [*BatchError] do. Of several it returns the one that
// it is worst to overlook: ErrIndeterminate before all, ErrNotFound after all.
func KindOf(err error) error {
	if err == nil || isKind(err) {
		return err
	}
	// What a Store returns is told without walking a chain, which allocates.
	if e, ok := err.(*Error); ok && e != nil && e.Err == nil && isKind(e.Kind) { //nolint:errorlint // a wrapped one is looked into below
		return e.Kind
	}
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return kind
		}
	}
	return nil
}

// isKind reports whether err is a kind itself. It is asked of comparable
// errors only: a kind is a pointer, and so equal to no other type.
func isKind(err error) bool {
	for _, kind := range kinds {
		if kind == err { //nolint:errorlint // identity is the point
			return true
		}
	}
	return false
}

func isNotFound(err error) bool { return KindOf(err) == ErrNotFound } //nolint:errorlint // a kind is the sentinel itself

// Error is the error of every call of a [Store]. It says what failed, on
// which id and provider, and what to do next; it never contains a value.
type Error struct {
	Op       string // the method in lower case: "get", "get many", "set", …; "open" of Open
	Provider string // the provider's name: "file", "vault", …
	ID       string // the id that the caller asked for; empty where it is no valid id
	Kind     error  // one of the kinds, such as ErrNotFound; nil for a context's error

	Code      string // the vendor's code, such as "AccessDeniedException" or "503"
	RequestID string // the vendor's request id, for a support case
	Hint      string // what to do next

	// Err is the context's error where the caller's context has ended. The
	// errors of vendors are never here: of those only the Go type is kept.
	Err error

	// unwritten: a front made this of a write, has no kind for it, and knows that
	// nothing was written. The front above need not call it indeterminate.
	unwritten bool
}

// Error returns one line: operation, id, kind, code, hint.
func (e *Error) Error() string {
	if e == nil {
		return "no error" // a nil *Error in an error is a slip of its author, and no reason to panic
	}
	var b strings.Builder
	for _, part := range []string{e.Provider, e.Op} {
		if part != "" {
			b.WriteString(part)
			b.WriteByte(' ')
		}
	}
	if e.ID != "" {
		// An id is free of quotes and control characters where it was
		// checked; an author's own Error may hold anything.
		b.WriteString(strconv.Quote(e.ID))
		b.WriteByte(' ')
	}
	text := strings.TrimSuffix(b.String(), " ")
	b.Reset()
	b.WriteString(text)
	sep := func() {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
	}
	if e.Kind != nil {
		sep()
		b.WriteString(kindText(e.Kind))
	}
	if e.Err != nil {
		sep()
		b.WriteString(safeText(e.Err))
	}
	if e.Code != "" || e.RequestID != "" {
		var notes []string
		if e.Code != "" {
			notes = append(notes, "code "+Printable(e.Code))
		}
		if e.RequestID != "" {
			notes = append(notes, "request "+Printable(e.RequestID))
		}
		fmt.Fprintf(&b, " (%s)", strings.Join(notes, ", "))
	}
	if e.Hint != "" {
		sep()
		b.WriteString(Printable(e.Hint))
	}
	return b.String()
}

// Unwrap returns the kind and, where the caller's context has ended, the
// context's error.
func (e *Error) Unwrap() []error {
	var errs []error
	if e == nil {
		return nil
	}
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// Format writes the line of Error for every verb, so that no verb prints the
// fields by reflection.
func (e *Error) Format(s fmt.State, verb rune) { formatError(e, s, verb) }

func formatError(e error, s fmt.State, verb rune) {
	if verb == 'q' {
		_, _ = io.WriteString(s, strconv.Quote(e.Error()))
		return
	}
	_, _ = io.WriteString(s, e.Error())
}

// kindText is the text of a kind; of an error that is none only the type is
// shown, since its text is somebody else's.
func kindText(kind error) string {
	if isKind(kind) {
		return kind.Error()
	}
	return safeText(kind)
}

// safeText is the text of an error that we wrote, or the Go type of any
// other.
func safeText(err error) string {
	switch e := err.(type) { //nolint:errorlint // a wrapper's text would be somebody else's
	case *Error:
		return e.Error()
	case *BatchError:
		return e.Error()
	case typeOnly:
		return e.Error()
	}
	switch err { //nolint:errorlint // as above
	case context.Canceled, context.DeadlineExceeded:
		return err.Error()
	}
	return typeOnly{fmt.Sprintf("%T", err)}.Error()
}

// typeOnly stands in a chain for an error whose text is not ours to show.
type typeOnly struct{ name string }

func (t typeOnly) Error() string { return "an error of type " + t.name }

// BatchError tells which ids of a batch failed, and how. It matches no kind
// by itself, as its ids can fail in different ways.
type BatchError struct {
	ByID map[string]error // never empty, and each an *Error, where a Store returns it
}

// Error returns a count and the kinds. ByID has the details.
func (e *BatchError) Error() string {
	if e == nil {
		return "no error" // as of a nil *Error
	}
	count := map[string]int{}
	for _, err := range e.ByID {
		kind := KindOf(err)
		switch {
		case kind != nil:
			count[kind.Error()]++
		case errors.Is(err, context.Canceled):
			count[context.Canceled.Error()]++
		case errors.Is(err, context.DeadlineExceeded):
			count[context.DeadlineExceeded.Error()]++
		default:
			count["unknown"]++
		}
	}
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(count[b]-count[a], cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", count[name], name)
	}
	ids := "ids"
	if len(e.ByID) == 1 {
		ids = "id"
	}
	return fmt.Sprintf("%d %s failed: %s", len(e.ByID), ids, strings.Join(names, ", "))
}

// asBatch returns the BatchError that err is, bare or wrapped; it may be nil
// itself. One that is joined with other errors is not meant: what the others
// say is of more than its ids.
func asBatch(err error) (*BatchError, bool) {
	for err != nil {
		if batch, ok := err.(*BatchError); ok { //nolint:errorlint // one link of the chain at a time
			return batch, true
		}
		err = errors.Unwrap(err)
	}
	return nil, false
}

// Format writes the line of Error for every verb.
func (e *BatchError) Format(s fmt.State, verb rune) { formatError(e, s, verb) }

// NotWritten says of an error of a write that nothing was written, so that an
// error of no kind becomes ErrUnavailable in place of ErrIndeterminate, as on
// a read. It returns nil if err is nil.
func NotWritten(err error) error {
	if err == nil {
		return nil
	}
	return &notWritten{err}
}

type notWritten struct{ err error }

func (e *notWritten) Error() string { return "nothing was written: " + safeText(e.err) }
func (e *notWritten) Unwrap() error { return e.err }

func (e *notWritten) Format(s fmt.State, verb rune) { formatError(e, s, verb) }
