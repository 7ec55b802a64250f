package manifest

import (
	"strconv"
	"strings"

	"github.com/lukko-dev/lukko/generate/internal/stores"
)

// CloudRun returns a service of Cloud Run, as YAML of
// serving.knative.dev/v1: one container with its image and environment.
//
// A revision does not start without a secret that it names, so those that may be
// absent are left out, unless [Input.Include] names them. Cloud Run
// reads a secret's latest version when an instance starts, and no regional
// secrets. Secrets of another project are named in the annotation
// run.googleapis.com/secrets.
// https://cloud.google.com/run/docs/configuring/services/secrets
func CloudRun(in Input) ([]byte, error) {
	s, err := stores.One(in.Environment, in.Store, "gcp")
	if err != nil {
		return nil, err
	}
	if s.Keys["location"] != "" {
		return nil, stores.Fail("the store "+s.Name+" is of regional secrets, which Cloud Run does not mount", "let the program read them itself")
	}
	p, err := in.prepare(false)
	if err != nil {
		return nil, err
	}
	var env []any
	var aliases []string
	for _, secret := range p.secrets {
		name := s.Prefix + secret.ID
		if strings.Contains(name, "/") {
			parts := strings.Split(name, "/")
			if len(parts) != 4 || parts[0] != "projects" || parts[2] != "secrets" {
				return nil, stores.Fail("the id "+secret.ID+" names no secret of Google's", "an id has no slash, or is projects/PROJECT/secrets/NAME")
			}
			alias := "other-" + strconv.Itoa(len(aliases)+1)
			aliases = append(aliases, alias+":"+name)
			name = alias
		}
		env = append(env, mapping{
			{"name", text(secret.variable)},
			{"valueFrom", mapping{{"secretKeyRef", mapping{{"name", text(name)}, {"key", "latest"}}}}},
		})
	}
	for _, v := range p.variables {
		env = append(env, mapping{{"name", text(v.name)}, {"value", text(v.value)}})
	}
	metadata := mapping{{"name", text(in.App)}}
	var template mapping
	if len(aliases) > 0 {
		template = append(template, entry{"metadata", mapping{{"annotations", mapping{{"run.googleapis.com/secrets", text(strings.Join(aliases, ","))}}}}})
	}
	template = append(template, entry{"spec", mapping{{"containers", []any{mapping{{"image", text(in.Image)}, {"env", env}}}}}})

	var f file
	f.comment("The secrets and variables of "+in.App+" in "+stores.What(in.Environment)+", for Cloud Run. It holds no value of a secret.",
		"The service's account needs the rights that lukko policy gcp writes.")
	f.left(p)
	err = f.document(mapping{
		{"apiVersion", "serving.knative.dev/v1"},
		{"kind", "Service"},
		{"metadata", metadata},
		{"spec", mapping{{"template", template}}},
	})
	return f.b.Bytes(), err
}

// left says what was left out.
func (f *file) left(p parts) {
	if ids := ids(p.left); ids != "" {
		f.comment("Left out, as they may be absent and the deployment would fail without them: " + ids)
	}
}
