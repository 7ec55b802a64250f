package faultproxy

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// An HTTP is a [Proxy] that reads along. What passes is HTTP/1.1 in clear
// text; bytes of anything else pass too, and meet no rule. It is safe for
// concurrent use.
type HTTP struct {
	*Proxy

	mu    sync.Mutex
	rules []*rule
	seen  []*Request
}

// A Rule says which requests meet which fault.
type Rule struct {
	// Match says whether the rule is for this request; nil is for each one. [To]
	// makes the usual ones. It is called before anything of the request is passed,
	// possibly by several connections at a time. The request has no body.
	Match func(*http.Request) bool
	// Skip is how many of the requests that match are not met, before the others are.
	Skip int
	// Times is how many requests the rule is for, exactly; 0 is no limit.
	Times int
	// Fault is what they meet. The zero Fault is none.
	Fault Fault
}

type rule struct {
	Rule
	skipped, used int
}

// A Request is what became of a request.
type Request struct {
	Method string
	Path   string // without the query, %-escapes decoded
	// Fault is the name of the fault that it met, such as "LoseAnswer"; "" is none.
	Fault string
	// Delivered: the server was sent the whole request, to its last byte.
	Delivered bool
	// Status is that of the final answer, which came from the server if the request was
	// Delivered, and else from the proxy, if Fault says so. 0: none, yet. The client may not
	// have got it.
	Status int
	// Passed: the whole answer went on to the client, to its last byte.
	Passed bool
}

// NewHTTP starts a proxy as [New] does, that reads HTTP along.
func NewHTTP(t testing.TB, server string) *HTTP {
	t.Helper()
	h := &HTTP{}
	h.Proxy = start(t, server, h)
	return h
}

// URL returns where the proxy is: "http://127.0.0.1:port".
func (h *HTTP) URL() string { return "http://" + h.Addr() }

// Do puts a rule in force, until restore is called. A request meets the first rule, in
// the order of Do, that matches and is neither to skip it nor used up; one that is under way
// when restore is called still meets its fault.
func (h *HTTP) Do(r Rule) (restore func()) {
	mine := &rule{Rule: r}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rules = append(h.rules, mine)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		// A new slice, as requests walk the old one without the lock.
		h.rules = slices.DeleteFunc(slices.Clone(h.rules), func(r *rule) bool { return r == mine })
	}
}

// To matches requests with the method, or any if that is "", whose path begins with prefix.
func To(method, prefix string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return (method == "" || r.Method == method) && strings.HasPrefix(r.URL.Path, prefix)
	}
}

// Requests returns all requests since the start, in the order of their coming. One that was
// lost in a [Proxy.BlackHole] is not among them.
func (h *HTTP) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]Request, len(h.seen))
	for i, r := range h.seen {
		all[i] = *r
	}
	return all
}

// An exchange is a request that passes, and its answer.
type exchange struct {
	h     *HTTP
	fault Fault
	seen  *Request // guarded by h.mu

	method string // of the request, on which the form of the answer depends
}

// note changes what Requests says of it.
func (x *exchange) note(change func(*Request)) {
	x.h.mu.Lock()
	defer x.h.mu.Unlock()
	change(x.seen)
}

// meet finds the request's fault, and lists it.
func (h *HTTP) meet(r *http.Request) *exchange {
	h.mu.Lock()
	rules := h.rules
	h.mu.Unlock()
	shown := *r
	shown.Body = http.NoBody
	x := &exchange{h: h, seen: &Request{Method: r.Method, Path: r.URL.Path}}
	for _, rule := range rules {
		// Match is somebody else's code, so it is called without the lock.
		if (rule.Match == nil || rule.Match(&shown)) && h.use(rule) {
			x.fault = rule.Fault
			x.seen.Fault = rule.Fault.name
			break
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, x.seen)
	return x
}

// use counts a request that matches, and returns whether the rule is for it.
func (h *HTTP) use(r *rule) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case r.skipped < r.Skip:
		r.skipped++
		return false
	case r.Times > 0 && r.used >= r.Times:
		return false
	}
	r.used++
	return true
}
