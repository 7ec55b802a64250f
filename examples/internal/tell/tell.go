// Package tell prints what the examples have to say to people.
package tell

import (
	"fmt"
	"io"
	"strings"
)

// Teller prints titles, and lines below them.
type Teller struct{ Out io.Writer }

// Title begins a part.
func (t Teller) Title(text string) { fmt.Fprintf(t.Out, "\n● %s\n", text) }

// Line prints a text in lines of at most 88 columns.
func (t Teller) Line(format string, args ...any) {
	const width = 86
	line := ""
	for _, word := range strings.Fields(fmt.Sprintf(format, args...)) {
		if line != "" && len(line)+1+len(word) > width {
			fmt.Fprintf(t.Out, "  %s\n", line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	fmt.Fprintf(t.Out, "  %s\n", line)
}
