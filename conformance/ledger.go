package conformance

import (
	"slices"
	"strings"
	"sync"
)

// A rule that every call must hold is watched in all trials; what broke it is
// kept here until the case of that name reports it. So one fault fails one
// case, and not all of those that happen to meet it.
type ledger struct {
	mu     sync.Mutex
	broken map[string][]string // case name to what happened
	all    []marks
	logs   strings.Builder
}

// note records that a rule was broken, once for each text.
func (l *ledger) note(rule, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = map[string][]string{}
	}
	if len(l.broken[rule]) <= maxFailures && !slices.Contains(l.broken[rule], what) {
		l.broken[rule] = append(l.broken[rule], what)
	}
}

// watch adds the marks of a trial to those that logs are searched for.
func (l *ledger) watch(m marks) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, m)
}

// maxLog bounds what is kept of logs, in bytes.
const maxLog = 4 << 20

func (l *ledger) logged(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.logs.Len()+len(text) <= maxLog {
		l.logs.WriteString(text)
		l.logs.WriteByte('\n')
	}
}

// leakedLines counts the lines of logs that show a value or a part of one.
func (l *ledger) leakedLines() (leaked, lines int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	values := newFind(l.all)
	for line := range strings.SplitSeq(l.logs.String(), "\n") {
		if line == "" {
			continue
		}
		lines++
		if values.in(line) {
			leaked++
		}
	}
	return leaked, lines
}

// verdict reports what is known about a rule to its case.
func (l *ledger) verdict(t *trial) {
	l.mu.Lock()
	broken := slices.Clone(l.broken[t.c.Name])
	l.mu.Unlock()
	for _, what := range broken {
		t.errorf("%s", what)
	}
}
