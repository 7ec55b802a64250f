package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What docs/from-pikku.md tells users to run and to write is in the script
// that runs it.
func TestTheMoveFromPikkuIsWhatTheTestsRun(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "from-pikku.md"))
	if os.IsNotExist(err) {
		t.Skip("this is no checkout of the repository, but the module by itself")
	}
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "generate", "from-pikku.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	commands, files := 0, 0
	for _, block := range regexp.MustCompile("(?ms)^(<!--[^\n]*-->\n)?```(sh|yaml|go)\n(.*?)^```$").FindAllStringSubmatch(string(page), -1) {
		mark, kind, text := block[1], block[2], block[3]
		switch {
		case kind == "sh":
			for line := range strings.Lines(text) {
				commands++
				if !strings.Contains(string(script), "\nexec "+line) {
					t.Errorf("the page has a command that the script does not run: %s", line)
				}
			}
		case strings.HasPrefix(mark, "<!-- from:"): // which is compared with its source elsewhere
		default:
			files++
			if !strings.Contains(string(script), "\n"+text+"-- ") {
				t.Errorf("the page has a file that the script does not use:\n%s", text)
			}
		}
	}
	if commands < 4 || files < 2 {
		t.Errorf("%d commands and %d files were found on the page", commands, files)
	}
}
