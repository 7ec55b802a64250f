//go:build !race

package shop_test

import (
	"testing"

	"github.com/lukko-dev/lukko/core"
)

func TestALoadedGetterAllocatesNothing(t *testing.T) {
	l := loaded(t)
	var token core.Value
	for name, read := range map[string]func(){
		"of a struct":             func() { sink = l.Stripe() },
		"of what may be absent":   func() { token, _ = l.GitlabToken() },
		"of what is in two words": func() { _ = l.Hostile() },
	} {
		if n := testing.AllocsPerRun(1000, read); n != 0 {
			t.Errorf("a getter %s: %v allocations, want 0", name, n)
		}
	}
	if sink.APIKey.Reveal() != "sk_live_1" || token.Reveal() != "glpat_1" {
		t.Error("the getters do not give what is stored")
	}
}
