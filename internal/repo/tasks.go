package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/lukko-dev/lukko/internal/repo/runs"
	"github.com/lukko-dev/lukko/internal/repo/workspace"
)

func fuzz(ws *workspace.Workspace, args []string) error {
	if len(args) != 1 {
		return errors.New("for how long? For example: scripts/repo fuzz 10m")
	}
	each, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	return runs.Fuzz(ws, each, os.Stdout)
}

func withoutRace(ws *workspace.Workspace, _ []string) error {
	packages, err := runs.WithoutRace(ws)
	for _, p := range packages {
		fmt.Printf("%s\t%s\n", p.Dir, p.Pattern())
	}
	return err
}

func bench(ws *workspace.Workspace, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	rounds := flags.Int("rounds", 10, "how often each benchmark runs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	modules, err := pick(ws, flags.Args())
	if err != nil {
		return err
	}
	return runs.Bench(ws, modules, *rounds, filepath.Join(ws.Root, ".bin", "bench"), os.Stdout)
}

func version(ws *workspace.Workspace, args []string) error {
	if len(args) == 0 {
		fmt.Println(ws.Version)
		return nil
	}
	return ws.SetVersion(args[0])
}
