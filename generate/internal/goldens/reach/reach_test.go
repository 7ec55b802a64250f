package reach_test

import (
	"errors"
	"net/url"
	"reflect"
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
	named "github.com/lukko-dev/lukko/generate/internal/goldens/reach/core"
	"github.com/lukko-dev/lukko/generate/internal/goldens/reach/internal/billing"
	"github.com/lukko-dev/lukko/generate/internal/goldens/reach/keys"
	other "github.com/lukko-dev/lukko/generate/internal/goldens/reach/other/keys"
	"github.com/lukko-dev/lukko/generate/internal/goldens/reach/typed"
)

func TestEveryKindOfTypeIsReadAndWritten(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := memory.With(nil)
	defer store.Close()
	s, v := typed.NewTypedSecretService(store), typed.NewTypedVariables(store)

	leaf := &billing.Tree{Base: billing.Base{Account: "b"}, Password: core.String("p2")}
	tree := billing.Tree{Base: billing.Base{Account: "a"}, Password: core.String("p1"), Children: []*billing.Tree{leaf}}
	bundle := billing.Bundle{Key: "k", Value: billing.Pair[int, []core.Value]{Key: 1, Value: []core.Value{core.String("v")}}}
	err := errors.Join(
		s.SetAccount(ctx, tree),
		s.SetBoth(ctx, bundle),
		s.SetContext(ctx, named.Schema{Core: 1.5}),
		s.SetFirst(ctx, keys.Key{Text: "t"}),
		s.SetHosts(ctx, []string{"a", "b"}),
		s.SetPepper(ctx, []byte("pepper")),
		s.SetSecond(ctx, map[string]other.Key{"x": {Number: 2}}),
		v.SetMode(ctx, "fast"),
		v.SetQuery(ctx, url.Values{"q": {"1"}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := s.Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	if got := loaded.Account(); got.Account != "a" || len(got.Children) != 1 || got.Children[0].Password.Reveal() != "p2" {
		t.Errorf("account: %+v", got)
	}
	if got := loaded.Both(); got.Key != "k" || got.Value.Value[0].Reveal() != "v" {
		t.Errorf("both: %+v", got)
	}
	if loaded.Context().Core != 1.5 || loaded.First().Text != "t" || loaded.Hosts()[1] != "b" || string(loaded.Pepper()) != "pepper" || loaded.Second()["x"].Number != 2 {
		t.Error("what was loaded is not what was stored")
	}
	if inline, ok := loaded.Inline(); ok || inline != nil {
		t.Errorf("what is absent is %v", inline)
	}
	if _, err := store.Set(ctx, typed.InlineID, core.String(`{"level":"high","rates":{"a":[1,2]}}`)); err != nil {
		t.Fatal(err)
	}
	inline, ok, err := s.Inline(ctx)
	if err != nil || !ok || inline.Level != "high" || inline.Rates["a"] != [2]int{1, 2} {
		t.Errorf("inline: %+v, %v, %v", inline, ok, err)
	}
	all, err := v.All(ctx)
	if err != nil || all.Mode != "fast" || all.Query.Get("q") != "1" {
		t.Errorf("variables: %+v, %v", all, err)
	}
	if got := typed.SecretTypes()[typed.BothID]; got != reflect.TypeFor[billing.Bundle]() {
		t.Errorf("the type of both is %v", got)
	}
}
