package deploytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"text/template"

	"github.com/Masterminds/sprig/v3"
	"github.com/santhosh-tekuri/jsonschema/v5"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/lukko-dev/lukko/generate/manifest"
)

// The release of External Secrets whose schema is asked, the first one of
// external-secrets.io/v1. Its module is 20 MB and requires some hundred others, so it is
// downloaded alone, and required by nothing.
const (
	externalSecrets    = "github.com/external-secrets/external-secrets@v0.16.2"
	externalSecretsSum = "h1:iNY+gIgSyL5higXTfnz+hdPCaiB/43UiHLqE7HBpj68="
)

// crd is the schema of an ExternalSecret, as the cluster has it, but stricter: a
// cluster drops the fields that it doesn't know, and here they are refused.
var crd = sync.OnceValues(func() (*jsonschema.Schema, error) {
	cmd := exec.Command("go", "mod", "download", "-json", externalSecrets)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	cmd.Dir = os.TempDir()
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal(out, &module); err != nil {
		return nil, err
	}
	if module.Sum != externalSecretsSum {
		return nil, errors.New(externalSecrets + " is not what it was")
	}
	data, err := os.ReadFile(filepath.Join(module.Dir, "config", "crds", "bases", "external-secrets.io_externalsecrets.yaml"))
	if err != nil {
		return nil, err
	}
	var definition struct {
		Spec struct {
			Versions []struct {
				Name   string
				Schema struct{ OpenAPIV3Schema map[string]any }
			}
		}
	}
	if err := yaml.Unmarshal(data, &definition); err != nil {
		return nil, err
	}
	for _, v := range definition.Spec.Versions {
		if v.Name == "v1" {
			text, err := json.Marshal(closed(v.Schema.OpenAPIV3Schema))
			if err != nil {
				return nil, err
			}
			c := jsonschema.NewCompiler()
			if err := c.AddResource("crd.json", bytes.NewReader(text)); err != nil {
				return nil, err
			}
			return c.Compile("crd.json")
		}
	}
	return nil, errors.New("the schema has no version v1")
})

func crdOf(t testing.TB) *jsonschema.Schema {
	t.Helper()
	schema, err := crd()
	var download *exec.ExitError
	switch {
	case errors.As(err, &download):
		leftOut(t, "the schema of External Secrets; with a network: go mod download "+externalSecrets)
	case err != nil:
		t.Fatal(err)
	}
	return schema
}

// closed has each object refuse what it has no property for. The metadata of an
// object are Kubernetes' own, and not in the schema.
func closed(schema map[string]any) map[string]any {
	properties, ok := schema["properties"].(map[string]any)
	if _, more := schema["additionalProperties"]; ok && !more && schema["x-kubernetes-preserve-unknown-fields"] != true {
		schema["additionalProperties"] = false
	}
	for name, p := range properties {
		if p, ok := p.(map[string]any); ok && name != "metadata" {
			closed(p)
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if p, ok := schema[key].(map[string]any); ok {
			closed(p)
		}
	}
	return schema
}

// externalSecret is what the tests look at.
type externalSecret struct {
	Metadata struct{ Name, Namespace string }
	Spec     struct {
		SecretStoreRef struct{ Kind, Name string }
		Target         struct {
			Name, CreationPolicy, DeletionPolicy string
			Template                             struct {
				EngineVersion string
				Data          map[string]string
			}
		}
		Data []struct {
			SecretKey string
			RemoteRef struct{ Key, Property string }
		}
	}
}

// cluster is a manifest, read as the cluster reads it.
type cluster struct {
	secrets   map[string]externalSecret // by name
	config    *corev1.ConfigMap
	container corev1.Container // the snippet in the comment
}

func kubernetes(t testing.TB, data []byte) cluster {
	t.Helper()
	schema := crdOf(t)
	c := cluster{secrets: map[string]externalSecret{}}
	text, snippet, ok := strings.Cut(string(data), "\n# In the container:\n")
	if !ok {
		t.Fatalf("it does not say what the container needs:\n%s", data)
	}
	for _, doc := range strings.Split(text, "\n---\n") {
		var kind struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(doc), &kind); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		switch kind.APIVersion + " " + kind.Kind {
		case "external-secrets.io/v1 ExternalSecret":
			var v any
			strict(t, []byte(doc), &v)
			if err := schema.Validate(v); err != nil {
				t.Fatalf("%#v in\n%s", err, doc)
			}
			var es externalSecret
			if err := yaml.Unmarshal([]byte(doc), &es); err != nil {
				t.Fatal(err)
			}
			c.secrets[es.Metadata.Name] = es
		case "v1 ConfigMap":
			c.config = new(corev1.ConfigMap)
			strict(t, []byte(doc), c.config)
		default:
			t.Fatalf("it has a %s of %s", kind.Kind, kind.APIVersion)
		}
	}
	var lines strings.Builder
	for line := range strings.Lines(snippet) {
		line, ok := strings.CutPrefix(line, "# ")
		if !ok {
			t.Fatalf("the snippet has %q", line)
		}
		lines.WriteString(line)
	}
	strict(t, []byte(lines.String()), &c.container)
	return c
}

func TestKubernetesAndExternalSecretsTakeTheManifest(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"of AWS":    "aws://eu-west-1?prefix=prod/",
		"of Google": "gcp://my-project?prefix=prod/",
		"of Vault":  "vault://vault.example.com/team/kv?prefix=prod/",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url = strings.Replace(url, "my-project?prefix=prod/", "my-project?prefix=prod_", 1)
			_, in := deployment(t, url)
			in.Namespace, in.SecretStore = "shop", "cluster/vendor"
			c := kubernetes(t, write(t, manifest.Kubernetes, in))
			if len(c.secrets) != 2 || c.config == nil {
				t.Fatalf("it has %d ExternalSecrets", len(c.secrets))
			}
			for name, ids := range map[string][]string{"shop-secrets": required, "shop-secrets-optional": optional} {
				es := c.secrets[name]
				if es.Metadata.Namespace != "shop" || es.Spec.Target.Name != name || es.Spec.SecretStoreRef.Name != "vendor" || es.Spec.SecretStoreRef.Kind != "ClusterSecretStore" {
					t.Errorf("%s: %+v", name, es)
				}
				// Missing ones are passed over under this policy alone.
				if may := name == "shop-secrets-optional"; may != (es.Spec.Target.DeletionPolicy == "Delete") {
					t.Errorf("%s has the deletion policy %q", name, es.Spec.Target.DeletionPolicy)
				}
				got, want := map[string]string{}, map[string]string{}
				for _, d := range es.Spec.Data {
					got[d.SecretKey] = d.RemoteRef.Key + d.RemoteRef.Property
				}
				for _, id := range ids {
					want[id] = "prod/" + id
					if strings.HasPrefix(url, "gcp:") {
						want[id] = "prod_" + id
					}
				}
				same(t, name, got, want)
				if strings.HasPrefix(url, "vault:") {
					if keys := len(es.Spec.Target.Template.Data); keys != len(ids) || es.Spec.Target.Template.EngineVersion != "v2" {
						t.Errorf("%s has a template of %d keys", name, keys)
					}
				} else if es.Spec.Target.Template.Data != nil {
					t.Errorf("%s has a template", name)
				}
			}
			same(t, "the ConfigMap", c.config.Data, values(in))
			from := map[string]bool{}
			for _, f := range c.container.EnvFrom {
				switch {
				case f.SecretRef != nil:
					from[f.SecretRef.Name] = f.SecretRef.Optional != nil && *f.SecretRef.Optional
				case f.ConfigMapRef != nil:
					from[f.ConfigMapRef.Name] = false
				}
			}
			if len(from) != 3 || from["shop-secrets"] || !from["shop-secrets-optional"] || from[c.config.Name] {
				t.Errorf("the container's environment is from %v", from)
			}
		})
	}
}

// What Vault keeps becomes the value, as docs/vault-stored-form.md has it, in the
// template engine of External Secrets, whose functions are sprig's.
func TestTheTemplateMakesTheValueOfWhatVaultKeeps(t *testing.T) {
	t.Parallel()
	_, in := deployment(t, "vault:///secret?kv=2")
	c := kubernetes(t, write(t, manifest.Kubernetes, in))
	text := c.secrets["shop-secrets"].Spec.Target.Template.Data["STRIPE"]
	tpl, err := template.New("STRIPE").Option("missingkey=error").Funcs(sprig.TxtFuncMap()).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		data map[string]string
		want string
	}{
		"a text":                     {map[string]string{"STRIPE": `{"lukko_text":"a \"b\" <c>\n"}`}, "a \"b\" <c>\n"},
		"bytes":                      {map[string]string{"STRIPE": `{"lukko_base64":"AP+A"}`}, "\x00\xff\x80"},
		"an object":                  {map[string]string{"STRIPE": `{"apiKey":"a","port":5432}`}, `{"apiKey":"a","port":5432}`},
		"an object of one":           {map[string]string{"STRIPE": `{"apiKey":"a"}`}, `{"apiKey":"a"}`},
		"an object with such a name": {map[string]string{"STRIPE": `{"lukko_text":"a","b":"c"}`}, `{"lukko_text":"a","b":"c"}`},
		"nothing":                    {map[string]string{"OTHER": "x"}, ""},
	} {
		var b strings.Builder
		if err := tpl.Execute(&b, tt.data); err != nil || b.String() != tt.want {
			t.Errorf("%s becomes %q, %v; want %q", name, b.String(), err, tt.want)
		}
	}
}

// The check above can fail.
func TestTheSchemaOfExternalSecretsRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	schema := crdOf(t)
	const good = `
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a}
spec:
  secretStoreRef: {name: b, kind: SecretStore}
  target: {name: a, creationPolicy: Owner, deletionPolicy: Delete}
  data: [{secretKey: A, remoteRef: {key: a}}]
`
	for _, change := range [][2]string{{"", ""}, {"SecretStore}", "Store}"}, {"Owner", "Me"}, {"Delete}", "Drop}"}, {"{key: a}", "{}"}, {"secretKey:", "secretName:"}, {"remoteRef: {", "remoteRef: {optional: true, "}} {
		var v any
		strict(t, []byte(strings.Replace(good, change[0], change[1], 1)), &v)
		if err := schema.Validate(v); (err == nil) != (change[0] == "") {
			t.Errorf("with %q in place of %q: %v", change[1], change[0], err != nil)
		}
	}
}
