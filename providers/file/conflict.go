package file

import (
	"bytes"
	"strings"
)

// A merge of two branches that both changed one file leaves git's markers in
// it, around the lines of each side.
const (
	markOurs   = "<<<<<<< "
	markBase   = "||||||| "
	markMiddle = "======="
	markTheirs = ">>>>>>> "
)

// isConflict reports whether a file holds both sides of a merge.
func isConflict(data []byte) bool {
	return bytes.Contains(data, []byte(markOurs)) && bytes.Contains(data, []byte("\n"+markTheirs))
}

func conflictFault(name string) error {
	return corrupt("two branches changed it, and git left both: take a side by git checkout --ours " + name +
		" (or --theirs) in the store's folder and git add it, or set it anew; if both only changed recipients, lukko recipients sync mends it")
}

// sides returns the two files that a conflicted one was merged from, or false
// if the markers make no sense.
func sides(data []byte) (ours, theirs []byte, ok bool) {
	const common, inOurs, inBase, inTheirs = 0, 1, 2, 3
	state := common
	var a, b bytes.Buffer
	for line := range strings.Lines(string(data)) {
		switch bare := strings.TrimRight(line, "\r\n"); {
		case strings.HasPrefix(bare, markOurs):
			if state != common {
				return nil, nil, false
			}
			state = inOurs
		case strings.HasPrefix(bare, markBase):
			if state != inOurs {
				return nil, nil, false
			}
			state = inBase
		case bare == markMiddle:
			if state != inOurs && state != inBase {
				return nil, nil, false
			}
			state = inTheirs
		case strings.HasPrefix(bare, markTheirs):
			if state != inTheirs {
				return nil, nil, false
			}
			state = common
			ok = true
		default:
			if state == common || state == inOurs {
				a.WriteString(line)
			}
			if state == common || state == inTheirs {
				b.WriteString(line)
			}
		}
	}
	return a.Bytes(), b.Bytes(), ok && state == common
}
