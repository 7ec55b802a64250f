package credentials

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// HandlerConfig is what a [Handler] is made of.
type HandlerConfig struct {
	// Store has the credentials. Those of its set with OAuth2 that a user
	// agrees to have pages.
	Store *Store

	// BaseURL is where the handler is mounted, as browsers and providers see it:
	// https://app.example.com/credentials, or http on a loopback address. The
	// callback's own address, which is registered at the provider, comes from
	// here and never from a header: see [Handler.CallbackURL].
	BaseURL string

	// User says who is logged in, by the application's own session: the user
	// that the methods of a [UserCredential] take. An empty user is nobody, who
	// gets 401; so does an error, but one that matches core.ErrPermissionDenied
	// gets 403 and one that matches core.ErrUnavailable 503. A request is never
	// anybody by default.
	//
	// A provider sends the browser back from its own site, and a browser does
	// not send a cookie with SameSite=Strict then: the session's cookie must be
	// Lax.
	User func(*http.Request) (string, error)

	// Application says whether who is logged in may connect, disconnect and see
	// the application's own credential of that name. Nil: nobody, and those have
	// no pages.
	Application func(r *http.Request, user, name string) bool

	// KeyID is the id of the secret with the keys that seal what is left in the
	// browser, in the Store's Secrets; empty is [DefaultSealKeyID]. It is made
	// where it is absent; see [SealKeySpec].
	KeyID string

	// Prefix is the path below which requests arrive. Empty is the path of
	// BaseURL; it is another one where a proxy or http.StripPrefix takes a part
	// away, "/" where it takes all.
	Prefix string

	// Home is the page that users come back to where they began without a
	// return address: a path of the same origin. Empty is "/".
	Home string

	// OnEvent is told what became of each attempt, in the goroutine of the
	// request; it must be quick. Nil tells nobody.
	OnEvent func(HandlerEvent)
}

// HandlerEvent is something that happened at a [Handler]. It holds no secret.
type HandlerEvent struct {
	Kind HandlerEventKind
	Name string // of the credential
	User string // who is logged in, also where the credential is the application's own
	Code string // of one that was refused or that failed: the "error" of its JSON answer
	Err  error  // why, for a log; nil where Code says all
}

// HandlerEventKind is what a [HandlerEvent] tells of.
type HandlerEventKind string

// The kinds of events.
const (
	HandlerBegun        HandlerEventKind = "begun"        // a user was sent to the provider
	HandlerConnected    HandlerEventKind = "connected"    // and came back, and the tokens are stored
	HandlerDenied       HandlerEventKind = "denied"       // and said no there
	HandlerDisconnected HandlerEventKind = "disconnected" // the tokens are revoked, where the provider does that, and deleted
	HandlerRefused      HandlerEventKind = "refused"      // a request that is not as it must be, such as a forged callback
	HandlerFailed       HandlerEventKind = "failed"       // a store or a provider failed, or what an operator has set up
)

// Handler has the pages where the users of a web application connect their
// accounts. The application mounts it behind its own login:
//
//	GET  {base}/{name}/connect     a page with a button that begins
//	POST {base}/{name}/connect     begins: sends the browser to the provider
//	GET  {base}/{name}/callback    where the provider sends it back
//	POST {base}/{name}/disconnect  revokes at the provider, and deletes
//	GET  {base}/{name}/status      JSON: whether it is connected, and how
//
// connect and disconnect take a form with "return", a path of the same origin
// where the user comes back to, with the parameters lukko_name, which is the
// credential's, and lukko: "connected", "denied", "disconnected", or "deleted"
// where the provider has not ended what it gave. Anybody can write a link with
// these, so they are for a message only. Asked with Accept: application/json the
// pages answer in JSON, connect with the "url" to send the browser to.
// disconnect with "force=true" deletes also where the provider fails.
//
// What is to be remembered of an attempt is sealed in a cookie of the browser
// that began it: it works across processes and restarts, ends after ten
// minutes, is finished once, and only in that browser by the same user. Several
// can be under way at once.
//
// A Handler is safe for concurrent use.
type Handler struct {
	cfg    HandlerConfig
	base   baseURL
	prefix string
	home   string // of the application, absolute
	cross  *http.CrossOriginProtection
	used   usedStates

	keyTurn chan struct{} // holds one, where one process writes
	keyMade keyring       // of whoever has the turn
}

// NewHandler checks the configuration and makes a Handler. It does no I/O. The
// error is a [*core.Error] that matches core.ErrInvalidOption. What a credential
// lacks is told at its pages, and the others work.
func NewHandler(cfg HandlerConfig) (*Handler, error) {
	switch {
	case cfg.Store == nil || cfg.Store.shared == nil:
		return nil, invalidHandler("Store is nil")
	case cfg.User == nil:
		return nil, invalidHandler("User is nil: the handler can't know who is logged in")
	}
	base, fault := parseBaseURL(cfg.BaseURL)
	if fault != "" {
		return nil, invalidHandler(fault)
	}
	cfg.KeyID = cmp.Or(cfg.KeyID, DefaultSealKeyID)
	if core.CheckID(cfg.KeyID) != nil {
		return nil, invalidHandler("KeyID is no id")
	}
	cfg.Home = cmp.Or(cfg.Home, "/")
	if !isReturn(cfg.Home) {
		return nil, invalidHandler("Home is no path of the same origin; write it as /settings")
	}
	prefix := cmp.Or(cfg.Prefix, base.path+"/")
	if !strings.HasPrefix(prefix, "/") {
		return nil, invalidHandler("Prefix is no path; write it as /credentials")
	}
	cross := http.NewCrossOriginProtection()
	// Our own origin, for browsers that send no Sec-Fetch-Site behind a proxy
	// that changes Host.
	if err := cross.AddTrustedOrigin(base.origin); err != nil {
		return nil, invalidHandler("BaseURL has no origin")
	}
	return &Handler{
		cfg: cfg, base: base, cross: cross,
		prefix:  strings.TrimSuffix(prefix, "/") + "/",
		home:    base.origin + asciiURL(cfg.Home),
		keyTurn: make(chan struct{}, 1),
		used:    usedStates{svc: cfg.Store.cfg.Secrets, oneProcess: cfg.Store.cfg.OneProcess},
	}, nil
}

// CallbackURL is the address to register at the provider as the redirect
// URI of a credential.
func (h *Handler) CallbackURL(name string) string { return h.base.page(name, actionCallback) }

const (
	actionConnect    = "connect"
	actionCallback   = "callback"
	actionDisconnect = "disconnect"
	actionStatus     = "status"
)

// methods are what each page takes. The callback takes no HEAD, which would
// use it up.
var methods = map[string][]string{
	actionConnect:    {http.MethodGet, http.MethodHead, http.MethodPost},
	actionCallback:   {http.MethodGet},
	actionDisconnect: {http.MethodPost},
	actionStatus:     {http.MethodGet, http.MethodHead},
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plainHeader(w.Header())
	name, action, ok := h.route(r.URL.Path)
	if !ok {
		h.fail(w, r, errNoPage)
		return
	}
	v, p := h.visit(w, r, name, action)
	if p != nil {
		h.refuse(v, p, nil)
		return
	}
	switch action {
	case actionConnect:
		if r.Method == http.MethodPost {
			h.begin(v)
		} else {
			h.ask(v)
		}
	case actionCallback:
		h.finish(v)
	case actionDisconnect:
		h.disconnect(v)
	case actionStatus:
		h.status(v)
	}
}

// route takes a path apart.
func (h *Handler) route(path string) (name, action string, ok bool) {
	rest, ok := strings.CutPrefix(path, h.prefix)
	if !ok {
		return "", "", false
	}
	name, action, ok = strings.Cut(rest, "/")
	return name, action, ok && methods[action] != nil && isName(name)
}
