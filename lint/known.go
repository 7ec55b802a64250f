package lint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

// known is what ids are declared, as far as a package can tell.
type known struct {
	ids map[string]bool
	// complete says that a metadata file lists all that the module declares.
	complete bool
	// open says that there are declarations whose ids can't be told.
	open bool
}

// declared reports whether anything is declared, as far as it can be told.
func (k *known) declared() bool { return len(k.ids) > 0 }

const (
	metaName   = "secrets_meta.json"
	configName = "lukko.yaml"
)

// knownIDs collects what the package, those below it, and the files beside or
// above it declare.
func (e *engine) knownIDs() *known {
	k := &known{ids: map[string]bool{}, open: e.own.Open || e.below.Open}
	for _, f := range []*packageFact{&e.own, &e.below} {
		for _, d := range f.Decls {
			k.ids[d.ID] = true
		}
	}
	dir := filepath.Dir(e.pass.Fset.Position(e.pass.Files[0].Package).Filename)
	for e.root != "" {
		k.readMeta(filepath.Join(dir, metaName), false)
		k.readConfig(filepath.Join(dir, configName))
		if dir == e.root || dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	for path := range strings.SplitSeq(metaFlag, ",") {
		if path == "" {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(e.root, path)
		}
		k.readMeta(path, true)
	}
	e.judgeUsed(k)
	return k
}

// readMeta reads the ids of a secrets_meta.json. One that must be there and is
// not, or that can't be read, leaves the ids open: nothing is reported then.
func (k *known) readMeta(path string, must bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		k.open = k.open || must || !os.IsNotExist(err)
		return
	}
	type entry struct {
		ID string `json:"id"`
	}
	var file struct {
		Secrets   []entry `json:"secrets"`
		Variables []entry `json:"variables"`
	}
	if json.Unmarshal(data, &file) != nil {
		k.open = true
		return
	}
	for _, entries := range [][]entry{file.Secrets, file.Variables} {
		for _, en := range entries {
			k.ids[en.ID] = true
		}
	}
	k.complete = true
}

// readConfig reads the ids of a lukko.yaml, and of the metadata files that it
// names.
func (k *known) readConfig(path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		k.open = k.open || !os.IsNotExist(err)
		return
	}
	var file struct {
		Secrets   map[string]yaml.Node `yaml:"secrets"`
		Variables map[string]yaml.Node `yaml:"variables"`
		Metadata  yaml.Node            `yaml:"metadata"`

		Credentials map[string]struct {
			SecretID      string `yaml:"secretID"`
			TokenSecretID string `yaml:"tokenSecretID"`
		} `yaml:"credentials"`
	}
	if yaml.Unmarshal(data, &file) != nil {
		k.open = true
		return
	}
	for _, ids := range []map[string]yaml.Node{file.Secrets, file.Variables} {
		for id := range ids {
			k.ids[id] = true
		}
	}
	for _, c := range file.Credentials {
		k.ids[c.SecretID], k.ids[c.TokenSecretID] = true, true
	}
	delete(k.ids, "") // a key has no tokens
	named := file.Metadata.Content
	if file.Metadata.Kind == yaml.ScalarNode {
		named = []*yaml.Node{&file.Metadata}
	}
	for _, n := range named {
		k.readMeta(filepath.Join(filepath.Dir(path), filepath.FromSlash(n.Value)), true)
	}
}
