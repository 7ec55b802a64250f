//go:build !race

package core_test

import (
	"context"
	"strings"
	"testing"

	"github.com/lukko-dev/lukko/core"
)

// behindAnInterface hides from the compiler which service it is, as a program
// does that takes any: options then go through the heap.
//
//go:noinline
func behindAnInterface(svc core.SecretService) core.SecretService { return svc }

func TestTheFrontAllocatesNothingOnAGet(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	store := core.New("fixed", newFixed())
	svc := behindAnInterface(store)
	version := string([]byte("v1")) // not a constant, which would be boxed for free
	for _, test := range []struct {
		name string
		most float64
		call func()
	}{
		{"without an option", 0, func() { sink, _ = svc.Get(ctx, benchID) }},
		{"with Fresh", 1, func() { sink, _ = svc.Get(ctx, benchID, core.Fresh()) }},
		{"with AtVersion", 1, func() { sink, _ = svc.Get(ctx, benchID, core.AtVersion(version)) }},
		{"of a *Store with Fresh", 0, func() { sink, _ = store.Get(ctx, benchID, core.Fresh()) }},
		{"of a *Store with AtVersion", 0, func() { sink, _ = store.Get(ctx, benchID, core.AtVersion(version)) }},
		{"of a *Store with a struct", 1, func() { sink, _ = store.Get(ctx, benchID, core.GetOptions{Version: version, Fresh: true}) }},
	} {
		if got := testing.AllocsPerRun(1000, test.call); got > test.most {
			t.Errorf("a Get %s allocates %v times, want at most %v", test.name, got, test.most)
		}
	}
}

func TestRevealAllocatesNothing(t *testing.T) {
	value := core.String(string(make([]byte, 200)))
	length := 0
	if got := testing.AllocsPerRun(1000, func() { length += len(value.Reveal()) }); got != 0 {
		t.Errorf("Reveal allocates %v times, want 0", got)
	}
	if length == 0 {
		t.Error("Reveal returned nothing")
	}
}

// Parsing allocates, so this holds as well that nothing is parsed.
func TestEquivalentAllocatesNothingForEqualBytesOrWhatIsNoObject(t *testing.T) {
	object := `{"a":"` + strings.Repeat("x", core.MaxValueLen-8) + `"}`
	for _, test := range []struct {
		name string
		a, b string
		want bool
	}{
		{"an object of 64 KiB and its copy", object, strings.Clone(object), true},
		{"an object and a text", object, "text", false},
		{"a list and another", "[1,2]", "[1, 2]", false},
	} {
		a, b := core.String(test.a), core.String(test.b)
		got := !test.want
		if n := testing.AllocsPerRun(100, func() { got = core.Equivalent(a, b) }); n != 0 || got != test.want {
			t.Errorf("%s: equivalent: %v, want %v; %v allocations, want 0", test.name, got, test.want, n)
		}
	}
}
