package core_test

import (
	"testing"

	"github.com/lukko-dev/lukko/core"
)

func TestAServiceWithoutTheFrontCanReadItsOptions(t *testing.T) {
	t.Parallel()
	get, err := core.GetOptionsOf(core.AtVersion("1"), core.Fresh())
	if want := (core.GetOptions{Version: "1", Fresh: true}); err != nil || get != want {
		t.Errorf("got %+v, %v, want %+v", get, err, want)
	}
	set, err := core.SetOptionsOf(core.IfVersion("1"), core.IfChanged())
	if want := (core.SetOptions{IfVersion: "1", IfChanged: true}); err != nil || set != want {
		t.Errorf("got %+v, %v, want %+v", set, err, want)
	}
	del, err := core.DeleteOptionsOf(core.Purge(), core.DeleteOptions{})
	if want := (core.DeleteOptions{Purge: true}); err != nil || del != want {
		t.Errorf("got %+v, %v, want %+v", del, err, want)
	}
	for name, call := range map[string]func() error{
		"an empty version":        func() error { _, err := core.GetOptionsOf(core.AtVersion("")); return err },
		"IfAbsent with IfVersion": func() error { _, err := core.SetOptionsOf(core.IfAbsent(), core.IfVersion("1")); return err },
		"a nil option":            func() error { _, err := core.DeleteOptionsOf(nil); return err },
	} {
		if err := call(); matches(err) != "ErrInvalidOption" {
			t.Errorf("%s: got %v, want ErrInvalidOption", name, err)
		}
	}
	if get, err := core.GetOptionsOf(); err != nil || get != (core.GetOptions{}) {
		t.Errorf("without options: got %+v, %v", get, err)
	}
}
