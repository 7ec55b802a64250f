package vault

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/conns"
)

const provider = "vault"

const (
	// DefaultMount is the mount of a Config that names none.
	DefaultMount = "secret"

	// DefaultConcurrency is how many requests a store has in flight at most,
	// and so how many connections it opens.
	DefaultConcurrency = 128
)

// Config says which server, which engine and which login. Its zero value is
// what the environment says, and the mount "secret".
type Config struct {
	// Address is the server's URL, such as https://vault.example.com:8200 or
	// unix:///run/vault.sock. Empty: BAO_AGENT_ADDR, BAO_ADDR, VAULT_AGENT_ADDR,
	// VAULT_ADDR, then the API client's own https://127.0.0.1:8200.
	Address string

	// Namespace is sent with every request, as a header, and stands in no
	// path. Empty: BAO_NAMESPACE, then VAULT_NAMESPACE.
	Namespace string

	// Mount is where the engine is mounted, such as "secret" or "team/kv".
	// Empty: DefaultMount.
	Mount string

	// KV is the version of the engine, 1 or 2. 0: the server is asked, at the
	// first call, by a request that needs no more rights than reading does.
	KV int

	// Concurrency is how many requests are in flight at most; more of them
	// wait. 0: DefaultConcurrency.
	Concurrency int

	// Login says how to log in. Its zero value is what the environment says.
	Login Login

	// Client, if set, is a client of the caller's that is used in place of
	// one made from the environment: its address, namespace, headers, TLS settings
	// and, at every request, its token. The caller keeps the token alive. Address,
	// Namespace and Login must be empty then.
	Client *api.Client

	// Lookup returns a variable of the environment and whether it is set, as
	// os.LookupEnv does, which is the default.
	Lookup func(name string) (string, bool)
}

// Format prints the settings for every verb, and not the Client, of which some
// verbs would show the token.
func (cfg Config) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "{Address:%q Namespace:%q Mount:%q KV:%d Concurrency:%d Login:%v Client:%t}",
		cfg.Address, cfg.Namespace, cfg.Mount, cfg.KV, cfg.Concurrency, cfg.Login, cfg.Client != nil)
}

// New returns a store over a KV engine. It asks nothing of the server: the
// first call does. What is wrong in cfg or in the environment is an error that
// matches core.ErrInvalidOption.
//
// The store may own a goroutine that renews its login, until it is closed.
func New(cfg Config) (*core.Store, error) {
	if cfg.Lookup == nil {
		cfg.Lookup = os.LookupEnv
	}
	env := environment{cfg.Lookup}
	var err error
	if cfg.Mount, err = cleanMount(cmp.Or(cfg.Mount, DefaultMount)); err != nil {
		return nil, err
	}
	if cfg.KV < 0 || cfg.KV > 2 {
		return nil, invalid("the version of a KV engine is 1 or 2, or 0 to ask the server")
	}
	if cfg.Concurrency < 0 {
		return nil, invalid("the number of concurrent requests is negative")
	}
	concurrency := cmp.Or(cfg.Concurrency, DefaultConcurrency)

	var c *conn
	if cfg.Client != nil {
		if cfg.Address != "" || cfg.Namespace != "" || cfg.Login != (Login{}) {
			return nil, invalid("a Client brings its own address, namespace and token; Address, Namespace and Login must be empty beside it")
		}
		c, err = borrow(cfg.Client, cfg.Mount, concurrency)
	} else {
		c, err = dial(cfg, env, concurrency)
	}
	if err != nil {
		return nil, err
	}
	return core.New(provider, &backend{conn: c, engine: newDetector(c, cfg.Mount, cfg.KV)}), nil
}

// cleanMount returns a mount without slashes at its ends.
func cleanMount(mount string) (string, error) {
	mount = strings.Trim(mount, "/")
	// A segment that a path would lose, or a byte that a query would take,
	// names another mount than the one that was meant.
	if mount == "" || mount != path.Clean(mount) || strings.HasPrefix(mount, "../") || mount == ".." || strings.ContainsAny(mount, "?#%\\") || core.Printable(mount) != mount {
		return "", invalid("the mount is no path of a secrets engine, such as secret or team/kv")
	}
	return mount, nil
}

func invalid(hint string) error {
	return &core.Error{Op: "open", Provider: provider, Kind: core.ErrInvalidOption, Hint: hint}
}

// transport is what requests go over, with as many connections as requests may
// be in flight. It is no copy of http.DefaultTransport, which programs replace.
func transport(concurrency int, made *conns.Set) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            made.DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxConnsPerHost:        concurrency,
		MaxIdleConns:           concurrency,
		MaxIdleConnsPerHost:    concurrency,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: smallAnswer,
		// A connection that died without a word is found by a ping, not by the
		// requests that wait on it.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 5 * time.Second, PingTimeout: 5 * time.Second},
	}
}

// parseAddress checks an address as the API client will take it.
func parseAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "unix", u.Scheme != "unix" && u.Host == "":
		return invalid("the address of the server does not parse; it is like https://vault.example.com:8200, from the URL, BAO_ADDR, VAULT_ADDR or the address of an agent")
	case u.User != nil:
		return invalid("the address of the server holds a user or password; credentials come from the environment or from files")
	}
	return nil
}
