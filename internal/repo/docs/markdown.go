// Package docs holds the documentation to the code: a Go block in a Markdown
// file is a whole program, which is compiled, or a copy of something in the
// repository, which is compared; and a link to a file leads to one.
//
//	<!-- from: schema/example_test.go#ExampleDeclare -->   the body of an Example
//	<!-- from: core/service.go#SecretService -->           a declaration
//	<!-- from: examples/quickstart/main.go -->             a whole file
//	<!-- not compiled: a sketch of what a driver does -->  why it can't be held
//
// stand on the line before the block. A block of any other kind, a fragment
// that nothing keeps true, is a fault.
package docs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A block is a fenced Go block of a Markdown file.
type block struct {
	file       string // from the root, with slashes
	first, end int    // the lines between the fences, as indices: [first, end)
	mark       string // the comment before it, without its delimiters
	text       string
}

// A page is a Markdown file.
type page struct {
	file   string
	lines  []string
	blocks []block
	links  []link
}

type link struct {
	line   int
	target string
}

// pages reads every Markdown file below root but fixtures.
func pages(root string) ([]page, error) {
	var all []page
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a test of another process cleaned up
			return nil
		}
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".md" {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		all = append(all, parse(filepath.ToSlash(rel), string(data)))
		return nil
	})
	return all, err
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	comment      = regexp.MustCompile(`^<!--\s*(.*?)\s*-->$`)
)

func parse(file, text string) page {
	p := page{file: file, lines: strings.Split(text, "\n")}
	last := "" // the last line that was not blank
	for i := 0; i < len(p.lines); i++ {
		line := strings.TrimSpace(p.lines[i])
		fence, info := fenceOf(line)
		if fence == "" {
			for _, m := range markdownLink.FindAllStringSubmatch(line, -1) {
				p.links = append(p.links, link{i + 1, m[1]})
			}
			if line != "" {
				last = line
			}
			continue
		}
		first := i + 1
		for i++; i < len(p.lines) && strings.TrimSpace(p.lines[i]) != fence; i++ {
		}
		if lang, _, _ := strings.Cut(info, " "); lang == "go" {
			b := block{file: file, first: first, end: i, text: strings.Join(p.lines[first:i], "\n")}
			if m := comment.FindStringSubmatch(last); m != nil {
				b.mark = m[1]
			}
			p.blocks = append(p.blocks, b)
		}
		last = ""
	}
	return p
}

// fenceOf gives the fence that line opens a block with, and what follows it.
func fenceOf(line string) (fence, info string) {
	for _, c := range []string{"`", "~"} {
		rest := strings.TrimLeft(line, c)
		if n := len(line) - len(rest); n >= 3 {
			return line[:n], strings.TrimSpace(rest)
		}
	}
	return "", ""
}
