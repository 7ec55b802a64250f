package deploytest

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	run "google.golang.org/api/run/v1"
	"sigs.k8s.io/yaml"

	"github.com/lukko-dev/lukko/generate/manifest"
)

// strict reads YAML into a type, and refuses what it has no field for, and
// what is there twice.
func strict(t testing.TB, data []byte, into any) {
	t.Helper()
	text, err := yaml.YAMLToJSONStrict(data)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
}

func TestAServiceOfCloudRunIsOneByItsAPI(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		all bool
		ids []string
	}{
		"what must be there": {false, required},
		"all":                {true, slices.Concat(required, optional)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, in := deployment(t, "gcp://my-project?prefix=prod_")
			in.IncludeOptional, in.Image = tt.all, "europe-docker.pkg.dev/my-project/shop/shop:1.0"
			var service run.Service
			strict(t, write(t, manifest.CloudRun, in), &service)
			if service.ApiVersion != "serving.knative.dev/v1" || service.Kind != "Service" || service.Metadata.Name != "shop" {
				t.Errorf("it is %s %s %s", service.ApiVersion, service.Kind, service.Metadata.Name)
			}
			containers := service.Spec.Template.Spec.Containers
			if len(containers) != 1 || containers[0].Image != in.Image {
				t.Fatalf("the containers are %v", containers)
			}
			environment, secrets := map[string]string{}, map[string]string{}
			for _, e := range containers[0].Env {
				if e.ValueFrom == nil {
					environment[e.Name] = e.Value
				} else {
					secrets[e.Name] = e.ValueFrom.SecretKeyRef.Name + ":" + e.ValueFrom.SecretKeyRef.Key
				}
			}
			want := map[string]string{}
			for _, id := range tt.ids {
				want[id] = "prod_" + id + ":latest"
			}
			same(t, "environment", environment, values(in))
			same(t, "secrets", secrets, want)
		})
	}
}

func TestASecretOfAnotherProjectIsNamedInAnAnnotationOfCloudRun(t *testing.T) {
	t.Parallel()
	p := load(t, "environments: {production: ['env:', 'gcp://my-project']}\nsecrets: {projects/123/secrets/DB: {}, STRIPE: {}}\n")
	var service run.Service
	strict(t, write(t, manifest.CloudRun, manifest.Input{
		Metas: p.metas, Environment: p.environment(t, "production"), Names: map[string]string{"projects/123/secrets/DB": "DB"},
	}), &service)
	if got := service.Spec.Template.Metadata.Annotations["run.googleapis.com/secrets"]; got != "other-1:projects/123/secrets/DB" {
		t.Errorf("the annotation is %q", got)
	}
	env := service.Spec.Template.Spec.Containers[0].Env
	if len(env) != 2 || env[0].Name != "DB" || env[0].ValueFrom.SecretKeyRef.Name != "other-1" || env[1].ValueFrom.SecretKeyRef.Name != "STRIPE" {
		t.Errorf("the environment is %v", env)
	}
}
