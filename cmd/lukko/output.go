package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lukko-dev/lukko/core"
)

// table aligns rows in columns. Control characters are dropped, and rows end
// without blanks.
func table(b *bytes.Buffer, indent string, rows [][]string) {
	var aligned bytes.Buffer
	w := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = core.Printable(cell)
		}
		_, _ = w.Write([]byte(indent + strings.Join(row, "\t") + "\n"))
	}
	_ = w.Flush() // to memory
	for line := range strings.Lines(aligned.String()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
}

// document writes v as JSON.
func document(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// show prints what was asked for: as JSON, or as people writes it for people.
func (a *app) show(asJSON bool, what any, people func(*bytes.Buffer)) error {
	var b bytes.Buffer
	if !asJSON {
		people(&b)
	} else if err := document(&b, what); err != nil {
		return err
	}
	return a.print(&b)
}

// stamp is a time for people and programs; empty where there is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
