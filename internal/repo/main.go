// Command repo does what is done to all modules of the repository alike. Its
// scripts in scripts/ and the Makefile call it; people call those.
//
// It needs no sibling and runs with GOWORK=off, and so also while another
// module of the workspace does not build.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lukko-dev/lukko/internal/repo/docs"
	"github.com/lukko-dev/lukko/internal/repo/rehearsal"
	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

type command struct {
	name, usage, help string
	run               func(ws *workspace.Workspace, args []string) error
}

var commands = []command{
	{"list", "list [--published]", "print the folders of the modules, siblings before those that need them", list},
	{"tidy", "tidy [--check] [MODULE...]", "go mod tidy, for all modules and go.work.sum, or for the modules named", tidy},
	{"get", "get MODULE PACKAGE[@VERSION]...", "go get for one module", get},
	{"version", "version [VERSION]", "print the version that siblings require each other at, or set it", version},
	{"dependencies", "dependencies [--write]", "print what each published module links, or write it to internal/repo/dependencies.txt", dependencies},
	{"docs", "docs [--write]", "check the Go blocks and links of all Markdown files, or bring the blocks up to date", checkDocs},
	{"fuzz", "fuzz DURATION", "run each fuzz target for so long", fuzz},
	{"bench", "bench [-rounds N] [MODULE...]", "run the benchmarks in rounds and hold what is compared to its limit", bench},
	{"without-race", "without-race", "print the folders of packages to be tested without the race detector, too, each with a pattern of its tests", withoutRace},
	{"rehearse", "rehearse", "publish to a file proxy, then install and import everything from outside", rehearse},
}

func main() {
	root := flag.String("root", ".", "the repository's `folder`")
	flag.Usage = usage
	flag.Parse()
	if err := run(*root, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string, args []string) error {
	if len(args) == 0 {
		usage()
		return errors.New("no command given")
	}
	for _, c := range commands {
		if c.name != args[0] {
			continue
		}
		ws, err := workspace.Load(root)
		if err != nil {
			return err
		}
		return c.run(ws, args[1:])
	}
	usage()
	return fmt.Errorf("no command %q", args[0])
}

func usage() {
	for _, c := range commands {
		fmt.Fprintf(os.Stderr, "repo %s\n    %s\n", c.usage, c.help)
	}
}

func list(ws *workspace.Workspace, args []string) error {
	published := len(args) > 0 && args[0] == "--published"
	for _, m := range ws.Modules {
		if m.Published || !published {
			fmt.Println(m.Dir)
		}
	}
	return nil
}

func tidy(ws *workspace.Workspace, args []string) error {
	check := len(args) > 0 && args[0] == "--check"
	if check {
		args = args[1:]
	}
	modules, err := pick(ws, args)
	if err != nil {
		return err
	}
	var untidy, failed []string
	for _, m := range modules {
		changed, err := ws.Tidy(m, check, os.Stderr)
		if err != nil {
			// The others are independent of it: say which one it was, and go on.
			fmt.Fprintln(os.Stderr, err)
			failed = append(failed, m.Dir)
		}
		untidy = append(untidy, changed...)
	}
	if len(args) == 0 && len(failed) == 0 {
		changed, err := ws.TidySum(check)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			failed = append(failed, "go.work.sum")
		}
		if changed {
			untidy = append(untidy, "go.work.sum")
		}
	}
	switch {
	case len(failed) > 0:
		return fmt.Errorf("could not tidy %s", strings.Join(failed, ", "))
	case check && len(untidy) > 0:
		return fmt.Errorf("not tidy: %s; run scripts/tidy", strings.Join(untidy, ", "))
	}
	for _, name := range untidy {
		fmt.Println("changed", name)
	}
	return nil
}

func pick(ws *workspace.Workspace, names []string) ([]workspace.Module, error) {
	if len(names) == 0 {
		return ws.Modules, nil
	}
	var modules []workspace.Module
	for _, name := range names {
		m, err := ws.Find(name)
		if err != nil {
			return nil, err
		}
		modules = append(modules, m)
	}
	return modules, nil
}

func get(ws *workspace.Workspace, args []string) error {
	if len(args) < 2 {
		return errors.New("give a module and a package: scripts/get MODULE PACKAGE[@VERSION]")
	}
	m, err := ws.Find(args[0])
	if err != nil {
		return err
	}
	changed, err := ws.Get(m, os.Stderr, args[1:]...)
	if err != nil {
		return err
	}
	for _, name := range changed {
		fmt.Println("changed", name)
	}
	return nil
}

func dependencies(ws *workspace.Workspace, args []string) error {
	text, err := ws.Dependencies()
	if err != nil {
		return err
	}
	if len(args) > 0 && args[0] == "--write" {
		return os.WriteFile(filepath.Join(ws.Root, "internal", "repo", "dependencies.txt"), []byte(text), 0o644)
	}
	fmt.Print(text)
	return nil
}

func rehearse(ws *workspace.Workspace, _ []string) error {
	return rehearsal.Run(ws, os.Stdout)
}

func checkDocs(ws *workspace.Workspace, args []string) error {
	if len(args) > 0 && args[0] == "--write" {
		return docs.Write(ws.Root)
	}
	problems, err := docs.Check(ws.Root)
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if len(problems) > 0 {
		return fmt.Errorf("%d faults in the documentation", len(problems))
	}
	return nil
}
