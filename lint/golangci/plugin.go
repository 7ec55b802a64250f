// Package golangci makes the analyzers of lint a linter of golangci-lint, by
// its module plugin system: a .custom-gcl.yml names this package, and
// `golangci-lint custom` builds a golangci-lint that has it. The README of
// the module lint shows both files.
package golangci

import (
	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"

	"github.com/lukko-dev/lukko/lint"
)

// Name is the linter's name in golangci-lint's configuration.
const Name = "lukko"

func init() { register.Plugin(Name, New) }

// Settings is what stands under linters.settings.custom.lukko.settings.
type Settings struct {
	// Disable names rules to leave out.
	Disable []string `json:"disable"`

	// Meta names further secrets_meta.json files, relative to the root of the
	// module.
	Meta []string `json:"meta"`
}

// New makes the linter of its settings. An unknown setting or rule is an
// error. The flags of the analyzers belong to the process, so the last call decides.
func New(settings any) (register.LinterPlugin, error) {
	s, err := register.DecodeSettings[Settings](settings)
	if err != nil {
		return nil, err
	}
	analyzers, err := lint.Select(s.Disable)
	if err != nil {
		return nil, err
	}
	if len(s.Meta) > 0 {
		lint.SetMeta(s.Meta...)
	}
	return plugin{analyzers}, nil
}

type plugin struct{ analyzers []*analysis.Analyzer }

func (p plugin) BuildAnalyzers() ([]*analysis.Analyzer, error) { return p.analyzers, nil }
func (plugin) GetLoadMode() string                             { return register.LoadModeTypesInfo }
