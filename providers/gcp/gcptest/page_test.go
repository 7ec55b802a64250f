package gcptest

import (
	"encoding/base64"
	"testing"
)

// service.proto, page_size: "If the number is greater than 25000, it is capped
// at 25000."
func TestAPageHasAtMost25000(t *testing.T) {
	t.Parallel()
	for size, want := range map[int32]int{0: 250, 1: 1, 25_000: 25_000, 25_001: 25_000} {
		p, err := newPage(size, "", "q")
		if err != nil || p.size != want {
			t.Errorf("a page that is asked for by %d has %d, %v; want %d", size, p.size, err, want)
		}
	}
}

func TestATokenThatNoPageHasGivenIsRefused(t *testing.T) {
	t.Parallel()
	p, err := newPage(1, "", "q")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"", "x", "0", "-1"} {
		if _, err := newPage(1, base64.RawURLEncoding.EncodeToString([]byte(key+" "+p.query)), "q"); err == nil {
			t.Errorf("the token of %q is taken", key)
		}
	}
}
