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
// it generates.
const watchPause = 250 * time.Millisecond

// Watch runs [Run] now, and again whenever a Go file of the packages, a go.mod or a
// go.work has changed, until ctx ends; it returns the context's error. told is
// called after each run with what Run returned. A failure ends nothing.
//
// It looks at the files' times and sizes four times a second. What the packages import
// from modules of the module cache does not change, and is not looked at.
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
		for last := seen; ; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(watchPause):
			}
			now := list.look()
			if maps.Equal(now, last) && !maps.Equal(now, seen) {
				break // it has changed, and then was quiet
			}
			last = now
		}
	}
}

// watchList is what a run has looked at.
type watchList struct {
	dirs []string // whose Go files count
	more []string // go.mod and go.work, there or not
	skip []string // the results

	// files are the Go files outside the module cache by the names that the
	// compiler gives them: their own, with slashes, and with -trimpath those below the
	// path of their package.
	files map[string]string
	named map[string]string // those of the packages that were named
}

func (l watchList) empty() bool { return len(l.dirs) == 0 && len(l.more) == 0 }

// watchListOf lists the folders of packages and of what they import outside the
// module cache, and the folders above these up to the module's: a new package
// shows as a new folder.
func (r *run) watchListOf(pkgs []*packages.Package) watchList {
	l := firstList(r.Config)
	l.files, l.named = map[string]string{}, map[string]string{}
	dirs := map[string]bool{r.out.dir: true}
	more := map[string]bool{}
	for _, f := range l.more {
		more[f] = true
	}
	packages.Visit(pkgs, func(p *packages.Package) bool {
		local := p.Module != nil && (p.Module.Main || p.Module.Replace != nil && p.Module.Replace.Version == "")
		if !local {
			return p.Module != nil // the standard library imports none of ours
		}
		addFiles(l.files, p)
		module := p.Module.Dir
		if p.Module.GoMod != "" {
			more[p.Module.GoMod] = true
		}
		for _, f := range append(slices.Clip(p.GoFiles), p.IgnoredFiles...) {
			for dir := filepath.Dir(f); !dirs[dir]; dir = filepath.Dir(dir) {
				dirs[dir] = true
				if dir == module || !strings.HasPrefix(dir, module) {
					break
				}
			}
		}
		return true
	}, nil)
	for _, p := range pkgs {
		addFiles(l.named, p)
	}
	l.dirs = slices.Sorted(maps.Keys(dirs))
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

// A view is what a look finds: of each file its time and size, and of each
// folder that it is there.
type view map[string]mark

type mark struct {
	time int64
	size int64
}

func (l watchList) look() view {
	v := view{}
	add := func(name string, info fs.FileInfo, err error) {
		if err == nil && !info.IsDir() {
			v[name] = mark{info.ModTime().UnixNano(), info.Size()}
		}
	}
	for _, dir := range l.dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			switch {
			case strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_"):
			case e.IsDir():
				v[name] = mark{}
			case strings.HasSuffix(name, ".go") && !slices.Contains(l.skip, name):
				info, err := e.Info()
				add(name, info, err)
			}
		}
	}
	for _, name := range l.more {
		info, err := os.Stat(name)
		add(name, info, err)
	}
	return v
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
