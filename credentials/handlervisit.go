package credentials

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/oauth2"
)

const (
	maxForm  = 8 << 10 // bytes of a form
	maxQuery = 8 << 10 // bytes of a callback's query; codes and states are much shorter
)

// visit is one request.
type visit struct {
	w      http.ResponseWriter
	r      *http.Request
	ctx    context.Context // of the request
	user   string          // who is logged in; empty until that is known
	owner  string          // whose the credential is; empty for the application's own
	target *definition     // nil until it is known that there is one
	client func() (*oauth2.Client, error)
	status func(context.Context) (Status, error)
}

func (v *visit) name() string {
	if v.target == nil {
		return ""
	}
	return v.target.spec.Name
}

func (v *visit) display() string { return cmp.Or(v.target.spec.DisplayName, v.target.spec.Name) }

// visit says who asks for what, and whether they may. It is never nil, and
// beside a problem tells what was known by then.
func (h *Handler) visit(w http.ResponseWriter, r *http.Request, name, action string) (*visit, *problem) {
	v := &visit{w: w, r: r, ctx: r.Context()}
	if methods := methods[action]; !slices.Contains(methods, r.Method) {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		return v, errMethod
	}
	if h.cross.Check(r) != nil || !h.fromOwnOrigin(r) {
		return v, errCrossOrigin
	}
	user, err := h.cfg.User(r)
	switch {
	case errors.Is(err, core.ErrPermissionDenied):
		return v, errForbidden
	case errors.Is(err, core.ErrUnavailable):
		return v, errLoginDown
	case err != nil || user == "":
		return v, errNoLogin
	}
	v.user = user
	return v, h.aim(v, name)
}

// fromOwnOrigin refuses what CrossOriginProtection lets pass where a browser
// sends no Sec-Fetch-Site: that compares Origin with Host alone, so a page of the
// same host without encryption would be one of ours, which anybody on the way
// can write, and so would one of any host that leads here.
func (h *Handler) fromOwnOrigin(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead: // these begin and end nothing
		return true
	}
	origin := r.Header.Get("Origin")
	return origin == "" || origin == h.base.origin || r.Header.Get("Sec-Fetch-Site") != ""
}

// aim finds the credential, and whether who is logged in may have its pages.
func (h *Handler) aim(v *visit, name string) *problem {
	store := h.cfg.Store
	declared, ok := store.set.ByName(name)
	if !ok || !store.inScope(declared.base()) {
		return errNoPage
	}
	d := declared.base()
	if d.spec.OAuth2 == nil || d.spec.OAuth2.Grant != oauth2.GrantAuthorizationCode {
		return errNoPage // a key, which people store, or one where no user is asked
	}
	v.target = d
	switch c := declared.(type) {
	case *UserCredential[oauth2.Token]:
		v.owner = v.user
		v.client = func() (*oauth2.Client, error) { return c.Client(store, v.user) }
		v.status = func(ctx context.Context) (Status, error) { return c.Status(ctx, store, v.user) }
	case *Credential[oauth2.Token]:
		if h.cfg.Application == nil {
			return errNoPage
		}
		if !h.cfg.Application(v.r, v.user, name) {
			return errForbidden
		}
		v.client = func() (*oauth2.Client, error) { return c.Client(store) }
		v.status = func(ctx context.Context) (Status, error) { return c.Status(ctx, store) }
	default:
		return errInternal // its type is not that of OAuth2, which its Check says
	}
	return nil
}

// form reads the form of a POST. No form is an empty one.
func (v *visit) form() (url.Values, *problem) {
	if v.r.URL.RawQuery != "" {
		return nil, errBadForm // it would be a second place for the same
	}
	if kind := v.r.Header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/x-www-form-urlencoded" {
			return nil, errFormType
		}
	} else if v.r.ContentLength != 0 {
		return nil, errFormType
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil || repeated(v.r.PostForm) {
		return nil, errBadForm
	}
	return v.r.PostForm, nil
}

// query reads the query of a GET. What does not parse is not skipped.
func (v *visit) query() (url.Values, bool) {
	if len(v.r.URL.RawQuery) > maxQuery {
		return nil, false
	}
	query, err := url.ParseQuery(v.r.URL.RawQuery)
	return query, err == nil && !repeated(query)
}

// repeated reports whether a parameter is there twice, which RFC 6749
// sections 3.1 and 3.2 forbid: two readers would pick two values.
func repeated(values url.Values) bool {
	for _, v := range values {
		if len(v) > 1 {
			return true
		}
	}
	return false
}

// formOf is the form of a POST, and its return address.
func (h *Handler) formOf(v *visit) (form url.Values, back string, p *problem) {
	if form, p = v.form(); p != nil {
		return nil, "", p
	}
	back, p = h.returnOf(form)
	return form, back, p
}

// returnOf is the return address of a form or a query; that of the
// configuration where there is none.
func (h *Handler) returnOf(values url.Values) (string, *problem) {
	back := values.Get("return")
	if back == "" {
		return h.cfg.Home, nil
	}
	if !isReturn(back) {
		return "", errBadReturn
	}
	return back, nil
}
