package main

import (
	"context"
	"fmt"

	"github.com/hashicorp/go-hclog"
	jwt "github.com/hashicorp/vault-plugin-auth-jwt"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/userpass"
	"github.com/hashicorp/vault/helper/namespace"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/vault"
)

var (
	logins = map[string]logical.Factory{
		"approle":    approle.Factory,
		"jwt":        jwt.Factory,
		"kubernetes": kubernetes.Factory,
		"userpass":   userpass.Factory,
	}
	engines = map[string]logical.Factory{"kv": kv.Factory}
)

func (s *server) config() *vault.CoreConfig {
	return &vault.CoreConfig{
		BuiltinRegistry:    registry{},
		CredentialBackends: logins,
		LogicalBackends:    engines,
		Physical:           s.storage,
		StorageType:        "inmem",
		// Locking memory needs a right. The cache stays on, as everywhere: without
		// it every request parses its token's policies anew.
		DisableMlock: true,
		Logger:       s.log,
		AllLoggers:   []hclog.Logger{s.log},
	}
}

// setUp mounts the engines and the auth methods, once for the life of the storage.
func (s *server) setUp() error {
	for path, version := range map[string]string{"secret": "2", "team/kv": "2", "kv1": "1"} {
		if err := s.write("sys/mounts/"+path, map[string]any{
			"type":    "kv",
			"options": map[string]any{"version": version},
		}); err != nil {
			return err
		}
	}
	for name := range logins {
		if err := s.write("sys/auth/"+name, map[string]any{"type": name}); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) write(path string, data map[string]any) error {
	answer, err := s.request(logical.UpdateOperation, path, data)
	if err == nil && answer != nil {
		err = answer.Error()
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (s *server) request(operation logical.Operation, path string, data map[string]any) (*logical.Response, error) {
	return s.core.HandleRequest(namespace.RootContext(context.Background()), &logical.Request{
		Operation:   operation,
		Path:        path,
		Data:        data,
		ClientToken: s.root,
	})
}

// registry says which plugins are built in. Vault asks it also for those that
// are compiled into its core, and a nil one crashes sys/mounts.
type registry struct{}

func (registry) Contains(name string, kind consts.PluginType) bool {
	_, ok := factories(kind)[name]
	return ok
}

func (registry) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	factory, ok := factories(kind)[name]
	return func() (any, error) { return factory, nil }, ok
}

func (registry) Keys(kind consts.PluginType) []string {
	var names []string
	for name := range factories(kind) {
		names = append(names, name)
	}
	return names
}

func (registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, registry{}.Contains(name, kind)
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }

func factories(kind consts.PluginType) map[string]logical.Factory {
	switch kind {
	case consts.PluginTypeCredential:
		return logins
	case consts.PluginTypeSecrets:
		return engines
	}
	return nil
}
