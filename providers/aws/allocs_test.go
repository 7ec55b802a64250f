//go:build !race

package aws_test

import "testing"

// What a handler in this process allocates counts for both.
func TestAGetAllocatesLittleMoreThanTheBareSDKs(t *testing.T) {
	fake, handler := benchFake(t)
	get, bareGet := gets(t, fake, handler)
	count := func(get func() error) float64 {
		return testing.AllocsPerRun(200, func() {
			if err := get(); err != nil {
				t.Fatal(err)
			}
		})
	}
	theirs, ours := count(bareGet), count(get)
	t.Logf("%.0f allocations beside %.0f", ours, theirs)
	if ours > theirs*1.05 {
		t.Errorf("a Get allocates %.0f times, the bare SDK's %.0f times", ours, theirs)
	}
}
