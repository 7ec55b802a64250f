package generate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// comment makes lines of a comment of what people wrote in a declaration. It
// can't get out of the comment, nor be a directive: each line begins with two
// slashes and a blank, and characters that do not show are left out, those that
// reverse the direction of what follows among them. Of the old form of build
// constraints, which begins with a blank, gofmt would make one of the file, wherever
// it stands.
func comment(paragraphs ...string) string {
	var b strings.Builder
	for _, p := range paragraphs {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("//\n")
		}
		for line := range strings.SplitSeq(p, "\n") {
			if strings.HasPrefix(line, "+build") {
				line = "+ " + line[1:]
			}
			line = "// " + line
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return b.String()
}

// prose makes text of people fit for a comment: one paragraph, or several with
// an empty line between them, each with a period at its end, as gofmt would take it for
// a heading otherwise.
func prose(text string) string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		line = words(line)
		if n := len(lines); line == "" {
			if n == 0 || lines[n-1] == "" {
				continue
			}
			lines[n-1] = sentence(lines[n-1])
		}
		lines = append(lines, line)
	}
	return sentence(strings.TrimSpace(strings.Join(lines, "\n")))
}

// words makes one line of a text of people, of what of it shows.
func words(text string) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c):
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
	// Of two quotes gofmt makes a curly one, and of a row of them another at each
	// run.
	for _, quote := range []string{"`", "'"} {
		for strings.Contains(text, quote+quote) {
			text = strings.ReplaceAll(text, quote+quote, quote)
		}
	}
	return strings.Join(strings.Fields(text), " ")
}

// sentence ends a text with a period, if it ends with none.
func sentence(text string) string {
	if last, _ := utf8.DecodeLastRuneInString(text); text == "" || strings.ContainsRune(".!?:…。", last) {
		return text
	}
	return text + "."
}
