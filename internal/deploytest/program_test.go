package deploytest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	run "google.golang.org/api/run/v1"

	"github.com/lukko-dev/lukko/generate/manifest"
	"github.com/lukko-dev/lukko/internal/providertest"
	"github.com/lukko-dev/lukko/providers/env"
	"github.com/lukko-dev/lukko/schema"
)

// A platform makes the environment of a program from a manifest. there says whether
// the store has a secret; paths in the environment begin at root.
type platform func(t *testing.T, data []byte, there func(id string) bool, root string) map[string]string

// inStore is the value of a secret in the store.
const inStore = "{}"

var platforms = map[string]struct {
	url   string
	write func(manifest.Input) ([]byte, error)
	run   platform
}{
	"kubernetes": {"gcp://my-project", manifest.Kubernetes, func(t *testing.T, data []byte, there func(string) bool, _ string) map[string]string {
		t.Helper()
		c := kubernetes(t, data)
		environment := map[string]string{}
		for _, from := range c.container.EnvFrom {
			if from.ConfigMapRef != nil {
				for key, value := range c.config.Data {
					environment[key] = value
				}
				continue
			}
			for _, d := range c.secrets[from.SecretRef.Name].Spec.Data {
				switch ok := there(d.RemoteRef.Key); {
				case ok:
					environment[d.SecretKey] = inStore
				case from.SecretRef.Optional == nil:
					t.Errorf("the pod does not start without %s", d.SecretKey)
				}
			}
		}
		return environment
	}},
	"ecs": {"aws://eu-west-1", manifest.ECS, func(t *testing.T, data []byte, there func(string) bool, _ string) map[string]string {
		t.Helper()
		container := containerOf(t, data)
		environment := map[string]string{}
		for _, e := range container.Environment {
			environment[*e.Name] = sdk.ToString(e.Value)
		}
		for _, s := range container.Secrets {
			if !there((*s.ValueFrom)[strings.LastIndex(*s.ValueFrom, ":")+1:]) {
				t.Errorf("the task does not start without %s", *s.Name)
			}
			environment[*s.Name] = inStore
		}
		return environment
	}},
	"cloudrun": {"gcp://my-project", manifest.CloudRun, func(t *testing.T, data []byte, there func(string) bool, _ string) map[string]string {
		t.Helper()
		var service run.Service
		strict(t, data, &service)
		environment := map[string]string{}
		for _, e := range service.Spec.Template.Spec.Containers[0].Env {
			environment[e.Name] = e.Value
			if e.ValueFrom != nil {
				if !there(e.ValueFrom.SecretKeyRef.Name) {
					t.Errorf("the revision does not start without %s", e.Name)
				}
				environment[e.Name] = inStore
			}
		}
		return environment
	}},
	"compose": {"file:secrets", manifest.Compose, func(t *testing.T, data []byte, there func(string) bool, root string) map[string]string {
		t.Helper()
		p := compose(t, data)
		environment := map[string]string{}
		for key, value := range p.Services["shop"].Environment {
			environment[key] = *value
		}
		for _, s := range p.Services["shop"].Secrets {
			if !there(s.Source) {
				t.Errorf("the service does not start without %s", s.Source)
			}
			put(t, filepath.Join(root, "run", "secrets", s.Source))
		}
		return environment
	}},
	"systemd": {"file:secrets", manifest.Systemd, func(t *testing.T, data []byte, there func(string) bool, root string) map[string]string {
		t.Helper()
		credentials, environment := unit(t, data)
		for id, from := range credentials {
			if there(strings.TrimPrefix(from, "shop.")) {
				put(t, filepath.Join(root, "credentials", id))
			}
		}
		return environment
	}},
}

func put(t testing.TB, file string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(inStore), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What is handed over is what the program loads, also without what may be
// absent.
func TestAProgramLoadsWhatItsDeploymentIsHanded(t *testing.T) {
	t.Parallel()
	for name, on := range platforms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, in := deployment(t, on.url)
			in.Account, in.Include = awsAccount, []string{"FIRST"}
			there := func(id string) bool { return slices.Contains(required, id) || id == "FIRST" }
			root := t.TempDir()
			environment := on.run(t, write(t, on.write, in), there, root)
			svc := providertest.Closed(t, env.New(env.Config{Lookup: func(name string) (string, bool) {
				value, ok := environment[name]
				if strings.HasSuffix(name, "_FILE") && ok {
					value = filepath.Join(root, value)
				}
				return value, ok
			}}))
			reports, err := schema.Loader{Service: svc, Environment: "production"}.Status(t.Context(), slices.Collect(p.Declarations.All())...)
			if err != nil {
				t.Error(err)
			}
			for _, r := range reports {
				id := r.Meta.ID
				want := schema.StateAbsent
				switch {
				case r.Meta.Default != "":
					want = schema.StateDefault
				case id != "UNSET_TOO" && (r.Meta.Variable || there(id)):
					want = schema.StateOK
				}
				if r.State != want {
					t.Errorf("%s is %s, want %s", id, r.State, want)
				}
			}
			loaded, err := schema.Loader{Service: svc, Environment: "production", Every: -1}.Load(t.Context(), slices.Collect(p.Declarations.All())...)
			if err != nil {
				t.Fatal(err)
			}
			if err := loaded.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
