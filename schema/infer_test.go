package schema_test

import (
	"testing"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/schema"
)

type pair[X, Y any] struct {
	X X `json:"x"`
	Y Y `json:"y"`
}

func withAnotherPart[X any]() schema.Declared {
	type part struct {
		B string `json:"b"`
	}
	return declare[pair[X, part]](schema.Spec{ID: "ID"})
}

func TestTwoTypesOfOneNameHaveTwoSchemas(t *testing.T) {
	t.Parallel()
	type part struct {
		A int `json:"a"`
	}
	d := withAnotherPart[part]()
	if err := d.Validate(core.String(`{"x":{"a":1},"y":{"b":"x"}}`)); err != nil {
		t.Error(err)
	}
	if err := d.Validate(core.String(`{"x":{"b":"x"},"y":{"a":1}}`)); err == nil || at(t, err) != "/x/a required, /y/b required" {
		t.Errorf("got %v", err)
	}
}
