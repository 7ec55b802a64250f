package memory_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lukko-dev/lukko/core"
	"github.com/lukko-dev/lukko/core/memory"
)

// set stores a value or ends the test.
func set(t *testing.T, svc core.SecretService, id, value string, opts ...core.SetOption) core.Info {
	t.Helper()
	info, err := svc.Set(t.Context(), id, core.String(value), opts...)
	if err != nil {
		t.Fatalf("Set %s: %v", id, err)
	}
	return info
}

// reads fails the test unless id reads as value; an empty value stands for
// not found.
func reads(t *testing.T, svc core.SecretService, id, value string, opts ...core.GetOption) {
	t.Helper()
	secret, err := svc.Get(t.Context(), id, opts...)
	switch {
	case value == "" && !errors.Is(err, core.ErrNotFound):
		t.Errorf("Get %s: %v, want not found", id, err)
	case value != "" && err != nil:
		t.Errorf("Get %s: %v", id, err)
	case value != "" && secret.Value.Reveal() != value:
		t.Errorf("Get %s does not return the value %q that was set", id, value)
	}
}

// collect ranges over all of an iterator and fails if an error is not last.
func collect(t *testing.T, seq iter.Seq2[core.Info, error]) (infos []core.Info, last error) {
	t.Helper()
	for info, err := range seq {
		if last != nil {
			t.Error("something was yielded after an error")
		}
		if err != nil {
			last = err
			continue
		}
		infos = append(infos, info)
	}
	return infos, last
}

func ids(infos []core.Info) (list []string) {
	for _, info := range infos {
		list = append(list, info.ID)
	}
	return list
}

func versions(t *testing.T, svc core.SecretService, id string) (list []string) {
	t.Helper()
	infos, err := collect(t, svc.Versions(t.Context(), id))
	if err != nil {
		t.Fatalf("Versions %s: %v", id, err)
	}
	for _, info := range infos {
		list = append(list, info.Version)
	}
	return list
}

func TestZeroConfigClaimsEverythingAndSettlesAtOnce(t *testing.T) {
	t.Parallel()
	got, err := memory.New(memory.Config{}).Capabilities(t.Context())
	want := core.Capabilities{
		Set: true, Delete: true, Purge: true, List: true, Versions: true,
		AtVersion: true, IfAbsent: true, IfVersion: true,
	}
	if err != nil || got != want {
		t.Errorf("Capabilities: %+v, %v; want %+v", got, err, want)
	}
}

func TestWithHoldsWhatItIsGiven(t *testing.T) {
	t.Parallel()
	s := memory.With(map[string]string{"A": "1", "B": "2"})
	reads(t, s, "A", "1")
	reads(t, s, "B", "2")
	reads(t, s, "C", "")
}

func TestVersionsAreTheSameInEachRun(t *testing.T) {
	t.Parallel()
	for range 20 {
		s := memory.With(map[string]string{"A": "1", "B": "2", "C": "3", "D": "4"})
		for id, want := range map[string]string{"A": "1", "B": "2", "C": "3", "D": "4"} {
			if info, err := s.Stat(t.Context(), id); err != nil || info.Version != want {
				t.Fatalf("Stat %s: version %q, %v; want %s", id, info.Version, err, want)
			}
		}
	}
}

func TestWithPanicsOnWhatIsNoSecret(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string]map[string]string{
		"an id with a space": {"A B": "1"},
		"an empty value":     {"A": ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("With did not panic")
				}
			}()
			memory.With(secrets)
		})
	}
}

func TestInfoSaysWhenAndWhere(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("elsewhere", 3600))
	s := memory.New(memory.Config{Clock: func() time.Time { return now }})
	want := core.Info{ID: "A", Version: "1", Created: now.UTC(), Source: "memory"}
	if got := set(t, s, "A", "1"); got != want {
		t.Errorf("Set: %+v, want %+v", got, want)
	}
	if got, err := s.Stat(t.Context(), "A"); err != nil || got != want {
		t.Errorf("Stat: %+v, %v; want %+v", got, err, want)
	}
	if got, err := s.Get(t.Context(), "A"); err != nil || got.Info != want {
		t.Errorf("Get: %+v, %v; want %+v", got.Info, err, want)
	}
}

func TestVersionsAreNewestFirstAndRead(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	first, second := set(t, s, "A", "one"), set(t, s, "A", "two")
	if got, want := versions(t, s, "A"), []string{second.Version, first.Version}; !slices.Equal(got, want) {
		t.Errorf("Versions: %v, want %v", got, want)
	}
	reads(t, s, "A", "one", core.AtVersion(first.Version))
	reads(t, s, "A", "two", core.AtVersion(second.Version))
	reads(t, s, "A", "", core.AtVersion("99"))
	reads(t, s, "B", "", core.AtVersion(first.Version))
	if info, err := s.Stat(t.Context(), "A", core.AtVersion(first.Version)); err != nil || info != first {
		t.Errorf("Stat at the first version: %+v, %v; want %+v", info, err, first)
	}
	got, err := s.GetMany(t.Context(), []string{"A", "B"}, core.AtVersion(first.Version))
	if err != nil || len(got) != 1 || got["A"].Value.Reveal() != "one" {
		t.Errorf("GetMany at the first version: %v, %v", got, err)
	}
}

func TestHistoryKeepsItsLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		limit, expects int // expects counts the current version
	}{
		{"the default", 0, memory.DefaultHistory + 1},
		{"one", 1, 2},
		{"none", -1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := memory.New(memory.Config{History: test.limit})
			for i := range memory.DefaultHistory + 5 {
				set(t, s, "A", fmt.Sprint(i))
			}
			if got := len(versions(t, s, "A")); got != test.expects {
				t.Errorf("%d versions are kept, want %d", got, test.expects)
			}
			reads(t, s, "A", fmt.Sprint(memory.DefaultHistory+4))
			for i, version := range versions(t, s, "A") { // the newest are kept
				reads(t, s, "A", fmt.Sprint(memory.DefaultHistory+4-i), core.AtVersion(version))
			}
		})
	}
}

func TestDeletedIsRecoverableUntilPurged(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	first := set(t, s, "A", "one")
	if err := s.Delete(t.Context(), "A"); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	reads(t, s, "A", "")
	if _, err := s.Stat(t.Context(), "A"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Stat of a deleted id: %v, want not found", err)
	}
	if _, err := collect(t, s.Versions(t.Context(), "A")); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Versions of a deleted id: %v, want not found", err)
	}
	if infos, err := collect(t, s.List(t.Context(), "")); err != nil || len(infos) != 0 {
		t.Errorf("List after a delete: %v, %v; want nothing", ids(infos), err)
	}
	if err := s.Delete(t.Context(), "A"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("second Delete: %v, want not found", err)
	}
	reads(t, s, "A", "one", core.AtVersion(first.Version))

	second := set(t, s, "A", "two", core.IfAbsent())
	if got, want := versions(t, s, "A"), []string{second.Version, first.Version}; !slices.Equal(got, want) {
		t.Errorf("Versions after a new beginning: %v, want %v", got, want)
	}
	if err := s.Delete(t.Context(), "A"); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	if err := s.Delete(t.Context(), "A", core.Purge()); err != nil {
		t.Errorf("Purge of a deleted id: %v", err)
	}
	reads(t, s, "A", "", core.AtVersion(first.Version))
	reads(t, s, "A", "", core.AtVersion(second.Version))
	if err := s.Delete(t.Context(), "A", core.Purge()); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("second Purge: %v, want not found", err)
	}
	if third := set(t, s, "A", "three"); third.Version == first.Version || third.Version == second.Version {
		t.Errorf("version %s was given twice", third.Version)
	}
}

func TestWithoutHistoryADeleteIsFinal(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{History: -1})
	info := set(t, s, "A", "one")
	if err := s.Delete(t.Context(), "A"); err != nil {
		t.Fatalf("Delete: %v", err)
	}
	reads(t, s, "A", "", core.AtVersion(info.Version))
	if err := s.Delete(t.Context(), "A", core.Purge()); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Purge of what is gone: %v, want not found", err)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, s *memory.Store) core.SetOption
		want    error
	}{
		{"absent, and it is", func(*testing.T, *memory.Store) core.SetOption { return core.IfAbsent() }, nil},
		{"absent, and it is there", func(t *testing.T, s *memory.Store) core.SetOption {
			set(t, s, "A", "one")
			return core.IfAbsent()
		}, core.ErrConflict},
		{"the current version", func(t *testing.T, s *memory.Store) core.SetOption {
			return core.IfVersion(set(t, s, "A", "one").Version)
		}, nil},
		{"an earlier version", func(t *testing.T, s *memory.Store) core.SetOption {
			info := set(t, s, "A", "one")
			set(t, s, "A", "two")
			return core.IfVersion(info.Version)
		}, core.ErrConflict},
		{"a version of a deleted id", func(t *testing.T, s *memory.Store) core.SetOption {
			info := set(t, s, "A", "one")
			if err := s.Delete(t.Context(), "A"); err != nil {
				t.Fatal(err)
			}
			return core.IfVersion(info.Version)
		}, core.ErrConflict},
		{"a version where nothing ever was", func(*testing.T, *memory.Store) core.SetOption {
			return core.IfVersion("1")
		}, core.ErrConflict},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := memory.New(memory.Config{})
			condition := test.prepare(t, s)
			before, beforeErr := s.Get(t.Context(), "A")
			_, err := s.Set(t.Context(), "A", core.String("new"), condition)
			if !errors.Is(err, test.want) {
				t.Fatalf("Set: %v, want %v", err, test.want)
			}
			after, afterErr := s.Get(t.Context(), "A")
			if test.want != nil && (after.Info != before.Info || (beforeErr == nil) != (afterErr == nil)) {
				t.Errorf("the refused write changed %+v to %+v", before.Info, after.Info)
			}
			if test.want == nil && after.Value.Reveal() != "new" {
				t.Error("the write that succeeded is not read")
			}
		})
	}
}

func TestOneWriterWins(t *testing.T) {
	t.Parallel()
	for _, start := range []string{"", "set before"} {
		s := memory.New(memory.Config{})
		condition := core.IfAbsent()
		if start != "" {
			condition = core.IfVersion(set(t, s, "A", start).Version)
		}
		var winners atomic.Int64
		var writers sync.WaitGroup
		for range 32 {
			writers.Go(func() {
				_, err := s.Set(t.Context(), "A", core.String("mine"), condition)
				if err == nil {
					winners.Add(1)
				} else if !errors.Is(err, core.ErrConflict) {
					t.Errorf("a loser is told %v, want a conflict", err)
				}
			})
		}
		writers.Wait()
		if got := winners.Load(); got != 1 {
			t.Errorf("%d writers won from %q, want 1", got, start)
		}
	}
}

func TestIfChangedMakesNoVersionOfAnEqualValue(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	first := set(t, s, "A", "one")
	if got := set(t, s, "A", "one", core.IfChanged()); got != first {
		t.Errorf("an equal value made %+v of %+v", got, first)
	}
	if got := set(t, s, "A", "two", core.IfChanged()); got.Version == first.Version {
		t.Error("another value made no version")
	}
}

func TestListIsByBytePrefixAndStartsAnew(t *testing.T) {
	t.Parallel()
	s := memory.With(map[string]string{"shop/a": "1", "shop/b": "2", "shopping": "3", "other": "4"})
	for _, test := range []struct {
		prefix string
		want   []string
	}{
		{"", []string{"other", "shop/a", "shop/b", "shopping"}},
		{"shop", []string{"shop/a", "shop/b", "shopping"}},
		{"shop/", []string{"shop/a", "shop/b"}},
		{"nothing", nil},
	} {
		list := s.List(t.Context(), test.prefix)
		for info, err := range list { // left early, which must not harm the next range
			if err != nil || info.ID == "" {
				t.Errorf("List %q: %+v, %v", test.prefix, info, err)
			}
			break
		}
		infos, err := collect(t, list)
		if err != nil || !slices.Equal(ids(infos), test.want) {
			t.Errorf("List %q: %v, %v; want %v", test.prefix, ids(infos), err, test.want)
		}
	}
}

func TestWritesInTheBodyOfAListDoNotBlock(t *testing.T) {
	t.Parallel()
	s := memory.With(map[string]string{"A": "1", "B": "2"})
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		set(t, s, info.ID+"_copy", "1")
	}
	infos, err := collect(t, s.List(t.Context(), ""))
	if err != nil || len(infos) != 4 {
		t.Errorf("List: %v, %v; want 4 ids", ids(infos), err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	open := func(url string) *core.Store {
		t.Helper()
		s, err := core.Open(t.Context(), url)
		if err != nil {
			t.Fatalf("Open %s: %v", url, err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	one, other := open("memory:"), open("memory:")
	set(t, one, "A", "1")
	reads(t, other, "A", "") // each opening is a store of its own
	under := open("memory:?prefix=shop/")
	set(t, under, "A", "1")
	reads(t, under, "A", "1")
}

func TestOpenRefusesWhatItWouldIgnore(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"memory:name", "memory://host", "memory:///path", "memory:?size=1", "memory:?canary=1&x"} {
		_, err := core.Open(t.Context(), url)
		if !errors.Is(err, core.ErrInvalidOption) {
			t.Errorf("Open %s: %v, want an invalid option", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error quotes the URL: %v", err)
		}
	}
}

func TestClosedStoreAnswersErrClosed(t *testing.T) {
	t.Parallel()
	s := memory.With(map[string]string{"A": "1"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "A"); !errors.Is(err, core.ErrClosed) {
		t.Errorf("Get after Close: %v, want closed", err)
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	s := memory.With(map[string]string{"A": "1"})
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Get(ctx, "A") }); n != 0 {
		t.Errorf("Get makes %v allocations, want 0", n)
	}
}
