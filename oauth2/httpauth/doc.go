// Package httpauth sends a plain secret, such as an API key, with the requests
// of an [http.Client], and only to the hosts that it is meant for.
//
//	t, err := httpauth.New(httpauth.Config{
//		Name:   "weather",
//		Get:    httpauth.Secret(svc, "WEATHER_API_KEY"),
//		Scheme: httpauth.Header("X-Api-Key"),
//		Hosts:  []string{"api.weather.example", "*.data.weather.example"},
//	})
//	client := t.HTTP()
//
// # Where the secret goes
//
// A host pattern is a name ("api.example.com"), "*." before a name of two labels
// or more for all that is below it and not for itself, or an address (IPv6 in
// brackets), each with a port if it is not 443. Names are compared without case.
// A loopback host (localhost, 127.0.0.0/8, ::1) without a port is meant at any
// port. What is below a registry's own name, as in *.co.uk, is everybody's: give
// no such pattern.
//
// The secret goes over https, and over plain http to a loopback host that is
// declared. A Host header that names another host must be declared too, and a
// URL with an opaque part never gets it, as a proxy would go by that part.
// Any other request goes without the secret, or is refused before anything is
// sent where Config.Strict says so.
//
// # Redirects
//
// The secret isn't carried across a redirect to another origin (scheme, host
// and port: RFC 6454), also not to a declared host, and not back: whoever
// redirects chose that address. Such a request goes without the secret. This holds in
// every [http.Client]; the one of [Transport.HTTP] treats what the caller has put in the
// same header, and in Authorization, likewise, which net/http sends to hosts below.
//
// A secret in a query is copied by servers into the addresses to which they
// redirect. It is taken out of those again, and one that holds it elsewhere,
// as in a link back, is an error in place of a redirect. Choose a header where the
// API leaves you the choice: an address is what everything logs.
//
// # What sees it
//
// Only Config.Base does, and what that calls: the hooks of net/http/httptrace
// among it. The request that the caller made is not changed, and is the one that
// the answer names. So errors of an http.Client, which quote its URL, quote
// one without the secret. An error of Base that holds the secret, or eight bytes of
// it in a row, is replaced by one that says only its Go type; others pass as they
// are. What logs requests belongs above the Transport, not below.
package httpauth
