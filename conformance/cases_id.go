package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lukko-dev/lukko/core"
)

// refuses reports whether the harness says that the backend can't hold an id.
func (t *trial) refuses(id string) bool {
	return t.suite.harness.Refuses != nil && t.suite.harness.Refuses(id)
}

// ids at the limits. %s is where a live check's prefix goes.
var limitIDs = []struct{ name, why, id string }{
	{"one-byte", "the shortest id", "x"},
	{"portable-longest", "100 letters, which every backend holds", "p" + strings.Repeat("o", core.MaxPortableIDLen-1)},
	{"portable-bytes", "every byte of a portable id", "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"},
	{"longest", "255 bytes in one segment", strings.Repeat("l", core.MaxIDLen)},
	{"longest-in-segments", "255 bytes in segments", strings.Repeat("seg/", 63) + "end"},
	{"slashes", "folders", "team/app/db"},
	{"dots", "names with dots that are no \".\" or \"..\"", ".a/..b/c./d../..."},
	{"every-byte", "every byte that an id may hold", "aZ09_-./+=@:"},
	{"plus", "a byte that a URL's query decodes", "a+b"},
	{"colon-and-at", "bytes that a URL's authority splits", "user:x@host"},
	{"leading-dash", "what a command takes for a flag", "-rf"},
	{"digits", "what a column takes for a number", "0123"},
	{"arn", "a name in full of one vendor", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"},
	{"resource-name", "a name in full of another vendor", "projects/p-1/secrets/db/versions/latest"},
	{"reserved-names", "names that a file system reserves", "CON/nul.txt/aux"},
	{"dot-age", "a name with an extension", "key.age"},
	{"tilde-like", "equals signs at the end, as of base64", "a=="},
}

var idCases = idTable()

func idTable() []Case {
	var cases []Case
	for _, l := range limitIDs {
		cases = append(cases, Case{
			Name:  "MUST/IDs/" + l.name,
			Rule:  "An id is held by its own name, or refused with ErrInvalidID where the harness says so: " + l.why + ".",
			Look:  "how the id becomes a name, a path or a URL of the backend; if it can't be held, say so in Harness.Refuses, or in Harness.Names if it is another name of a secret, and in the documentation",
			needs: []need{needContent, ownStore},
			run: func(t *trial) {
				switch h := t.suite.harness; {
				case t.refuses(l.id):
					t.refused(l.id, core.ErrInvalidID)
					return
				case h.Names != nil && h.Names(l.id):
					t.refused(l.id, core.ErrNotFound, core.ErrInvalidID)
					return
				}
				v := t.marks.value()
				t.put(l.id, v)
				t.wantValue("after Set", l.id, v)
				t.wantMany("after Set", []string{l.id}, map[string]core.Value{l.id: v})
				if t.caps.List {
					t.wantList("the whole store", "", map[string]core.Value{l.id: v})
				}
				if t.caps.Delete {
					if err := t.svc.Delete(t.ctx, l.id); err != nil {
						t.fatalf("Delete failed: %v", err)
					}
					t.wantGone("after Delete", l.id)
				}
			},
		})
	}
	return append(cases, collisions...)
}

// refused checks that every call refuses an id that the backend can't hold, or
// that names nothing.
func (t *trial) refused(id string, kinds ...error) {
	_, err := t.svc.Get(t.ctx, id)
	t.wantKind("Get of a refused id", err, kinds...)
	_, err = t.svc.Stat(t.ctx, id)
	t.wantKind("Stat of a refused id", err, kinds...)
	found, err := t.svc.GetMany(t.ctx, []string{id})
	switch {
	case err != nil || !slices.Contains(kinds, core.ErrNotFound):
		t.wantIDKind("GetMany of a refused id", err, id, kinds...)
	case len(found) > 0:
		t.errorf("GetMany found %d secrets of an id that names nothing", len(found))
	}
	if t.caps.Set {
		_, err = t.svc.Set(t.ctx, id, t.marks.value())
		t.wantKind("Set of a refused id", err, kinds...)
	}
	if t.caps.Delete {
		t.wantKind("Delete of a refused id", t.svc.Delete(t.ctx, id), kinds...)
	}
	if t.caps.Versions {
		_, err = collect(t.svc.Versions(t.ctx, id))
		t.wantKind("Versions of a refused id", err, kinds...)
	}
}

var collisions = []Case{
	{
		Name: "MUST/IDs/invalid-are-refused",
		Rule: "What is no id is ErrInvalidID in every call, before anything happens, and is not repeated in the error.",
		Look: "whether ids are checked before they become a path or a URL; core.New does this for a Backend",
		Cost: Cost{Class: Full, Calls: 6 * 22},
		run: func(t *trial) {
			secret := t.marks.text() // what lands in an id by mistake is often a value
			for _, id := range []string{
				"", " ", "a b" + secret, "a\n", "a\x00b", "é" + secret, "a%2Fb", "a\\b", "a*", "a?", "a#b", "a~b", "{\"" + secret + "\":1}",
				"/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/.", strings.Repeat("a", core.MaxIDLen+1),
			} {
				_, err := t.svc.Get(t.ctx, id)
				t.wantKind("Get of what is no id", err, core.ErrInvalidID)
				_, err = t.svc.Stat(t.ctx, id)
				t.wantKind("Stat of what is no id", err, core.ErrInvalidID)
				_, err = t.svc.GetMany(t.ctx, []string{id})
				t.wantKind("GetMany of what is no id", err, core.ErrInvalidID)
				_, err = t.svc.Set(t.ctx, id, t.marks.value())
				t.refusedOr("Set of what is no id", err, t.caps.Set)
				t.refusedOr("Delete of what is no id", t.svc.Delete(t.ctx, id), t.caps.Delete)
				_, err = collect(t.svc.Versions(t.ctx, id))
				t.refusedOr("Versions of what is no id", err, t.caps.Versions)
			}
		},
	},
	{
		Name:  "MUST/IDs/case-is-kept-apart",
		Rule:  "Ids that differ only by case are two secrets, or the second is refused with ErrInvalidID or ErrConflict; they never meet.",
		Look:  "whether names are folded: by the backend, its file system, or its database's collation",
		Cost:  Cost{Class: Full, Calls: 11, Secrets: 2},
		needs: []need{needContent},
		run:   func(t *trial) { t.apart("case_key", "CASE_KEY", "Case_Key") },
	},
	{
		Name:  "MUST/IDs/separators-are-kept-apart",
		Rule:  "Ids that differ only by a separator are two secrets, or are refused with ErrInvalidID; they never meet.",
		Look:  "whether separators are replaced on the way to the backend's names",
		needs: []need{needContent, ownStore},
		run: func(t *trial) {
			t.apart("sep_a", "sep-a", "sep.a", "sep/a", "sep+a", "sep=a", "sep@a", "sep:a", "sepa", "sep__a", "sep_a_")
		},
	},
	{
		Name:  "MUST/IDs/prefixes-are-kept-apart",
		Rule:  "An id that begins another, also by whole segments, is a secret of its own.",
		Look:  "whether a secret and the folder of others can have one name",
		needs: []need{needContent, ownStore},
		run: func(t *trial) {
			t.apart("pre", "pre/x", "pre/x/y", "pre_", "prex", "pre.x", "pre/x.y")
		},
	},
	{
		Name:  "MUST/IDs/extensions-are-kept-apart",
		Rule:  "An id that ends like a file of another one is a secret of its own, or is refused with ErrInvalidID.",
		Look:  "what the backend adds to an id to name a file, a lock, a version or a temporary copy",
		needs: []need{needContent, ownStore},
		run: func(t *trial) {
			t.apart("ext", "ext.age", "ext.tmp", "ext.lock", "ext.json", "ext.txt", "ext.1", "ext/1", "ext/latest", "ext/current", "ext:1", "ext@1", "ext.bak")
		},
	},
}

// refusedOr wants ErrInvalidID, or where the call is not claimed that it is
// unsupported.
func (t *trial) refusedOr(what string, err error, claimed bool) {
	if claimed {
		t.wantKind(what, err, core.ErrInvalidID)
		return
	}
	t.wantKind(what, err, core.ErrInvalidID, errors.ErrUnsupported)
}

// apart stores a value under each id, and checks that each has its own, that
// a batch and a list show them so, and that a delete takes one.
func (t *trial) apart(names ...string) {
	want := map[string]core.Value{}
	var ids []string
	for _, name := range names {
		id, v := t.base()+name, t.marks.value()
		if t.refuses(id) {
			continue
		}
		if t.caps.Set {
			if _, err := t.svc.Set(t.ctx, id, v); err != nil {
				// A name that is taken, for a backend that is case-blind or
				// joins names: refused is not lost.
				t.wantKind(fmt.Sprintf("Set(%q)", id), err, core.ErrInvalidID, core.ErrConflict)
				if len(want) == 0 {
					t.fatalf("the first of the ids was refused")
				}
				t.notef("%q is refused beside %q", id, ids[0])
				if _, err := t.svc.Get(t.ctx, id); err == nil {
					t.errorf("%q was refused, and Get returns a secret for it", id)
				}
				continue
			}
		} else {
			t.seed(id, v)
		}
		want[id] = v
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		t.skipf("the backend holds none of these ids, as the harness says")
	}
	t.wantMany("of near ids", ids, want)
	for _, id := range ids {
		t.wantValue("among near ids", id, want[id])
	}
	if t.caps.List {
		t.wantList("of near ids", t.base(), want)
	}
	if t.caps.Delete {
		if err := t.svc.Delete(t.ctx, ids[0]); err != nil {
			t.fatalf("Delete failed: %v", err)
		}
		t.wantGone("after Delete", ids[0])
		delete(want, ids[0])
		t.wantMany("after the delete of a near id", ids, want)
	}
}
