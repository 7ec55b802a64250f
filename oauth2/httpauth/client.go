package httpauth

import (
	"errors"
	"net/http"

	"github.com/lukko-dev/lukko/oauth2/internal/hosts"
)

// maxRedirects is net/http's own limit, which a CheckRedirect takes the place of.
const maxRedirects = 10

// HTTP returns a client whose requests go through the Transport, a new one each
// time. It follows ten redirects at most, and takes Authorization and the header of the scheme out
// of a request that is redirected to another origin: net/http would carry
// those that the caller has set to hosts below the first, the second kind
// to any host. It has no time limit of its own; requests have their contexts.
func (t *Transport) HTTP() *http.Client {
	return &http.Client{Transport: t, CheckRedirect: t.checkRedirect}
}

func (t *Transport) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return errors.New("stopped after 10 redirects")
	}
	for _, before := range via {
		if !hosts.SameOrigin(before.URL, req.URL) {
			req.Header.Del("Authorization")
			req.Header.Del(t.scheme.header())
			break
		}
	}
	return nil
}
