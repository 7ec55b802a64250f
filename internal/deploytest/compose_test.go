package deploytest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/lukko-dev/lukko/generate/manifest"
)

// compose loads a file as docker compose does, beside one that has the service.
func compose(t testing.TB, data []byte) *types.Project {
	t.Helper()
	dir := t.TempDir()
	details := types.ConfigDetails{WorkingDir: dir, Environment: types.Mapping{"HOME": "/wrong", "X": "wrong"}}
	for _, f := range []struct {
		name string
		data []byte
	}{{"compose.yaml", []byte("services: {shop: {image: shop}}\n")}, {"secrets.yaml", data}} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o600); err != nil {
			t.Fatal(err)
		}
		details.ConfigFiles = append(details.ConfigFiles, types.ConfigFile{Filename: filepath.Join(dir, f.name), Content: f.data})
	}
	p, err := loader.LoadWithContext(t.Context(), details, func(o *loader.Options) { o.SetProjectName("test", true) })
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return p
}

func TestComposeLoadsTheFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files string
		all   bool
		ids   []string
	}{
		"with the caller's environment": {"", false, required},
		"with files":                    {"./my$secrets/", false, required},
		"with all":                      {"", true, slices.Concat(required, optional)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, in := deployment(t, "file:secrets")
			in.Files, in.IncludeOptional = tt.files, tt.all
			p := compose(t, write(t, manifest.Compose, in))
			service := p.Services["shop"]
			environment := map[string]string{}
			for key, value := range service.Environment {
				if value == nil {
					t.Errorf("%s is taken from the caller", key)
					continue
				}
				environment[key] = *value
			}
			want, sources, wantSources := values(in), map[string]string{}, map[string]string{}
			for _, id := range tt.ids {
				want[id+"_FILE"] = "/run/secrets/" + id
				wantSources[id] = id
				if tt.files != "" {
					wantSources[id] = filepath.Join(p.WorkingDir, "my$secrets", id)
				}
			}
			for key, s := range p.Secrets {
				sources[key] = s.Environment + s.File
			}
			same(t, "environment", environment, want)
			same(t, "secrets", sources, wantSources)
			var mounted []string
			for _, s := range service.Secrets {
				if s.Target != "" && s.Target != "/run/secrets/"+s.Source {
					t.Errorf("%s is mounted at %s", s.Source, s.Target)
				}
				mounted = append(mounted, s.Source)
			}
			slices.Sort(mounted)
			ids := slices.Sorted(slices.Values(tt.ids))
			if !slices.Equal(mounted, ids) {
				t.Errorf("the service has %q, want %q", mounted, ids)
			}
		})
	}
}
