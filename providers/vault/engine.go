package vault

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	"github.com/lukko-dev/lukko/core"
)

// detector knows which version of the KV engine is mounted, and asks the server
// where nobody has said.
type detector struct {
	conn  *conn
	mount string
	given int // as the caller says; 0: ask

	mu      sync.Mutex
	version int     // 0: not known yet
	checked bool    // the server has confirmed the version, or may not be asked
	flight  *lookup // nil: none is under way
}

// lookup is one question to the server that many wait for.
type lookup struct {
	done   chan struct{}
	err    error
	gaveUp bool // the one who asked has, which is no answer for others
}

func newDetector(c *conn, mount string, given int) *detector {
	return &detector{conn: c, mount: mount, given: given, version: given}
}

// kv returns the version of the engine, 1 or 2.
func (d *detector) kv(ctx context.Context) (int, error) {
	d.mu.Lock()
	version := d.version
	d.mu.Unlock()
	if version != 0 {
		return version, nil
	}
	if err := d.confirm(ctx); err != nil {
		return 0, err
	}
	return d.kv(ctx)
}

// confirm asks the server once which engine it is. A version that was given is
// believed for a secret that is there; but at the wrong engine every secret
// looks as if it were not, and a write goes to a wrong place, so before those
// are believed the server is asked, if it answers that at all.
func (d *detector) confirm(ctx context.Context) error {
	for {
		d.mu.Lock()
		if d.checked {
			d.mu.Unlock()
			return nil
		}
		f := d.flight
		mine := f == nil
		if mine {
			f = &lookup{done: make(chan struct{})}
			d.flight = f
		}
		d.mu.Unlock()
		if mine {
			var version int
			err := patiently(ctx, func(ctx context.Context) (err error) {
				version, err = d.ask(ctx)
				return err
			})
			d.mu.Lock()
			d.flight = nil
			f.gaveUp = endedBy(ctx) != nil
			if f.err = err; err == nil {
				d.version, d.checked = version, true
			}
			d.mu.Unlock()
			close(f.done)
			return err
		}
		select {
		case <-f.done:
			if f.err != nil && !f.gaveUp {
				return f.err
			} // else, after one who gave up, it is our turn
		case <-ctx.Done():
			return core.NotWritten(ctx.Err())
		}
	}
}

// uiMounts tells of a mount to everybody who may do anything in it.
const uiMounts = "sys/internal/ui/mounts/"

// ask is the question that the command line of Vault asks too: it is answered
// to everybody who may read anything of the mount.
// https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts
func (d *detector) ask(ctx context.Context) (int, error) {
	a, err := d.conn.do(ctx, request{method: http.MethodGet, path: uiMounts + d.mount})
	switch kind := core.KindOf(err); {
	case err == nil && !a.absent():
	case d.given != 0 && (err == nil || refusedPath(err)):
		return d.given, nil // this server, or what stands before it, does not say
	case kind == core.ErrPermissionDenied: //nolint:errorlint // a kind is the sentinel itself
		return 0, &core.Error{
			Kind: core.ErrPermissionDenied, Code: "403",
			Hint: "no engine of this mount is open to this token: the mount is not there, or no policy allows anything of it; look at the mount and the namespace",
		}
	case err == nil, kind == core.ErrInvalidOption: //nolint:errorlint // as above
		return 0, &core.Error{Kind: core.ErrUnavailable, Hint: "the server does not tell which engine is mounted; say kv=1 or kv=2 in the URL"}
	default:
		return 0, core.NotWritten(err)
	}
	var body struct {
		Data *struct {
			Path    string            `json:"path"`
			Type    string            `json:"type"`
			Options map[string]string `json:"options"`
		} `json:"data"`
	}
	if err := a.decode(&body); err != nil {
		return 0, err
	}
	if body.Data == nil {
		return 0, a.foreign()
	}
	version := 1
	if body.Data.Options["version"] == "2" {
		version = 2
	}
	wrong := func(hint string) error { return &core.Error{Kind: core.ErrInvalidOption, Hint: hint} }
	switch {
	case body.Data.Type != "kv" && body.Data.Type != "generic":
		return 0, wrong("what is mounted there is no KV engine")
	case body.Data.Path != d.mount+"/":
		return 0, wrong("the mount of that path is a shorter one; name the mount alone, and what follows it as prefix")
	case d.given != 0 && d.given != version:
		return 0, wrong("the engine is not of the version that kv says")
	}
	return version, nil
}

// do sends a request to the engine, and tells what a wrong idea of its version
// explains: the policies of one version deny what the other would ask.
func (d *detector) do(ctx context.Context, r request) (answer, error) {
	a, err := d.conn.do(ctx, r)
	switch {
	case errors.Is(err, errIsV2):
		d.forget()
	case errors.Is(err, core.ErrPermissionDenied):
		if wrong := d.confirm(ctx); errors.Is(wrong, core.ErrInvalidOption) {
			err = wrong
		}
	}
	return a, err
}

// forget has the next call ask anew, as an engine of version 1 can be upgraded
// while the store is open.
func (d *detector) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.given == 0 && d.version == 1 {
		d.version, d.checked = 0, false
	}
}

// refusedPath reports whether a request failed for what it asked, and not for
// the state of the server or the network.
func refusedPath(err error) bool {
	e := (*core.Error)(nil)
	return errors.As(err, &e) && len(e.Code) == 3 && e.Code[0] == '4' && e.Code != "412" && e.Code != "429"
}

// path returns the path of a request to the engine. Ids need no escaping here:
// the API client escapes, and an id has no empty or dotted segment.
func (d *detector) path(kind, id string) string {
	p := d.mount
	if kind != "" {
		p += "/" + kind
	}
	if id != "" {
		p += "/" + id
	}
	return p
}

var listing = url.Values{"list": {"true"}}
