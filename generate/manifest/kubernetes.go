package manifest

import (
	"bytes"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/lukko-dev/lukko/generate/internal/stores"
)

// Kubernetes returns YAML for External Secrets (external-secrets.io/v1): an
// ExternalSecret of the secrets that must be there, one of those that may be
// absent, a ConfigMap of the variables, and in a comment what the container says.
//
// The ExternalSecrets name a SecretStore, which is not written: how it logs in is the
// cluster's affair. A comment says what it must be.
func Kubernetes(in Input) ([]byte, error) {
	s, err := stores.One(in.Environment, in.Store, "aws", "gcp", "vault")
	if err != nil {
		return nil, err
	}
	p, err := in.prepare(true)
	if err != nil {
		return nil, err
	}
	if in.Namespace != "" && !labelForm.MatchString(in.Namespace) {
		return nil, stores.Fail("the namespace is none", "it is small letters, digits and hyphens")
	}
	kind, name := "SecretStore", in.SecretStore
	if cluster, ok := strings.CutPrefix(name, "cluster/"); ok {
		kind, name = "ClusterSecretStore", cluster
	}
	if name == "" {
		name = s.Name
	}
	if !objectForm.MatchString(name) || len(name) > 253 {
		return nil, stores.Fail("the store "+name+" can't be the name of a SecretStore", "name one by --secret-store; it is small letters, digits and hyphens")
	}
	var f file
	f.comment("The secrets and variables of "+in.App+" in "+stores.What(in.Environment)+", for External Secrets.",
		"It holds no value of a secret.", "",
		"The "+kind+" "+name+" reads the store "+s.Name+":")
	f.comment(secretStore(s)...)

	var must, may []secret
	for _, secret := range p.secrets {
		if secret.absent {
			may = append(may, secret)
		} else {
			must = append(must, secret)
		}
	}
	var from []any
	ref := mapping{{"kind", kind}, {"name", text(name)}}
	for _, part := range []struct {
		name     string
		secrets  []secret
		optional bool
	}{{in.App + "-secrets", must, false}, {in.App + "-secrets-optional", may, true}} {
		if len(part.secrets) == 0 {
			continue
		}
		doc, err := in.externalSecret(s, part.name, ref, part.secrets, part.optional)
		if err != nil {
			return nil, err
		}
		if err := f.document(doc); err != nil {
			return nil, err
		}
		secretRef := mapping{{"name", text(part.name)}}
		if part.optional {
			secretRef = append(secretRef, entry{"optional", true})
		}
		from = append(from, mapping{{"secretRef", secretRef}})
	}
	if len(p.variables) > 0 {
		var data mapping
		for _, v := range p.variables {
			data = append(data, entry{v.name, text(v.value)})
		}
		if err := f.document(mapping{
			{"apiVersion", "v1"},
			{"kind", "ConfigMap"},
			{"metadata", in.metadata(in.App + "-variables")},
			{"data", data},
		}); err != nil {
			return nil, err
		}
		from = append(from, mapping{{"configMapRef", mapping{{"name", text(in.App + "-variables")}}}})
	}
	f.b.WriteString("\n")
	f.comment("In the container:")
	var snippet bytes.Buffer
	if err := f.encode(&snippet, mapping{{"envFrom", from}}); err != nil {
		return nil, err
	}
	for line := range strings.Lines(snippet.String()) {
		f.comment("  " + strings.TrimRight(line, "\n"))
	}
	return f.b.Bytes(), nil
}

// objectForm is the name of an object (RFC 1123).
var objectForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)

func (in Input) metadata(name string) mapping {
	m := mapping{{"name", text(name)}}
	if in.Namespace != "" {
		m = append(m, entry{"namespace", text(in.Namespace)})
	}
	return m
}

// externalSecret is an ExternalSecret. Of optional ones, those that are missing are
// passed over: that is what the policy Delete says beside that the Secret goes
// when nothing is left.
func (in Input) externalSecret(s stores.Store, name string, ref mapping, secrets []secret, optional bool) (mapping, error) {
	target := mapping{{"name", text(name)}, {"creationPolicy", "Owner"}}
	if optional {
		target = append(target, entry{"deletionPolicy", "Delete"})
	}
	var data []any
	var template mapping
	for _, secret := range secrets {
		key, err := in.remoteKey(s, secret.ID)
		if err != nil {
			return nil, err
		}
		data = append(data, mapping{
			{"secretKey", text(secret.variable)},
			{"remoteRef", mapping{{"key", text(key)}}},
		})
		template = append(template, entry{secret.variable, text(strings.ReplaceAll(vaultTemplate, "NAME", secret.variable))})
	}
	if s.Scheme == "vault" {
		target = append(target, entry{"template", mapping{{"engineVersion", "v2"}, {"data", template}}})
	}
	return mapping{
		{"apiVersion", "external-secrets.io/v1"},
		{"kind", "ExternalSecret"},
		{"metadata", in.metadata(name)},
		{"spec", mapping{
			{"refreshInterval", "1h"},
			{"secretStoreRef", ref},
			{"target", target},
			{"data", data},
		}},
	}, nil
}

// vaultTemplate makes a value of what Vault keeps: of a text and of bytes, which
// are wrapped in a field of their own, and of a JSON object, which is not. See
// docs/vault-stored-form.md.
const vaultTemplate = `{{ with index . "NAME" }}{{ $d := fromJson . }}` +
	`{{ if and (eq (len $d) 1) (hasKey $d "lukko_text") }}{{ $d.lukko_text }}` +
	`{{ else if and (eq (len $d) 1) (hasKey $d "lukko_base64") }}{{ b64dec $d.lukko_base64 }}` +
	`{{ else }}{{ . }}{{ end }}{{ end }}`

// remoteKey is how External Secrets names a secret in the SecretStore.
func (in Input) remoteKey(s stores.Store, id string) (string, error) {
	key := s.Prefix + id
	if s.Scheme == "gcp" && strings.Contains(key, "/") {
		parts := strings.Split(key, "/")
		if last := parts[len(parts)-1]; parts[0] == "projects" && len(parts) >= 4 && parts[1] == s.Host {
			return last, nil
		}
		return "", stores.Fail("the secret "+id+" is in another project than the store "+s.Name, "a SecretStore reads one project: write this secret's ExternalSecret by hand")
	}
	return key, nil
}

// secretStore says, for a comment, what the SecretStore must be.
func secretStore(s stores.Store) []string {
	var lines []string
	add := func(key, value string) {
		if value != "" {
			lines = append(lines, "  "+key+": "+value)
		}
	}
	switch s.Scheme {
	case "aws":
		add("spec.provider.aws.service", "SecretsManager")
		add("spec.provider.aws.region", s.Host)
		add("spec.provider.aws.role", s.Keys["role_arn"])
		add("spec.provider.aws.externalID", s.Keys["external_id"])
	case "gcp":
		add("spec.provider.gcpsm.projectID", s.Host)
		add("spec.provider.gcpsm.location", s.Keys["location"])
	case "vault":
		mount, version := s.Path, s.Keys["kv"]
		if mount == "" {
			mount = "secret"
		}
		if version == "" {
			version = "2"
		}
		if s.Host != "" {
			at := url.URL{Scheme: "https", Host: s.Host}
			if at.Port() == "" {
				at.Host = net.JoinHostPort(at.Hostname(), "8200")
			}
			if s.Keys["tls"] == "off" {
				at.Scheme = "http"
			}
			add("spec.provider.vault.server", at.String())
		}
		add("spec.provider.vault.path", mount)
		add("spec.provider.vault.version", "v"+version)
		add("spec.provider.vault.namespace", s.Keys["namespace"])
	}
	return lines
}
