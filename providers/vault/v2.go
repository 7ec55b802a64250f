package vault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// v2 is KV version 2.
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
type v2 struct {
	conn   *conn
	engine *detector
}

// versionData is what the engine says of one version.
type versionData struct {
	Version   int       `json:"version"` // absent in a secret's metadata
	Created   time.Time `json:"created_time"`
	Deletion  string    `json:"deletion_time"` // empty: not deleted, and not going to be
	Destroyed bool      `json:"destroyed"`
}

// ok reports whether this is a version that an engine makes.
func (v *versionData) ok() bool { return v != nil && v.Version > 0 && !v.Created.IsZero() }

// A version's name is Vault's number and the time of its creation: numbers
// start again after a purge, and times don't.

func (v versionData) name() string {
	return strconv.Itoa(v.Version) + "-" + strconv.FormatInt(v.Created.UnixNano(), 36)
}

// named reports whether name is this version's, or Vault's bare number of it.
func (v versionData) named(name string) bool {
	return name == v.name() || name == strconv.Itoa(v.Version)
}

// number returns the number in a version's name; not ok if it names none.
func number(name string) (n int, ok bool) {
	digits, _, _ := strings.Cut(name, "-")
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 0 && strconv.Itoa(n) == digits
}

// readable reports whether a version can be read at a time of the server.
func (v versionData) readable(now time.Time) bool {
	if v.Destroyed {
		return false
	}
	deletion, err := time.Parse(time.RFC3339Nano, v.Deletion)
	return err != nil || deletion.After(now)
}

func (v versionData) info() core.Info { return core.Info{Version: v.name(), Created: v.Created} }

// now is the server's time in an answer, rounded up to what its header may
// leave out, so that a deletion of this second has happened.
func (a answer) now() time.Time {
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		date = time.Now()
	}
	return date.Add(time.Second)
}

func (e v2) get(ctx context.Context, id string, o core.GetOptions) (core.Secret, error) {
	r := request{method: http.MethodGet, path: e.engine.path("data", id), fresh: o.Fresh, value: true}
	if o.Version != "" {
		n, ok := number(o.Version)
		if !ok {
			return core.Secret{}, noVersion()
		}
		r.query = url.Values{"version": {strconv.Itoa(n)}}
	}
	a, err := e.engine.do(ctx, r)
	if err != nil {
		return core.Secret{}, err
	}
	var body struct {
		Data *struct {
			Data     json.RawMessage `json:"data"`
			Metadata *versionData    `json:"metadata"`
		} `json:"data"`
	}
	if err := a.decode(&body); err != nil {
		return core.Secret{}, err
	}
	switch {
	case body.Data == nil && a.status == http.StatusNotFound && o.Version != "":
		return core.Secret{}, e.engine.missing(ctx, a, noSuchVersion)
	case body.Data == nil && a.status == http.StatusNotFound:
		return core.Secret{}, e.engine.missing(ctx, a, noSecret)
	case body.Data == nil || !body.Data.Metadata.ok():
		return core.Secret{}, e.notV2(ctx, a)
	}
	v := *body.Data.Metadata
	switch {
	case o.Version != "" && !v.named(o.Version):
		return core.Secret{}, noVersion()
	case a.status == http.StatusNotFound || string(body.Data.Data) == "null" || len(body.Data.Data) == 0:
		return core.Secret{}, v.gone()
	}
	value, err := decode(body.Data.Data)
	if err != nil {
		return core.Secret{}, err
	}
	return core.Secret{Info: v.info(), Value: value}, nil
}

// notV2 is the error of an answer that KV version 2 does not give.
func (e v2) notV2(ctx context.Context, a answer) error {
	if err := e.engine.confirm(ctx); err != nil {
		return err
	}
	return a.foreign()
}

func noVersion() error {
	return &core.Error{Kind: core.ErrNotFound, Hint: noSuchVersion}
}

const noSuchVersion = "the secret has no such version, or it is kept no more"

// gone is the error of a version that was deleted or destroyed.
func (v versionData) gone() error {
	n := strconv.Itoa(v.Version)
	hint := "version " + n + " was deleted; vault kv undelete -versions=" + n + " brings it back"
	if v.Destroyed {
		hint = "version " + n + " was destroyed for good"
	}
	return &core.Error{Kind: core.ErrNotFound, Code: "404", Hint: hint}
}

// history is a secret's metadata.
type history struct {
	versions []versionData // newest first; never empty
	now      time.Time     // of the server, at the answer
}

func (h history) current() versionData { return h.versions[0] }

func (h history) live() bool { return h.current().readable(h.now) }

// history reads the metadata of a secret. It is core.ErrNotFound if the secret
// has never had a version, or was purged.
func (e v2) history(ctx context.Context, id string) (history, error) {
	a, err := e.engine.do(ctx, request{method: http.MethodGet, path: e.engine.path("metadata", id), limit: largeAnswer, fresh: true})
	if err != nil {
		return history{}, err
	}
	if a.status == http.StatusNotFound {
		return history{}, e.engine.missing(ctx, a, noSecret)
	}
	var body struct {
		Data *struct {
			Versions map[string]versionData `json:"versions"`
		} `json:"data"`
	}
	if err := a.decode(&body); err != nil {
		return history{}, err
	}
	if body.Data == nil || body.Data.Versions == nil {
		return history{}, e.notV2(ctx, a)
	}
	h := history{now: a.now()}
	for name, v := range body.Data.Versions {
		n, ok := number(name)
		if !ok {
			return history{}, a.foreign()
		}
		v.Version = n
		if !v.ok() {
			return history{}, a.foreign()
		}
		h.versions = append(h.versions, v)
	}
	if len(h.versions) == 0 { // metadata alone, as "vault kv metadata put" makes it
		return history{}, &core.Error{Kind: core.ErrNotFound, Hint: noSecret}
	}
	slices.SortFunc(h.versions, func(a, b versionData) int { return cmp.Compare(b.Version, a.Version) })
	return h, nil
}

// latest returns the current version of a secret, and whether it can be read.
// It is core.ErrNotFound if there is none. Who may not read the metadata but
// the value is told from that.
func (e v2) latest(ctx context.Context, id string) (v versionData, live bool, err error) {
	h, err := e.history(ctx, id)
	if err == nil {
		return h.current(), h.live(), nil
	}
	if !errors.Is(err, core.ErrPermissionDenied) {
		return versionData{}, false, err
	}
	a, err := e.engine.do(ctx, request{method: http.MethodGet, path: e.engine.path("data", id), fresh: true, value: true})
	if err != nil {
		return versionData{}, false, err
	}
	var body struct {
		Data *struct {
			Metadata *versionData `json:"metadata"`
		} `json:"data"`
	}
	if err := a.decode(&body); err != nil {
		return versionData{}, false, err
	}
	switch {
	case body.Data == nil && a.status == http.StatusNotFound:
		return versionData{}, false, e.engine.missing(ctx, a, noSecret)
	case body.Data == nil || !body.Data.Metadata.ok():
		return versionData{}, false, e.notV2(ctx, a)
	}
	return *body.Data.Metadata, a.status != http.StatusNotFound, nil
}

func (e v2) stat(ctx context.Context, id string, o core.GetOptions) (core.Info, error) {
	if o.Version == "" {
		v, live, err := e.latest(ctx, id)
		switch {
		case err != nil:
			return core.Info{}, err
		case !live:
			return core.Info{}, v.gone()
		}
		return v.info(), nil
	}
	h, err := e.history(ctx, id)
	if errors.Is(err, core.ErrPermissionDenied) {
		secret, err := e.get(ctx, id, o)
		return secret.Info, err
	}
	if err != nil {
		return core.Info{}, err
	}
	for _, v := range h.versions {
		switch {
		case !v.named(o.Version):
		case !v.readable(h.now):
			return core.Info{}, v.gone()
		default:
			return v.info(), nil
		}
	}
	return core.Info{}, noVersion()
}

func (e v2) versions(ctx context.Context, id string) ([]core.Info, error) {
	h, err := e.history(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case !h.live():
		return nil, h.current().gone()
	}
	var infos []core.Info
	for _, v := range h.versions {
		if v.readable(h.now) {
			infos = append(infos, v.info())
		}
	}
	return infos, nil
}

func (e v2) folder(dir string) string { return e.engine.path("metadata", dir) }

// found looks at a key of a listing, since that names deleted ones too.
func (e v2) found(ctx context.Context, id string) (core.Info, error) {
	return e.stat(ctx, id, core.GetOptions{})
}

func (e v2) set(ctx context.Context, id string, value core.Value, o core.SetOptions) (core.Info, error) {
	data := encode(value)
	switch {
	case o.IfAbsent:
		info, err := e.put(ctx, id, data, 0, true)
		if !errors.Is(err, errMismatch) {
			return info, err
		}
		// There is something, or there was: after a delete the number of what
		// was deleted stands for "nothing".
		v, live, err := e.latest(ctx, id)
		switch {
		case err != nil && !errors.Is(err, core.ErrNotFound):
			return core.Info{}, core.NotWritten(err)
		case live:
			return core.Info{}, &core.Error{Kind: core.ErrConflict, Code: "400", Hint: "the id has a value already"}
		}
		return e.put(ctx, id, data, v.Version, true)
	case o.IfVersion != "":
		// Vault compares numbers. A number that is current is another version
		// after a purge, and none at all after a delete.
		v, live, err := e.latest(ctx, id)
		switch {
		case err != nil && !errors.Is(err, core.ErrNotFound):
			return core.Info{}, core.NotWritten(err)
		case err != nil || !live || !v.named(o.IfVersion):
			return core.Info{}, errMismatch
		}
		return e.put(ctx, id, data, v.Version, true)
	}
	info, err := e.put(ctx, id, data, 0, false)
	for tries := 0; tries < casTries && (errors.Is(err, errRequired) || errors.Is(err, errMismatch)); tries++ {
		// The engine or the secret is set to cas_required. The last writer
		// wins as well if it names whatever is current.
		v, _, statErr := e.latest(ctx, id)
		if statErr != nil && !errors.Is(statErr, core.ErrNotFound) {
			return core.Info{}, core.NotWritten(statErr)
		}
		info, err = e.put(ctx, id, data, v.Version, true)
	}
	if errors.Is(err, errMismatch) {
		err = &core.Error{Kind: core.ErrUnavailable, Code: "400", Hint: "the engine takes no write without check-and-set, and other writers were faster each time"}
	}
	return info, err
}

// casTries is how often a write without a condition is tried on an engine that
// asks for one, while others write to the same id.
const casTries = 32

// put writes once, on condition that cas is the current number (0: there is
// none) if conditional.
func (e v2) put(ctx context.Context, id string, data json.RawMessage, cas int, conditional bool) (core.Info, error) {
	type options struct {
		CAS int `json:"cas"`
	}
	body := struct {
		Data    json.RawMessage `json:"data"`
		Options *options        `json:"options,omitempty"`
	}{Data: data}
	if conditional {
		body.Options = &options{cas}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return core.Info{}, core.NotWritten(err)
	}
	a, err := e.engine.do(ctx, request{method: http.MethodPut, path: e.engine.path("data", id), body: text, write: true})
	if err != nil {
		return core.Info{}, err
	}
	var made struct {
		Data *versionData `json:"data"`
	}
	if err := a.decode(&made); err != nil {
		return core.Info{}, err
	}
	if !made.Data.ok() {
		return core.Info{}, a.foreign()
	}
	return made.Data.info(), nil
}

// delete removes the current version, or all there ever was.
func (e v2) delete(ctx context.Context, id string, purge bool) error {
	v, live, err := e.latest(ctx, id)
	switch {
	case err != nil:
		return core.NotWritten(err)
	case !live && !purge:
		return v.gone()
	}
	kind := "data"
	if purge {
		kind = "metadata"
	}
	a, err := e.engine.do(ctx, request{method: http.MethodDelete, path: e.engine.path(kind, id), write: true})
	if err == nil {
		err = a.done()
	}
	if !errors.Is(err, core.ErrIndeterminate) {
		return err
	}
	// Whether it was done can be seen, unless a later writer has hidden it.
	after, live, statErr := e.latest(ctx, id)
	switch {
	case purge && errors.Is(statErr, core.ErrNotFound):
		return nil
	case !purge && statErr == nil && !live && after.Version == v.Version:
		return nil
	}
	return err
}
