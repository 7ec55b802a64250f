package conformance

import (
	"errors"
	"fmt"

	"github.com/lukko-dev/lukko/core"
)

var optionCases = []Case{
	{
		Name: "MUST/Options/that-make-no-sense-are-refused",
		Rule: "An empty version, two different ones, IfAbsent beside IfVersion, and an option that is nil are ErrInvalidOption; they never read the current version and never write.",
		Look: "whether options are checked before the call; core.New does this for a Backend",
		Cost: Cost{Class: Full, Calls: 22},
		run: func(t *trial) {
			id, before := t.someID("a")
			for name, opts := range map[string][]core.GetOption{
				"an empty AtVersion":        {core.AtVersion("")},
				"two different AtVersion":   {core.AtVersion("1"), core.AtVersion("2")},
				"AtVersion and GetOptions":  {core.AtVersion("1"), core.GetOptions{Version: "2"}},
				"an option that is nil":     {nil},
				"Fresh and an empty option": {core.Fresh(), core.AtVersion("")},
			} {
				_, err := t.svc.Get(t.ctx, id, opts...)
				t.optionKind("Get with "+name, err, t.caps.AtVersion)
				_, err = t.svc.Stat(t.ctx, id, opts...)
				t.optionKind("Stat with "+name, err, t.caps.AtVersion)
				got, err := t.svc.GetMany(t.ctx, []string{id}, opts...)
				if len(got) > 0 {
					t.errorf("GetMany with %s returned a secret", name)
				}
				if fault := idKindFault("", err, id, core.ErrInvalidOption); fault != "" {
					t.optionKind("GetMany with "+name, err, t.caps.AtVersion)
				}
			}
			for name, opts := range map[string][]core.SetOption{
				"an empty IfVersion":      {core.IfVersion("")},
				"two different IfVersion": {core.IfVersion("1"), core.IfVersion("2")},
				"IfAbsent and IfVersion":  {core.IfAbsent(), core.IfVersion("1")},
				"an option that is nil":   {nil},
			} {
				_, err := t.svc.Set(t.ctx, id, t.marks.value(), opts...)
				t.optionKind("Set with "+name, err, t.caps.Set && t.caps.IfAbsent && t.caps.IfVersion)
			}
			t.optionKind("Delete with an option that is nil", t.svc.Delete(t.ctx, id, nil), t.caps.Delete)
			t.unchanged("after calls that were refused", id, before)
		},
	},
	{
		Name:  "MUST/Options/structs-are-options",
		Rule:  "GetOptions, SetOptions and DeleteOptions are options like those they stand for; their zero values ask for nothing.",
		Look:  "whether a decorator hands on the structs, or knows only the single options",
		Cost:  Cost{Class: Full, Calls: 12},
		needs: []need{needContent},
		run: func(t *trial) {
			id, v := t.id("a"), t.marks.value()
			old := t.put(id, v)
			t.eventually(func() string {
				got, err := t.svc.Get(t.ctx, id, core.GetOptions{}, core.GetOptions{Fresh: true})
				if err != nil {
					return fmt.Sprintf("Get with GetOptions that ask for no version failed: %v", err)
				}
				return difference(got.Value, v)
			})
			if !t.caps.Set {
				return
			}
			next := t.marks.value()
			if _, err := t.svc.Set(t.ctx, id, next, core.SetOptions{}); err != nil {
				t.errorf("Set with empty SetOptions failed: %v", err)
			}
			t.wantValue("after Set with empty SetOptions", id, next)
			if t.caps.AtVersion {
				got, err := t.svc.Get(t.ctx, id, core.GetOptions{Version: old.Version})
				if err == nil {
					if diff := difference(got.Value, v); diff != "" {
						t.errorf("Get with GetOptions{Version}: %s", diff)
					}
				} else if !errors.Is(err, core.ErrNotFound) {
					t.errorf("Get with GetOptions{Version} failed: %v", err)
				}
			}
			_, err := t.svc.Set(t.ctx, id, t.marks.value(), core.SetOptions{IfAbsent: true})
			t.wantKind("Set with SetOptions{IfAbsent} over a value", err, core.ErrConflict, errors.ErrUnsupported)
			if old.Version != "" {
				_, err = t.svc.Set(t.ctx, id, t.marks.value(), core.SetOptions{IfVersion: old.Version})
				t.wantKind("Set with SetOptions{IfVersion} of an old version", err, core.ErrConflict, errors.ErrUnsupported)
			}
			t.wantValue("after refused writes", id, next)
			if t.caps.Delete {
				id, _ := t.have("b")
				if err := t.svc.Delete(t.ctx, id, core.DeleteOptions{}); err != nil {
					t.errorf("Delete with empty DeleteOptions failed: %v", err)
				}
				id = t.id("a")
				t.put(id, t.marks.value())
				err := t.svc.Delete(t.ctx, id, core.DeleteOptions{Purge: true})
				if t.caps.Purge && err != nil {
					t.errorf("Delete with DeleteOptions{Purge} failed: %v", err)
				}
				if !t.caps.Purge {
					t.wantKind("Delete with DeleteOptions{Purge}", err, errors.ErrUnsupported)
				}
			}
		},
	},
}

// optionKind wants ErrInvalidOption, or where the call or its options are not
// claimed that they are unsupported.
func (t *trial) optionKind(what string, err error, claimed bool) {
	if claimed {
		t.wantKind(what, err, core.ErrInvalidOption)
		return
	}
	t.wantKind(what, err, core.ErrInvalidOption, errors.ErrUnsupported)
}
