package manifest

import (
	"strings"

	"github.com/lukko-dev/lukko/generate/internal/stores"
)

// Compose returns a file for docker compose, to be merged with the one that has the
// service: its secrets, each a file that NAME_FILE names, and its environment.
// https://github.com/compose-spec/compose-spec
//
// Compose does not start without a secret that it names, so those that may be
// absent are left out, unless [Input.Include] names them.
func Compose(in Input) ([]byte, error) {
	p, err := in.prepare(false)
	if err != nil {
		return nil, err
	}
	if in.Files != "" && strings.ContainsAny(in.Files, "\x00\n") {
		return nil, stores.Fail("the folder of the files is none", "it is a path, such as ./secrets")
	}
	var environment, sources mapping
	var names []any
	for _, s := range p.secrets {
		names = append(names, text(s.variable))
		environment = append(environment, entry{s.variable + "_FILE", text("/run/secrets/" + s.variable)})
		source := mapping{{"environment", text(s.variable)}}
		if in.Files != "" {
			source = mapping{{"file", text(literal(strings.TrimSuffix(in.Files, "/") + "/" + s.variable))}}
		}
		sources = append(sources, entry{s.variable, source})
	}
	for _, v := range p.variables {
		environment = append(environment, entry{v.name, text(literal(v.value))})
	}
	service := mapping{{"environment", environment}}
	if len(names) > 0 {
		service = append(service, entry{"secrets", names})
	}
	file := mapping{{"services", mapping{{in.App, service}}}}
	if len(sources) > 0 {
		file = append(file, entry{"secrets", sources})
	}
	return composed(in, p, file)
}

func composed(in Input, p parts, content mapping) ([]byte, error) {
	var f file
	f.comment("The secrets and variables of "+in.App+" in "+stores.What(in.Environment)+", beside the file that has the service:",
		"docker compose -f compose.yaml -f THIS up. It holds no value of a secret.")
	f.left(p)
	err := f.document(content)
	return f.b.Bytes(), err
}

// literal keeps Compose from replacing what looks like a variable.
func literal(s string) string { return strings.ReplaceAll(s, "$", "$$") }
