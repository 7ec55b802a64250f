// Package faultproxy makes the network misbehave in a test, on command.
//
// A proxy listens on loopback, stands between a client and a real server, and
// adds nothing of its own: bytes pass as they are, each connection of a client
// has one connection to the server, and what one side does to its connection,
// the other side sees. So no request is retried, doubled or lost unless a
// fault says so.
//
// [New] makes a [Proxy], which knows nothing of what passes, and so serves TLS,
// HTTP/2 and the protocols of databases, too. It can be slow, a black hole, refuse
// connections, and cut them. [NewHTTP] makes an [HTTP], which can do all
// of that, and also reads the HTTP/1.1 in clear text that passes: a [Rule] says which
// requests meet which [Fault], and [HTTP.Requests] what became of each.
//
// Faults can be switched at any time, also while connections are open. All
// methods are safe for concurrent use. When the test ends, so does the proxy,
// with every connection and goroutine.
//
// Nothing here prints, logs or keeps a header's value, a query or a body.
package faultproxy
