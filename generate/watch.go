package generate

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/go/packages"

	"github.com/lukko-dev/lukko/schema/metadata"
)

// watchPause is how often Watch looks, and how long nothing must change before
// it generates. watchShare is how much longer than a look the pause is at least: of
// one processor a twentieth.
const (
	watchPause = 250 * time.Millisecond
	watchShare = 20
)

// Watch runs [Run] now, and again whenever a Go file of the packages' modules, a
// go.mod or a go.work has changed, until ctx ends; it returns the context's error.
// told is called after each run with what Run returned. A failure ends nothing.
//
// It looks at the files' times and sizes four times a second, and less often where that
// takes long: no system lacks these, and no limit is met. What the packages import from
// the module cache does not change, and is not looked at.
func Watch(ctx context.Context, cfg Config, told func(Result, error)) error {
	var list watchList
	for {
		began := time.Now()
		before := list.look()
		result, err := Run(ctx, cfg)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		told(result, err)
		if !result.watch.empty() {
			list = result.watch
		} else if list.empty() {
			list = firstList(cfg)
		}
		seen := list.look()
		if seen.changedSince(before, began) {
			continue // while it ran
		}
		pause := watchPause
		for last := seen; ; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
			began := time.Now()
			now := list.look()
			pause = max(watchPause, watchShare*time.Since(began))
			if maps.Equal(now, last) && !maps.Equal(now, seen) {
				break // it has changed, and then was quiet
			}
			last = now
		}
	}
}

// watchList is what a run has looked at.
type watchList struct {
	dirs []string // in and below which Go files count
	more []string // go.mod and go.work, there or not
	skip []string // the results

	// files are the Go files outside the module cache by the names that the
	// compiler gives them: their own, with slashes, and with -trimpath those below the
	// path of their package.
	files map[string]string
	named map[string]string // those of the packages that were named
}

func (l watchList) empty() bool { return len(l.dirs) == 0 && len(l.more) == 0 }

// watchListOf lists the modules of packages and of what they import outside the
// module cache. A whole module is looked at, as a new folder in it may be a new
// package.
func (r *run) watchListOf(pkgs []*packages.Package) watchList {
	l := firstList(r.Config)
	l.files, l.named = map[string]string{}, map[string]string{}
	roots, more := map[string]bool{}, map[string]bool{}
	for _, f := range l.more {
		more[f] = true
	}
	packages.Visit(pkgs, func(p *packages.Package) bool {
		m := p.Module
		if m == nil {
			return false // the standard library imports none of ours
		}
		if m.Main || m.Replace != nil && m.Replace.Version == "" {
			addFiles(l.files, p)
			roots[m.Dir] = true
			more[m.GoMod] = true
		}
		return true
	}, nil)
	for _, p := range pkgs {
		addFiles(l.named, p)
	}
	if len(roots) > 0 {
		l.dirs = slices.Sorted(maps.Keys(roots))
	}
	l.more = slices.Sorted(maps.Keys(more))
	l.skip = []string{filepath.Join(r.out.dir, GoFile), filepath.Join(r.out.dir, metadata.FileName)}
	return l
}

func addFiles(files map[string]string, p *packages.Package) {
	for _, f := range p.GoFiles {
		files[filepath.ToSlash(f)] = f
		files[p.PkgPath+"/"+filepath.Base(f)] = f
	}
}

// firstList is what to look at before anything is known of the packages: the
// folder, and the files of modules in it and above.
func firstList(cfg Config) (l watchList) {
	dir, err := resolve(cfg.Dir)
	if err != nil {
		return l
	}
	l.dirs = []string{dir}
	for at := dir; ; at = filepath.Dir(at) {
		for _, name := range []string{"go.mod", "go.work"} {
			l.more = append(l.more, filepath.Join(at, name))
		}
		if filepath.Dir(at) == at {
			return l
		}
	}
}

// A view is what a look finds: of each file its time and size.
type view map[string]mark

type mark struct {
	time int64
	size int64
}

func (l watchList) look() view {
	v := view{}
	for _, dir := range l.dirs {
		l.lookInto(dir, v)
	}
	for _, name := range l.more {
		if info, err := os.Stat(name); err == nil {
			v.add(name, info)
		}
	}
	return v
}

// lookInto looks at the Go files in and below a folder, but for those that the go
// command does not take for packages of the module.
func (l watchList) lookInto(dir string, v view) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // it has gone, or is none of ours
	}
	for _, e := range entries {
		name := e.Name()
		file := filepath.Join(dir, name)
		switch {
		case name[0] == '.' || name[0] == '_':
		case e.IsDir():
			if _, err := os.Lstat(filepath.Join(file, "go.mod")); err != nil && name != "vendor" && name != "testdata" && name != "node_modules" {
				l.lookInto(file, v)
			}
		case strings.HasSuffix(name, ".go") && !slices.Contains(l.skip, file):
			if info, err := e.Info(); err == nil {
				v.add(file, info)
			}
		}
	}
}

func (v view) add(name string, info fs.FileInfo) {
	v[name] = mark{info.ModTime().UnixNano(), info.Size()}
}

// changedSince reports whether what was seen is another than before, or has
// files that were not looked at then and are younger than that.
func (v view) changedSince(before view, began time.Time) bool {
	for name, now := range v {
		was, known := before[name]
		if known && was != now || !known && now.time >= began.UnixNano() {
			return true
		}
	}
	for name := range before {
		if _, there := v[name]; !there {
			if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
				return true
			}
		}
	}
	return false
}
