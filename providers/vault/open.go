package vault

import (
	"context"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

func init() { core.Register(provider, Opener(Config{})) }

// The keys of a URL beside prefix, which core serves.
const (
	keyKV          = "kv"
	keyNamespace   = "namespace"
	keyAuth        = "auth"
	keyAuthMount   = "auth_mount"
	keyRole        = "role"
	keyUsername    = "username"
	keyJWTFile     = "jwt_file"
	keyTLS         = "tls"
	keyConcurrency = "concurrency"
)

// Opener returns the opener of vault: URLs with what cfg says in place of the
// defaults. What a URL says goes before cfg.
//
// vault:///MOUNT is a mount of the server that the environment names.
// vault://HOST:PORT/MOUNT speaks TLS, unless the URL says tls=off, or the
// environment's own address is http:// with this host and port. The port is
// 8200 where it is left out.
func Opener(cfg Config) core.Opener {
	return func(_ context.Context, u *url.URL) (*core.Store, error) {
		cfg, err := cfg.with(u)
		if err != nil {
			return nil, err
		}
		return New(cfg)
	}
}

// with returns cfg with what a URL says.
func (cfg Config) with(u *url.URL) (Config, error) {
	for _, credential := range []string{"token", "role_id", "secret_id", "jwt", "password"} {
		if u.Query().Has(credential) {
			return cfg, invalid("a URL holds no credential; " + credential + " is read from VAULT_" + strings.ToUpper(credential) + ", or from the file that VAULT_" + strings.ToUpper(credential) + "_FILE names")
		}
	}
	keys, err := core.Query(u, keyKV, keyNamespace, keyAuth, keyAuthMount, keyRole, keyUsername, keyJWTFile, keyTLS, keyConcurrency)
	if err != nil {
		return cfg, err
	}
	if u.Opaque != "" {
		return cfg, invalid("the URL names its mount as in vault:///secret, and a server as in vault://vault.example.com:8200/secret")
	}
	for key, field := range map[string]*string{
		keyNamespace: &cfg.Namespace,
		keyAuth:      &cfg.Login.Method,
		keyAuthMount: &cfg.Login.Mount,
		keyRole:      &cfg.Login.Role,
		keyUsername:  &cfg.Login.Username,
		keyJWTFile:   &cfg.Login.JWTFile,
	} {
		value, ok := keys[key]
		if ok && value == "" {
			return cfg, invalid("the key " + key + " is empty, as when a variable in it is not set; leave it out")
		}
		if ok {
			*field = value
		}
	}
	if kv, ok := keys[keyKV]; ok {
		if kv != "1" && kv != "2" {
			return cfg, invalid("the key kv is 1 or 2")
		}
		cfg.KV = int(kv[0] - '0')
	}
	if text, ok := keys[keyConcurrency]; ok {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1024 {
			return cfg, invalid("the key concurrency is a number of requests, 1 to 1024")
		}
		cfg.Concurrency = n
	}
	if mount := strings.Trim(u.Path, "/"); mount != "" {
		cfg.Mount = mount
	}
	tls, ok := keys[keyTLS]
	switch {
	case ok && tls != "on" && tls != "off":
		return cfg, invalid("the key tls is on or off")
	case ok && u.Host == "":
		return cfg, invalid("the key tls goes with a host; without one the address of the environment says whether TLS is spoken")
	case u.Host != "":
		cfg.Address = address(u.Host, tls, cfg.Lookup)
	}
	return cfg, nil
}

// address is that of a URL's host. tls is on, off, or empty.
func address(host, tls string, lookup func(string) (string, bool)) string {
	if u := (&url.URL{Host: host}); u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "8200")
	}
	if lookup == nil {
		lookup = os.LookupEnv
	}
	plain := "http://" + host
	if tls == "off" {
		return plain
	}
	env := environment{lookup}
	for _, name := range []string{"AGENT_ADDR", "ADDR"} {
		if tls == "" && strings.TrimSuffix(env.get(name), "/") == plain {
			return plain
		}
	}
	return "https://" + host
}
