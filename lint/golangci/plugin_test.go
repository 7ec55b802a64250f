package golangci_test

import (
	"slices"
	"testing"

	"github.com/golangci/plugin-module-register/register"

	"github.com/lukko-dev/lukko/lint"
	"github.com/lukko-dev/lukko/lint/golangci"
)

func TestPluginIsRegisteredAndHasTheRulesThatAreNotLeftOut(t *testing.T) {
	newPlugin, err := register.GetPlugin(golangci.Name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		settings any
		without  []string
	}{
		{nil, nil},
		{map[string]any{}, nil},
		{map[string]any{"disable": []string{lint.Dynamic, lint.Unread}}, []string{lint.Dynamic, lint.Unread}},
	} {
		plugin, err := newPlugin(c.settings)
		if err != nil {
			t.Errorf("%v: %v", c.settings, err)
			continue
		}
		analyzers, err := plugin.BuildAnalyzers()
		if err != nil || plugin.GetLoadMode() != register.LoadModeTypesInfo {
			t.Errorf("%v: %v, load mode %q", c.settings, err, plugin.GetLoadMode())
		}
		var got []string
		for _, a := range analyzers {
			got = append(got, a.Name)
		}
		var want []string
		for _, a := range lint.Analyzers {
			if !slices.Contains(c.without, a.Name) {
				want = append(want, a.Name)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: analyzers %q, want %q", c.settings, got, want)
		}
	}
}

func TestUnknownSettingsAreErrors(t *testing.T) {
	for _, settings := range []map[string]any{
		{"disable": []string{"nothing"}},
		{"disabled": []string{lint.Dynamic}},
		{"meta": 1},
	} {
		if _, err := golangci.New(settings); err == nil {
			t.Errorf("%v: no error", settings)
		}
	}
}
