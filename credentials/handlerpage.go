package credentials

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

// problem is why a request is refused. All of its text is ours: neither the
// query nor the provider gets a word in.
type problem struct {
	status int
	code   string // for programs
	text   string // for people
}

// The problems whose text is always the same.
var (
	errNoPage       = &problem{http.StatusNotFound, "not_found", "There is no such page."}
	errMethod       = &problem{http.StatusMethodNotAllowed, "method", "This page is not asked for in this way."}
	errNoLogin      = &problem{http.StatusUnauthorized, "not_logged_in", "Log in to the application first."}
	errForbidden    = &problem{http.StatusForbidden, "forbidden", "You may not do this."}
	errLoginDown    = &problem{http.StatusServiceUnavailable, "login_unavailable", "Who is logged in could not be told just now. Try again later."}
	errCrossOrigin  = &problem{http.StatusForbidden, "cross_origin", "This must be asked for from the application's own pages."}
	errBadForm      = &problem{http.StatusBadRequest, "bad_request", "The request could not be read."}
	errFormType     = &problem{http.StatusUnsupportedMediaType, "media_type", "Send a form as application/x-www-form-urlencoded, or nothing."}
	errUnfit        = &problem{http.StatusServiceUnavailable, "unsupported", "Accounts can not be connected here. Whoever runs the application finds the reason in its log."}
	errBadReturn    = &problem{http.StatusBadRequest, "bad_return", "The return address must be a path of this application, such as /settings, of at most 1024 bytes."}
	errBadAnswer    = &problem{http.StatusBadRequest, "bad_answer", "This is not an answer of a provider. Nothing was connected; begin again from the application."}
	errNotBegun     = &problem{http.StatusBadRequest, "not_begun", "This browser has not begun this connection, or did so more than ten minutes ago. Nothing was connected. If you did begin one, do so again from the application; if you did not, close this page: somebody may have tried to connect an account that is not yours."}
	errLate         = &problem{http.StatusBadRequest, "expired", "This took more than ten minutes. Nothing was connected; begin again from the application."}
	errOtherUser    = &problem{http.StatusForbidden, "other_user", "Another user began this connection in this browser. Nothing was connected; begin again from the application."}
	errAgain        = &problem{http.StatusBadRequest, "used", "This answer was dealt with before. Look in the application whether the account is connected, and begin again if it is not."}
	errFlood        = &problem{http.StatusTooManyRequests, "too_many", "Too many connections were made within the last hour. Nothing was connected; try again later."}
	errMixedUp      = &problem{http.StatusBadRequest, "mixed_up", "This answer is not from the provider that was asked, or the application was set up anew meanwhile. Nothing was connected; begin again from the application."}
	errTooLong      = &problem{http.StatusBadRequest, "too_long", "What is to be remembered of this connection is too long for a browser. Use a shorter return address."}
	errRefused      = &problem{http.StatusBadGateway, "provider_refused", "The provider refused. Begin again from the application; whoever runs the application finds the reason in its log."}
	errProviderDown = &problem{http.StatusServiceUnavailable, "provider_unavailable", "The provider does not answer as it should. Try again later."}
	errStoreDown    = &problem{http.StatusServiceUnavailable, "store_unavailable", "The store of the application does not answer as it should. Try again later; if you were connecting an account, begin again from the application."}
	errInternal     = &problem{http.StatusInternalServerError, "internal", "This failed. Whoever runs the application finds the reason in its log."}
)

// plainHeader sets what goes with each answer: it is nobody's to keep, to
// frame, to interpret, or to tell other sites about. There is no form-action:
// browsers hold the redirects that follow a form to it, and where a provider
// sends the browser on to is not known.
func plainHeader(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// wantsJSON reports whether a program asks. A browser that follows a link asks
// for text/html, and what asks for anything gets a page.
func wantsJSON(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			kind, _, _ := strings.Cut(part, ";")
			switch strings.ToLower(strings.TrimSpace(kind)) {
			case "application/json":
				return true
			case "text/html":
				return false
			}
		}
	}
	return false
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

// page is what a page says. Form is where its button posts to; empty is none.
type page struct {
	Title, Text, Form, Button string
	Return                    string // where the form goes back to
	Home                      string // where the link leads
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{.Title}}</title>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{if .Form}}<form method="post" action="{{.Form}}">
<input type="hidden" name="return" value="{{.Return}}">
<button>{{.Button}}</button>
</form>
{{end}}<p><a href="{{.Home}}">Back to the application</a></p>
</html>
`))

func writePage(w http.ResponseWriter, status int, p page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pageTemplate.Execute(w, p)
}

// fail answers with a problem.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, p *problem) {
	if wantsJSON(r) {
		writeJSON(w, p.status, struct {
			Error   string `json:"error"`
			Message string `json:"message"`
		}{p.code, p.text})
		return
	}
	writePage(w, p.status, page{Title: http.StatusText(p.status), Text: p.text, Home: h.home})
}

// refuse answers with a problem and tells the hook, unless it is one that
// every site sees all day.
func (h *Handler) refuse(v *visit, p *problem, err error) {
	switch {
	case p == errNoPage || p == errMethod || p == errNoLogin:
	case p.status >= http.StatusInternalServerError:
		h.tell(HandlerEvent{Kind: HandlerFailed, Name: v.name(), User: v.user, Code: p.code, Err: err})
	default:
		h.tell(HandlerEvent{Kind: HandlerRefused, Name: v.name(), User: v.user, Code: p.code, Err: err})
	}
	h.fail(v.w, v.r, p)
}

func (h *Handler) tell(e HandlerEvent) {
	if h.cfg.OnEvent != nil {
		h.cfg.OnEvent(e)
	}
}

// redirect sends the browser on by a GET.
func redirect(w http.ResponseWriter, address string) {
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}
