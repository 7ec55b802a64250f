package vault

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/conns"
)

// dialer gives up where no one answers: a connection that is being opened
// counts as one of the few there may be.
var dialer = &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}

const (
	defaultTimeout = 60 * time.Second
	defaultRetries = 2
)

// dial makes a connection from a Config and the environment, as the API client
// would read it, with OpenBao's variables in front.
func dial(cfg Config, env environment, concurrency int) (*conn, error) {
	address := cmp.Or(cfg.Address, env.get("AGENT_ADDR", "ADDR"), api.DefaultAddress)
	if err := parseAddress(address); err != nil {
		return nil, err
	}
	viaAgent := strings.TrimSuffix(address, "/") == strings.TrimSuffix(env.get("AGENT_ADDR"), "/")
	logIn, err := cfg.Login.method(env, viaAgent)
	if err != nil {
		return nil, err
	}
	made := conns.New(dialer)
	t := transport(concurrency, made)
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if err := configureProxy(t, env); err != nil {
		return nil, err
	}
	limits, err := readLimits(env)
	if err != nil {
		return nil, err
	}
	settings := &api.Config{
		Address:    address,
		HttpClient: &http.Client{Transport: t},
		SRVLookup:  limits.srvLookup,
	}
	if err := configureTLS(settings, env); err != nil {
		return nil, err
	}
	client, err := newClient(settings)
	if err != nil {
		return nil, err
	}
	// What NewClient took from the process's environment is read again, through
	// env.
	client.ClearToken()
	client.SetHeaders(http.Header{api.RequestHeaderName: {"true"}})
	if err := addHeaders(client, env); err != nil {
		return nil, err
	}
	if namespace := cmp.Or(cfg.Namespace, env.get("NAMESPACE")); namespace != "" {
		client.SetNamespace(namespace)
	}
	if limits.rate > 0 {
		client.SetLimiter(limits.rate, limits.burst)
	}
	c := newConn(client, concurrency, limits.timeout, limits.retries)
	c.closeIdle, c.conns = t.CloseIdleConnections, made
	c.session = newSession(c, logIn, cfg.Mount)
	return c, nil
}

// borrow makes a connection over a client of the caller's. The caller's own is
// left as it is.
func borrow(theirs *api.Client, mount string, concurrency int) (*conn, error) {
	settings := theirs.CloneConfig()
	if settings.Error != nil {
		return nil, unreadableEnvironment()
	}
	timeout, retries := settings.Timeout, settings.MaxRetries
	settings.Address, settings.AgentAddress = theirs.Address(), ""
	client, err := newClient(settings)
	if err != nil {
		return nil, err
	}
	client.ClearNamespace()
	client.SetHeaders(theirs.Headers()) // the namespace is one of them
	client.ClearToken()
	c := newConn(client, concurrency, timeout, retries)
	c.session = newSession(c, func(context.Context, *conn) (*token, error) {
		return &token{value: core.String(theirs.Token())}, nil
	}, mount)
	c.session.live = theirs.Token
	return c, nil
}

// newClient makes an API client that sends a request once, follows no
// redirect and bounds answers. Its own time limit is left to conn, which ends
// it with the call.
func newClient(settings *api.Config) (*api.Client, error) {
	settings.MaxRetries = 0
	settings.CheckRetry = func(context.Context, *http.Response, error) (bool, error) { return false, nil }
	settings.Timeout = 0
	settings.DisableRedirects = true
	settings.ReadYourWrites = true
	client, err := api.NewClient(settings)
	if err != nil {
		return nil, unreadableEnvironment() // whose text may quote the environment
	}
	settings.HttpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	settings.HttpClient.Transport = bounded{settings.HttpClient.Transport}
	return client, nil
}

func unreadableEnvironment() error {
	return invalid("the API client refuses its settings; look at the address and the VAULT_ variables of the environment")
}

func configureTLS(settings *api.Config, env environment) error {
	insecure, err := env.bool("SKIP_VERIFY")
	if err != nil {
		return err
	}
	err = settings.ConfigureTLS(&api.TLSConfig{
		CACert:        env.get("CACERT"),
		CACertBytes:   []byte(env.get("CACERT_BYTES")),
		CAPath:        env.get("CAPATH"),
		ClientCert:    env.get("CLIENT_CERT"),
		ClientKey:     env.get("CLIENT_KEY"),
		TLSServerName: env.get("TLS_SERVER_NAME"),
		Insecure:      insecure,
	})
	if err != nil {
		return invalid("the TLS settings can't be used: look at CACERT, CACERT_BYTES, CAPATH, CLIENT_CERT and CLIENT_KEY (each with BAO_ or VAULT_ before it), and at the files that they name")
	}
	return nil
}

func configureProxy(t *http.Transport, env environment) error {
	proxy, variable := env.named("PROXY_ADDR", "HTTP_PROXY")
	if proxy == "" {
		return nil
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" {
		return invalid(variable + " is no URL of a proxy")
	}
	t.Proxy = http.ProxyURL(u)
	return nil
}

func addHeaders(client *api.Client, env environment) error {
	text, variable := env.named("HEADERS")
	if text == "" {
		return nil
	}
	var headers map[string]string
	if err := json.Unmarshal([]byte(text), &headers); err != nil {
		return invalid(variable + " is no JSON object of strings")
	}
	for name, value := range headers {
		if strings.HasPrefix(http.CanonicalHeaderKey(name), "X-Vault-") {
			return invalid(variable + " has a header of Vault's own; those begin with X-Vault-")
		}
		client.AddHeader(name, value)
	}
	return nil
}

// limits are the settings of the environment that bound calls.
type limits struct {
	timeout   time.Duration
	retries   int
	rate      float64
	burst     int
	srvLookup bool
}

func readLimits(env environment) (l limits, err error) {
	l = limits{timeout: defaultTimeout, retries: defaultRetries}
	if text, variable := env.named("CLIENT_TIMEOUT"); text != "" {
		if l.timeout, err = parseSeconds(text); err != nil || l.timeout < 0 {
			return l, invalid(variable + " is no duration, such as 30 or 30s")
		}
		if l.timeout == 0 {
			l.timeout = defaultTimeout // as the API client takes it
		}
	}
	if text, variable := env.named("MAX_RETRIES"); text != "" {
		if l.retries, err = strconv.Atoi(text); err != nil || l.retries < 0 {
			return l, invalid(variable + " is no number of retries")
		}
	}
	if text, variable := env.named("RATE_LIMIT"); text != "" {
		each, burst, found := strings.Cut(text, ":")
		l.rate, err = strconv.ParseFloat(each, 64)
		l.burst = int(l.rate)
		if found && err == nil {
			l.burst, err = strconv.Atoi(burst)
		}
		if err != nil || l.rate <= 0 || l.burst < 1 {
			return l, invalid(variable + " is no rate, such as 100 or 100:20")
		}
	}
	l.srvLookup, err = env.bool("SRV_LOOKUP")
	return l, err
}

func parseSeconds(text string) (time.Duration, error) {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	return time.ParseDuration(text)
}

func (e environment) bool(name string) (bool, error) {
	text, variable := e.named(name)
	if text == "" {
		return false, nil
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, invalid(variable + " is neither true nor false")
	}
	return b, nil
}

// bounded is a transport whose answers end: one that is longer than the
// caller's limit fails in place of filling the memory.
type bounded struct{ next http.RoundTripper }

type limitKey struct{}

// withLimit says how long an answer to a request may be, in bytes.
func withLimit(ctx context.Context, n int64) context.Context {
	return context.WithValue(ctx, limitKey{}, n)
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Nobody asked for that; its body is the connection, which need not end.
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
	n, ok := r.Context().Value(limitKey{}).(int64)
	if !ok {
		n = smallAnswer
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, n)
	return resp, nil
}
