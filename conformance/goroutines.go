package conformance

import (
	"bytes"
	"fmt"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// A goroutine that a trial starts, directly or not, carries its label, so
// that those of other tests don't count.

// goroutines returns how many goroutines carry the label, and the stack of
// one of them. Those of net/http's idle connections don't count: they belong
// to the pool of a client, which may be shared.
func goroutines(label string) (n int, stack string) {
	var profile bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&profile, 1)
	mine := fmt.Sprintf("%q:%q", labelKey, label)
	for group := range strings.SplitSeq(profile.String(), "\n\n") {
		if !strings.Contains(group, "# labels:") || !strings.Contains(group, mine) {
			continue
		}
		if strings.Contains(group, "net/http.(*persistConn)") || strings.Contains(group, "net/http.(*http2") {
			continue
		}
		group = strings.TrimSpace(group)
		if i := strings.Index(group, " @ "); i > 0 {
			first := strings.TrimSpace(group[:i])
			if j := strings.LastIndexByte(first, '\n'); j >= 0 {
				first = first[j+1:]
			}
			count, err := strconv.Atoi(first)
			if err == nil {
				n += count
				stack = group
			}
		}
	}
	return n, stack
}

// goroutinesAtMost waits until at most limit goroutines are the trial's.
func (t *trial) goroutinesAtMost(limit int) (n int, stack string) {
	deadline := time.Now().Add(t.patience())
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		n, stack = goroutines(t.label)
		if n <= limit || time.Now().After(deadline) {
			return n, stack
		}
		time.Sleep(pause)
	}
}
