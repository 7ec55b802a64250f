package conformance

import (
	"context"
	"crypto/md5"  //nolint:gosec // what a version must not be
	"crypto/sha1" //nolint:gosec // what a version must not be
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"slices"
	"strings"
	"sync"

	"github.com/lukko-dev/lukko/core"
)

var versionCases = []Case{
	{
		Name:  "MUST/Versions/newest-first",
		Rule:  "Versions yields the current version first, then earlier ones, newest first, each once.",
		Look:  "how versions are sorted: as numbers or times, not as text",
		Cost:  Cost{Class: Full, Calls: 13, Secrets: 1},
		needs: []need{needSet, needVersions},
		run: func(t *trial) {
			id := t.fresh("a")
			var newest []string
			for range 12 { // past 9, where an order by text goes wrong
				newest = slices.Insert(newest, 0, t.put(id, t.marks.value()).Version)
			}
			t.eventually(func() string {
				infos, err := collect(t.svc.Versions(t.ctx, id))
				if err != nil {
					return fmt.Sprintf("Versions failed: %v", err)
				}
				return orderFault(infos, newest)
			})
		},
	},
	{
		Name:  "MUST/Versions/the-current-one-is-first",
		Rule:  "The first of Versions is what Stat and Get return.",
		Look:  "how versions are sorted, and which fields they carry",
		Cost:  Cost{Calls: 4},
		needs: []need{needContent, needVersions},
		run: func(t *trial) {
			id, _ := t.have("a")
			if t.caps.Set {
				t.have("a")
			}
			t.eventually(func() string {
				stat, err := t.svc.Stat(t.ctx, id)
				if err != nil {
					return fmt.Sprintf("Stat failed: %v", err)
				}
				infos, err := collect(t.svc.Versions(t.ctx, id))
				if err != nil || len(infos) == 0 {
					return fmt.Sprintf("Versions yielded %d versions, error %v", len(infos), err)
				}
				if infos[0].Version != stat.Version {
					return fmt.Sprintf("Versions begins with %q; Stat says %q", infos[0].Version, stat.Version)
				}
				return ""
			})
		},
	},
	{
		Name:  "MUST/Versions/name-one-value-each",
		Rule:  "Every Set makes a version that the id never had, also for a value that it had before.",
		Look:  "where version names come from; a time with too few digits repeats",
		Cost:  Cost{Class: Full, Calls: 40, Secrets: 1},
		needs: []need{needSet},
		run: func(t *trial) {
			id, back := t.fresh("a"), t.marks.value()
			seen := map[string]bool{}
			for i := range 40 {
				v := back
				if i%2 == 1 {
					v = t.marks.value()
				}
				info := t.put(id, v)
				if info.Version == "" {
					t.skipf("the service names no versions")
				}
				if seen[info.Version] {
					t.errorf("write %d got the version %q, which an earlier one had", i+1, info.Version)
				}
				seen[info.Version] = true
			}
		},
	},
	{
		Name:  "MUST/Versions/are-distinct-under-concurrency",
		Rule:  "Concurrent Sets each make a version of their own, and each version, where it can be read, holds the value of its writer.",
		Look:  "whether the version's name and the value are made in one step",
		Cost:  Cost{Class: Full, Calls: 4 * 2 * writers, Secrets: 4},
		needs: []need{needSet},
		run: func(t *trial) {
			for turn := range t.races {
				id := t.fresh(fmt.Sprintf("a%d", turn))
				values := make([]core.Value, writers)
				infos := make([]core.Info, writers)
				errs := make([]error, writers)
				ready := make(chan struct{})
				var all sync.WaitGroup
				for i := range writers {
					values[i] = t.marks.value()
					all.Go(func() {
						defer t.caught("Set")
						<-ready
						infos[i], errs[i] = t.svc.Set(t.ctx, id, values[i])
					})
				}
				close(ready)
				all.Wait()
				by := map[string]int{}
				for i, info := range infos {
					if errs[i] != nil {
						t.wantKind("Set beside others", errs[i], core.ErrUnavailable, core.ErrIndeterminate, core.ErrExhausted)
						continue
					}
					if info.Version == "" {
						t.skipf("the service names no versions")
					}
					if other, twice := by[info.Version]; twice {
						t.fatalf("the concurrent writers %d and %d both got the version %q", other, i, info.Version)
					}
					by[info.Version] = i
				}
				if !t.caps.AtVersion {
					continue
				}
				for version, i := range by {
					got, err := t.svc.Get(t.ctx, id, core.AtVersion(version))
					switch {
					case errors.Is(err, core.ErrNotFound): // not kept, or not settled
					case err != nil:
						t.errorf("Get with AtVersion failed: %v", err)
					case !got.Value.Equal(values[i]):
						t.fatalf("the version %q holds another value than its writer stored", version)
					}
				}
			}
		},
	},
	{
		Name:  "MUST/Versions/tell-nothing-of-the-value",
		Rule:  "A version is no unkeyed hash of the value, as such a hash lets anybody test guesses.",
		Look:  "where version names come from",
		Cost:  Cost{Calls: 2},
		needs: []need{needContent},
		run: func(t *trial) {
			id, v := t.have("a")
			t.eventually(func() string {
				info, err := t.svc.Stat(t.ctx, id)
				if err != nil {
					return fmt.Sprintf("Stat failed: %v", err)
				}
				if name := hashIn(info.Version+" "+info.Source, v.RevealBytes()); name != "" {
					return "the version or source holds the " + name + " of the value"
				}
				return ""
			})
		},
	},
	{
		Name:  "MUST/Versions/of-what-is-missing-is-not-found",
		Rule:  "Versions of an id that has no secret yields one pair, with ErrNotFound.",
		Look:  "whether an empty history yields nothing",
		Cost:  Cost{Calls: 1},
		needs: []need{needVersions},
		run: func(t *trial) {
			infos, err := collect(t.svc.Versions(t.ctx, t.missing("a")))
			if len(infos) > 0 {
				t.errorf("Versions of a missing id yielded %d versions", len(infos))
			}
			t.wantKind("Versions of a missing id", err, core.ErrNotFound)
		},
	},
	{
		Name:  "MUST/Versions/may-be-left-and-start-anew",
		Rule:  "A range over Versions may be left at any time; the next range over the same iterator starts anew.",
		Look:  "what the iterator holds while it is suspended, and whether the first range uses it up",
		Cost:  Cost{Class: Full, Calls: 7},
		needs: []need{needContent, needVersions},
		run: func(t *trial) {
			id, _ := t.have("a")
			if t.caps.Set {
				t.have("a")
			}
			seq := t.svc.Versions(t.ctx, id)
			t.eventually(func() string {
				for range seq {
					break
				}
				first, err := collect(seq)
				if err != nil || len(first) == 0 {
					return fmt.Sprintf("after a range that was left, Versions yielded %d versions, error %v", len(first), err)
				}
				second, err := collect(seq)
				if err != nil || len(second) != len(first) {
					return fmt.Sprintf("Versions yielded %d versions, and on a second range %d, error %v", len(first), len(second), err)
				}
				return ""
			})
			if t.caps.Set {
				done := t.spawn(func() {
					for range seq {
						t.put(id, t.marks.value())
						break
					}
				})
				if !t.ends(done) {
					t.fatalf("a range over Versions whose body writes does not end")
				}
			}
		},
	},
	{
		Name:  "MUST/Versions/denied-is-not-missing",
		Rule:  "Versions of an id whose value the caller may not read works or ends in ErrPermissionDenied, never ErrNotFound.",
		Look:  "where Versions maps the vendor's answer for a missing right",
		needs: []need{needContent, needVersions, hookDeny},
		run: func(t *trial) {
			id, v := t.have("a")
			t.shown(map[string]core.Value{id: v})
			t.do("Deny", t.sub.Deny(id))
			infos, err := collect(t.svc.Versions(t.ctx, id))
			var batch *core.BatchError
			switch {
			case errors.As(err, &batch):
				t.wantKind("Versions of the denied id", batch.ByID[id], core.ErrPermissionDenied)
			case err != nil:
				t.wantKind("Versions of the denied id", err, core.ErrPermissionDenied)
			case len(infos) == 0:
				t.errorf("Versions of the denied id yielded nothing")
			}
		},
	},
	{
		Name:  "MUST/Versions/an-outage-is-an-error",
		Rule:  "Versions while the backend can't be reached ends in ErrUnavailable; it is never a shorter list, and not ErrNotFound.",
		Look:  "whether a failed page ends the loop without a word",
		needs: []need{needContent, needVersions, hookFail},
		run: func(t *trial) {
			id, _ := t.have("a")
			defer t.fail(core.ErrUnavailable)()
			_, err := collect(t.svc.Versions(t.ctx, id))
			t.wantKind("Versions during the outage", err, core.ErrUnavailable)
		},
	},
	{
		Name:  "MUST/Versions/end-with-their-context",
		Rule:  "A range over Versions ends in the context's error when its context ends.",
		Look:  "whether the loop stops without a word",
		Cost:  Cost{Calls: 3},
		needs: []need{needContent, needVersions},
		run: func(t *trial) {
			id, _ := t.have("a")
			if t.caps.Set {
				t.have("a")
			}
			ctx, cancel := context.WithCancel(t.ctx)
			defer cancel()
			seen := 0
			var last error
			for _, err := range t.svc.Versions(ctx, id) {
				if last = err; err != nil {
					break
				}
				seen++
				cancel()
			}
			if seen > 0 && !errors.Is(last, context.Canceled) {
				t.errorf("the context ended after the first version; Versions yielded %d and then the error %v; want context.Canceled", seen, last)
			}
		},
	},
	{
		Name:  "MUST/AtVersion/returns-that-version",
		Rule:  "Get and Stat with AtVersion return the version that was asked for: its value, its name, also when it is not the current one.",
		Look:  "whether the option reaches the vendor's call in Get and in Stat",
		Cost:  Cost{Calls: 6},
		needs: []need{needSet, needAtVersion},
		run: func(t *trial) {
			id := t.id("a")
			values := []core.Value{t.marks.value(), t.marks.value()}
			var infos []core.Info
			for _, v := range values {
				infos = append(infos, t.put(id, v))
			}
			for i, info := range infos {
				t.eventually(func() string {
					got, err := t.svc.Get(t.ctx, id, core.AtVersion(info.Version))
					if i == 0 && errors.Is(err, core.ErrNotFound) {
						return "" // a short history; SHOULD/AtVersion has the rest
					}
					if err != nil {
						return fmt.Sprintf("Get with AtVersion failed: %v", err)
					}
					if diff := difference(got.Value, values[i]); diff != "" {
						return "Get with AtVersion: " + diff
					}
					if got.Version != info.Version {
						return fmt.Sprintf("Get with AtVersion(%q) returned the version %q", info.Version, got.Version)
					}
					stat, err := t.svc.Stat(t.ctx, id, core.AtVersion(info.Version))
					if err != nil || !sameInfo(stat, got.Info) {
						return fmt.Sprintf("Stat with AtVersion(%q) returned %+v, error %v; Get returned %+v", info.Version, stat, err, got.Info)
					}
					return ""
				})
			}
		},
	},
	{
		Name:  "MUST/AtVersion/an-unknown-version-is-not-found",
		Rule:  "A version that the id never had is ErrNotFound (or ErrInvalidOption, where no version can look so), and never the current value.",
		Look:  "whether an unknown version falls back to the current one",
		Cost:  Cost{Calls: 6},
		needs: []need{needContent, needAtVersion},
		run: func(t *trial) {
			id, _ := t.have("a")
			for _, version := range []string{"no-such-version", "999999", "0"} {
				_, err := t.svc.Get(t.ctx, id, core.AtVersion(version))
				t.wantKind("Get of an unknown version", err, core.ErrNotFound, core.ErrInvalidOption)
			}
			_, err := t.svc.Stat(t.ctx, id, core.AtVersion("no-such-version"))
			t.wantKind("Stat of an unknown version", err, core.ErrNotFound, core.ErrInvalidOption)
			got, err := t.svc.GetMany(t.ctx, []string{id}, core.AtVersion("no-such-version"))
			if len(got) > 0 {
				t.errorf("GetMany of an unknown version returned a secret")
			}
			if err != nil {
				t.wantIDKind("GetMany of an unknown version", err, id, core.ErrNotFound, core.ErrInvalidOption)
			}
		},
	},
	{
		Name:  "MUST/AtVersion/of-another-id-is-not-its-value",
		Rule:  "A version's name belongs to one id: asked of another id it is that id's own version of that name, or ErrNotFound.",
		Look:  "whether versions are looked up without their id",
		Cost:  Cost{Calls: 4},
		needs: []need{needSet, needAtVersion},
		run: func(t *trial) {
			a, _ := t.have("a")
			b, secret := t.id("b"), t.marks.value()
			info := t.put(b, secret)
			t.wantValue("after Set", b, secret)
			got, err := t.svc.Get(t.ctx, a, core.AtVersion(info.Version))
			switch {
			case err != nil:
				t.wantKind("Get with a version of another id", err, core.ErrNotFound, core.ErrInvalidOption)
			case got.Value.Equal(secret):
				t.errorf("Get with a version of another id returned the other id's value")
			}
		},
	},
	{
		Name:  "SHOULD/AtVersion/the-previous-one-is-kept",
		Rule:  "The version before the current one can be read, as going back to it needs that.",
		Look:  "how many versions are kept",
		Cost:  Cost{Calls: 3},
		needs: []need{needSet, needAtVersion},
		run: func(t *trial) {
			id, v := t.id("a"), t.marks.value()
			info := t.put(id, v)
			t.have("a")
			t.eventually(func() string {
				got, err := t.svc.Get(t.ctx, id, core.AtVersion(info.Version))
				if err != nil {
					return fmt.Sprintf("Get of the previous version failed: %v", err)
				}
				return difference(got.Value, v)
			})
		},
	},
	{
		Name:  "MUST/Versions/can-be-read",
		Rule:  "Every version that Versions yields can be read with AtVersion.",
		Look:  "whether deleted or expired versions are listed",
		Cost:  Cost{Class: Full, Calls: 7, Secrets: 1},
		needs: []need{needSet, needVersions, needAtVersion},
		run: func(t *trial) {
			id := t.fresh("a")
			for range 3 {
				t.put(id, t.marks.value())
			}
			t.eventually(func() string {
				infos, err := collect(t.svc.Versions(t.ctx, id))
				if err != nil {
					return fmt.Sprintf("Versions failed: %v", err)
				}
				for _, info := range infos {
					if _, err := t.svc.Get(t.ctx, id, core.AtVersion(info.Version)); err != nil {
						return fmt.Sprintf("Get of the version %q, which Versions yields, failed: %v", info.Version, err)
					}
				}
				return ""
			})
		},
	},
}

// orderFault says why versions are not the newest ones in order.
func orderFault(infos []core.Info, newest []string) string {
	var got []string
	for _, info := range infos {
		if slices.Contains(got, info.Version) {
			return fmt.Sprintf("Versions yielded %q twice", info.Version)
		}
		got = append(got, info.Version)
	}
	if len(got) == 0 || len(got) > len(newest) || !slices.Equal(got, newest[:len(got)]) {
		return fmt.Sprintf("Versions yielded %q; written were, newest first, %q", got, newest)
	}
	return ""
}

// hashIn names the hash of the value that a text holds.
func hashIn(text string, value []byte) string {
	sums := map[string][]byte{}
	add := func(name string, sum []byte) { sums[name] = sum }
	m, s1, s2, s5, s3 := md5.Sum(value), sha1.Sum(value), sha256.Sum256(value), sha512.Sum512(value), sha512.Sum384(value) //nolint:gosec // as above
	add("MD5", m[:])
	add("SHA-1", s1[:])
	add("SHA-256", s2[:])
	add("SHA-384", s3[:])
	add("SHA-512", s5[:])
	c := crc32.ChecksumIEEE(value)
	add("CRC-32", []byte{byte(c >> 24), byte(c >> 16), byte(c >> 8), byte(c)})
	f := fnv.New64a()
	f.Write(value)
	add("FNV-1a", f.Sum(nil))
	lower := strings.ToLower(text)
	for name, sum := range sums {
		sum = sum[:min(len(sum), 6)] // many cut it
		if n := len(sum) / 3 * 4; n >= 8 && strings.Contains(text, base64.StdEncoding.EncodeToString(sum)[:n]) ||
			strings.Contains(text, base64.URLEncoding.EncodeToString(sum)[:len(sum)/3*4]) && len(sum) >= 6 ||
			strings.Contains(lower, hex.EncodeToString(sum[:min(len(sum), 4)])) {
			return name
		}
	}
	return ""
}
