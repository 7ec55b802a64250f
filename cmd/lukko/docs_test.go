package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// walk calls f with every command that is not hidden.
func walk(c *cobra.Command, f func(*cobra.Command)) {
	f(c)
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			walk(sub, f)
		}
	}
}

func TestEveryCommandAndFlagIsInTheDocumentation(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "cli.md")
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skip("this is no checkout of the repository, but the module by itself")
	}
	if err != nil {
		t.Fatal(err)
	}
	doc := string(data)
	for _, problem := range undocumented(newRoot(newApp()), doc) {
		t.Error(problem)
	}
	for _, variable := range []string{"LUKKO_CONFIG", "LUKKO_ENV", "LUKKO_IDENTITY", "LUKKO_IDENTITY_FILE"} {
		if !strings.Contains(doc, "| `"+variable+"`") {
			t.Errorf("docs/cli.md has no row for %s", variable)
		}
	}

	// The test above can fail.
	root := newRoot(newApp())
	list, _, err := root.Find([]string{"list"})
	if err != nil {
		t.Fatal(err)
	}
	list.Flags().Bool("unheard-of", false, "")
	list.AddCommand(&cobra.Command{Use: "secretly", Run: func(*cobra.Command, []string) {}})
	if got := undocumented(root, doc); len(got) != 3 {
		t.Errorf("an undocumented flag and command, without an example: %q", got)
	}
}

// undocumented lists what is missing in the documentation of the commands:
// their section, an example in it, and each of their flags there.
func undocumented(root *cobra.Command, doc string) (problems []string) {
	sections := regexp.MustCompile(`(?m)^##+ (lukko.*)$`).FindAllStringSubmatchIndex(doc, -1)
	section := map[string]string{}
	for i, at := range sections {
		end := len(doc)
		if i+1 < len(sections) {
			end = sections[i+1][0]
		}
		section[doc[at[2]:at[3]]] = doc[at[1]:end]
	}
	walk(root, func(c *cobra.Command) {
		name := c.CommandPath()
		if shell := strings.TrimPrefix(name, "lukko completion "); shell != name {
			if !strings.Contains(section["lukko completion"], "`"+shell+"`") {
				problems = append(problems, name+" is not named")
			}
			return
		}
		text := section[name]
		if c == root {
			text = doc
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !strings.Contains(text, "`--"+f.Name) {
				problems = append(problems, name+": no --"+f.Name)
			}
		})
		if text == "" {
			problems = append(problems, name+" has no section")
		}
		if c.Name() != "recipients" && !strings.Contains(text, name) {
			problems = append(problems, name+" has no example")
		}
	})
	return problems
}

func TestEveryCommandHasAShortHelpWithAnExample(t *testing.T) {
	t.Parallel()
	walk(newRoot(newApp()), func(c *cobra.Command) {
		name := c.CommandPath()
		if strings.HasPrefix(name, "lukko completion ") {
			return // the library's
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || len(c.Short) > 80 {
			t.Errorf("%s: its short help is missing, long, or a sentence", name)
		}
		if !strings.Contains(c.Example, "lukko") {
			t.Errorf("%s has no example", name)
		}
		if n := strings.Count(c.Long, "\n"); n > 12 && c.Name() != "completion" {
			t.Errorf("%s: its help has %d lines", name, n)
		}
		for _, line := range strings.Split(c.Long, "\n") {
			if len([]rune(line)) > 82 {
				t.Errorf("%s: a line of %d columns in its help", name, len([]rune(line)))
			}
		}
	})
}
